"""The door for the mall and its lotteries."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import mall_pb2 as pb
from laurel.benefits.v1 import mall_pb2_grpc as grpc_pb

from laurel_benefits.handlers import confirmations, lotteries, redemptions, rewards
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import mall as wire
from laurel_benefits.wire.times import read_member

Context = grpc.aio.ServicerContext[Any, Any]


class MallServicer(grpc_pb.MallServiceServicer):
    """Sells rewards for points, and draws lots."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def ListRewards(
        self, request: pb.ListRewardsRequest, context: Context
    ) -> pb.ListRewardsResponse:
        query = wire.read_list_rewards(request)
        page = await rewards.list_rewards(query, resources=self._resources)
        return wire.write_list_rewards(page, request)

    async def QuoteRedemption(
        self, request: pb.QuoteRedemptionRequest, context: Context
    ) -> pb.QuoteRedemptionResponse:
        member, reward_id = read_member(request), wire.read_reward_id(request)
        return wire.write_quote_redemption(
            await rewards.quote_redemption(member, reward_id, resources=self._resources)
        )

    async def RedeemReward(
        self, request: pb.RedeemRewardRequest, context: Context
    ) -> pb.RedeemRewardResponse:
        command = wire.read_redeem_reward(request)
        return wire.write_redeem_reward(
            await redemptions.redeem_reward(command, resources=self._resources)
        )

    async def ConfirmRedemption(
        self, request: pb.ConfirmRedemptionRequest, context: Context
    ) -> pb.ConfirmRedemptionResponse:
        command = wire.read_confirm_redemption(request)
        return wire.write_confirm_redemption(
            await confirmations.confirm_redemption(command, resources=self._resources)
        )

    async def CancelRedemption(
        self, request: pb.CancelRedemptionRequest, context: Context
    ) -> pb.CancelRedemptionResponse:
        command = wire.read_cancel_redemption(request)
        return wire.write_cancel_redemption(
            await redemptions.cancel_redemption(command, resources=self._resources)
        )

    async def DrawLottery(
        self, request: pb.DrawLotteryRequest, context: Context
    ) -> pb.DrawLotteryResponse:
        command = wire.read_draw_lottery(request)
        return wire.write_draw_lottery(
            await lotteries.draw_lottery(command, resources=self._resources)
        )

    async def VerifyDraw(
        self, request: pb.VerifyDrawRequest, context: Context
    ) -> pb.VerifyDrawResponse:
        member, draw_id = read_member(request), wire.read_draw_id(request)
        return wire.write_verify_draw(
            await lotteries.verify_draw(member, draw_id, resources=self._resources)
        )
