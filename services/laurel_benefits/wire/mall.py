"""The mall and its lotteries: from the wire and back."""

from __future__ import annotations

from laurel.benefits.v1 import mall_pb2 as pb
from laurel_kit.money import read_money, write_money
from laurel_kit.pages import PageTokens, page_size

from laurel_benefits.domain.ids import DrawId, LotteryId, RedemptionId, RewardId
from laurel_benefits.domain.lotteries import Draw
from laurel_benefits.domain.lottery_rules import Prize
from laurel_benefits.domain.mall import Redemption, RedemptionState
from laurel_benefits.handlers.confirmations import ConfirmedRedemption, ConfirmRedemption
from laurel_benefits.handlers.lotteries import DrawLottery, DrawnLottery, VerifiedDraw
from laurel_benefits.handlers.redemptions import (
    CancelledRedemption,
    CancelRedemption,
    RedeemedReward,
    RedeemReward,
)
from laurel_benefits.handlers.rewards import ListRewards, LotteryView, RewardPage, RewardView
from laurel_benefits.wire.decisions import write_decision
from laurel_benefits.wire.repeats import read_write_key
from laurel_benefits.wire.times import read_member, write_instant

UNLIMITED = -1
"""What is left of something that is not limited."""


def read_list_rewards(request: pb.ListRewardsRequest) -> ListRewards:
    """The question in a request."""
    after = PageTokens.of(request).decode(request.page_token, str)
    return ListRewards(
        member=read_member(request),
        page_size=page_size(request.page_size),
        after=RewardId(str(after[0])) if after else None,
    )


def write_list_rewards(page: RewardPage, request: pb.ListRewardsRequest) -> pb.ListRewardsResponse:
    """A page of the mall, and where the next one begins."""
    last = (page.rewards[-1].reward.reward_id,) if page.more else None
    return pb.ListRewardsResponse(
        rewards=[write_reward(each) for each in page.rewards],
        lotteries=[write_lottery(each) for each in page.lotteries],
        next_page_token=PageTokens.of(request).encode(last),
    )


def write_reward(view: RewardView) -> pb.Reward:
    """A reward with the decision on it."""
    reward = view.reward
    return pb.Reward(
        reward_id=reward.reward_id,
        display_name=reward.display_name,
        asset_id=reward.asset_id,
        price_points=reward.price_points,
        price=write_money(reward.price_fen) if reward.price_fen else None,
        coupon_type_id=reward.coupon_type_id or "",
        decision=write_decision(view.decision),
        stock_left=write_left(view.stock_left),
    )


def write_lottery(view: LotteryView) -> pb.LotteryView:
    """A lottery as it is published."""
    lottery = view.lottery
    return pb.LotteryView(
        lottery_id=lottery.lottery_id,
        display_name=lottery.display_name,
        price_points=lottery.price_points,
        prizes=[write_prize(each.prize, each.stock_left) for each in view.prizes],
        nothing_ppm=lottery.nothing_ppm,
    )


def write_prize(prize: Prize, stock_left: int | None) -> pb.PublishedPrize:
    """A prize with its odds."""
    return pb.PublishedPrize(
        prize_id=prize.prize_id,
        display_name=prize.display_name,
        odds_ppm=prize.odds_ppm,
        stock_left=write_left(stock_left),
    )


def write_left(left: int | None) -> int:
    """How many are left."""
    return UNLIMITED if left is None else left


def read_reward_id(request: pb.QuoteRedemptionRequest) -> RewardId:
    """The reward a request names."""
    return RewardId(request.reward_id)


def write_quote_redemption(view: RewardView) -> pb.QuoteRedemptionResponse:
    """What a reward costs."""
    return pb.QuoteRedemptionResponse(reward=write_reward(view))


def read_redeem_reward(request: pb.RedeemRewardRequest) -> RedeemReward:
    """The command in a request."""
    return RedeemReward(
        key=read_write_key(request),
        reward_id=RewardId(request.reward_id),
        price_points=request.price_points,
        price_fen=read_money(request.price, field="price") if request.HasField("price") else 0,
        payment_reference=request.payment_reference,
    )


def write_redeem_reward(answer: RedeemedReward) -> pb.RedeemRewardResponse:
    """The answer to a wish for a reward."""
    return pb.RedeemRewardResponse(
        decision=write_decision(answer.decision),
        redemption=write_redemption(answer.redemption) if answer.redemption else None,
        replayed=answer.replayed,
    )


def read_cancel_redemption(request: pb.CancelRedemptionRequest) -> CancelRedemption:
    """The command in a request."""
    return CancelRedemption(
        key=read_write_key(request),
        redemption_id=RedemptionId(request.redemption_id),
        reason=request.reason,
    )


def write_cancel_redemption(answer: CancelledRedemption) -> pb.CancelRedemptionResponse:
    """The redemption that was given back, and the money that goes back with it."""
    fen = answer.redemption.price_fen
    return pb.CancelRedemptionResponse(
        redemption=write_redemption(answer.redemption),
        refund=write_money(fen) if fen else None,
        replayed=answer.replayed,
    )


def read_confirm_redemption(request: pb.ConfirmRedemptionRequest) -> ConfirmRedemption:
    """The command in a request."""
    return ConfirmRedemption(
        key=read_write_key(request), redemption_id=RedemptionId(request.redemption_id)
    )


def write_confirm_redemption(answer: ConfirmedRedemption) -> pb.ConfirmRedemptionResponse:
    """The redemption that is confirmed."""
    return pb.ConfirmRedemptionResponse(
        redemption=write_redemption(answer.redemption), replayed=answer.replayed
    )


def write_redemption(redemption: Redemption) -> pb.Redemption:
    """A reward that was had."""
    end, confirm_end = redemption.cancel_end_time, redemption.confirm_end_time
    confirmed = redemption.confirm_time
    # Until the points are spent a coupon is only set aside, and not the member's.
    had = redemption.state is not RedemptionState.PENDING
    return pb.Redemption(
        program_id=redemption.member.program_id,
        member_id=redemption.member.member_id,
        redemption_id=redemption.redemption_id,
        reward_id=redemption.reward_id,
        price_points=redemption.price_points,
        price=write_money(redemption.price_fen) if redemption.price_fen else None,
        coupon_id=(redemption.coupon_id or "") if had else "",
        state=pb.RedemptionState.Value(f"REDEMPTION_STATE_{redemption.state.value}"),
        refusal=redemption.refusal,
        redeem_time=write_instant(redemption.redeem_time),
        cancel_end_time=write_instant(end) if end else None,
        cancel_reason=redemption.cancel_reason,
        ledger_request_id=redemption.ledger_request_id,
        program_revision=redemption.program_revision,
        confirm_end_time=write_instant(confirm_end) if confirm_end else None,
        confirm_time=write_instant(confirmed) if confirmed else None,
    )


def read_draw_lottery(request: pb.DrawLotteryRequest) -> DrawLottery:
    """The command in a request."""
    return DrawLottery(
        key=read_write_key(request),
        lottery_id=LotteryId(request.lottery_id),
        client_seed=request.client_seed,
        validate_only=request.validate_only,
    )


def write_draw_lottery(answer: DrawnLottery) -> pb.DrawLotteryResponse:
    """The answer to a wish for a lot."""
    return pb.DrawLotteryResponse(
        decision=write_decision(answer.decision),
        draw=write_draw(answer.draw) if answer.draw else None,
        commitment=answer.commitment,
        replayed=answer.replayed,
    )


def read_draw_id(request: pb.VerifyDrawRequest) -> DrawId:
    """The draw a request names."""
    return DrawId(request.draw_id)


def write_verify_draw(verified: VerifiedDraw) -> pb.VerifyDrawResponse:
    """What a draw rests on."""
    draw = verified.draw
    return pb.VerifyDrawResponse(
        draw=write_draw(draw),
        seed=verified.seed.value if verified.seed else "",
        reveal_time=write_instant(verified.reveal_time),
        message=draw.message,
        lot=write_left(verified.lot),
        prizes=[write_prize(prize, 0) for prize in draw.lottery.prizes],
        consistent=verified.consistent,
    )


def write_draw(draw: Draw) -> pb.Draw:
    """A lot and what it won."""
    return pb.Draw(
        program_id=draw.member.program_id,
        member_id=draw.member.member_id,
        draw_id=draw.draw_id,
        lottery_id=draw.lottery.lottery_id,
        state=pb.DrawState.Value(f"DRAW_STATE_{draw.state.value}"),
        prize_id=draw.prize_id or "",
        points=draw.prize.points if draw.prize else 0,
        coupon_id=draw.coupon_id or "",
        out_of_stock=draw.out_of_stock,
        commitment=draw.commitment,
        refusal=draw.refusal,
        draw_time=write_instant(draw.draw_time),
        program_revision=draw.program_revision,
    )
