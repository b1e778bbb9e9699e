"""Memberships that are sold: priced by the score, with terms that hold until the term ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day, day_start

from laurel_benefits.domain.decisions import (
    Decision,
    Evidence,
    NearMiss,
    Price,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
    with_degraded,
)
from laurel_benefits.domain.errors import (
    ChannelNotFound,
    ChannelReferenceMissing,
    MemberBlocked,
    MembershipActive,
    MembershipStateMismatch,
    PlanKindMismatch,
    PlanNotFound,
    QuoteExpired,
    QuoteUsed,
)
from laurel_benefits.domain.frozen_rebates import FrozenRebate
from laurel_benefits.domain.gates import judge_gate, judge_risk
from laurel_benefits.domain.ids import (
    ChannelId,
    FamilyId,
    MemberKey,
    MembershipId,
    PlanId,
    QuoteId,
    RevisionId,
)
from laurel_benefits.domain.programs import (
    BenefitsProgram,
    Channel,
    MembershipPlan,
    RebateTerms,
    RefundTerms,
    TrialTerms,
)
from laurel_benefits.domain.publications import Forecast
from laurel_benefits.domain.risks import MemberRisk, RiskState, risk_at
from laurel_benefits.domain.standings import Sight
from laurel_benefits.domain.term_changes import UNCHANGED, TermChanges


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipTerms:
    """What holds for a term, fixed when its price was quoted."""

    term_days: int
    time_zone: str
    rebate: RebateTerms | None
    family_id: FamilyId
    trial: TrialTerms | None = None
    refund: RefundTerms | None = None
    point_value_fen: int = 0
    invoice_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """From when to when: `expire_time` is the first instant outside (X7)."""

    start_time: datetime
    expire_time: datetime

    def holds_at(self, instant: datetime) -> bool:
        """Whether the instant lies in the term."""
        return self.start_time <= instant < self.expire_time


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedChannel:
    """The way of buying that a price is for."""

    channel_id: ChannelId
    partner_points: int
    reference_once: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price that is kept until `expire_time`, with what it rests on (F20)."""

    quote_id: QuoteId
    member: MemberKey
    plan_id: PlanId
    price_fen: int
    band_score_from: int
    terms: MembershipTerms
    evidence: Evidence
    create_time: datetime
    expire_time: datetime
    program_revision: RevisionId
    channel: QuotedChannel | None = None
    """None where the plan's own shop sells."""
    membership_id: MembershipId | None = None
    """What was bought by it; none while it is unused."""
    band_score_before: int | None = None
    """From which score on the next price holds; None in the highest band. Said once, when the quote
    is made: no purchase asks for it, so its row does not keep it."""


class MembershipState(StrEnum):
    """How a membership stands (F27)."""

    FORMAL = "FORMAL"
    EXPIRED = "EXPIRED"
    TRIAL = "TRIAL"
    TRIAL_EXPIRED = "TRIAL_EXPIRED"
    UPCOMING = "UPCOMING"
    SUSPENDED = "SUSPENDED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A term a member bought, or tries."""

    membership_id: MembershipId
    member: MemberKey
    plan_id: PlanId
    term: Term
    price_fen: int
    quote_id: QuoteId | None
    """None for a trial, which nobody pays for."""
    evidence: Evidence
    payment_reference: str
    terms: MembershipTerms
    rebate_cap_points: int | None
    rebate_granted_points: int
    program_revision: RevisionId
    purchase_time: datetime
    frozen: FrozenRebate | None = None
    """The book of a trial's rebate; only a trial has one."""
    channel_id: ChannelId | None = None
    changes: TermChanges = UNCHANGED

    @property
    def family_id(self) -> FamilyId:
        """The plans it belongs to."""
        return self.terms.family_id

    @property
    def rebate_room_points(self) -> int | None:
        """What the term's cap has left; None where there is none (F6)."""
        if self.rebate_cap_points is None:
            return None
        return self.rebate_cap_points - self.rebate_granted_points

    def state_at(self, instant: datetime) -> MembershipState:
        """How it stands at an instant, as far as is known by now."""
        if self.changes.cancellation and instant >= self.changes.cancellation.cancel_time:
            return MembershipState.CANCELLED
        if instant < self.term.start_time:
            return MembershipState.UPCOMING
        if instant >= self.term.expire_time:
            return MembershipState.TRIAL_EXPIRED if self.frozen else MembershipState.EXPIRED
        if self.changes.suspended_at(instant):
            return MembershipState.SUSPENDED
        return MembershipState.TRIAL if self.frozen else MembershipState.FORMAL

    def runs_at(self, instant: datetime) -> bool:
        """Whether it gives what it gives at an instant: in its term, and not suspended."""
        return self.term.holds_at(instant) and not self.changes.suspended_at(instant)


def find_plan(program: BenefitsProgram, plan_id: PlanId) -> MembershipPlan:
    """The plan of that name. Raises PlanNotFound."""
    if plan := program.plans.get(plan_id):
        return plan
    raise PlanNotFound(plan_id=plan_id)


def find_sold(program: BenefitsProgram, plan_id: PlanId) -> MembershipPlan:
    """The plan of that name that is sold. Raises PlanNotFound, PlanKindMismatch."""
    plan = find_plan(program, plan_id)
    if plan.trial is not None:
        raise PlanKindMismatch(plan_id=plan_id, trial=True)
    return plan


def find_channel(plan: MembershipPlan, channel_id: ChannelId | None) -> Channel | None:
    """The channel of that name; None for the plan's own shop. Raises ChannelNotFound."""
    if channel_id is None:
        return None
    for channel in plan.channels:
        if channel.channel_id == channel_id:
            return channel
    raise ChannelNotFound(plan_id=plan.plan_id, channel_id=channel_id)


def decide_quote(
    plan: MembershipPlan,
    sight: Sight,
    *,
    running_plans: Iterable[PlanId],
    risk: MemberRisk | None,
    now: datetime,
    program_revision: RevisionId,
    forecast: Forecast | None = None,
) -> Decision:
    """Whether a member may buy a membership, and at what price (F18, F19, B8, I15).

    `risk` is the member's latest judgement, `forecast` what the score will be when it is published
    next.
    """
    score = sight.standing.score_value if sight.standing else None
    gate = judge_gate(plan.gate, sight.standing, frozenset(running_plans))
    reasons = (*judge_risk(risk, now), *gate)
    price = Price(price_fen=plan.band_of(score).price_fen) if score is not None else None
    allowed = not reasons and price is not None
    near = near_miss_of(reasons, price)
    if allowed:
        near = price_to_come(plan, score, forecast) or better_price(plan, score)
    return Decision(
        allowed=allowed,
        reasons=with_degraded(reasons, sight),
        value=price if allowed else None,
        evidence=evidence_of(
            sight,
            None,
            now,
            risk_state=risk_at(risk, now),
            credit_score_required=plan.gate.credit_score_min,
        ),
        near_miss=near,
        degraded=sight.degraded,
        program_revision=program_revision,
    )


def price_to_come(
    plan: MembershipPlan, score: int | None, forecast: Forecast | None
) -> NearMiss | None:
    """The lower price that the next publication brings without any change; none when it does not.

    "Publishes on the 8th at 1,000: 88 yuan."
    """
    if score is None or forecast is None:
        return None
    coming = plan.band_of(forecast.score)
    if coming.price_fen >= plan.band_of(score).price_fen:
        return None
    return NearMiss(
        code=ReasonCode.SCORE_TOO_LOW,
        subject="score",
        missing=max(coming.score_from - score, 0),
        available_from=forecast.publish_time,
        value=Price(price_fen=coming.price_fen),
    )


def better_price(plan: MembershipPlan, score: int | None) -> NearMiss | None:
    """How far the score is from the next lower price; none at the lowest."""
    if score is None:
        return None
    better = plan.better_band(plan.band_of(score))
    if better is None:
        return None
    reason = Reason(
        code=ReasonCode.SCORE_TOO_LOW,
        subject="score",
        required=better.score_from,
        actual=score,
    )
    return near_miss_of([reason], Price(price_fen=better.price_fen))


def make_quote(
    decision: Decision,
    plan: MembershipPlan,
    *,
    quote_id: QuoteId,
    member: MemberKey,
    zone: ZoneInfo,
    now: datetime,
    channel: Channel | None = None,
) -> Quote | None:
    """The quote that keeps the price of a decision; none when that is a no.

    `plan` is the plan as the channel sells it.
    """
    if not isinstance(decision.value, Price):
        return None
    standing = decision.evidence.score
    band = plan.band_of(standing.value if standing else 0)
    return Quote(
        quote_id=quote_id,
        member=member,
        plan_id=plan.plan_id,
        price_fen=decision.value.price_fen,
        band_score_from=band.score_from,
        band_score_before=plan.end_of(band),
        terms=terms_of(plan, zone),
        evidence=decision.evidence,
        create_time=now,
        expire_time=now + plan.quote_lifetime,
        program_revision=decision.program_revision,
        channel=quoted_channel(channel) if channel else None,
    )


def quoted_channel(channel: Channel) -> QuotedChannel:
    """What a quote keeps of its channel."""
    return QuotedChannel(
        channel_id=channel.channel_id,
        partner_points=channel.partner_points,
        reference_once=channel.reference_once,
    )


def terms_of(plan: MembershipPlan, zone: ZoneInfo) -> MembershipTerms:
    """What a term of the plan keeps until it ends."""
    return MembershipTerms(
        term_days=plan.term_days,
        time_zone=zone.key,
        rebate=plan.rebate,
        family_id=plan.family_id,
        trial=plan.trial,
        refund=plan.refund,
        point_value_fen=plan.point_value_fen,
        invoice_types=plan.invoice_types,
    )


def term_of(terms: MembershipTerms, start: datetime) -> Term:
    """The term that begins at an instant: it ends with the last of its business days (F27)."""
    zone = ZoneInfo(terms.time_zone)
    last_excluded = business_day(start, zone) + timedelta(days=1) * terms.term_days
    return Term(start_time=start, expire_time=day_start(last_excluded, zone))


def decide_purchase(
    quote: Quote,
    held: Sequence[Membership],
    *,
    risk: MemberRisk | None,
    membership_id: MembershipId,
    payment_reference: str,
    now: datetime,
) -> Membership:
    """The membership a quote buys. `held` is every one the member has or had.

    Raises MemberBlocked, QuoteUsed, QuoteExpired from the quote's `expire_time` on,
    MembershipActive while a bought term of the family runs, MembershipStateMismatch while a trial
    of it is suspended, ChannelReferenceMissing.
    """
    refuse_quote(quote, risk, now)
    family = quote.terms.family_id
    refuse_running([each for each in held if not each.frozen], family, now)
    for trial in held:
        suspended = trial.state_at(now) is MembershipState.SUSPENDED
        if trial.family_id == family and suspended:
            raise MembershipStateMismatch(
                membership_id=trial.membership_id, state=MembershipState.SUSPENDED.value
            )
    return bought_by(
        quote,
        term_of(quote.terms, now),
        membership_id=membership_id,
        payment_reference=payment_reference,
        now=now,
    )


def refuse_quote(quote: Quote, risk: MemberRisk | None, now: datetime) -> None:
    """Raises MemberBlocked, QuoteUsed, QuoteExpired where nothing can be bought by a quote."""
    if risk and risk.state_at(now) is RiskState.BLOCKED:
        raise MemberBlocked(member_id=quote.member.member_id, expire_time=risk.expire_time)
    refuse_used(quote)
    if now >= quote.expire_time:
        raise QuoteExpired(quote_id=quote.quote_id, expire_time=quote.expire_time)


def refuse_used(quote: Quote) -> None:
    """Raises QuoteUsed where a quote has bought something: its payment cannot have failed."""
    if quote.membership_id is not None:
        raise QuoteUsed(quote_id=quote.quote_id, membership_id=quote.membership_id)


def bought_by(
    quote: Quote,
    term: Term,
    *,
    membership_id: MembershipId,
    payment_reference: str,
    now: datetime,
) -> Membership:
    """The membership of a term that is bought now. Raises ChannelReferenceMissing."""
    channel = quote.channel
    if channel and channel.reference_once and not payment_reference:
        raise ChannelReferenceMissing(channel_id=channel.channel_id)
    return Membership(
        membership_id=membership_id,
        member=quote.member,
        plan_id=quote.plan_id,
        term=term,
        price_fen=quote.price_fen,
        quote_id=quote.quote_id,
        evidence=quote.evidence,
        payment_reference=payment_reference,
        terms=quote.terms,
        rebate_cap_points=cap_of(quote.terms, now),
        rebate_granted_points=0,
        program_revision=quote.program_revision,
        purchase_time=now,
        channel_id=channel.channel_id if channel else None,
    )


def refuse_running(held: Iterable[Membership], family_id: FamilyId, now: datetime) -> None:
    """Raises MembershipActive while one of these memberships of a family runs."""
    for each in held:
        if each.family_id == family_id and now < each.term.expire_time:
            raise MembershipActive(
                plan_id=each.plan_id,
                membership_id=each.membership_id,
                expire_time=each.term.expire_time,
            )


def cap_of(terms: MembershipTerms, purchase_time: datetime) -> int | None:
    """Most rebate points of a term bought at that time (F6, F7); None means no cap."""
    if terms.rebate is None:
        return None
    return terms.rebate.cap_of(business_day(purchase_time, ZoneInfo(terms.time_zone)))
