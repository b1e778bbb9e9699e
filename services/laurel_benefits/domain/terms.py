"""What may be done with a term after it was bought: renew, cancel, suspend, resume, extend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day, day_start

from laurel_benefits.domain.errors import (
    MembershipNotRunning,
    MembershipRenewed,
    MembershipStateMismatch,
    TermNotFound,
)
from laurel_benefits.domain.ids import FamilyId, MembershipId
from laurel_benefits.domain.invoice_errors import (
    InvoiceRequested,
    InvoiceTypeNotIssued,
    NothingToInvoice,
)
from laurel_benefits.domain.memberships import (
    Membership,
    MembershipState,
    Quote,
    Term,
    bought_by,
    refuse_quote,
    term_of,
)
from laurel_benefits.domain.risks import MemberRisk
from laurel_benefits.domain.savings import Savings
from laurel_benefits.domain.term_changes import Cancellation, Extension, Invoice, Suspension
from laurel_benefits.domain.trials import release_end

BEGUN = frozenset({MembershipState.FORMAL, MembershipState.TRIAL, MembershipState.SUSPENDED})
"""States of a term that has begun and is not over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """Why something is done with a term, and by whom."""

    reason: str
    maker: str


def find_term(held: Sequence[Membership], membership_id: MembershipId) -> Membership:
    """The membership of that name. Raises TermNotFound."""
    for each in held:
        if each.membership_id == membership_id:
            return each
    raise TermNotFound(membership_id=membership_id)


def decide_renewal(
    quote: Quote,
    held: Sequence[Membership],
    *,
    risk: MemberRisk | None,
    membership_id: MembershipId,
    payment_reference: str,
    now: datetime,
) -> Membership:
    """The term a quote buys that begins when the running one ends, at the quote's terms.

    Its cap goes by the day of the renewal, not by that of its beginning (F7). Raises MemberBlocked,
    QuoteUsed, QuoteExpired, MembershipNotRunning, MembershipRenewed, MembershipStateMismatch while
    the running term is suspended.
    """
    refuse_quote(quote, risk, now)
    family = quote.terms.family_id
    running = running_term(held, family, now)
    if running is None:
        raise MembershipNotRunning(plan_id=quote.plan_id)
    if later := upcoming_term(held, family, now):
        raise MembershipRenewed(membership_id=later.membership_id)
    refuse_unless(running, frozenset({MembershipState.FORMAL}), now)
    return bought_by(
        quote,
        term_of(quote.terms, running.term.expire_time),
        membership_id=membership_id,
        payment_reference=payment_reference,
        now=now,
    )


def running_term(
    held: Sequence[Membership], family_id: FamilyId, now: datetime
) -> Membership | None:
    """The bought term of a family that has begun and is not over, suspended or not."""
    bought = [each for each in held if each.family_id == family_id and each.frozen is None]
    return next((each for each in bought if each.term.holds_at(now)), None)


def upcoming_term(
    held: Sequence[Membership], family_id: FamilyId, now: datetime
) -> Membership | None:
    """The term of a family that was renewed and has not begun."""
    states = ((each, each.state_at(now)) for each in held if each.family_id == family_id)
    return next((each for each, state in states if state is MembershipState.UPCOMING), None)


def decide_cancellation(
    savings: Savings, held: Sequence[Membership], by_hand: ByHand, now: datetime
) -> Membership:
    """The term ended now, with what comes back of its price.

    It grants no rebate any more, also not for what was placed before and is delivered later. Raises
    MembershipStateMismatch when it is over, MembershipRenewed while a later term waits for its end.
    """
    membership = savings.membership
    refuse_unless(membership, BEGUN | {MembershipState.UPCOMING}, now)
    later = upcoming_term(held, membership.family_id, now)
    if later and later.membership_id != membership.membership_id:
        raise MembershipRenewed(membership_id=later.membership_id)
    cancellation = Cancellation(
        cancel_time=now,
        used_fen=savings.saved_fen,
        refund_fen=refund_of(savings, now),
        reason=by_hand.reason,
        maker=by_hand.maker,
    )
    end = max(now, membership.term.start_time)
    return replace(
        membership,
        term=replace(membership.term, expire_time=end),
        rebate_cap_points=membership.rebate_granted_points,
        changes=replace(membership.changes.resumed(now), cancellation=cancellation),
    )


def refund_of(savings: Savings, now: datetime) -> int:
    """What comes back: the price less what was had of the membership, never below zero.

    Nothing where the terms refund nothing (F21), or their days are over. The day on which the term
    began is the first of them.
    """
    membership = savings.membership
    refund = membership.terms.refund
    if refund is None:
        return 0
    zone = ZoneInfo(membership.terms.time_zone)
    first = business_day(membership.term.start_time, zone)
    if now >= day_start(later_day(first, refund.within_days), zone):
        return 0
    return max(membership.price_fen - savings.saved_fen, 0)


def decide_suspension(membership: Membership, by_hand: ByHand, now: datetime) -> Membership:
    """The term giving nothing from now on, while its time goes on (B11, F27).

    Raises MembershipStateMismatch unless it runs.
    """
    refuse_unless(membership, frozenset({MembershipState.FORMAL, MembershipState.TRIAL}), now)
    suspension = Suspension(
        start_time=now, end_time=None, reason=by_hand.reason, maker=by_hand.maker
    )
    return replace(membership, changes=membership.changes.suspended(suspension))


def decide_resumption(membership: Membership, now: datetime) -> Membership:
    """The term giving again what it gives. Raises MembershipStateMismatch unless suspended."""
    refuse_unless(membership, frozenset({MembershipState.SUSPENDED}), now)
    return replace(membership, changes=membership.changes.resumed(now))


def decide_extension(
    membership: Membership,
    held: Sequence[Membership],
    days: int,
    by_hand: ByHand,
    now: datetime,
) -> tuple[Membership, ...]:
    """The term with more business days, and the renewed one after it so many days later.

    Caps stay: a membership has one, extensions included (F6). The time to release what a trial has
    frozen moves with the trial's end; a trial that is over runs again while that time lasts. Raises
    MembershipStateMismatch when the term is over otherwise.
    """
    extension = Extension(days=days, extend_time=now, reason=by_hand.reason, maker=by_hand.maker)
    if can_run_again(membership, now):
        return (running_again(membership, extension),)
    refuse_unless(membership, BEGUN | {MembershipState.UPCOMING}, now)
    longer = replace(
        moved(membership, days, start=False), changes=membership.changes.extended(extension)
    )
    later = upcoming_term(held, membership.family_id, now)
    if later is None or later.membership_id == membership.membership_id:
        return (longer,)
    return longer, moved(later, days, start=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """What is wished of an invoice."""

    invoice_type: str
    title: str
    tax_number: str


def decide_invoice(membership: Membership, wished: Addressee, now: datetime) -> Membership:
    """The membership with its fee invoiced: what was paid less what came back (F26).

    Raises InvoiceTypeNotIssued, InvoiceRequested, NothingToInvoice.
    """
    issued, changes = membership.terms.invoice_types, membership.changes
    if wished.invoice_type not in issued:
        raise InvoiceTypeNotIssued(invoice_type=wished.invoice_type, issued=",".join(issued))
    if changes.invoice:
        raise InvoiceRequested(
            membership_id=membership.membership_id, request_time=changes.invoice.request_time
        )
    refunded = changes.cancellation.refund_fen if changes.cancellation else 0
    if membership.price_fen == refunded:
        raise NothingToInvoice(membership_id=membership.membership_id)
    invoice = Invoice(
        invoice_type=wished.invoice_type,
        title=wished.title,
        tax_number=wished.tax_number,
        amount_fen=membership.price_fen - refunded,
        request_time=now,
    )
    return replace(membership, changes=replace(changes, invoice=invoice))


def can_run_again(membership: Membership, now: datetime) -> bool:
    """Whether it is a trial that is over by its time, for which a purchase still releases."""
    over = membership.state_at(now) is MembershipState.TRIAL_EXPIRED
    return over and membership.frozen is not None and membership.frozen.open_at(now)


def running_again(trial: Membership, extension: Extension) -> Membership:
    """The trial with its new days from today on. What was placed in between earns nothing (F15).

    The time in between is kept as one in which the trial gave nothing.
    """
    now, zone = extension.extend_time, ZoneInfo(trial.terms.time_zone)
    between = Suspension(
        start_time=trial.term.expire_time,
        end_time=now,
        reason=extension.reason,
        maker=extension.maker,
    )
    expire = day_start(later_day(business_day(now, zone), extension.days), zone)
    changes = trial.changes.suspended(between).extended(extension)
    return ending_at(replace(trial, changes=changes), replace(trial.term, expire_time=expire))


def moved(membership: Membership, days: int, *, start: bool) -> Membership:
    """The membership ending so many days later, and beginning later too where `start` says so."""
    zone = ZoneInfo(membership.terms.time_zone)
    term = membership.term
    expire = day_start(later_day(business_day(term.expire_time, zone), days), zone)
    begin = day_start(later_day(business_day(term.start_time, zone), days), zone)
    first = begin if start else term.start_time
    return ending_at(membership, replace(term, start_time=first, expire_time=expire))


def ending_at(membership: Membership, term: Term) -> Membership:
    """The membership with another term; the time to release goes with its end."""
    later = replace(membership, term=term)
    if later.frozen is None:
        return later
    end = release_end(later.terms, later.term)
    return replace(later, frozen=replace(later.frozen, release_expire_time=end))


def later_day(day: date, days: int) -> date:
    """The day so many days later."""
    return day + timedelta(days=1) * days


def refuse_unless(
    membership: Membership, states: frozenset[MembershipState], now: datetime
) -> None:
    """Raises MembershipStateMismatch when the membership is in none of the states."""
    state = membership.state_at(now)
    if state not in states:
        raise MembershipStateMismatch(membership_id=membership.membership_id, state=state.value)
