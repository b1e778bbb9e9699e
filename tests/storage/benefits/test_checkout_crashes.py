"""A crash between any two steps of an order's life: a repeat, or the relay, ends where an
undisturbed one does, and nothing is left held.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from laurel.benefits.v1 import orders_pb2
from laurel_benefits.domain.ids import OrderKey
from laurel_benefits.handlers.carrying_out import relay_orders
from laurel_benefits.handlers.checkout_steps import relay_checkouts
from laurel_benefits.handlers.orders import complete_order, get_order
from laurel_benefits.handlers.reserving import cancel_order, commit_order, reserve_order
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.returns import relay_returns, return_order_lines
from laurel_benefits.service import resources_of
from laurel_benefits.wire.checkouts import read_cancel_order, read_commit_order, read_reserve_order
from laurel_benefits.wire.orders import read_complete_order, read_get_order
from laurel_benefits.wire.returns import read_return_order_lines
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    PROGRAM,
    World,
    benefits_world,
    checkout_draft,
    checkout_line,
    number,
    of_order,
    reserve_request,
)
from tests.support.clocks import StandingClock
from tests.support.crashes import Crash, Tripwire, tripping
from tests.support.databases import DatabaseOf

STEPS_MAX = 60
DELAY = timedelta(hours=1)

Life = Callable[[Resources], Awaitable[None]]


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock, relay_delay=DELAY) as world:
        yield world


class Delivered:
    """An order that is reserved, paid and delivered."""

    quantity = 1

    def __init__(self, world: World) -> None:
        self.world = world
        self.member_id = number("m")
        world.ledger.give(self.member_id, 5000)
        draft = checkout_draft(checkout_line("100.00", quantity=self.quantity))
        self.order_id = draft.order_id
        names = of_order(self.order_id, member_id=self.member_id)
        self.reserve = read_reserve_order(reserve_request(draft, 4000, member_id=self.member_id))
        self.commit = read_commit_order(orders_pb2.CommitOrderRequest(**names))
        names["request_id"] = number("r")
        self.complete = read_complete_order(orders_pb2.CompleteOrderRequest(**names))
        names["request_id"] = number("r")
        self.cancel = read_cancel_order(orders_pb2.CancelOrderRequest(**names))
        names["request_id"] = number("r")
        one = orders_pb2.CancelLine(line_id=draft.lines[0].line_id, quantity=1)
        self.part = read_cancel_order(orders_pb2.CancelOrderRequest(**names, lines=[one]))
        names["request_id"] = number("r")
        self.back = read_return_order_lines(orders_pb2.ReturnOrderLinesRequest(**names))

    async def live(self, resources: Resources) -> None:
        await reserve_order(self.reserve, resources=resources)
        await commit_order(self.commit, resources=resources)
        await self.end(resources)

    async def end(self, resources: Resources) -> None:
        await complete_order(self.complete, resources=resources)

    def facts(self) -> list[str]:
        """The facts of it that scoring was told."""
        facts = self.world.scoring.facts.values()
        return [each.activity_id for each in facts if each.member_id == self.member_id]

    async def state(self, resources: Resources) -> dict[str, Any]:
        """Everything that is left of it, in whichever service, without its names."""
        request = orders_pb2.GetOrderRequest(
            program_id=PROGRAM, member_id=self.member_id, order_id=self.order_id
        )
        known = await get_order(read_get_order(request), resources=resources)
        purse = self.world.ledger.points.of(self.member_id)
        order, checkout = known.order, known.checkout
        assert checkout
        return {
            "checkout": (checkout.state, checkout.returned_points, checkout.step),
            "purse": (
                purse.posted,
                purse.holds,
                sorted(purse.spent.values()),
                sorted(purse.earned.values()),
            ),
            "grants": order and [(each.kind, each.points, each.state) for each in order.grants],
            "returns": [(each.points, each.finished) for each in known.returns],
            "facts": len(self.facts()),
        }


class GoneBack(Delivered):
    """An order that is delivered and goes back."""

    async def end(self, resources: Resources) -> None:
        await complete_order(self.complete, resources=resources)
        await return_order_lines(self.back, resources=resources)


class Cancelled(Delivered):
    """An order that is reserved, paid and off."""

    async def end(self, resources: Resources) -> None:
        await cancel_order(self.cancel, resources=resources)


class PartlyCancelled(Delivered):
    """An order of two pieces, one of which is off; the other is delivered."""

    quantity = 2

    async def end(self, resources: Resources) -> None:
        await cancel_order(self.part, resources=resources)
        await complete_order(self.complete, resources=resources)


class Released(Delivered):
    """An order that is reserved and off before it is paid."""

    async def live(self, resources: Resources) -> None:
        await reserve_order(self.reserve, resources=resources)
        await cancel_order(self.cancel, resources=resources)


async def crash_after(steps: int, life: Life, resources: Resources) -> bool:
    """Live with a crash after so many steps; False when there were not as many."""
    try:
        await life(tripping(resources, Tripwire(steps)))
    except Crash:
        return True
    return False


@pytest.mark.parametrize("kind", [GoneBack, Cancelled, PartlyCancelled, Released])
async def test_a_life_repeated_after_a_crash_anywhere_ends_as_if_undisturbed(
    world: World, kind: type[Delivered]
) -> None:
    resources = resources_of(world.served.running.foundation)
    undisturbed = kind(world)
    await undisturbed.live(resources)
    expected = await undisturbed.state(resources)
    for steps in range(STEPS_MAX):
        life = kind(world)
        if not await crash_after(steps, life.live, resources):
            assert steps >= 12, "a life has more steps than that"
            return
        await life.live(resources)
        assert await life.state(resources) == expected, f"after {steps} steps"
    pytest.fail("a life never came to its end")


@pytest.mark.parametrize("kind", [GoneBack, Cancelled, PartlyCancelled, Released])
async def test_the_relay_leaves_no_step_of_a_life_half_done(
    world: World, kind: type[Delivered]
) -> None:
    resources = resources_of(world.served.running.foundation)
    later = StandingClock(resources.machine_clock.now() + 2 * DELAY)
    relaying = replace(resources, machine_clock=later)
    for steps in range(1, STEPS_MAX):
        life = kind(world)
        if not await crash_after(steps, life.live, resources):
            return
        await relay_checkouts(resources=relaying)
        await relay_orders(resources=relaying)
        await relay_returns(resources=relaying)
        if not await exists(life, resources):
            continue
        state = await life.state(resources)
        assert state["checkout"][2] is None, f"after {steps} steps"
        posted, holds, spent, earned = state["purse"]
        assert all(finished for _, finished in state["returns"])
        assert posted + sum(spent) - sum(earned) == 5000
        assert bool(holds) is (state["checkout"][0] == "RESERVED")
    pytest.fail("a life never came to its end")


async def exists(life: Delivered, resources: Resources) -> bool:
    """Whether anything was stored of an order."""
    key = OrderKey(member=life.reserve.member, order_id=life.reserve.key.order_id)
    async with resources.database.read() as connection:
        found = await connection.exec_driver_sql(
            "select count(*) from checkout where member_id = $1", (key.member.member_id,)
        )
        return bool(found.scalar_one())
