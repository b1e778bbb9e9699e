"""Reserves, commits and cancels orders; what is to be done in the ledger is stored beforehand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit import requests
from laurel_kit.database import Connection

from laurel_benefits.domain.cancellations import Cancellation
from laurel_benefits.domain.checkouts import Evaluation, Promise
from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.errors import EvaluationChanged, OrderNotFound, OrderReserved
from laurel_benefits.domain.ids import MemberKey, OrderKey, RequestId, ReservationKey
from laurel_benefits.domain.pieces import Pieces
from laurel_benefits.domain.reservations import (
    Checkout,
    decide_cancellation,
    decide_commit,
    make_checkout,
    reservation_after,
    with_hold_refused,
)
from laurel_benefits.domain.rooms import given_back
from laurel_benefits.handlers.checkout_steps import carry_out_checkout, let_go
from laurel_benefits.handlers.checkouts import EvaluateOrder, Moment, evaluate, spending_rules
from laurel_benefits.handlers.coupon_orders import redeem_coupons, reserve_coupons
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import checkouts, earning, orders
from laurel_benefits.storage.members import lock_member
from laurel_benefits.storage.risks import latest_risk

RESERVE_METHOD = "ReserveOrder"
COMMIT_METHOD = "CommitOrder"
CANCEL_METHOD = "CancelOrder"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveOrder:
    """An order that a member wants to pay."""

    request_id: RequestId
    wish: EvaluateOrder
    promise: Promise | None
    """What the member was told; None reserves as it is now."""
    fingerprint: bytes

    @property
    def member(self) -> MemberKey:
        """Whose order."""
        return self.wish.member

    @property
    def key(self) -> OrderKey:
        """The name of the order."""
        return OrderKey(member=self.member, order_id=self.wish.draft.order_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrder:
    """An order that is paid, or off."""

    request_id: RequestId
    key: OrderKey
    reason: str
    fingerprint: bytes
    wanted: tuple[Pieces, ...] = ()
    """What is off; nothing named is all that is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is remembered of a reservation: the decision and, where it is a yes, the order."""

    decision: Decision
    reservation_no: int | None
    """Which one of the order; None where nothing was reserved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedOrder:
    """The decision and, where it is a yes, the order that holds."""

    decision: Decision
    checkout: Checkout | None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptChange:
    """What is remembered of a change: the reservation and, where a paid order was called off or a
    part of it, which of its cancellations that was.
    """

    order: OrderKey
    reservation_no: int
    cancellation_no: int = 0
    """0 for none."""

    @property
    def reservation(self) -> ReservationKey:
        """The name of the reservation."""
        return ReservationKey(order=self.order, reservation_no=self.reservation_no)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedOrder:
    """The order after the change."""

    checkout: Checkout
    cancellation_no: int = 0
    """Which of its cancellations the change was; 0 for none."""
    replayed: bool = False

    @property
    def cancellation(self) -> Cancellation | None:
        """What was called off of a paid order by the change."""
        no = self.cancellation_no
        return self.checkout.cancellations[no - 1] if no else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """An order for which an earlier call has left something to do; nothing was changed."""

    checkout: Checkout


async def reserve_order(command: ReserveOrder, *, resources: Resources) -> ReservedOrder:
    """Hold what an order needs until it is paid or lapses: points, coupons, budgets and caps.

    Raises EvaluationChanged, OrderReserved, PointsNotSpendable, CouponNotFound, DependencyDown.
    """
    now = resources.clock.now()
    revision = await revision_now(command.member.program_id, resources)
    rules = spending_rules(revision.model, command.wish)
    moment = Moment(
        revision=revision,
        balance=await resources.ledger.get_balance(command.member, rules.asset_id),
        now=now,
    )

    async def work(connection: Connection) -> ReservedOrder:
        await lock_member(connection, command.member, now=now)
        if earlier := await earlier_reservation(connection, command):
            return earlier
        return await decide_and_hold(connection, command, moment, resources)

    answer = await resources.database.transact(work)
    if answer.checkout is None:
        return answer
    checkout = await carry_out_checkout(answer.checkout, resources=resources)
    decision = with_hold_refused(answer.decision, checkout)
    return replace(answer, decision=decision, checkout=checkout)


async def earlier_reservation(
    connection: Connection, command: ReserveOrder
) -> ReservedOrder | None:
    """What an earlier, equal request decided, with the order as it is now."""
    kept = await requests.earlier(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=RESERVE_METHOD,
        fingerprint=command.fingerprint,
        answer=Kept,
    )
    if kept is None:
        return None
    checkout = None
    if kept.reservation_no is not None:
        name = ReservationKey(order=command.key, reservation_no=kept.reservation_no)
        checkout = await checkouts.find_reservation(connection, name)
    return ReservedOrder(decision=kept.decision, checkout=checkout, replayed=True)


async def decide_and_hold(
    connection: Connection,
    command: ReserveOrder,
    moment: Moment,
    resources: Resources,
) -> ReservedOrder:
    """One transaction: the decision, what is to be held, and what budgets and caps give for it."""
    latest = await checkouts.find_checkout(connection, command.key)
    reservation_no = reservation_after(latest, command.key.order_id)
    if await orders.find_order(connection, command.key):
        raise OrderReserved(order_id=command.key.order_id)
    evaluation = await evaluate(connection, command.wish, moment, locking=True)
    decision = evaluation.spending.decision
    checkout = None
    if decision.allowed:
        check_promise(command, evaluation)
        checkout = make_checkout(
            evaluation,
            spending_rules(moment.revision.model, command.wish),
            member=command.member,
            reservation_no=reservation_no,
            hold_margin=resources.limits.hold_margin,
            now=moment.now,
        )
        attempt_time = resources.machine_clock.now() + resources.limits.relay_delay
        await checkouts.insert_checkout(connection, checkout, attempt_time=attempt_time)
        await earning.count_points(connection, checkout.member, checkout.terms.counted)
        await set_aside(connection, checkout)
    await requests.remember(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=RESERVE_METHOD,
        fingerprint=command.fingerprint,
        answer=Kept(
            decision=decision, reservation_no=checkout.reservation_no if checkout else None
        ),
    )
    return ReservedOrder(decision=decision, checkout=checkout)


async def set_aside(connection: Connection, checkout: Checkout) -> None:
    """Keep the coupons of an order for it."""
    if checkout.terms.coupons:
        await reserve_coupons(
            connection,
            checkout.member,
            checkout.terms.coupon_ids,
            order_id=checkout.order_id,
            now=checkout.create_time,
        )


async def use_coupons(connection: Connection, checkout: Checkout) -> None:
    """Use the coupons of an order that is paid."""
    assert checkout.commit_time, "it is paid"
    if checkout.terms.coupons:
        await redeem_coupons(
            connection,
            checkout.member,
            checkout.terms.coupon_ids,
            order_id=checkout.order_id,
            now=checkout.commit_time,
        )


def check_promise(command: ReserveOrder, evaluation: Evaluation) -> None:
    """Refuse an order of which what the member was told no longer holds: EvaluationChanged."""
    if command.promise is None:
        return
    if changes := command.promise.changes(evaluation.promise):
        raise EvaluationChanged(changes, order_id=command.key.order_id)


async def commit_order(command: ChangeOrder, *, resources: Resources) -> ChangedOrder:
    """The order is paid: its points and coupons are spent. Raises OrderNotFound, OrderNotReserved,
    ReservationLapsed, MemberBlocked, DependencyDown.
    """
    return await change_order(command, COMMIT_METHOD, pay, use_coupons, resources)


async def cancel_order(command: ChangeOrder, *, resources: Resources) -> ChangedOrder:
    """The order or a part of it is off: its points come back, its part of budgets and caps, and the
    coupons once nothing is left (M10). Raises OrderNotFound, OrderNotCancellable,
    OrderLineNotFound, OrderLineCancelled, DependencyDown.
    """

    async def call_off(_: Connection, checkout: Checkout, now: datetime) -> Checkout:
        return decide_cancellation(checkout, command.wanted, reason=command.reason, now=now)

    return await change_order(command, CANCEL_METHOD, call_off, let_go_of_part, resources)


async def pay(connection: Connection, checkout: Checkout, now: datetime) -> Checkout:
    """Decide on a payment by how the member is judged now."""
    return decide_commit(checkout, await latest_risk(connection, checkout.member), now)


async def let_go_of_part(connection: Connection, checkout: Checkout) -> None:
    """Give back what is off had taken of caps and budgets, and all the rest with the last of it."""
    if checkout.cancellations:
        freed = given_back(checkout.cancellations[-1].freed)
        await earning.count_points(connection, checkout.member, freed)
    await let_go(connection, checkout)


async def change_order(
    command: ChangeOrder,
    method: str,
    decide: Callable[[Connection, Checkout, datetime], Awaitable[Checkout]],
    entail: Callable[[Connection, Checkout], Awaitable[None]],
    resources: Resources,
) -> ChangedOrder:
    """Decide and store with what it entails here, then do the rest in the ledger.

    What an earlier change left is done first.
    """
    now = resources.clock.now()

    async def work(connection: Connection) -> ChangedOrder | Unfinished:
        member = command.key.member
        await lock_member(connection, member, now=now)
        earlier = await requests.earlier(
            connection,
            program_id=member.program_id,
            member_id=member.member_id,
            request_id=command.request_id,
            method=method,
            fingerprint=command.fingerprint,
            answer=KeptChange,
        )
        if earlier:
            changed = await checkouts.find_reservation(connection, earlier.reservation)
            assert changed is not None, "reservations are never deleted"
            return ChangedOrder(
                checkout=changed, cancellation_no=earlier.cancellation_no, replayed=True
            )
        checkout = await checkouts.find_checkout(connection, command.key)
        if checkout is None:
            raise OrderNotFound(order_id=command.key.order_id)
        if checkout.step:
            return Unfinished(checkout=checkout)
        changed = await decide(connection, checkout, now)
        attempt_time = resources.machine_clock.now() + resources.limits.relay_delay
        await checkouts.update_checkout(connection, changed, attempt_time=attempt_time)
        await entail(connection, changed)
        await requests.remember(
            connection,
            program_id=member.program_id,
            member_id=member.member_id,
            request_id=command.request_id,
            method=method,
            fingerprint=command.fingerprint,
            answer=KeptChange(
                order=changed.key,
                reservation_no=changed.reservation_no,
                cancellation_no=len(changed.cancellations),
            ),
        )
        return ChangedOrder(checkout=changed, cancellation_no=len(changed.cancellations))

    while isinstance(changed := await resources.database.transact(work), Unfinished):
        await carry_out_checkout(changed.checkout, resources=resources)
    checkout = await carry_out_checkout(changed.checkout, resources=resources)
    return replace(changed, checkout=checkout)
