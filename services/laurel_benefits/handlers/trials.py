"""Starts trials of memberships."""

from __future__ import annotations

from dataclasses import dataclass, replace

from laurel_kit import requests
from laurel_kit.database import Connection
from laurel_kit.ids import new_id
from laurel_kit.programs.registry import Revision

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.ids import MemberKey, MembershipId, PlanId, RequestId, RevisionId
from laurel_benefits.domain.memberships import Membership
from laurel_benefits.domain.programs import BenefitsProgram, MembershipPlan
from laurel_benefits.domain.standings import Sight
from laurel_benefits.domain.trials import decide_trial, find_trial, make_trial
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.standings import see_standing
from laurel_benefits.handlers.trial_ends import schedule_forfeit
from laurel_benefits.storage import memberships
from laurel_benefits.storage.members import lock_member
from laurel_benefits.storage.risks import latest_risk

METHOD = "StartTrial"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTrial:
    """Which trial is to begin."""

    member: MemberKey
    request_id: RequestId
    plan_id: PlanId
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedTrial:
    """The decision and, where it is a yes, the trial."""

    decision: Decision
    trial: Membership | None
    replayed: bool = False


async def start_trial(command: StartTrial, *, resources: Resources) -> StartedTrial:
    """Start the one trial of a family. Raises PlanNotFound, PlanKindMismatch, MembershipActive."""
    async with resources.database.read() as connection:
        if earlier := await earlier_trial(connection, command):
            return earlier
    revision = await revision_now(command.member.program_id, resources)
    plan = find_trial(revision.model, command.plan_id)
    sight = await see_standing(
        command.member, plan.score_model_id, plan.score_source, resources=resources
    )

    async def work(connection: Connection) -> StartedTrial:
        return await decide_and_store(
            connection, command, plan, sight, revision=revision, resources=resources
        )

    return await resources.database.transact(work)


async def decide_and_store(
    connection: Connection,
    command: StartTrial,
    plan: MembershipPlan,
    sight: Sight,
    *,
    revision: Revision[BenefitsProgram],
    resources: Resources,
) -> StartedTrial:
    """One transaction: the decision, and the trial with the timer that closes its book."""
    member, now = command.member, resources.clock.now()
    await lock_member(connection, member, now=now)
    if earlier := await earlier_trial(connection, command):
        return earlier
    decision = decide_trial(
        plan,
        sight,
        await memberships.all_memberships(connection, member),
        risk=await latest_risk(connection, member),
        now=now,
        program_revision=RevisionId(revision.revision_id),
    )
    trial = make_trial(
        decision,
        plan,
        membership_id=MembershipId(new_id()),
        member=member,
        zone=revision.time_zone,
        now=now,
    )
    if trial:
        await memberships.insert_membership(connection, trial)
        await schedule_forfeit(connection, trial, resources)
    answer = StartedTrial(decision=decision, trial=trial)
    await requests.remember(
        connection,
        program_id=member.program_id,
        member_id=member.member_id,
        request_id=command.request_id,
        method=METHOD,
        fingerprint=command.fingerprint,
        answer=answer,
    )
    return answer


async def earlier_trial(connection: Connection, command: StartTrial) -> StartedTrial | None:
    """The answer to an earlier, equal request."""
    earlier = await requests.earlier(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=METHOD,
        fingerprint=command.fingerprint,
        answer=StartedTrial,
    )
    return replace(earlier, replayed=True) if earlier else None
