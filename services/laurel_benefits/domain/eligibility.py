"""Benefits: whether a member may have one now, and why not (C15 to C18)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from laurel_benefits.domain.decisions import (
    AmountOff,
    Decision,
    evidence_of,
    near_miss_of,
    with_degraded,
)
from laurel_benefits.domain.errors import BenefitNotFound
from laurel_benefits.domain.gates import BirthDate, judge_gate, judge_window
from laurel_benefits.domain.ids import BenefitId, MembershipId, RevisionId
from laurel_benefits.domain.memberships import Membership
from laurel_benefits.domain.programs import Benefit, BenefitsProgram
from laurel_benefits.domain.standings import Sight


def find_benefit(program: BenefitsProgram, benefit_id: BenefitId) -> Benefit:
    """The benefit of that name. Raises BenefitNotFound."""
    if benefit := program.benefits.get(benefit_id):
        return benefit
    raise BenefitNotFound(benefit_id=benefit_id)


def decide_benefit(
    benefit: Benefit,
    sight: Sight,
    running: Sequence[Membership],
    *,
    birth_date: BirthDate | None,
    now: datetime,
    zone: ZoneInfo,
    program_revision: RevisionId,
) -> Decision:
    """Whether a member may have a benefit now, with every reason against it.

    `running` are the member's memberships whose term holds now.
    """
    reasons = (
        *judge_gate(benefit.gate, sight.standing, [each.plan_id for each in running]),
        *judge_window(benefit.window, birth_date=birth_date, now=now, zone=zone),
    )
    unknown = benefit.gate.asks_scoring and sight.standing is None
    value = (
        AmountOff(amount_off_fen=benefit.amount_off_fen)
        if benefit.amount_off_fen is not None
        else None
    )
    allowed = not reasons and not unknown
    return Decision(
        allowed=allowed,
        reasons=with_degraded(reasons, sight),
        value=value if allowed else None,
        evidence=evidence_of(sight, membership_that_counts(benefit, running), now),
        near_miss=None if allowed or unknown else near_miss_of(reasons, value),
        degraded=sight.degraded,
        program_revision=program_revision,
    )


def membership_that_counts(benefit: Benefit, running: Sequence[Membership]) -> MembershipId | None:
    """The running membership the gate asks for."""
    wanted = benefit.gate.membership_plans
    return next((each.membership_id for each in running if each.plan_id in wanted), None)
