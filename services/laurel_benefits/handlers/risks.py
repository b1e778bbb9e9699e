"""Judges members, and says how they are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit import requests
from laurel_kit.access import current_caller
from laurel_kit.database import Connection

from laurel_benefits.domain.ids import MemberKey, RequestId
from laurel_benefits.domain.risks import MemberRisk, RiskDraft, RiskState, decide_risk, risk_at
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage.members import lock_member
from laurel_benefits.storage.risks import insert_risk, latest_risk, latest_risks

METHOD = "SetMemberRisk"

JUDGEMENTS_MAX = 50
"""Most judgements that are shown; the contract says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMemberRisk:
    """How a member is to be judged, why and until when."""

    member: MemberKey
    request_id: RequestId
    state: RiskState
    reason: str
    expire_time: datetime | None
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedMember:
    """The judgement that was made."""

    risk: MemberRisk
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRiskShown:
    """What holds now, and the latest judgements."""

    state: RiskState
    judgements: Sequence[MemberRisk]


async def set_member_risk(command: SetMemberRisk, *, resources: Resources) -> JudgedMember:
    """Judge a member from now on. Raises EndPassed."""
    await revision_now(command.member.program_id, resources)
    draft, now = draft_of(command), resources.clock.now()

    async def work(connection: Connection) -> JudgedMember:
        await lock_member(connection, command.member, now=now)
        if earlier := await earlier_judgement(connection, command):
            return earlier
        latest = await latest_risk(connection, command.member)
        answer = JudgedMember(risk=decide_risk(draft, latest, now))
        await insert_risk(connection, answer.risk)
        await requests.remember(
            connection,
            program_id=command.member.program_id,
            member_id=command.member.member_id,
            request_id=command.request_id,
            method=METHOD,
            fingerprint=command.fingerprint,
            answer=answer,
        )
        return answer

    return await resources.database.transact(work)


async def get_member_risk(member: MemberKey, *, resources: Resources) -> MemberRiskShown:
    """How a member is judged now. Raises ProgramNotFound."""
    await revision_now(member.program_id, resources)
    async with resources.database.read() as connection:
        judgements = await latest_risks(connection, member, limit=JUDGEMENTS_MAX)
    latest = judgements[0] if judgements else None
    return MemberRiskShown(state=risk_at(latest, resources.clock.now()), judgements=judgements)


def draft_of(command: SetMemberRisk) -> RiskDraft:
    """The judgement under the caller's own name."""
    caller = current_caller()
    assert caller is not None, "judgements are made in calls"
    return RiskDraft(
        member=command.member,
        state=command.state,
        reason=command.reason,
        maker=caller.subject,
        expire_time=command.expire_time,
    )


async def earlier_judgement(connection: Connection, command: SetMemberRisk) -> JudgedMember | None:
    """The answer to an earlier, equal request."""
    earlier = await requests.earlier(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=METHOD,
        fingerprint=command.fingerprint,
        answer=JudgedMember,
    )
    return replace(earlier, replayed=True) if earlier else None
