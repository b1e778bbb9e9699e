"""Carries out what was decided for orders: pays the ledger, tells scoring, records each step.

Every step can be repeated: the ledger and scoring know what they have seen by the ids that were
stored with the decision. A crash between any two steps is finished by doing them again.
"""

from __future__ import annotations

import logging
from asyncio import sleep
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from laurel_kit.database import Connection
from laurel_kit.refusals import DependencyDown

from laurel_benefits.domain.ids import OrderKey
from laurel_benefits.domain.orders import (
    Grant,
    GrantKind,
    GrantOutcome,
    GrantState,
    Order,
    TellingOutcome,
    TellingState,
)
from laurel_benefits.domain.returns import room_of_refused
from laurel_benefits.handlers.merchant_campaigns import give_back_refused
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import earning, memberships, orders, returns
from laurel_benefits.storage.members import lock_member

_LOG = logging.getLogger(__name__)


class Relay(Protocol):
    """Finishes a batch of what was interrupted."""

    async def __call__(self, *, resources: Resources) -> int:
        """How many were looked at."""
        ...


async def carry_out(order: Order, *, resources: Resources) -> Order:
    """Do what is still to be done for an order, and return it as it then is.

    Raises DependencyDown while the ledger does not answer. That scoring does not answer stops
    nothing: the relay tells it later, each member's purchases in order.
    """
    while not order.finished:
        paid = [
            (grant, await resources.ledger.post_grant(order, grant))
            for grant in order.grants
            if order.grants_due and grant.state is GrantState.PENDING
        ]
        waiting = order.telling.state is TellingState.PENDING
        told = await tell(order, resources) if waiting else None
        if not paid and told is None:
            return order
        order = await settle(order, paid, told or (), resources)
        if not told:
            return order
    return order


Paid = Sequence[tuple[Grant, GrantOutcome]]
"""What the ledger answered to the grants of an order."""

Told = Sequence[tuple[Order, TellingOutcome]]
"""What scoring answered to purchases of a member."""


async def settle(order: Order, paid: Paid, told: Told, resources: Resources) -> Order:
    """Record what both neighbours answered, in one transaction; the order as it then is."""
    done = order_done(order, paid, told)
    if done and await finish(done, resources):
        return done
    return await settle_parts(order, paid, told, resources)


def order_done(order: Order, paid: Paid, told: Told) -> Order | None:
    """The order, where that was all there is to do for it and every answer was a yes.

    None where something else may go on beside: a grant that is frozen, another purchase.
    """
    yes = all(outcome.state is GrantState.POSTED for _, outcome in paid)
    alone = [(key_of(each), outcome.state) for each, outcome in told] == [
        (key_of(order), TellingState.TOLD)
    ]
    if not (yes and alone and len(paid) == len(order.grants)):
        return None
    grants = tuple(
        replace(grant, state=GrantState.POSTED, commit_token=outcome.commit_token)
        for grant, outcome in paid
    )
    return replace(order, grants=grants, telling=replace(order.telling, state=TellingState.TOLD))


async def finish(order: Order, resources: Resources) -> bool:
    """Record that nothing is left to do for an order; False where another one has begun to."""
    posted = [(grant.ledger_request_id, grant.commit_token) for grant in order.grants]

    async def work(connection: Connection) -> None:
        # Nobody is held: what is not as expected is left to who holds the member.
        if not await orders.finish_order(connection, key_of(order), posted):
            raise Overtaken

    try:
        await resources.database.transact(work)
    except Overtaken:
        return False
    return True


class Overtaken(Exception):
    """Another one has recorded something of the same meanwhile."""


async def settle_parts(order: Order, paid: Paid, told: Told, resources: Resources) -> Order:
    """Record answers one by one, with the member held."""
    now = resources.clock.now()

    async def work(connection: Connection) -> Order:
        # A purchase may release what an order has frozen: only one of us says what is left to do.
        await lock_member(connection, order.member, now=now)
        for grant, outcome in paid:
            await settle_grant(connection, order, grant, outcome, now)
        for each, telling in told:
            await orders.settle_telling(
                connection, key_of(each), state=telling.state, refusal=telling.refusal
            )
        for key in {key_of(order), *(key_of(each) for each, _ in told)}:
            await orders.rest_if_finished(connection, key)
        current = await orders.find_order(connection, key_of(order))
        assert current is not None, "orders are never deleted"
        return current

    current = await resources.database.transact(work)
    for each, telling in told:
        if telling.state is TellingState.REFUSED:
            _LOG.error("scoring refuses order %s: %s", name_of(each), telling.refusal)
    return current


async def settle_grant(
    connection: Connection, order: Order, grant: Grant, outcome: GrantOutcome, now: datetime
) -> None:
    """Record what the ledger answered.

    What is refused for good gives its room back: a rebate to the term's cap, other points to caps
    and budgets, and a merchant's bonus its points to the merchant.
    """
    first = await orders.settle_grant(connection, key_of(order), grant.ledger_request_id, outcome)
    if not first or outcome.state is not GrantState.REFUSED:
        return
    went_back = await returns.returns_of(connection, key_of(order))
    points, room = room_of_refused(order, grant, went_back)
    await earning.count_points(connection, order.member, room)
    if grant.kind is GrantKind.REBATE and order.membership_id:
        await memberships.count_rebate(connection, order.member, order.membership_id, -points)
    if grant.kind is GrantKind.MERCHANT:
        await give_back_refused(connection, order.member, grant, refusal=outcome.refusal, now=now)


async def tell(order: Order, resources: Resources) -> Told | None:
    """Tell scoring of the member's next purchases up to this one, the earliest first.

    None where it does not answer: it is told later. Nothing where another one has told it.
    """
    untold = await untold_with(order, resources)
    if not untold:
        return ()
    try:
        outcomes = await resources.scoring.record_purchases(untold)
    except DependencyDown as down:
        _LOG.warning("%s does not answer; order %s is told later", down.dependency, name_of(order))
        return None
    return tuple(zip(untold, outcomes, strict=True))


async def untold_with(order: Order, resources: Resources) -> Sequence[Order]:
    """The next purchases scoring has not been told of; empty when this one is told."""
    async with resources.database.read() as connection:
        return await orders.untold_orders(
            connection,
            order.member,
            up_to_position=order.telling.position,
            limit=resources.limits.telling_batch_max,
        )


async def relay_orders(*, resources: Resources) -> int:
    """Carry out orders that were left unfinished; returns how many were looked at."""
    now = resources.machine_clock.now()
    limits = resources.limits

    async def claim(connection: Connection) -> Sequence[OrderKey]:
        return await orders.claim_unfinished(
            connection, now=now, pause=limits.relay_pause, limit=limits.relay_batch_max
        )

    claimed = await resources.database.transact(claim)
    for key in claimed:
        await relay_order(key, resources)
    return len(claimed)


async def relay_order(key: OrderKey, resources: Resources) -> None:
    """Carry out one unfinished order; while a neighbour does not answer, it waits for its turn."""
    async with resources.database.snapshot() as connection:
        order = await orders.find_order(connection, key)
    assert order is not None, "orders are never deleted"
    try:
        await carry_out(order, resources=resources)
    except DependencyDown as down:
        _LOG.warning("%s does not answer; order %s waits", down.dependency, name_of(order))


async def relay_for_ever(relay: Relay, *, resources: Resources) -> None:
    """The loop of a relay: goes on at once as long as it finds a full batch."""
    while True:
        found = await relay(resources=resources)
        if found < resources.limits.relay_batch_max:
            await sleep(resources.limits.relay_pause.total_seconds())


def key_of(order: Order) -> OrderKey:
    """The name of an order."""
    return OrderKey(member=order.member, order_id=order.draft.order_id)


def name_of(order: Order) -> str:
    """The order for a line of the log."""
    return f"{order.member.program_id}/{order.member.member_id}/{order.draft.order_id}"
