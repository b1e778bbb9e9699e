"""Does in the ledger what was decided for reserved orders, one step at a time, and lets them lapse.

Every step can be repeated: the ledger knows it by a request id that is derived from the order.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.refusals import DependencyDown

from laurel_benefits.domain.ids import OrderKey
from laurel_benefits.domain.reservations import (
    Checkout,
    Step,
    StepOutcome,
    after_step,
    decide_lapse,
)
from laurel_benefits.domain.rooms import given_back
from laurel_benefits.handlers.coupon_orders import release_coupons
from laurel_benefits.handlers.order_uses import CANCELLED, give_back_uses
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import checkouts, earning
from laurel_benefits.storage.members import lock_member

_LOG = logging.getLogger(__name__)


async def carry_out_checkout(checkout: Checkout, *, resources: Resources) -> Checkout:
    """Do what is still to be done for an order. Raises DependencyDown while the ledger is away."""
    while step := checkout.step:
        outcome = await resources.ledger.take_step(checkout, step)
        checkout = await settle_step(checkout, outcome, resources)
    return checkout


async def settle_step(checkout: Checkout, outcome: StepOutcome, resources: Resources) -> Checkout:
    """Record what the ledger answered, unless another one has; the order as it then is.

    A step that goes on as hoped changes nothing but its own row, so nobody is held for it. A refund
    may be one of many, so it is compared with the member held.
    """
    now = resources.clock.now()
    hoped = after_step(checkout, outcome, now)

    async def move(connection: Connection) -> bool:
        return await checkouts.move_checkout(connection, checkout, hoped)

    repeated = checkout.step is Step.REFUND
    if not (hoped.ended or repeated) and await resources.database.transact(move):
        return hoped

    async def work(connection: Connection) -> Checkout:
        await lock_member(connection, checkout.member, now=now)
        current = await checkouts.find_reservation(connection, checkout.reservation)
        assert current is not None, "reservations are never deleted"
        if current.stage != checkout.stage:
            return current
        after = after_step(current, outcome, now)
        await checkouts.update_checkout(connection, after, attempt_time=None)
        await let_go(connection, after)
        return after

    return await resources.database.transact(work)


async def let_go(connection: Connection, checkout: Checkout) -> None:
    """Give back what an order that came to nothing had taken here: caps, budgets, coupons and uses.

    One that goes on keeps all of it but what was called off.
    """
    if not checkout.ended:
        return
    await earning.count_points(connection, checkout.member, given_back(checkout.paid.counted_left))
    if checkout.terms.coupons:
        await release_coupons(connection, checkout.member, order_id=checkout.order_id)
    assert checkout.end_time is not None, "what has ended has a time at which it did"
    await give_back_uses(connection, checkout.key, reason=CANCELLED, now=checkout.end_time)


async def relay_checkouts(*, resources: Resources) -> int:
    """Finish what was interrupted; returns how many orders were looked at."""
    now = resources.machine_clock.now()
    limits = resources.limits

    async def claim(connection: Connection) -> Sequence[OrderKey]:
        return await checkouts.claim_unfinished(
            connection, now=now, pause=limits.relay_pause, limit=limits.relay_batch_max
        )

    claimed = await resources.database.transact(claim)
    for key in claimed:
        await relay_checkout(key, resources)
    return len(claimed)


async def relay_checkout(key: OrderKey, resources: Resources) -> None:
    """Finish one order; while the ledger does not answer, it waits for its turn."""
    async with resources.database.read() as connection:
        checkout = await checkouts.find_checkout(connection, key)
    assert checkout is not None, "orders are never deleted"
    try:
        await carry_out_checkout(checkout, resources=resources)
    except DependencyDown as down:
        _LOG.warning("%s does not answer; order %s waits", down.dependency, key.order_id)


@dataclass(slots=True, kw_only=True)
class Lapses:
    """Reserved orders that were not paid in time, for the scheduler."""

    resources: Resources
    name: str = "reserved_orders"

    async def next_due(self) -> datetime | None:
        """When the next one lapses; None when none is reserved."""
        async with self.resources.database.read() as connection:
            return await checkouts.next_lapse(connection)

    async def run_due(self, now: datetime, limit: int) -> int:
        """Let at most `limit` orders lapse; the relay goes on where the ledger does not answer."""
        async with self.resources.database.read() as connection:
            due = await checkouts.lapsing(connection, now=now, limit=limit)
        for key in due:
            await lapse(key, now, self.resources)
            await relay_checkout(key, self.resources)
        return len(due)


async def lapse(key: OrderKey, now: datetime, resources: Resources) -> None:
    """Store that an order was not paid in time, unless it was after all."""

    async def work(connection: Connection) -> None:
        await lock_member(connection, key.member, now=now)
        checkout = await checkouts.find_checkout(connection, key)
        changed = decide_lapse(checkout, now) if checkout else None
        if changed is None:
            return
        attempt_time = resources.machine_clock.now() + resources.limits.relay_delay
        await checkouts.update_checkout(connection, changed, attempt_time=attempt_time)
        await let_go(connection, changed)

    await resources.database.transact(work)
