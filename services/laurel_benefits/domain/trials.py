"""Trials: one for each member, with a rebate that a purchase in time releases (F13 to F17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day, day_start

from laurel_benefits.domain.decisions import (
    Decision,
    Quota,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
    with_degraded,
)
from laurel_benefits.domain.errors import PlanKindMismatch
from laurel_benefits.domain.frozen_rebates import FrozenGrant, FrozenRebate, FrozenState, fit
from laurel_benefits.domain.gates import judge_gate, judge_risk
from laurel_benefits.domain.ids import FamilyId, MemberKey, MembershipId, PlanId, RevisionId
from laurel_benefits.domain.memberships import (
    Membership,
    MembershipTerms,
    Term,
    cap_of,
    find_plan,
    refuse_running,
    term_of,
    terms_of,
)
from laurel_benefits.domain.programs import BenefitsProgram, MembershipPlan
from laurel_benefits.domain.risks import MemberRisk, risk_at
from laurel_benefits.domain.standings import Sight

TRIAL = "trial"
"""The subject of a reason that counts trials."""


def find_trial(program: BenefitsProgram, plan_id: PlanId) -> MembershipPlan:
    """The trial of that name. Raises PlanNotFound, PlanKindMismatch."""
    plan = find_plan(program, plan_id)
    if plan.trial is None:
        raise PlanKindMismatch(plan_id=plan_id, trial=False)
    return plan


def decide_trial(
    plan: MembershipPlan,
    sight: Sight,
    held: Sequence[Membership],
    *,
    risk: MemberRisk | None,
    now: datetime,
    program_revision: RevisionId,
) -> Decision:
    """Whether a member may begin a trial: who passes its gate, once (F17).

    `held` is every membership the member has or had. Raises MembershipActive while a term of the
    family runs.
    """
    refuse_running(held, plan.family_id, now)
    running = frozenset(each.plan_id for each in held if each.runs_at(now))
    gate = judge_gate(plan.gate, sight.standing, running)
    reasons = (*judge_risk(risk, now), *gate, *judge_earlier(plan, held))
    known = sight.standing is not None or not plan.gate.asks_scoring
    return Decision(
        allowed=known and not reasons,
        reasons=with_degraded(reasons, sight),
        value=None,
        evidence=evidence_of(
            sight,
            None,
            now,
            risk_state=risk_at(risk, now),
            credit_score_required=plan.gate.credit_score_min,
        ),
        near_miss=near_miss_of(reasons, None),
        degraded=sight.degraded,
        program_revision=program_revision,
        quota=Quota(limit=1, used=len(trials_of(held, plan.family_id)), reset_time=None),
    )


def judge_earlier(plan: MembershipPlan, held: Sequence[Membership]) -> Iterator[Reason]:
    """Whether the member had a trial of the family before."""
    if had := trials_of(held, plan.family_id):
        yield Reason(code=ReasonCode.QUOTA_USED, subject=TRIAL, required=0, actual=len(had))


def trials_of(held: Sequence[Membership], family_id: FamilyId) -> list[Membership]:
    """The member's trials of a family."""
    return [each for each in held if each.frozen and each.family_id == family_id]


def make_trial(
    decision: Decision,
    plan: MembershipPlan,
    *,
    membership_id: MembershipId,
    member: MemberKey,
    zone: ZoneInfo,
    now: datetime,
) -> Membership | None:
    """The trial that begins by a decision; none when that is a no."""
    if not decision.allowed:
        return None
    terms = terms_of(plan, zone)
    term = term_of(terms, now)
    return Membership(
        membership_id=membership_id,
        member=member,
        plan_id=plan.plan_id,
        term=term,
        price_fen=0,
        quote_id=None,
        evidence=decision.evidence,
        payment_reference="",
        terms=terms,
        rebate_cap_points=cap_of(terms, now),
        rebate_granted_points=0,
        program_revision=decision.program_revision,
        purchase_time=now,
        frozen=FrozenRebate(state=FrozenState.FROZEN, release_expire_time=release_end(terms, term)),
    )


def release_end(terms: MembershipTerms, term: Term) -> datetime:
    """From when on a purchase is too late: the end of so many days after the trial's last (Q17)."""
    assert terms.trial is not None, "only a trial has a rebate that is released"
    zone = ZoneInfo(terms.time_zone)
    after = timedelta(days=1) * terms.trial.release_days
    return day_start(business_day(term.expire_time, zone) + after, zone)


def open_trial(held: Sequence[Membership], family_id: FamilyId, now: datetime) -> Membership | None:
    """The trial of the family whose rebate a purchase now would release."""
    trials = trials_of(held, family_id)
    return next((each for each in trials if each.frozen and each.frozen.open_at(now)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver:
    """What a purchase makes of an open trial."""

    trial: Membership
    """The trial, over and with an empty book."""
    bought: Membership
    """What was bought; what is released counts against its cap (F6)."""
    grants: tuple[FrozenGrant, ...]
    """What every order of the trial keeps; zero points are forfeited."""


def take_over(
    trial: Membership, grants: Sequence[FrozenGrant], bought: Membership, now: datetime
) -> TakeOver:
    """End the trial at the payment and release what its book holds (F14, F16)."""
    assert trial.frozen is not None, "only a trial is taken over"
    kept = fit(grants, bought.rebate_room_points)
    points = sum(each.points for each in kept)
    return TakeOver(
        trial=replace(
            trial,
            term=replace(trial.term, expire_time=min(trial.term.expire_time, now)),
            frozen=trial.frozen.released(points, bought.membership_id),
        ),
        bought=replace(bought, rebate_granted_points=bought.rebate_granted_points + points),
        grants=kept,
    )


def rebate_holder(
    held: Sequence[Membership], *, order_time: datetime, now: datetime
) -> Membership | None:
    """The membership whose rebate an order earns: the one that ran when it was placed (F15).

    What was placed in a trial earns for the term that took the trial over, into the trial's book
    while that is open, and nothing once the book is closed.
    """
    running = [each for each in held if each.runs_at(order_time)]
    holder = next((each for each in running if each.terms.rebate is not None), None)
    if holder is None or holder.frozen is None:
        return holder
    if successor := holder.frozen.successor_id:
        return next(each for each in held if each.membership_id == successor)
    return holder if holder.frozen.open_at(now) else None
