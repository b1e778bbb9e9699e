"""Goods that go back, through the door: points, money, debt, and what scoring is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import memberships_pb2, orders_pb2
from laurel.benefits.v1 import returns_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PLAN,
    PROGRAM,
    World,
    benefits_world,
    checkout_draft,
    checkout_line,
    line,
    money,
    of_order,
    order_request,
    refusal_of,
)
from tests.support.databases import DatabaseOf
from tests.support.programs import program_text


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def refused(call: Any) -> tuple[str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    _, reason, metadata = refusal_of(error.value)
    return reason, metadata


async def bought(world: World, *lines: Any, points: int = 0) -> str:
    """An order that was reserved, paid and delivered."""
    draft = checkout_draft(*lines)
    assert (await world.reserve(draft, points)).decision.allowed
    await world.commit(draft.order_id)
    await world.deliver(draft.order_id)
    return draft.order_id


def posted(world: World) -> int:
    return world.ledger.points.of(MEMBER).posted


async def test_return_order_lines_gives_points_and_money_back_by_lines_p14(world: World) -> None:
    world.ledger.give(MEMBER, 4000)
    lines = checkout_line("60.00", line_id="a"), checkout_line("40.00", line_id="b")
    order_id = await bought(world, *lines, points=4000)
    assert posted(world) == 36 + 24
    first = (await world.give_back(order_id, {"b": 1})).order_return
    assert (first.restored_points, first.refund) == (1600, money("24.00"))
    assert (first.taken_points, first.cut) == (24, money("0.00"))
    second = (await world.give_back(order_id, {"a": 1})).order_return
    assert (second.restored_points, second.refund) == (2400, money("36.00"))
    assert (second.return_number, second.state) == (2, pb.RETURN_STATE_RETURNED)
    assert posted(world) == 4000
    reason, metadata = await refused(world.give_back(order_id, {"a": 1}))
    assert (reason, metadata["left"]) == ("ALREADY_RETURNED", "0")
    assert (await refused(world.give_back(order_id)))[0] == "ALREADY_RETURNED"
    content = of_order(order_id)
    del content["request_id"]
    found = await world.orders.GetOrder(orders_pb2.GetOrderRequest(**content), timeout=PATIENCE)
    assert list(found.returns) == [first, second]


async def test_what_was_spent_since_is_cut_from_the_refund_p17_o6(world: World) -> None:
    order = order_request(line("500.00", "food", line_id="a"), order_time=world.clock.now())
    await world.complete(order)
    world.ledger.points.of(MEMBER).posted = 200
    back = (await world.give_back(order.order.order_id)).order_return
    assert (back.taken_points, back.cut, back.refund) == (200, money("3.00"), money("497.00"))
    assert back.owed_points == 0
    assert posted(world) == 0


async def test_a_refund_is_cut_whole_when_nothing_is_there(world: World) -> None:
    order = order_request(line("5.00", "food"), order_time=world.clock.now())
    await world.complete(order)
    world.ledger.points.of(MEMBER).posted = 0
    back = (await world.give_back(order.order.order_id)).order_return
    assert (back.taken_points, back.cut, back.refund) == (0, money("0.05"), money("4.95"))


async def test_what_even_the_money_does_not_cover_is_owed_e17(world: World) -> None:
    # Ten times the base rate, and points for nearly all of the price.
    text = (
        program_text()
        .replace("multiple: 5", "multiple: 10")
        .replace("default_rate_bps: 100\n", "default_rate_bps: 10000\n", 1)
    )
    text = text.replace("item_cap_points: 1000  # D4", "item_cap_points: 100000  # D4")
    await world.apply(text)
    order = order_request(
        line("10.00", "food", shop_id="xinhua-books"), order_time=world.clock.now()
    )
    answer = await world.complete(order)
    earned = sum(each.points for each in answer.order.grants)
    assert earned == 10000
    world.ledger.points.of(MEMBER).posted = 500
    back = (await world.give_back(order.order.order_id)).order_return
    assert (back.taken_points, back.cut, back.owed_points) == (500, money("10.00"), 8500)
    assert back.refund == money("0.00")
    assert posted(world) == -8500
    evaluated = await world.evaluate(checkout_draft(), 1000)
    assert not evaluated.decision.allowed


async def test_spent_points_whose_lot_is_void_are_lost_e15_o18(world: World) -> None:
    world.ledger.give(MEMBER, 4000)
    order_id = await bought(world, points=4000)
    world.ledger.points.of(MEMBER).void = 1500
    back = (await world.give_back(order_id)).order_return
    assert (back.restored_points, back.forfeited_points) == (2500, 1500)


async def test_pieces_go_back_as_often_as_there_are_any(world: World) -> None:
    world.ledger.give(MEMBER, 1000)
    order_id = await bought(world, checkout_line("20.00", line_id="a", quantity=3), points=1000)
    points, paid = [], []
    for _ in range(3):
        back = (await world.give_back(order_id, {"a": 1})).order_return
        points.append(back.restored_points)
        paid.append(back.refund.units * 100 + back.refund.nanos // 10**7)
    assert (points, sum(points)) == ([333, 333, 334], 1000)
    assert sum(paid) == 1000
    assert posted(world) == 1000


async def test_a_rebate_that_goes_back_gives_the_cap_its_room_f12(world: World) -> None:
    await world.buy()
    order = order_request(line("100.00"), order_time=world.clock.now())
    await world.complete(order)
    request = memberships_pb2.GetMembershipRequest(
        program_id=PROGRAM, member_id=MEMBER, plan_id=PLAN
    )
    before = await world.memberships.GetMembership(request, timeout=PATIENCE)
    assert before.membership.rebate.granted_points == 500
    back = (await world.give_back(order.order.order_id)).order_return
    assert back.taken_points == 500
    after = await world.memberships.GetMembership(request, timeout=PATIENCE)
    assert after.membership.rebate.granted_points == 0


async def test_points_of_a_merchant_go_back_to_the_merchant_h6(world: World) -> None:
    order = order_request(line("100.00", shop_id="xinhua-books"), order_time=world.clock.now())
    answer = await world.complete(order)
    names = {each.campaign_id: each.transaction_request_id for each in answer.order.grants}
    await world.give_back(order.order.order_id)
    earned = world.ledger.points.of(MEMBER).earned
    assert earned[names["xinhua-five-times"]] == earned[names[""]] == 0


async def test_scoring_is_told_of_a_return_after_the_purchase_o3(world: World) -> None:
    world.scoring.away = True
    order = order_request(line("100.00", line_id="a", quantity=2), order_time=world.clock.now())
    await world.complete(order)
    back = (await world.give_back(order.order.order_id, {"a": 1})).order_return
    assert back.state == pb.RETURN_STATE_RETURNED
    assert not back.scoring_told
    world.scoring.away = False
    again = (await world.give_back(order.order.order_id, {"a": 1})).order_return
    assert again.scoring_told
    facts = list(world.scoring.facts.values())
    assert facts[0].HasField("purchase")
    returned = facts[1].purchase_return
    assert (returned.order_id, returned.lines[0].quantity) == (order.order.order_id, 1)


async def test_a_return_before_the_points_are_paid_pays_and_takes_them(world: World) -> None:
    await world.apply(program_text().replace("grant_delay: 0s", "grant_delay: 12h"))
    order = order_request(line("100.00"), order_time=world.clock.now())
    await world.complete(order)
    assert posted(world) == 0
    back = (await world.give_back(order.order.order_id)).order_return
    assert back.taken_points == 100
    await world.served.running.scheduler.advance(world.clock.now() + timedelta(hours=13))
    assert posted(world) == 0


async def test_a_return_is_one_however_often_and_at_once_it_is_told(world: World) -> None:
    order = order_request(line("100.00", line_id="a", quantity=2), order_time=world.clock.now())
    await world.complete(order)
    names = of_order(order.order.order_id, lines=[orders_pb2.ReturnLine(line_id="a", quantity=1)])
    request = orders_pb2.ReturnOrderLinesRequest(**names)
    answers = await asyncio.gather(
        *(world.orders.ReturnOrderLines(request, timeout=PATIENCE) for _ in range(8))
    )
    assert sorted(each.replayed for each in answers) == [False] + [True] * 7
    assert {each.order_return.return_number for each in answers} == {1}
    assert posted(world) == 50


async def test_return_order_lines_refuses_what_cannot_go_back(world: World) -> None:
    draft = checkout_draft()
    await world.reserve(draft)
    assert (await refused(world.give_back(draft.order_id)))[0] == "ORDER_NOT_COMPLETED"
    assert (await refused(world.give_back("no-such-order")))[0] == "ORDER_NOT_FOUND"
    await world.commit(draft.order_id)
    await world.deliver(draft.order_id)
    reason, metadata = await refused(world.give_back(draft.order_id, {"no-such-line": 1}))
    assert (reason, metadata["line_id"]) == ("ORDER_LINE_NOT_FOUND", "no-such-line")
    assert (await refused(world.cancel(draft.order_id)))[0] == "ORDER_NOT_CANCELLABLE"
