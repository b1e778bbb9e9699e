"""Raises cases about rewards that somebody has to look at before they can be spent."""

from __future__ import annotations

from datetime import datetime

from laurel_kit.access import current_caller

from laurel_benefits.domain.activities import Activity
from laurel_benefits.domain.check_ins import DailyCheckIn
from laurel_benefits.domain.ids import ActivityId, ReviewCaseId
from laurel_benefits.domain.postings import Posting
from laurel_benefits.domain.review_cases import ReviewCase


def case_of(activity: Activity, posting: Posting, rule_id: str, *, now: datetime) -> ReviewCase:
    """The case of a reward that is about to be stored, raised by the caller."""
    return ReviewCase(
        member=activity.member,
        case_id=ReviewCaseId(posting.activation_key),
        activity_id=activity.draft.activity_id,
        kind=activity.kind,
        rule_id=rule_id,
        points=posting.amount,
        asset_id=posting.asset_id,
        ledger_request_id=posting.ledger_request_id,
        raised_by=caller_name(),
        raise_time=now,
        program_revision=posting.program_revision,
    )


def case_of_check_in(check_in: DailyCheckIn, *, kind: str, rule_id: str) -> ReviewCase:
    """The case of a check-in that is about to be stored, raised by the caller."""
    assert check_in.review_case_id is not None, "its points wait for the case"
    return ReviewCase(
        member=check_in.key.member,
        case_id=check_in.review_case_id,
        activity_id=ActivityId(check_in.ledger_request_id),
        kind=kind,
        rule_id=rule_id,
        points=check_in.points,
        asset_id=check_in.asset_id,
        ledger_request_id=check_in.ledger_request_id,
        raised_by=caller_name(),
        raise_time=check_in.check_in_time,
        program_revision=check_in.program_revision,
    )


def caller_name() -> str:
    """The caller's own name."""
    caller = current_caller()
    return caller.subject if caller else ""
