"""The door for merchants and the memberships of their shops."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import merchants_pb2 as pb
from laurel.benefits.v1 import merchants_pb2_grpc as grpc_pb

from laurel_benefits.handlers import gifts, merchants, shop_memberships
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import merchants as wire
from laurel_benefits.wire.times import read_member

Context = grpc.aio.ServicerContext[Any, Any]


class MerchantServicer(grpc_pb.MerchantServiceServicer):
    """Keeps what merchants have bought and given, and who is a member of their shops."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def CreateMerchant(
        self, request: pb.CreateMerchantRequest, context: Context
    ) -> pb.CreateMerchantResponse:
        command = wire.read_create_merchant(request)
        return wire.write_create_merchant(
            await merchants.create_merchant(command, resources=self._resources)
        )

    async def GetMerchant(
        self, request: pb.GetMerchantRequest, context: Context
    ) -> pb.GetMerchantResponse:
        program_id, merchant_id = wire.read_merchant(request)
        return wire.write_get_merchant(
            await merchants.get_merchant(program_id, merchant_id, resources=self._resources)
        )

    async def FundMerchant(
        self, request: pb.FundMerchantRequest, context: Context
    ) -> pb.FundMerchantResponse:
        command = wire.read_fund_merchant(request)
        return wire.write_fund_merchant(
            await merchants.fund_merchant(command, resources=self._resources)
        )

    async def GrantPoints(
        self, request: pb.GrantPointsRequest, context: Context
    ) -> pb.GrantPointsResponse:
        command = wire.read_grant_points(request)
        return wire.write_grant_points(await gifts.grant_points(command, resources=self._resources))

    async def GetSettlementStatement(
        self, request: pb.GetSettlementStatementRequest, context: Context
    ) -> pb.GetSettlementStatementResponse:
        query = wire.read_statement(request)
        statement = await merchants.get_settlement_statement(query, resources=self._resources)
        return wire.write_statement(statement, request)

    async def JoinShop(self, request: pb.JoinShopRequest, context: Context) -> pb.JoinShopResponse:
        command = wire.read_join_shop(request)
        return wire.write_join_shop(
            await shop_memberships.join_shop(command, resources=self._resources)
        )

    async def GetShopMembership(
        self, request: pb.GetShopMembershipRequest, context: Context
    ) -> pb.GetShopMembershipResponse:
        member, shop_id = read_member(request), wire.read_shop_id(request)
        return wire.write_get_shop_membership(
            await shop_memberships.get_shop_membership(member, shop_id, resources=self._resources)
        )
