"""Rewards that somebody has to look at before they can be spent, and who may decide on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from laurel_benefits.domain.activity_errors import ResolverInvolved, ReviewCaseResolved
from laurel_benefits.domain.ids import ActivityId, MemberKey, RequestId, ReviewCaseId, RevisionId


class ReviewCaseState(StrEnum):
    """How far a case is."""

    OPEN = "OPEN"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCase:
    """A reward that waits in the ledger for the name of its case."""

    member: MemberKey
    case_id: ReviewCaseId
    activity_id: ActivityId
    kind: str
    rule_id: str
    points: int
    asset_id: str
    ledger_request_id: RequestId
    raised_by: str
    """Who recorded the activity."""
    raise_time: datetime
    program_revision: RevisionId
    state: ReviewCaseState = ReviewCaseState.OPEN
    resolver: str = ""
    resolve_reason: str = ""
    resolve_time: datetime | None = None


def decide_case(
    case: ReviewCase, *, approved: bool, resolver: str, reason: str, now: datetime
) -> ReviewCase:
    """The case after somebody decided. Raises ReviewCaseResolved, ResolverInvolved.

    Neither who raised it nor the member it is about decides it.
    """
    if case.state is not ReviewCaseState.OPEN:
        raise ReviewCaseResolved(case_id=case.case_id, state=case.state)
    if resolver in {case.raised_by, case.member.member_id}:
        raise ResolverInvolved(resolver=resolver)
    return replace(
        case,
        state=ReviewCaseState.APPROVED if approved else ReviewCaseState.REJECTED,
        resolver=resolver,
        resolve_reason=reason,
        resolve_time=now,
    )
