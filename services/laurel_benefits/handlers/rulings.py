"""Gives members benefits by hand, and takes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit import requests
from laurel_kit.access import current_caller
from laurel_kit.database import Connection

from laurel_benefits.domain.eligibility import find_benefit
from laurel_benefits.domain.ids import BenefitId, MemberKey, RequestId
from laurel_benefits.domain.rulings import (
    Ruling,
    RulingDraft,
    decide_grant,
    decide_revocation,
)
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage.holdings import insert_ruling, latest_rulings
from laurel_benefits.storage.members import lock_member

Decide = Callable[[RulingDraft, Ruling | None, datetime], Ruling]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOnBenefit:
    """What is to be decided about a benefit, why and until when."""

    member: MemberKey
    request_id: RequestId
    benefit_id: BenefitId
    reason: str
    expire_time: datetime | None
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledOnBenefit:
    """What was decided."""

    ruling: Ruling
    replayed: bool = False


async def grant_benefit(command: RuleOnBenefit, *, resources: Resources) -> RuledOnBenefit:
    """Give a member a benefit until a time. Raises BenefitNotFound, EndPassed."""
    return await rule(command, "GrantBenefit", decide_grant, resources)


async def revoke_benefit(command: RuleOnBenefit, *, resources: Resources) -> RuledOnBenefit:
    """Take a grant back, or a benefit until a time.

    Raises BenefitNotFound, EndPassed, BenefitNotGranted.
    """
    return await rule(command, "RevokeBenefit", decide_revocation, resources)


async def rule(
    command: RuleOnBenefit, method: str, decide: Decide, resources: Resources
) -> RuledOnBenefit:
    """One transaction: the latest ruling is looked at and the next one added."""
    revision = await revision_now(command.member.program_id, resources)
    find_benefit(revision.model, command.benefit_id)
    draft, now = draft_of(command), resources.clock.now()

    async def work(connection: Connection) -> RuledOnBenefit:
        await lock_member(connection, command.member, now=now)
        if earlier := await earlier_ruling(connection, command, method):
            return earlier
        rulings = await latest_rulings(connection, command.member)
        answer = RuledOnBenefit(ruling=decide(draft, rulings.get(command.benefit_id), now))
        await insert_ruling(connection, answer.ruling)
        await requests.remember(
            connection,
            program_id=command.member.program_id,
            member_id=command.member.member_id,
            request_id=command.request_id,
            method=method,
            fingerprint=command.fingerprint,
            answer=answer,
        )
        return answer

    return await resources.database.transact(work)


def draft_of(command: RuleOnBenefit) -> RulingDraft:
    """What the caller wants to decide, under the caller's own name."""
    caller = current_caller()
    assert caller is not None, "rulings are made in calls"
    return RulingDraft(
        member=command.member,
        benefit_id=command.benefit_id,
        reason=command.reason,
        maker=caller.subject,
        expire_time=command.expire_time,
    )


async def earlier_ruling(
    connection: Connection, command: RuleOnBenefit, method: str
) -> RuledOnBenefit | None:
    """The answer to an earlier, equal request."""
    earlier = await requests.earlier(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=method,
        fingerprint=command.fingerprint,
        answer=RuledOnBenefit,
    )
    return replace(earlier, replayed=True) if earlier else None
