"""淘金币 and 天猫积分 through the door: J2, J3, J5, J6, J8 and the case P56."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from laurel.benefits.v1 import (
    activities_pb2,
    checkouts_pb2,
    engagement_pb2,
    games_pb2,
    mall_pb2,
    orders_pb2,
)
from laurel_benefits.handlers.conclusions import relay
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.service import resources_of
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    World,
    benefits_world,
    checkout_draft,
    checkout_line,
    instant,
    line,
    number,
    order_request,
    refusal_of,
)
from tests.support.benefits_cases import COINS, TMALL
from tests.support.benefits_games import play
from tests.support.clocks import StandingClock
from tests.support.databases import DatabaseOf
from tests.support.programs import shipped_text

TAOBAO = "taobao"


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        await world.apply(shipped_text(TAOBAO))
        yield world


def due_now(world: World) -> Resources:
    """What a relay works with for which everything is due."""
    resources = resources_of(world.served.running.foundation)
    later = StandingClock(resources.machine_clock.now() + timedelta(hours=2))
    return replace(resources, machine_clock=later)


def of_buyer(kind: Any, **options: Any) -> Any:
    """A write of a member of Taobao."""
    content = {"program_id": TAOBAO, "member_id": MEMBER, "request_id": number("r")}
    return kind(**(content | options))


async def test_orders_take_the_coins_that_the_cases_say_j3_j6(world: World) -> None:
    world.ledger.give(MEMBER, 10_000)
    for yuan, goods_class, share, usable in COINS:
        said = {} if share is None else {"points_share_bps": share}
        draft = checkout_draft(
            checkout_line(yuan, goods_class=goods_class, **said), payment_method="alipay"
        )
        request = orders_pb2.EvaluateOrderRequest(program_id=TAOBAO, member_id=MEMBER, order=draft)
        answer = await world.orders.EvaluateOrder(request, timeout=PATIENCE)
        found: checkouts_pb2.Evaluation = answer.evaluation
        assert found.usable_points == usable, (yuan, goods_class, share)


async def test_orders_earn_the_points_that_the_cases_say_j8_p56(world: World) -> None:
    for yuan, category, goods_class, points in TMALL:
        request = order_request(
            line(yuan, category, goods_class=goods_class),
            order_time=world.clock.now(),
            payment_method="alipay",
        )
        request.program_id = TAOBAO
        grants = (await world.complete(request)).order.grants
        assert [(each.asset_id, each.points) for each in grants] == [("tmall-point", points)]


async def test_signing_in_and_ripe_crops_give_coins_j2(world: World) -> None:
    await world.engagement.CheckIn(of_buyer(engagement_pb2.CheckInRequest), timeout=PATIENCE)
    start = world.clock.now()
    for day in range(4):
        world.clock.set(start + timedelta(days=day))
        await play(world, "CollectWater", program_id=TAOBAO, task_id="visit")
    watered = await play(world, "WaterTree", program_id=TAOBAO, pours=100)
    assert (watered.pours, watered.tree.ripe) == (10, True)
    harvest = (await play(world, "HarvestTree", program_id=TAOBAO, fruit_id="coins")).harvest
    assert (harvest.points, harvest.state) == (50, games_pb2.HARVEST_STATE_TAKEN)
    earned = {draft.labels["kind"]: draft.earn for draft in world.ledger.posted.values()}
    assert {kind: (earn.asset_id, earn.amount) for kind, earn in earned.items()} == {
        "check_in": ("coin", 5),
        "harvest": ("coin", 50),
    }


async def test_listed_goods_and_campaigns_give_coins_once_each_j2(world: World) -> None:
    def act(kind: str, subject_id: str) -> activities_pb2.Activity:
        return activities_pb2.Activity(
            activity_id=number("a"),
            activity_time=instant(world.clock.now()),
            action=activities_pb2.Action(kind=kind, subject_id=subject_id),
        )

    did = [act("listed_goods", "cup"), act("listed_goods", "cup"), act("listed_goods", "pot")]
    did += [act("campaign", name) for name in ("a", "b", "c", "d")]
    request = of_buyer(engagement_pb2.RecordActivitiesRequest, activities=did)
    answer = await world.engagement.RecordActivities(request, timeout=PATIENCE)
    assert [each.recorded.points for each in answer.results] == [5, 0, 5, 20, 20, 20, 0]
    assert {draft.earn.asset_id for draft in world.ledger.posted.values()} == {"coin"}
    assert len(world.scoring.facts) == len(did)


async def test_browsing_too_short_gives_no_water(world: World) -> None:
    options = {"program_id": TAOBAO, "task_id": "browse", "duration": Duration(seconds=14)}
    assert not (await play(world, "CollectWater", **options)).decision.allowed


async def test_points_of_another_asset_than_the_malls_buy_a_coupon_j8(world: World) -> None:
    request = of_buyer(mall_pb2.RedeemRewardRequest, reward_id="tmall-coupon", price_points=500)
    redemption = (await world.mall.RedeemReward(request, timeout=PATIENCE)).redemption
    assert redemption.coupon_id
    draft = world.ledger.posted[redemption.ledger_request_id]
    assert (draft.spend.asset_id, draft.spend.amount) == ("tmall-point", 500)
    listed = mall_pb2.ListRewardsRequest(program_id=TAOBAO, member_id=MEMBER)
    rewards = (await world.mall.ListRewards(listed, timeout=PATIENCE)).rewards
    assert {each.reward_id: each.asset_id for each in rewards} == {
        "cup": "coin",
        "tmall-coupon": "tmall-point",
    }


async def test_an_exchange_that_is_given_back_in_twelve_hours_returns_its_coins_j5(
    world: World,
) -> None:
    request = of_buyer(mall_pb2.RedeemRewardRequest, reward_id="cup", price_points=3000)
    redemption = (await world.mall.RedeemReward(request, timeout=PATIENCE)).redemption
    end = world.clock.now() + timedelta(hours=12)
    assert redemption.cancel_end_time == instant(end)
    cancel = of_buyer(
        mall_pb2.CancelRedemptionRequest,
        redemption_id=redemption.redemption_id,
        reason="not confirmed",
    )
    cancelled = await world.mall.CancelRedemption(cancel, timeout=PATIENCE)
    assert cancelled.redemption.state == mall_pb2.REDEMPTION_STATE_CANCELLED


async def exchange(world: World, **options: Any) -> mall_pb2.Redemption:
    content = {"reward_id": "cup", "price_points": 3000}
    request = of_buyer(mall_pb2.RedeemRewardRequest, **(content | options))
    return (await world.mall.RedeemReward(request, timeout=PATIENCE)).redemption


async def confirm(world: World, redemption_id: str, **options: Any) -> Any:
    content = {"redemption_id": redemption_id}
    request = of_buyer(mall_pb2.ConfirmRedemptionRequest, **(content | options))
    return await world.mall.ConfirmRedemption(request, timeout=PATIENCE)


async def test_an_exchange_that_nobody_confirms_returns_all_coins_by_itself_j5(
    world: World,
) -> None:
    bought = await exchange(world)
    end = world.clock.now() + timedelta(hours=12)
    assert bought.confirm_end_time == instant(end)
    advance = world.served.running.scheduler.advance
    await advance(end - timedelta(seconds=1))
    assert not world.ledger.points.reversals
    await advance(end)
    await relay(resources=due_now(world))
    (reversal,) = world.ledger.points.reversals.values()
    assert reversal.restored == 3000
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await confirm(world, bought.redemption_id)
    code, reason, metadata = refusal_of(error.value)
    assert (code, reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "REDEMPTION_NOT_CONFIRMABLE",
    )
    assert metadata["state"] == "CANCELLED"
    assert (await exchange(world)).state == mall_pb2.REDEMPTION_STATE_REDEEMED


async def test_confirm_redemption_keeps_the_exchange_once_and_for_all_j5(world: World) -> None:
    bought = await exchange(world)
    answers = await asyncio.gather(
        *(confirm(world, bought.redemption_id, request_id="same") for _ in range(4)),
        *(confirm(world, bought.redemption_id) for _ in range(4)),
    )
    assert len({each.redemption.confirm_time.ToNanoseconds() for each in answers}) == 1
    assert sum(each.replayed for each in answers) == 3
    await world.served.running.scheduler.advance(world.clock.now() + timedelta(hours=13))
    assert not world.ledger.points.reversals
    cancel = of_buyer(
        mall_pb2.CancelRedemptionRequest, redemption_id=bought.redemption_id, reason="late"
    )
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await world.mall.CancelRedemption(cancel, timeout=PATIENCE)
    assert refusal_of(error.value)[1] == "REDEMPTION_NOT_CANCELLABLE"


async def test_confirm_redemption_of_what_need_not_be_is_refused(world: World) -> None:
    bought = await exchange(world, reward_id="tmall-coupon", price_points=500)
    wrong = {
        bought.redemption_id: "REDEMPTION_NOT_CONFIRMABLE",
        "019aa000-0000-7000-8000-000000000001": "REDEMPTION_NOT_FOUND",
    }
    for redemption_id, reason in wrong.items():
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await confirm(world, redemption_id)
        assert refusal_of(error.value)[1] == reason
