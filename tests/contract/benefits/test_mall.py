"""The mall through the door: rewards for points and money, and lots that are verified."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import coupons_pb2, decisions_pb2
from laurel.benefits.v1 import mall_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    World,
    benefits_world,
    checkout_draft,
    money,
)
from tests.support.benefits_shop import changed, of_member, of_program, refused, score
from tests.support.databases import DatabaseOf

UNKNOWN = "019aa000-0000-7000-8000-000000000001"
POOR = (grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_POINTS")


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        score(world, 201)
        yield world


async def import_codes(world: World, *codes: str) -> None:
    request = of_program(coupons_pb2.ImportCodesRequest, coupon_type_id="reading-50", codes=codes)
    operation = await world.coupons.ImportCodes(request, timeout=PATIENCE)
    await world.finished(operation, coupons_pb2.ImportCodesResponse())


async def redeem(world: World, reward_id: str = "tea-cup", **options: Any) -> Any:
    price = {"price_points": 2000, "price": money("9.90")}
    if reward_id == "reading-coupon":
        price = {"price_points": 10}
    request = of_member(pb.RedeemRewardRequest, reward_id=reward_id, **(price | options))
    return await world.mall.RedeemReward(request, timeout=PATIENCE)


async def cancel(world: World, redemption_id: str, **options: Any) -> Any:
    content = {"redemption_id": redemption_id, "reason": "changed my mind"}
    request = of_member(pb.CancelRedemptionRequest, **(content | options))
    return await world.mall.CancelRedemption(request, timeout=PATIENCE)


async def quote(world: World, reward_id: str) -> pb.Reward:
    request = of_member(pb.QuoteRedemptionRequest, reward_id=reward_id)
    return (await world.mall.QuoteRedemption(request, timeout=PATIENCE)).reward


async def draw(world: World, **options: Any) -> Any:
    content = {"lottery_id": "big-fight", "client_seed": "my words"}
    request = of_member(pb.DrawLotteryRequest, **(content | options))
    return await world.mall.DrawLottery(request, timeout=PATIENCE)


async def verify(world: World, draw_id: str) -> Any:
    request = of_member(pb.VerifyDrawRequest, draw_id=draw_id)
    return await world.mall.VerifyDraw(request, timeout=PATIENCE)


async def coupons_of(world: World) -> list[Any]:
    request = of_member(coupons_pb2.ListCouponsRequest)
    return list((await world.coupons.ListCoupons(request, timeout=PATIENCE)).coupons)


async def test_list_rewards_shows_prices_stock_decisions_and_odds(world: World) -> None:
    first = await world.mall.ListRewards(of_member(pb.ListRewardsRequest, page_size=1), timeout=9)
    (voucher,) = first.rewards
    assert (voucher.reward_id, voucher.price_points, voucher.stock_left) == (
        "reading-coupon",
        10,
        0,
    )
    assert voucher.decision.reasons[0].code == decisions_pb2.DECISION_REASON_STOCK_EXHAUSTED
    (lottery,) = first.lotteries
    assert [prize.odds_ppm for prize in lottery.prizes] == [1000, 50000, 200000]
    assert (lottery.nothing_ppm, lottery.prizes[0].stock_left) == (749000, 100)
    request = of_member(pb.ListRewardsRequest, page_size=1, page_token=first.next_page_token)
    rest = await world.mall.ListRewards(request, timeout=PATIENCE)
    assert [each.reward_id for each in rest.rewards] == ["tea-cup"]
    assert (rest.next_page_token, list(rest.lotteries)) == ("", [])


async def test_quote_redemption_says_price_and_decision(world: World) -> None:
    cup = await quote(world, "tea-cup")
    assert cup.decision.allowed
    assert (cup.price_points, cup.price, cup.stock_left) == (2000, money("9.90"), 500)
    assert (await refused(quote(world, "nothing")))[1] == "REWARD_NOT_FOUND"


async def test_redeem_reward_for_points_and_cash_spends_and_counts(world: World) -> None:
    answer = await redeem(world)
    assert answer.redemption.state == pb.REDEMPTION_STATE_REDEEMED
    assert world.ledger.amounts == {"redemption": -2000}
    assert (await quote(world, "tea-cup")).stock_left == 499
    (reason,) = (await redeem(world)).decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_QUOTA_USED


async def test_redeem_reward_turns_ten_beans_into_a_partners_code_e26(world: World) -> None:
    await import_codes(world, "secret")
    answer = await redeem(world, "reading-coupon")
    assert world.ledger.amounts == {"redemption": -10}
    (coupon,) = await coupons_of(world)
    assert (coupon.code, coupon.amount_off, coupon.source) == ("secret", money("50"), "mall")
    assert coupon.coupon_id == answer.redemption.coupon_id


async def test_redeem_reward_without_points_gives_everything_back(world: World) -> None:
    await import_codes(world, "secret")
    world.ledger.refusal = POOR
    answer = await redeem(world, "reading-coupon", request_id="again")
    assert not answer.decision.allowed
    (reason,) = answer.decision.reasons
    assert (reason.code, reason.required) == (decisions_pb2.DECISION_REASON_BALANCE_TOO_LOW, 10)
    assert answer.redemption.state == pb.REDEMPTION_STATE_REFUSED
    assert await coupons_of(world) == []
    world.ledger.refusal = None
    again = await redeem(world, "reading-coupon", request_id="again")
    assert again.replayed
    assert not again.decision.allowed
    assert (await redeem(world, "reading-coupon")).decision.allowed
    assert (await coupons_of(world))[0].code == "secret"


async def test_redeem_reward_is_finished_by_a_repeat_when_the_ledger_was_away(
    world: World,
) -> None:
    await import_codes(world, "secret")
    world.ledger.away = True
    assert (await refused(redeem(world, "reading-coupon", request_id="again")))[1] == (
        "DEPENDENCY_DOWN"
    )
    (held,) = await coupons_of(world)
    assert (held.state, held.code) == (coupons_pb2.COUPON_STATE_RESERVED, "")
    world.ledger.away = False
    again = await redeem(world, "reading-coupon", request_id="again")
    assert again.replayed
    assert again.redemption.state == pb.REDEMPTION_STATE_REDEEMED
    assert (await coupons_of(world))[0].code == "secret"
    assert world.ledger.amounts == {"redemption": -10}


async def test_redeem_reward_at_another_price_is_refused(world: World) -> None:
    code, reason, metadata = await refused(redeem(world, price_points=1999))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REWARD_PRICE_CHANGED")
    assert metadata == {"reward_id": "tea-cup", "price_points": "2000", "price_fen": "990"}


async def test_redeem_reward_below_the_gate_is_refused_o1(world: World) -> None:
    await import_codes(world, "secret")
    score(world, 200)
    (reason,) = (await redeem(world, "reading-coupon")).decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_SCORE_TOO_LOW


async def test_cancel_redemption_gives_points_money_and_stock_back(world: World) -> None:
    bought = (await redeem(world)).redemption
    first = await cancel(world, bought.redemption_id, request_id="again")
    assert first.redemption.state == pb.REDEMPTION_STATE_CANCELLED
    assert first.refund == money("9.90")
    (reversal,) = world.ledger.points.reversals.values()
    assert reversal.restored == 2000
    again = await cancel(world, bought.redemption_id, request_id="again")
    assert again.replayed
    assert again.redemption == first.redemption
    assert len(world.ledger.points.reversals) == 1
    assert (await quote(world, "tea-cup")).stock_left == 500
    assert (await refused(cancel(world, bought.redemption_id)))[1] == "REDEMPTION_NOT_CANCELLABLE"
    assert (await refused(cancel(world, UNKNOWN)))[1] == "REDEMPTION_NOT_FOUND"


async def test_cancel_redemption_takes_the_coupon_and_only_in_time(world: World) -> None:
    await import_codes(world, "a", "b")
    bought = (await redeem(world, "reading-coupon")).redemption
    await cancel(world, bought.redemption_id)
    assert (await coupons_of(world))[0].state == coupons_pb2.COUPON_STATE_VOIDED
    later = (await redeem(world, "reading-coupon")).redemption
    world.clock.set(world.clock.now() + timedelta(hours=24))
    code, reason, _ = await refused(cancel(world, later.redemption_id))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REDEMPTION_NOT_CANCELLABLE")


async def test_draw_lottery_takes_the_price_and_pays_the_prize(world: World) -> None:
    text = changed(
        ("odds_ppm: 200000, points: 20, value_fen: 20}", "odds_ppm: 949000, points: 20}"),
        (
            "prize_id: first, display_name: 1000 京豆, odds_ppm: 1000,",
            ("prize_id: first, display_name: 1000 京豆, odds_ppm: 1,"),
        ),
        ("odds_ppm: 50000,", "odds_ppm: 50999,"),
    )
    await world.apply(text, effective_time=world.clock.now())
    answer = await draw(world, request_id="again")
    assert answer.draw.state == pb.DRAW_STATE_DRAWN
    assert answer.draw.prize_id
    assert world.ledger.amounts["draw"] == -20
    assert world.ledger.amounts["prize"] == answer.draw.points
    again = await draw(world, request_id="again")
    assert again.replayed
    assert again.draw == answer.draw
    assert world.ledger.amounts["draw"] == -20


async def test_spending_points_changes_no_status_o54(world: World) -> None:
    world.ledger.give(MEMBER, 10_000)
    await redeem(world)
    await draw(world)
    order = checkout_draft()
    assert (await world.reserve(order, 1000)).decision.allowed
    await world.commit(order.order_id)
    assert world.ledger.amounts["redemption"] == -2000
    assert world.scoring.facts == {}


async def test_draw_lottery_without_points_draws_nothing_p62(world: World) -> None:
    world.ledger.refusal = POOR
    answer = await draw(world)
    assert not answer.decision.allowed
    assert answer.decision.reasons[0].code == decisions_pb2.DECISION_REASON_BALANCE_TOO_LOW
    assert answer.draw.state == pb.DRAW_STATE_REFUSED
    assert not answer.draw.prize_id


async def test_draw_lottery_that_is_only_validated_says_the_commitment(world: World) -> None:
    promised = await draw(world, validate_only=True)
    assert promised.decision.allowed
    assert not promised.HasField("draw")
    assert world.ledger.posted == {}
    assert (await draw(world)).commitment == promised.commitment
    assert (await refused(draw(world, lottery_id="x")))[1] == "LOTTERY_NOT_FOUND"


async def test_verify_draw_reveals_the_seed_after_the_day_and_anybody_can_check(
    world: World,
) -> None:
    drawn = (await draw(world)).draw
    early = await verify(world, drawn.draw_id)
    assert (early.seed, early.lot, early.consistent) == ("", -1, False)
    world.clock.set(world.clock.now() + timedelta(days=1))
    told = await verify(world, drawn.draw_id)
    assert hashlib.sha256(told.seed.encode()).hexdigest() == drawn.commitment
    digest = hmac.new(told.seed.encode(), told.message.encode(), hashlib.sha256).hexdigest()
    assert told.lot == int(digest, 16) % 1_000_000
    assert told.message == f"big-fight/{drawn.draw_id}/my words"
    assert told.consistent
    assert (await refused(verify(world, UNKNOWN)))[1] == "DRAW_NOT_FOUND"
