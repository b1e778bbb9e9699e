"""What this service refuses of activities and of the cases they raise."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_benefits.domain.errors import BenefitsError
from laurel_benefits.domain.ids import ActivityId, ProgramId, ReviewCaseId


@dataclass(eq=False, kw_only=True)
class ActivitiesNotServed(BenefitsError):
    """The program pays for no activities."""

    program_id: ProgramId


@dataclass(eq=False, kw_only=True)
class ActivityNameTaken(BenefitsError):
    """The member has another activity of that name."""

    activity_id: ActivityId


@dataclass(eq=False, kw_only=True)
class ActivityKindUnknown(BenefitsError):
    """The program has no such kind of activity."""

    kind: str


@dataclass(eq=False, kw_only=True)
class ReviewNotFound(BenefitsError):
    """The member has recorded no such review."""

    review_id: ActivityId


@dataclass(eq=False, kw_only=True)
class ReviewCaseNotFound(BenefitsError):
    """The member has no such case."""

    case_id: ReviewCaseId


@dataclass(eq=False, kw_only=True)
class ReviewCaseResolved(BenefitsError):
    """Somebody has decided the case before."""

    case_id: ReviewCaseId
    state: str


@dataclass(eq=False, kw_only=True)
class ResolverInvolved(BenefitsError):
    """Who has raised or caused a case does not decide it."""

    resolver: str


@dataclass(eq=False, kw_only=True)
class ResolverRequired(BenefitsError):
    """Callers have no name of their own, and the request does not say who decides."""
