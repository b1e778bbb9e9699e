"""What points buy, in a program: from the message to the model, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laurel.program.v1 import mall_section_pb2 as pb
from laurel.program.v1.program_pb2 import Program

from laurel_benefits.domain.ids import CouponTypeId, LotteryId, PrizeId, RewardId, ScoreModelId
from laurel_benefits.domain.lottery_rules import Lottery, Prize, lottery_faults
from laurel_benefits.domain.mall_rules import MallReward, MallRules
from laurel_benefits.domain.program_checks import Fault, not_one_of, repeated
from laurel_benefits.wire.gates import LevelPositions, read_gate, read_source
from laurel_benefits.wire.reference_faults import (
    asset_faults,
    funding_faults,
    gate_faults,
    model_faults,
    redemption_faults,
)

MALL, LOTTERIES = "benefits.mall", "benefits.lotteries"


def read_mall(message: pb.MallRules, levels: LevelPositions) -> MallRules:
    """What points buy."""
    rewards = [read_reward(each, message, levels) for each in message.rewards]
    return MallRules(
        asset_id=message.asset_id,
        redemption_account_id=message.redemption_account_id,
        score_model_id=ScoreModelId(message.score_model_id),
        score_source=read_source(message.score_source),
        rewards={reward.reward_id: reward for reward in rewards},
    )


def read_reward(message: pb.MallReward, mall: pb.MallRules, levels: LevelPositions) -> MallReward:
    """Something that points buy."""
    cancellable = message.HasField("cancel_lifetime")
    confirmed = message.HasField("confirm_lifetime")
    return MallReward(
        reward_id=RewardId(message.reward_id),
        display_name=message.display_name,
        asset_id=message.asset_id or mall.asset_id,
        price_points=message.price_points,
        price_fen=message.price_fen,
        coupon_type_id=CouponTypeId(message.coupon_type_id) if message.coupon_type_id else None,
        stock=message.stock or None,
        per_member_max=message.per_member_max or None,
        per_member_daily_max=message.per_member_daily_max or None,
        gate=read_gate(message.gate, mall.score_model_id, levels),
        cancel_lifetime=message.cancel_lifetime.ToTimedelta() if cancellable else None,
        confirm_lifetime=message.confirm_lifetime.ToTimedelta() if confirmed else None,
    )


def read_lotteries(messages: Sequence[pb.Lottery]) -> dict[LotteryId, Lottery]:
    """Lotteries by their names."""
    lotteries = [read_lottery(message) for message in messages]
    return {lottery.lottery_id: lottery for lottery in lotteries}


def read_lottery(message: pb.Lottery) -> Lottery:
    """A lottery with its prizes."""
    return Lottery(
        lottery_id=LotteryId(message.lottery_id),
        display_name=message.display_name,
        asset_id=message.asset_id,
        redemption_account_id=message.redemption_account_id,
        funding_account_id=message.funding_account_id,
        price_points=message.price_points,
        price_value_fen=message.price_value_fen,
        payout_max_bps=message.payout_max_bps,
        prize_value_max_fen=message.prize_value_max_fen,
        per_member_daily_max=message.per_member_daily_max or None,
        prizes=tuple(read_prize(prize) for prize in message.prizes),
    )


def read_prize(message: pb.Prize) -> Prize:
    """Something that can be won."""
    return Prize(
        prize_id=PrizeId(message.prize_id),
        display_name=message.display_name,
        odds_ppm=message.odds_ppm,
        points=message.points,
        coupon_type_id=CouponTypeId(message.coupon_type_id) if message.coupon_type_id else None,
        value_fen=message.value_fen,
        stock=message.stock or None,
    )


def mall_faults(program: Program) -> Iterator[Fault]:
    """Everything wrong with what points buy."""
    mall = program.benefits.mall
    yield from asset_faults(program, f"{MALL}.asset_id", mall.asset_id)
    account = mall.redemption_account_id
    yield from redemption_faults(program, f"{MALL}.redemption_account_id", account)
    model_id, source = mall.score_model_id, mall.score_source
    yield from model_faults(program, model_id, MALL, source=source)
    names = [reward.reward_id for reward in mall.rewards]
    yield from repeated(f"{MALL}.rewards", "reward_id", names)
    for position, reward in enumerate(mall.rewards):
        path = f"{MALL}.rewards[{position}]"
        yield from gate_faults(program, reward.gate, model_id, f"{path}.gate", source=source)
        yield from coupon_faults(program, reward.coupon_type_id, f"{path}.coupon_type_id")
        if reward.asset_id:
            yield from asset_faults(program, f"{path}.asset_id", reward.asset_id)


def lotteries_faults(program: Program) -> Iterator[Fault]:
    """Everything wrong with the lotteries."""
    lotteries = program.benefits.lotteries
    names = [lottery.lottery_id for lottery in lotteries]
    yield from repeated(LOTTERIES, "lottery_id", names)
    for position, message in enumerate(lotteries):
        path = f"{LOTTERIES}[{position}]"
        yield from asset_faults(program, f"{path}.asset_id", message.asset_id)
        account = message.redemption_account_id
        yield from redemption_faults(program, f"{path}.redemption_account_id", account)
        funding = message.funding_account_id
        yield from funding_faults(program, f"{path}.funding_account_id", funding)
        prizes = [prize.prize_id for prize in message.prizes]
        yield from repeated(f"{path}.prizes", "prize_id", prizes)
        for number, prize in enumerate(message.prizes):
            place = f"{path}.prizes[{number}].coupon_type_id"
            yield from coupon_faults(program, prize.coupon_type_id, place)
        yield from lottery_faults(read_lottery(message), path)


def coupon_faults(program: Program, coupon_type_id: str, path: str) -> Iterator[Fault]:
    """A coupon for points must be there, and not be as good as money (E10)."""
    rules = program.benefits.coupons
    classes = {each.coupon_type_id: each.class_id for each in rules.coupon_types}
    if not coupon_type_id:
        return
    yield from not_one_of(path, coupon_type_id, classes, what="coupon")
    cash_like = {each.class_id for each in rules.stack_classes if each.cash_like}
    if classes.get(coupon_type_id) in cash_like:
        yield path, f"{coupon_type_id} is as good as money: no points may buy it"
