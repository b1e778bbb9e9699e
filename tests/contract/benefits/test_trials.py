"""Trials through the door: begun once, frozen, released by a purchase in time or lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import decisions_pb2, orders_pb2
from laurel.benefits.v1 import memberships_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    TRIAL,
    Standing,
    World,
    benefits_world,
    line,
    number,
    order_request,
    refusal_of,
)
from tests.support.benefits_cases import RELEASES, TRIAL_POINTS, TRIAL_START
from tests.support.databases import DatabaseOf

CALLERS = 8


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


async def order(world: World, paid: str, **options: Any) -> orders_pb2.Order:
    """Books for so much, which give five points for a yuan."""
    options = {"order_time": world.clock.now()} | options
    return (await world.complete(order_request(line(paid), **options))).order


async def advance(world: World, until: datetime) -> None:
    """Move the clock, and run what falls due on the way."""
    await world.served.running.scheduler.advance(until)


async def test_start_trial_freezes_what_orders_earn_f13_o25(world: World) -> None:
    started = await world.try_plus()
    trial = started.membership
    assert started.decision.allowed
    assert trial.state == pb.MEMBERSHIP_STATE_TRIAL
    assert trial.price.units == 0
    assert trial.family_id == "plus"
    done = await order(world, "100.00")
    (grant,) = done.grants
    assert (grant.state, grant.points) == (orders_pb2.GRANT_STATE_FROZEN, 500)
    assert world.ledger.amounts == {}
    book = (await world.membership(TRIAL)).frozen_rebate
    assert (book.state, book.frozen_points) == (pb.FROZEN_REBATE_STATE_FROZEN, 500)


async def test_start_trial_again_answers_the_same(world: World) -> None:
    first = await world.try_plus(request_id="try")
    rows = await world.rows()
    again = await world.try_plus(request_id="try")
    assert again.replayed
    assert (again.membership, again.decision) == (first.membership, first.decision)
    assert await world.rows() == rows
    call = world.try_plus(request_id="try", plan_id="plus-year")
    assert (await refusal(call))[1] == "REQUEST_ID_REUSED"


async def test_start_trial_at_once_begins_one(world: World) -> None:
    answers = await asyncio.gather(
        *(world.try_plus() for _ in range(CALLERS)), return_exceptions=True
    )
    reasons = [
        refusal_of(each)[1] if isinstance(each, grpc.aio.AioRpcError) else "ok" for each in answers
    ]
    assert sorted(reasons) == ["MEMBERSHIP_ACTIVE"] * (CALLERS - 1) + ["ok"]
    assert (await world.rows())["membership"] == 1


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        ({"plan_id": "plus-year"}, grpc.StatusCode.INVALID_ARGUMENT, "PLAN_KIND_MISMATCH"),
        ({"plan_id": "plus-decade"}, grpc.StatusCode.NOT_FOUND, "PLAN_NOT_FOUND"),
        ({"program_id": "unknown"}, grpc.StatusCode.NOT_FOUND, "PROGRAM_NOT_FOUND"),
        ({"member_id": ""}, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"),
    ],
)
async def test_start_trial_that_can_never_be_right_leaves_no_row(
    world: World, options: dict[str, str], code: grpc.StatusCode, reason: str
) -> None:
    before = await world.rows()
    assert (await refusal(world.try_plus(**options)))[:2] == (code, reason)
    assert await world.rows() == before
    assert (await refusal(world.quote(plan_id=TRIAL)))[1] == "PLAN_KIND_MISMATCH"


async def test_start_trial_twice_is_refused_with_a_reason_f17(world: World) -> None:
    trial = (await world.try_plus()).membership
    world.clock.set(trial.term.expire_time.ToDatetime(tzinfo=UTC))
    second = await world.try_plus()
    assert not second.HasField("membership")
    (reason,) = second.decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_QUOTA_USED
    assert second.decision.quota.used == 1


async def test_start_trial_without_credit_is_refused_with_numbers_f17(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(credit_score=30)
    decision = (await world.try_plus()).decision
    assert not decision.allowed
    assert (decision.near_miss.missing, decision.reasons[0].required) == (1, 31)


async def test_purchase_membership_releases_what_the_cases_say_p28_p30_o26(world: World) -> None:
    paid = f"{TRIAL_POINTS // 5}.00"
    members = {day: number("m") for day, _ in RELEASES}
    world.clock.set(noon(TRIAL_START))
    for member_id in members.values():
        await world.try_plus(member_id=member_id)
        await order(world, paid, member_id=member_id)
    released = 0
    for day, points in RELEASES:
        member_id = members[day]
        await advance(world, noon(day))
        bought = await world.buy(member_id)
        assert bought.rebate.granted_points == points, day
        book = (await world.membership(TRIAL, member_id)).frozen_rebate
        assert (book.released_points, book.forfeited_points) == (points, TRIAL_POINTS - points)
        released += points
        await world.ledger.paid("rebate", released)
    assert world.ledger.amounts == {"rebate": released}


async def test_purchase_membership_during_a_trial_ends_it_and_pays_its_orders_f16(
    world: World,
) -> None:
    await world.try_plus()
    first = await order(world, "100.00")
    world.clock.set(world.clock.now() + timedelta(days=3))
    bought = await world.buy()
    trial = await world.membership(TRIAL)
    assert trial.state == pb.MEMBERSHIP_STATE_TRIAL_EXPIRED
    assert trial.term.expire_time == bought.term.start_time
    assert trial.frozen_rebate.successor_membership_id == bought.membership_id
    await world.ledger.paid("rebate", 500)
    (posted,) = world.ledger.posted.values()
    # It is the order's own posting, and counts from the release.
    assert posted.request_id == first.grants[0].transaction_request_id
    assert posted.effective_time == bought.term.start_time


async def test_purchase_membership_of_a_month_keeps_its_cap_f6_f8(world: World) -> None:
    await world.try_plus()
    await order(world, "600.00")
    await order(world, "400.00")
    quoted = await world.quote(plan_id="plus-month")
    bought = (await world.purchase(quoted.quote.quote_id)).membership
    assert (bought.rebate.cap_points, bought.rebate.remaining_points) == (4000, 0)
    await world.ledger.paid("rebate", 4000)
    assert sorted(each.earn.amount for each in world.ledger.posted.values()) == [1000, 3000]
    book = (await world.membership(TRIAL)).frozen_rebate
    assert (book.released_points, book.forfeited_points) == (4000, 1000)


async def test_purchase_membership_validate_only_shows_what_would_be_released(
    world: World,
) -> None:
    await world.try_plus()
    await order(world, "100.00")
    quoted = await world.quote()
    tried = await world.purchase(quoted.quote.quote_id, validate_only=True)
    assert tried.membership.rebate.granted_points == 500
    assert (await world.membership(TRIAL)).frozen_rebate.frozen_points == 500


async def test_a_trial_without_a_purchase_is_cleared_to_zero_f14_o26(
    world: World,
) -> None:
    trial = (await world.try_plus()).membership
    done = await order(world, "100.00")
    end = trial.frozen_rebate.release_expire_time.ToDatetime(tzinfo=UTC)
    await advance(world, end)
    book = (await world.membership(TRIAL)).frozen_rebate
    assert book.state == pb.FROZEN_REBATE_STATE_FORFEITED
    assert (book.frozen_points, book.forfeited_points) == (0, 500)
    request = orders_pb2.GetOrderRequest(
        program_id=PROGRAM, member_id=MEMBER, order_id=done.draft.order_id
    )
    found = (await world.orders.GetOrder(request, timeout=PATIENCE)).order
    assert [each.state for each in found.grants] == [orders_pb2.GRANT_STATE_FORFEITED]
    assert world.ledger.posted == {}


async def test_an_order_of_a_lost_trial_earns_base_points_f14(world: World) -> None:
    trial = (await world.try_plus()).membership
    placed = world.clock.now()
    await advance(world, trial.frozen_rebate.release_expire_time.ToDatetime(tzinfo=UTC))
    late = await order(world, "100.00", order_time=placed)
    assert [(each.state, each.points) for each in late.grants] == [
        (orders_pb2.GRANT_STATE_POSTED, 100)
    ]


async def test_purchases_and_orders_at_once_lose_no_frozen_point(world: World) -> None:
    await world.try_plus()
    quotes = [(await world.quote()).quote.quote_id for _ in range(2)]
    placed = world.clock.now()
    calls = [order(world, "100.00", order_time=placed) for _ in range(CALLERS)]
    buys = [world.purchase(quote_id) for quote_id in quotes]
    answers = await asyncio.gather(*calls, *buys, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert [refusal_of(each)[1] for each in refused] == ["MEMBERSHIP_ACTIVE"]
    await world.ledger.paid("rebate", 500 * CALLERS)
    book = (await world.membership(TRIAL)).frozen_rebate
    assert (book.frozen_points, book.forfeited_points) == (0, 0)
    assert (await world.membership()).rebate.granted_points == 500 * CALLERS
