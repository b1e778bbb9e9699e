"""When scores are published, what a settlement is, and what it changes (C1, C2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from zoneinfo import ZoneInfo

from laurel_kit.calendar import add_months, business_day, day_end, day_start, month_start

from laurel_scoring.domain.errors import (
    ModelNotSettled,
    SettlementNotDue,
    SettlementNotPublished,
)
from laurel_scoring.domain.models import LAST_DAY, ScoreModel
from laurel_scoring.domain.windows import Span, day_settled

FIRST_RUN = 1
"""The settlement itself; corrections of the month count on from it."""


class SettlementState(Enum):
    """How far a settlement is."""

    RUNNING = "running"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementKey:
    """Which settlement: the month on whose settlement day it is due, and its number in it."""

    program_id: str
    model_id: str
    month: date
    """Its first day."""
    run: int = FIRST_RUN


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The publication of all scores of a model for one month, or a correction of it."""

    key: SettlementKey
    state: SettlementState
    due_time: datetime
    revision_id: str
    revision_time: datetime
    """From when on the revision holds: its place among the revisions of the program."""
    start_time: datetime
    end_time: datetime | None
    last_member_id: str
    """The members up to this one are done; empty at the beginning."""
    members_done: int
    members_total: int
    scores_published: int
    correction_reason: str

    def advanced(self, *, last_member_id: str, members: int, published: int) -> Settlement:
        """The settlement after some further members."""
        return replace(
            self,
            last_member_id=last_member_id,
            members_done=self.members_done + members,
            # Members who came after it began are settled too.
            members_total=max(self.members_total, self.members_done + members),
            scores_published=self.scores_published + published,
        )

    def finished(self, now: datetime) -> Settlement:
        """The settlement after its last member."""
        return replace(
            self,
            state=SettlementState.PUBLISHED,
            end_time=now,
            members_total=self.members_done,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedScore:
    """A score that never changes."""

    program_id: str
    member_id: str
    model_id: str
    month: date
    run: int
    value: int
    level_id: str
    due_time: datetime
    publish_time: datetime
    revision_id: str
    revision_time: datetime
    member_version: int
    """The facts it was made of: those recorded up to this version of the member."""
    correction_reason: str


def settlement_date(model: ScoreModel, month: date) -> date:
    """The day of a month on which a model is settled. Raises ModelNotSettled."""
    if model.settlement_day is None:
        raise ModelNotSettled(model_id=model.model_id)
    first = month_start(month)
    at_its_end = model.settlement_day == LAST_DAY
    return day_settled(add_months(first, 1) if at_its_end else first, model.settlement_day)


def due_time(model: ScoreModel, month: date, zone: ZoneInfo) -> datetime:
    """The instant at which a month is settled: the beginning of its settlement day (X5), the end of
    the last day of a month (K3).
    """
    settled = settlement_date(model, month)
    at_its_end = model.settlement_day == LAST_DAY
    return day_end(settled, zone) if at_its_end else day_start(settled, zone)


def date_of(model: ScoreModel, span: Span) -> date:
    """The day of the settlement that looked at these days."""
    assert model.settlement_day is not None, "what is published has a settlement day"
    return day_settled(span.end, model.settlement_day)


def first_month_after(model: ScoreModel, instant: datetime, zone: ZoneInfo) -> date:
    """The first month whose settlement is due after an instant."""
    month = month_start(business_day(instant, zone))
    if due_time(model, month, zone) > instant:
        return month
    return add_months(month, 1)


def next_month(settled: date) -> date:
    """The month after a settled one."""
    return add_months(settled, 1)


def month_name(month: date) -> str:
    """A month as texts write it: `2026-05`."""
    return f"{month.year:04d}-{month.month:02d}"


def decide_run(
    latest: Settlement | None,
    *,
    key: SettlementKey,
    due: datetime,
    now: datetime,
    correction_reason: str,
) -> int | None:
    """The number of the run to begin, None when `latest`, the last one of the month, is the answer.

    Raises SettlementNotDue, and SettlementNotPublished for a correction of what is not published.
    """
    if due > now:
        raise SettlementNotDue(due_time=due)
    if not correction_reason:
        return FIRST_RUN if latest is None else None
    if latest is None or latest.state is not SettlementState.PUBLISHED:
        raise SettlementNotPublished(settlement_month=month_name(key.month))
    return latest.key.run + 1


def supersedes(score: PublishedScore, earlier: PublishedScore | None) -> bool:
    """Whether a correction has something to correct: another value or level."""
    if earlier is None:
        return True
    return (score.value, score.level_id) != (earlier.value, earlier.level_id)
