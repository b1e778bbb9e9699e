"""Decides whether a member may have a benefit."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.eligibility import decide_benefit, find_benefit
from laurel_benefits.domain.gates import BirthDate
from laurel_benefits.domain.ids import BenefitId, MemberKey, RevisionId
from laurel_benefits.domain.programs import Benefit
from laurel_benefits.domain.standings import NOT_ASKED, Sight
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.standings import see_standing
from laurel_benefits.storage.memberships import running_memberships


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckBenefit:
    """Which benefit, for whom."""

    member: MemberKey
    benefit_id: BenefitId
    birth_date: BirthDate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBenefit:
    """The decision and the benefit it is about."""

    benefit: Benefit
    decision: Decision


async def check_benefit(query: CheckBenefit, *, resources: Resources) -> CheckedBenefit:
    """Decide whether a member may have a benefit now. Raises BenefitNotFound."""
    member, now = query.member, resources.clock.now()
    async with resources.database.read() as connection:
        revision = await resources.programs.at(connection, member.program_id, now)
        benefit = find_benefit(revision.model, query.benefit_id)
        running = await running_memberships(connection, member, now)
    decision = decide_benefit(
        benefit,
        await sight_for(benefit, member, resources),
        running,
        birth_date=query.birth_date,
        now=now,
        zone=revision.time_zone,
        program_revision=RevisionId(revision.revision_id),
    )
    return CheckedBenefit(benefit=benefit, decision=decision)


async def sight_for(benefit: Benefit, member: MemberKey, resources: Resources) -> Sight:
    """The member's standing, asked for only where the gate looks at it."""
    if not benefit.gate.asks_scoring:
        return NOT_ASKED
    return await see_standing(
        member, benefit.score_model_id, benefit.score_source, resources=resources
    )
