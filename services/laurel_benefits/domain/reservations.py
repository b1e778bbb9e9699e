"""Orders that hold points until they are paid: what was promised, and the steps that keep it.

A state that names something still to be done is stored before it is done; each step has a request
id of its own, so that doing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from laurel_benefits.domain.cancellations import (
    Cancellation,
    LinePromise,
    PaidOrder,
    decide_part,
)
from laurel_benefits.domain.checkouts import Evaluation
from laurel_benefits.domain.coupon_application import AppliedCoupon
from laurel_benefits.domain.decisions import Decision, Reason, ReasonCode, near_miss_of
from laurel_benefits.domain.drafts import OrderDraft
from laurel_benefits.domain.errors import (
    MemberBlocked,
    OrderNotCancellable,
    OrderNotCommitted,
    OrderNotReserved,
    OrderReserved,
    ReservationLapsed,
)
from laurel_benefits.domain.ids import (
    CouponId,
    LineId,
    MemberKey,
    OrderId,
    OrderKey,
    RequestId,
    ReservationKey,
    RevisionId,
)
from laurel_benefits.domain.names import name_of
from laurel_benefits.domain.orders import Earned
from laurel_benefits.domain.pieces import Pieces
from laurel_benefits.domain.programs import SpendingRules
from laurel_benefits.domain.risks import MemberRisk, RiskState
from laurel_benefits.domain.rooms import Counted


class CheckoutState(StrEnum):
    """How far an order is before it is completed."""

    RESERVING = "RESERVING"
    RESERVED = "RESERVED"
    COMMITTING = "COMMITTING"
    COMMITTED = "COMMITTED"
    RELEASING = "RELEASING"
    REFUNDING = "REFUNDING"
    COMPLETED = "COMPLETED"
    REFUSED = "REFUSED"
    LAPSED = "LAPSED"
    CANCELLED = "CANCELLED"


class Step(StrEnum):
    """What the ledger is asked for, one thing at a time."""

    HOLD = "HOLD"
    CAPTURE = "CAPTURE"
    RELEASE = "RELEASE"
    REFUND = "REFUND"


STEPS = {
    CheckoutState.RESERVING: Step.HOLD,
    CheckoutState.COMMITTING: Step.CAPTURE,
    CheckoutState.RELEASING: Step.RELEASE,
    CheckoutState.REFUNDING: Step.REFUND,
}
"""What is still to be done in a state; in the others nothing is."""

ENDED = frozenset({CheckoutState.REFUSED, CheckoutState.LAPSED, CheckoutState.CANCELLED})
"""States of orders that come to nothing: what they took of caps and budgets is given back."""

CANCELLABLE = frozenset({CheckoutState.RESERVED, CheckoutState.COMMITTED})
"""States in which an order can be called off."""

OPEN = frozenset({CheckoutState.RESERVING, CheckoutState.RESERVED})
"""States that lapse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutTerms:
    """What was decided when an order was reserved; it never changes."""

    order: OrderDraft
    """With what is left to pay of its lines after coupons and points."""
    line_points: tuple[int, ...]
    due_fen: int
    asset_id: str
    redemption_account_id: str
    hold_lifetime: timedelta
    """How long the ledger keeps the points: longer than the order may stay unpaid."""
    counted: tuple[Counted, ...]
    """What it took of caps and budgets beforehand."""
    promised_points: int
    """What the order was to earn as of then."""
    program_revision: RevisionId
    coupons: tuple[AppliedCoupon, ...] = ()
    """The coupons that are set aside for it, in the order in which they were applied."""
    promises: tuple[LinePromise, ...] = ()
    """What each line took of caps and budgets; empty where none of them did."""

    @property
    def points(self) -> int:
        """Points that pay a part of the order."""
        return sum(self.line_points)

    @property
    def coupon_ids(self) -> tuple[CouponId, ...]:
        """Which coupons."""
        return tuple(each.coupon_id for each in self.coupons)

    def coupon_fen(self, line_id: LineId) -> int:
        """What they take off a line."""
        return sum(each.off_by_line.get(line_id, 0) for each in self.coupons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """An order from its reservation to its completion or end."""

    member: MemberKey
    order_id: OrderId
    reservation_no: int
    """Its place among the reservations of the order, from 1: all but the latest came to nothing."""
    terms: CheckoutTerms
    state: CheckoutState
    create_time: datetime
    expire_time: datetime
    ending: CheckoutState | None = None
    """What a release leads to."""
    commit_time: datetime | None = None
    end_time: datetime | None = None
    end_reason: str = ""
    """Why it was cancelled, in the caller's words."""
    refusal: str = ""
    """Why the ledger did not do a step, a reason of the ledger."""
    returned_points: int = 0
    """Points that came back of what was called off after it was paid."""
    forfeited_points: int = 0
    """Points of it that were void by then (E15)."""
    cancellations: tuple[Cancellation, ...] = ()
    """What was called off after it was paid, in its order."""

    @property
    def key(self) -> OrderKey:
        """The name of the order."""
        return OrderKey(member=self.member, order_id=self.order_id)

    @property
    def reservation(self) -> ReservationKey:
        """The name of this reservation of it."""
        return ReservationKey(order=self.key, reservation_no=self.reservation_no)

    @property
    def paid(self) -> PaidOrder:
        """The order as it was paid, and what of it is off by now."""
        terms = self.terms
        return PaidOrder(
            draft=terms.order,
            line_points=terms.line_points,
            promises=terms.promises,
            counted=terms.counted,
            cancellations=self.cancellations,
        )

    @property
    def refunded_points(self) -> int:
        """Points that the cancellation under way gives back."""
        return self.cancellations[-1].points if self.cancellations else self.terms.points

    @property
    def stage(self) -> tuple[CheckoutState, int]:
        """How far it is: what is done for it in a later stage is nothing of this one's."""
        return self.state, len(self.cancellations)

    @property
    def step(self) -> Step | None:
        """What is still to be done."""
        return STEPS.get(self.state)

    @property
    def ended(self) -> bool:
        """Whether it came to nothing."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """What the ledger answered for good: done, or refused with a reason."""

    refusal: str = ""
    restored_points: int = 0
    """Points of a reversed spending that are back in their lots."""
    expired_points: int = 0
    """Points of it whose lot was void."""


def make_checkout(
    evaluation: Evaluation,
    rules: SpendingRules,
    *,
    member: MemberKey,
    reservation_no: int,
    hold_margin: timedelta,
    now: datetime,
) -> Checkout:
    """The reservation that a yes allows; without points there is nothing to hold."""
    terms = CheckoutTerms(
        order=evaluation.order,
        line_points=evaluation.spending.line_points,
        due_fen=evaluation.due_fen,
        asset_id=rules.asset_id,
        redemption_account_id=rules.redemption_account_id,
        hold_lifetime=rules.reserve_lifetime + hold_margin,
        counted=evaluation.earned.counted,
        promised_points=sum(share.points for share in evaluation.earned.shares),
        program_revision=evaluation.program_revision,
        coupons=evaluation.coupons.applied,
        promises=promises_of(evaluation.earned),
    )
    state = CheckoutState.RESERVING if terms.points else CheckoutState.RESERVED
    return Checkout(
        member=member,
        order_id=evaluation.order.order_id,
        reservation_no=reservation_no,
        terms=terms,
        state=state,
        create_time=now,
        expire_time=now + rules.reserve_lifetime,
    )


def promises_of(earned: Earned) -> tuple[LinePromise, ...]:
    """What each line of an order takes of caps and budgets; nothing is kept where none is."""
    if not earned.counted:
        return ()
    return tuple(
        LinePromise(
            base_points=line.base_points,
            campaigns=tuple(each for each in line.campaigns if each.points),
        )
        for line in earned.lines
    )


def reservation_after(latest: Checkout | None, order_id: OrderId) -> int:
    """The number of the next reservation. Raises OrderReserved unless the latest has ended.

    What was cancelled, lapsed or refused holds nothing any more, so the order may be tried again.
    """
    if latest is None:
        return 1
    if not latest.ended:
        raise OrderReserved(order_id=order_id)
    return latest.reservation_no + 1


def decide_commit(checkout: Checkout, risk: MemberRisk | None, now: datetime) -> Checkout:
    """The order is paid.

    Raises OrderNotReserved, ReservationLapsed from `expire_time` on, and MemberBlocked where who
    was blocked since would spend points or coupons (B11, O55): nothing was spent by reserving.
    """
    if checkout.state is not CheckoutState.RESERVED:
        raise OrderNotReserved(order_id=checkout.order_id, state=checkout.state)
    if now >= checkout.expire_time:
        raise ReservationLapsed(order_id=checkout.order_id, expire_time=checkout.expire_time)
    spends = checkout.terms.points or checkout.terms.coupons
    if spends and risk and risk.state_at(now) is RiskState.BLOCKED:
        raise MemberBlocked(member_id=checkout.member.member_id, expire_time=risk.expire_time)
    state = CheckoutState.COMMITTING if checkout.terms.points else CheckoutState.COMMITTED
    return replace(checkout, state=state, commit_time=now)


def decide_cancellation(
    checkout: Checkout, wanted: Iterable[Pieces], *, reason: str, now: datetime
) -> Checkout:
    """The order is off, or some pieces of it: what is held is released, what was spent comes back
    (E14). Nothing named is all that is left.

    Raises OrderNotCancellable for one that is completed or came to nothing before, and where only a
    part of an unpaid one is named; OrderLineNotFound, OrderLineCancelled.
    """
    if checkout.state not in CANCELLABLE:
        raise OrderNotCancellable(order_id=checkout.order_id, state=checkout.state)
    part = decide_part(checkout.paid, wanted, reason=reason, now=now)
    changed = replace(checkout, cancellations=(*checkout.cancellations, part))
    whole = not changed.paid.draft_left().lines
    if checkout.state is CheckoutState.RESERVED:
        if not whole:
            raise OrderNotCancellable(order_id=checkout.order_id, state=checkout.state)
        return replace(end_unpaid(checkout, CheckoutState.CANCELLED, now), end_reason=reason)
    ending = CheckoutState.CANCELLED if whole else CheckoutState.COMMITTED
    state = CheckoutState.REFUNDING if part.points else ending
    changed = replace(changed, state=state, ending=ending)
    return replace(changed, end_time=now, end_reason=reason) if whole else changed


def decide_lapse(checkout: Checkout, now: datetime) -> Checkout | None:
    """The order was not paid in time; None when it was, or came to an end before."""
    if checkout.state not in OPEN or now < checkout.expire_time:
        return None
    return end_unpaid(checkout, CheckoutState.LAPSED, now)


def end_unpaid(checkout: Checkout, ending: CheckoutState, now: datetime) -> Checkout:
    """The end of an order that holds points, or none."""
    if checkout.terms.points:
        return replace(checkout, state=CheckoutState.RELEASING, ending=ending, end_time=now)
    return replace(checkout, state=ending, end_time=now)


def decide_completion_of(checkout: Checkout) -> Checkout:
    """The order is delivered. Raises OrderNotCommitted for one that is not paid."""
    if checkout.state is not CheckoutState.COMMITTED:
        raise OrderNotCommitted(order_id=checkout.order_id, state=checkout.state)
    return replace(checkout, state=CheckoutState.COMPLETED)


def after_step(checkout: Checkout, outcome: StepOutcome, now: datetime) -> Checkout:
    """The order after the ledger answered.

    A hold that is refused ends the order; so does a capture, for its points are gone. A release
    that is refused had nothing to release any more.
    """
    match checkout.state:
        case CheckoutState.RESERVING if outcome.refusal:
            state = CheckoutState.REFUSED
        case CheckoutState.RESERVING:
            state = CheckoutState.RESERVED
        case CheckoutState.COMMITTING if outcome.refusal:
            state = CheckoutState.LAPSED
        case CheckoutState.COMMITTING:
            state = CheckoutState.COMMITTED
        case CheckoutState.RELEASING:
            assert checkout.ending, "a release leads somewhere"
            state = checkout.ending
        case _:
            state = checkout.ending or CheckoutState.CANCELLED
    after = replace(
        checkout,
        state=state,
        refusal=outcome.refusal,
        returned_points=checkout.returned_points + outcome.restored_points,
        forfeited_points=checkout.forfeited_points + outcome.expired_points,
        cancellations=after_refund(checkout, outcome),
    )
    return replace(after, end_time=after.end_time or now) if after.ended else after


def after_refund(checkout: Checkout, outcome: StepOutcome) -> tuple[Cancellation, ...]:
    """The cancellations, the last one with what the ledger answered where it was asked for it."""
    if checkout.step is not Step.REFUND or not checkout.cancellations:
        return checkout.cancellations
    *earlier, last = checkout.cancellations
    answered = replace(
        last,
        returned_points=outcome.restored_points,
        forfeited_points=outcome.expired_points,
        refusal=outcome.refusal,
    )
    return (*earlier, answered)


def with_hold_refused(decision: Decision, checkout: Checkout | None) -> Decision:
    """The decision, a no where the ledger had fewer points by then."""
    if checkout is None or checkout.state is not CheckoutState.REFUSED:
        return decision
    reason = Reason(
        code=ReasonCode.BALANCE_TOO_LOW, subject="balance", required=checkout.terms.points
    )
    reasons = (*decision.reasons, reason)
    return replace(
        decision, allowed=False, reasons=reasons, near_miss=near_miss_of(reasons, decision.value)
    )


def request_id_of(checkout: Checkout, step: Step) -> RequestId:
    """Under which name the ledger knows a step; the hold has the name of the first."""
    if step is Step.REFUND:
        return refund_id_of(checkout, len(checkout.cancellations))
    return RequestId(name_of(checkout.key, f"checkout/{checkout.reservation_no}/{step}"))


def refund_id_of(checkout: Checkout, cancellation_no: int) -> RequestId:
    """Under which name the ledger knows what a cancellation gives back."""
    purpose = f"checkout/{checkout.reservation_no}/{Step.REFUND}"
    if cancellation_no > 1:
        purpose = f"{purpose}/{cancellation_no}"
    return RequestId(name_of(checkout.key, purpose))
