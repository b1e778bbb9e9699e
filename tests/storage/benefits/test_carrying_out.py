"""A crash between any two steps of an order: repeating the call, or the relay, ends where an
undisturbed call does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from laurel_benefits.domain.ids import OrderKey
from laurel_benefits.domain.orders import Order
from laurel_benefits.handlers.carrying_out import relay_orders
from laurel_benefits.handlers.orders import CompleteOrder, complete_order
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.service import resources_of
from laurel_benefits.storage import orders
from laurel_benefits.wire.orders import read_complete_order
from laurel_kit.clock import SettableClock

from tests.support.benefits import World, benefits_world, line, number, order_request
from tests.support.clocks import StandingClock
from tests.support.crashes import Crash, Tripwire, tripping
from tests.support.databases import DatabaseOf

STEPS_MAX = 40
DELAY = timedelta(hours=1)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock, relay_delay=DELAY) as world:
        yield world


async def completion(world: World) -> CompleteOrder:
    """An order of a new member that earns both rebate and base points."""
    member_id = number("m")
    await world.buy(member_id)
    # The first line leaves 1,000 points of the term's room, the second takes them, the third
    # earns base points.
    paid = [line("9800.00"), line("100.00"), line("100.00"), line("100.00")]
    return read_complete_order(
        order_request(*paid, order_time=world.clock.now(), member_id=member_id)
    )


async def end_state(world: World, resources: Resources, command: CompleteOrder) -> dict[str, Any]:
    """Everything that is left of an order, in whichever service, without its names."""
    key = OrderKey(member=command.member, order_id=command.draft.order_id)
    async with resources.database.read() as connection:
        order = await orders.find_order(connection, key)
        counted = await connection.exec_driver_sql(
            "select rebate_granted_points from membership where member_id = $1",
            (command.member.member_id,),
        )
        waiting = await connection.exec_driver_sql(
            "select count(*) from shop_order where attempt_time is not null and member_id = $1",
            (command.member.member_id,),
        )
        assert order is not None
        return {
            "grants": [(each.kind, each.points, each.state) for each in order.grants],
            "told": order.telling.state,
            "counted": counted.scalar_one(),
            "waiting": waiting.scalar_one(),
            "posted": posted(world, order),
            "facts": world.scoring.orders.count(command.draft.order_id),
        }


def posted(world: World, order: Order) -> list[int]:
    """What the ledger holds of the order."""
    ids = {grant.ledger_request_id for grant in order.grants}
    return [draft.earn.amount for name, draft in world.ledger.posted.items() if name in ids]


async def crash_after(steps: int, command: CompleteOrder, resources: Resources) -> bool:
    """Complete the order with a crash after so many steps; False when there were not as many."""
    try:
        await complete_order(command, resources=tripping(resources, Tripwire(steps)))
    except Crash:
        return True
    return False


async def test_a_call_repeated_after_a_crash_anywhere_ends_as_if_undisturbed(
    world: World,
) -> None:
    resources = resources_of(world.served.running.foundation)
    undisturbed = await completion(world)
    await complete_order(undisturbed, resources=resources)
    expected = await end_state(world, resources, undisturbed)
    assert expected["waiting"] == 0
    assert sum(expected["posted"]) == 50000 + 100

    for steps in range(STEPS_MAX):
        command = await completion(world)
        if not await crash_after(steps, command, resources):
            assert steps >= 10, "a completion has more steps than that"
            return
        await complete_order(command, resources=resources)
        assert await end_state(world, resources, command) == expected, f"after {steps} steps"
    pytest.fail("a completion never came to its end")


async def test_the_relay_finishes_what_a_crash_anywhere_left(world: World) -> None:
    resources = resources_of(world.served.running.foundation)
    undisturbed = await completion(world)
    await complete_order(undisturbed, resources=resources)
    expected = await end_state(world, resources, undisturbed)
    later = StandingClock(resources.machine_clock.now() + 2 * DELAY)
    relaying = replace(resources, machine_clock=later)

    # The first step is the crash before the decision is stored: nothing happened, nothing is left.
    for steps in range(1, STEPS_MAX):
        command = await completion(world)
        if not await crash_after(steps, command, resources):
            return
        await relay_orders(resources=relaying)
        assert await end_state(world, resources, command) == expected, f"after {steps} steps"
    pytest.fail("a completion never came to its end")


async def test_a_crash_before_the_decision_is_stored_leaves_nothing(world: World) -> None:
    resources = resources_of(world.served.running.foundation)
    command = await completion(world)
    before = await world.rows()
    assert await crash_after(0, command, resources)
    assert await world.rows() == before


async def test_an_order_waits_longer_after_each_attempt(world: World) -> None:
    foundation = world.served.running.foundation
    resources = resources_of(foundation)
    world.scoring.away = True
    await world.complete(order_request(order_time=world.clock.now()))
    now = resources.machine_clock.now() + 2 * DELAY
    pause = resources.limits.relay_pause
    for attempt in range(9):
        async with foundation.database.begin() as connection:
            claimed = await orders.claim_unfinished(connection, now=now, pause=pause, limit=10)
            again = await orders.claim_unfinished(connection, now=now, pause=pause, limit=10)
        assert (len(claimed), len(again)) == (1, 0)
        async with foundation.database.read() as connection:
            found = await connection.exec_driver_sql("select attempt_time from shop_order")
            assert found.scalar_one() == now + pause * min(2**attempt, 64)
        now += pause * min(2**attempt, 64)
    world.scoring.away = False
