"""Campaigns, caps and delayed grants through the door, and budgets when many buy at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from laurel.benefits.v1 import orders_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    World,
    benefits_world,
    line,
    number,
    order_request,
)
from tests.support.databases import DatabaseOf
from tests.support.programs import program_text

MEMBER_DAY = datetime(2026, 3, 28, 4, tzinfo=UTC)
BUDGET = "budget_points: 100000000"


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        clock.set(MEMBER_DAY)
        yield world


def grants_of(order: pb.Order) -> list[tuple[str, str, int]]:
    return [
        (pb.GrantKind.Name(each.kind).removeprefix("GRANT_KIND_"), each.campaign_id, each.points)
        for each in order.grants
    ]


async def test_a_member_day_pays_a_bonus_of_its_own(world: World) -> None:
    answer = await world.complete(order_request(line("128.50"), order_time=MEMBER_DAY))
    assert grants_of(answer.order) == [("BASE", "", 128), ("CAMPAIGN", "member-day", 128)]
    (earning,) = answer.order.line_earnings
    assert [(each.campaign_id, each.points) for each in earning.campaigns] == [("member-day", 128)]
    assert world.ledger.amounts == {"base": 128, "campaign": 128}
    labels = [dict(each.labels) for each in world.ledger.posted.values()]
    assert {each.get("campaign_id") for each in labels} == {None, "member-day"}


async def test_a_merchant_pays_what_its_multiple_adds_h3(world: World) -> None:
    bought = line("100.00", shop_id="xinhua-books")
    answer = await world.complete(order_request(bought, order_time=MEMBER_DAY - timedelta(days=2)))
    assert grants_of(answer.order) == [("BASE", "", 100), ("MERCHANT", "xinhua-five-times", 400)]
    paid_by = {each.labels["kind"]: each.earn for each in world.ledger.posted.values()}
    assert paid_by["merchant"].funding_account_id == "xinhua-books"


async def test_the_cap_of_a_campaign_holds_for_all_orders_of_a_member_and_month(
    world: World,
) -> None:
    points = []
    for _ in range(3):
        answer = await world.complete(order_request(line("200.00"), order_time=MEMBER_DAY))
        points.append(sum(each.points for each in answer.order.grants if each.campaign_id))
    assert points == [200, 200, 100]


async def test_a_budget_gives_no_more_than_it_has_when_members_buy_at_once(world: World) -> None:
    text = program_text().replace(BUDGET, "budget_points: 1000", 1)
    await world.apply(text, effective_time=MEMBER_DAY - timedelta(days=5))
    requests = [
        order_request(line("150.00"), order_time=MEMBER_DAY, member_id=number("m"))
        for _ in range(12)
    ]
    answers = await asyncio.gather(*(world.complete(request) for request in requests))
    points = [
        sum(each.points for each in answer.order.grants if each.campaign_id) for answer in answers
    ]
    assert sum(points) == 1000
    assert sorted(points) == [0] * 5 + [100] + [150] * 6
    assert world.ledger.amounts == {"base": 12 * 150, "campaign": 1000}


async def test_what_the_ledger_refuses_gives_caps_their_room_back_once(world: World) -> None:
    world.ledger.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "ACCOUNT_CLOSED")
    request = order_request(line("400.00"), order_time=MEMBER_DAY)
    order = (await world.complete(request)).order
    assert {each.state for each in order.grants} == {pb.GRANT_STATE_REFUSED}
    world.ledger.refusal = None
    assert await bonus_of(world, "300.00") == 300
    await world.give_back(request.order.order_id)
    assert await bonus_of(world, "400.00") == 200


async def bonus_of(world: World, price: str) -> int:
    """What campaigns give to an order."""
    answer = await world.complete(order_request(line(price), order_time=MEMBER_DAY))
    return sum(each.points for each in answer.order.grants if each.campaign_id)


async def test_what_an_order_would_earn_uses_up_nothing(world: World) -> None:
    for _ in range(2):
        asked = order_request(line("400.00"), order_time=MEMBER_DAY, validate_only=True)
        answer = await world.complete(asked)
        assert grants_of(answer.order)[1] == ("CAMPAIGN", "member-day", 400)
    assert (await world.rows())["shop_order"] == 0


async def test_delayed_grants_are_pending_until_they_fall_due_d10_o28(world: World) -> None:
    text = program_text().replace("grant_delay: 0s", "grant_delay: 12h")
    await world.apply(text, effective_time=MEMBER_DAY - timedelta(days=5))
    request = order_request(line("100.00"), order_time=MEMBER_DAY)
    answer = await world.complete(request)
    assert answer.order.state == pb.ORDER_STATE_COMPLETING
    assert answer.order.scoring_told
    assert {each.state for each in answer.order.grants} == {pb.GRANT_STATE_PENDING}
    assert answer.order.grant_time.ToDatetime(UTC) == MEMBER_DAY + timedelta(hours=12)
    scheduler = world.served.running.scheduler
    await scheduler.advance(MEMBER_DAY + timedelta(hours=12) - timedelta(seconds=1))
    again = await world.complete(request)
    assert again.replayed
    assert not world.ledger.posted
    await scheduler.advance(MEMBER_DAY + timedelta(hours=12))
    assert world.ledger.amounts == {"base": 100, "campaign": 100}
    asked = pb.GetOrderRequest(
        program_id=PROGRAM, member_id=MEMBER, order_id=request.order.order_id
    )
    found = await world.orders.GetOrder(asked, timeout=PATIENCE)
    assert found.order.state == pb.ORDER_STATE_COMPLETED
