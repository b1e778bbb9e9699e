"""Takes goods back: the decision is stored, then carried out in the ledger and told to scoring."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from laurel_kit import requests
from laurel_kit.database import Connection
from laurel_kit.refusals import DependencyDown

from laurel_benefits.domain.errors import OrderNotCompleted, OrderNotFound
from laurel_benefits.domain.ids import OrderKey, RequestId, ReturnKey
from laurel_benefits.domain.orders import TellingOutcome, TellingState
from laurel_benefits.domain.pieces import Pieces
from laurel_benefits.domain.returns import (
    DecidedReturn,
    OrderReturn,
    ReturnCase,
    after_return_step,
    decide_return,
)
from laurel_benefits.handlers.carrying_out import carry_out
from laurel_benefits.handlers.line_rewards import pay_line_rewards
from laurel_benefits.handlers.merchant_campaigns import give_back_returned
from laurel_benefits.handlers.order_uses import give_back_uses_of_returned
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import (
    checkouts,
    earning,
    line_rewards,
    memberships,
    orders,
    returns,
)
from laurel_benefits.storage.members import lock_member

METHOD = "ReturnOrderLines"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnOrderLines:
    """Goods of a completed order that went back."""

    key: OrderKey
    request_id: RequestId
    wanted: tuple[Pieces, ...]
    reason: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedOrderLines:
    """The return, and whether an earlier, equal request decided it."""

    order_return: OrderReturn
    replayed: bool = False


async def return_order_lines(
    command: ReturnOrderLines, *, resources: Resources
) -> ReturnedOrderLines:
    """Give back what the goods took, take back what they earned, tell scoring.

    Once stored, the decision is carried out whatever happens: by this call, by a repeat of it, or
    by the relay. Raises OrderNotFound, OrderNotCompleted, OrderLineNotFound, AlreadyReturned,
    DependencyDown while the ledger does not answer.
    """
    now = resources.clock.now()

    async def work(connection: Connection) -> ReturnedOrderLines:
        member = command.key.member
        await lock_member(connection, member, now=now)
        earlier = await requests.earlier(
            connection,
            program_id=member.program_id,
            member_id=member.member_id,
            request_id=command.request_id,
            method=METHOD,
            fingerprint=command.fingerprint,
            answer=ReturnKey,
        )
        if earlier:
            stored = await returns.find_return(connection, earlier)
            assert stored is not None, "returns are never deleted"
            return ReturnedOrderLines(order_return=stored, replayed=True)
        decided = decide_return(await gather(connection, command, resources))
        await record(connection, command, decided, resources)
        return ReturnedOrderLines(order_return=decided.order_return)

    returned = await resources.database.transact(work)
    order_return = await carry_out_return(returned.order_return, resources=resources)
    return replace(returned, order_return=order_return)


async def gather(
    connection: Connection, command: ReturnOrderLines, resources: Resources
) -> ReturnCase:
    """The order, how it was paid, and what went back of it before."""
    order = await orders.find_order(connection, command.key)
    checkout = await checkouts.find_checkout(connection, command.key)
    if order is None and checkout is None:
        raise OrderNotFound(order_id=command.key.order_id)
    if order is None:
        raise OrderNotCompleted(order_id=command.key.order_id)
    return ReturnCase(
        order=order,
        checkout=checkout if checkout and not checkout.ended else None,
        earlier=await returns.returns_of(connection, command.key),
        wanted=command.wanted,
        reason=command.reason,
        now=resources.clock.now(),
        rewards=await line_rewards.rewards_of_order(connection, command.key),
    )


async def record(
    connection: Connection,
    command: ReturnOrderLines,
    decided: DecidedReturn,
    resources: Resources,
) -> None:
    """Store the return, give caps and budgets their room back, and remember the request."""
    order_return, member = decided.order_return, command.key.member
    attempt_time = resources.machine_clock.now() + resources.limits.relay_delay
    await returns.insert_return(connection, order_return, attempt_time=attempt_time)
    await orders.make_due(connection, command.key, attempt_time=attempt_time)
    await earning.count_points(connection, member, decided.given_back)
    for cut in decided.frozen:
        await orders.cut_frozen(connection, command.key, cut.grant, cut.points)
    order = await orders.find_order(connection, command.key)
    if order and order.membership_id and decided.rebate_points:
        await memberships.count_rebate(
            connection, member, order.membership_id, -decided.rebate_points
        )
    if order:
        await give_back_uses_of_returned(connection, order, order_return.create_time)
    await requests.remember(
        connection,
        program_id=member.program_id,
        member_id=member.member_id,
        request_id=command.request_id,
        method=METHOD,
        fingerprint=command.fingerprint,
        answer=ReturnKey(order=command.key, return_no=order_return.return_no),
    )


async def carry_out_return(order_return: OrderReturn, *, resources: Resources) -> OrderReturn:
    """Do what is still to be done for a return.

    What the order and reviews of it earned is paid first, so that it can be taken. Raises
    DependencyDown while the ledger does not answer. That scoring does not answer stops nothing: it
    is told later.
    """
    if order_return.finished:
        return order_return
    async with resources.database.snapshot() as connection:
        order = await orders.find_order(connection, order_return.key)
    assert order is not None, "orders are never deleted"
    order = await carry_out(order, resources=resources)
    await pay_line_rewards(order_return.key, resources=resources)
    for step in order_return.steps:
        if not step.done:
            outcome = await resources.ledger.take_return_step(order_return, step)
            order_return = await settle(
                after_return_step(order_return, step.ledger_request_id, outcome), resources
            )
    if order.telling.state is TellingState.PENDING:
        return order_return
    return await tell(order_return, order.telling.state, resources)


async def tell(
    order_return: OrderReturn, purchase: TellingState, resources: Resources
) -> OrderReturn:
    """Tell scoring what went back, once it knows of the purchase; of one it refused, nothing."""
    if order_return.telling.state is not TellingState.PENDING:
        return order_return
    outcome = TellingOutcome(state=TellingState.REFUSED, refusal="PURCHASE_REFUSED")
    if purchase is TellingState.TOLD:
        try:
            outcome = await resources.scoring.record_return(order_return)
        except DependencyDown as down:
            _LOG.warning("%s does not answer; a return is told later", down.dependency)
            return order_return
    telling = replace(order_return.telling, state=outcome.state, refusal=outcome.refusal)
    return await settle(replace(order_return, telling=telling), resources)


async def settle(order_return: OrderReturn, resources: Resources) -> OrderReturn:
    """Store how far a return is.

    Whoever else carries it out asks the same and is answered the same, so the later one changes
    nothing but what it has done beyond.
    """
    key = order_return.key
    now = resources.clock.now()

    async def work(connection: Connection) -> OrderReturn:
        await lock_member(connection, key.member, now=now)
        name = ReturnKey(order=key, return_no=order_return.return_no)
        stored = await returns.find_return(connection, name)
        assert stored is not None, "returns are never deleted"
        current = further_of(stored, order_return)
        await returns.update_return(connection, current)
        await give_back_returned(connection, stored, current, now=now)
        return current

    return await resources.database.transact(work)


def further_of(stored: OrderReturn, done: OrderReturn) -> OrderReturn:
    """What either of two that carry out the same return has done."""
    steps = tuple(
        one if one.done else other for one, other in zip(stored.steps, done.steps, strict=True)
    )
    told = stored.telling if stored.telling.state is not TellingState.PENDING else done.telling
    return replace(stored, steps=steps, telling=told)


async def relay_returns(*, resources: Resources) -> int:
    """Carry out returns that were left unfinished; returns how many were looked at."""
    now = resources.machine_clock.now()
    limits = resources.limits

    async def claim(connection: Connection) -> Sequence[ReturnKey]:
        return await returns.claim_unfinished(
            connection, now=now, pause=limits.relay_pause, limit=limits.relay_batch_max
        )

    claimed = await resources.database.transact(claim)
    for key in claimed:
        async with resources.database.read() as connection:
            found = await returns.find_return(connection, key)
        assert found is not None, "returns are never deleted"
        try:
            await carry_out_return(found, resources=resources)
        except DependencyDown as down:
            _LOG.warning("%s does not answer; a return waits", down.dependency)
    return len(claimed)
