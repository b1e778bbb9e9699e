"""What members are reminded of, and on which day: so many business days before its last one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day, day_start

from laurel_benefits.domain.ids import MemberId, PlanId, ScoreModelId

INSTANT = timedelta(microseconds=1)
"""The least time there is: what ends when a day begins was there until the day before."""


class ReminderKind(StrEnum):
    """What a reminder is about."""

    EXPIRING_POINTS = "EXPIRING_POINTS"
    TRIAL_END = "TRIAL_END"
    RELEASE_END = "RELEASE_END"
    TERM_END = "TERM_END"
    TIER_END = "TIER_END"
    STREAK_END = "STREAK_END"
    """J7: days in a row on which the member signed in."""
    TREE_RIPE = "TREE_RIPE"
    """J7: the growing of a tree, which may be harvested now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderRules:
    """How many business days before, by kind; of kinds that are not here nobody is reminded."""

    days_before: Mapping[ReminderKind, int] = field(default_factory=dict)
    tier_model_ids: tuple[ScoreModelId, ...] = ()
    """The models whose tiers members are reminded of."""
    asset_ids: tuple[str, ...] = ()
    """The assets whose points members are reminded of, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Something of a member that ends."""

    kind: ReminderKind
    member_id: MemberId
    end_time: datetime
    reference: str
    points: int = 0
    plan_id: PlanId | None = None
    asset_id: str = ""
    """Of points that become void; empty where it is something else."""
    level_id: str = ""
    missing_points: int = 0
    """What is missing to keep a level whose term ends."""
    streak_days: int = 0
    """Days in a row that end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """Something that ends, with the last day on which it is there."""

    ending: Ending
    last_day: date

    @property
    def reminder_id(self) -> str:
        """The same whenever it is asked for; another one when the end has moved."""
        ending = self.ending
        parts = (ending.kind.value, ending.member_id, ending.reference, self.last_day.isoformat())
        return "/".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a stream has come: this reminder was sent, and everything before it."""

    kind: ReminderKind
    member_id: MemberId
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Instants at which things end of which members are reminded on a day, both included."""

    first_time: datetime
    last_time: datetime

    def covers(self, instant: datetime) -> bool:
        """Whether an instant lies in it."""
        return self.first_time <= instant <= self.last_time


def span_of(day: date, days_before: int, zone: ZoneInfo) -> Span:
    """When things end whose last day is so many business days after a day.

    What ends at midnight was there until the day before.
    """
    last_day = day + timedelta(days=1) * days_before
    return Span(
        first_time=day_start(last_day, zone) + INSTANT,
        last_time=day_start(last_day + timedelta(days=1), zone),
    )


def reminder_of(ending: Ending, zone: ZoneInfo) -> Reminder:
    """The reminder of something that ends."""
    return Reminder(ending=ending, last_day=business_day(ending.end_time - INSTANT, zone))


def place_of(ending: Ending) -> Place:
    """Where a stream stands that has sent the reminder of something that ends."""
    return Place(kind=ending.kind, member_id=ending.member_id, reference=ending.reference)


def kinds_to_come(
    rules: ReminderRules, wanted: Collection[ReminderKind], after: Place | None
) -> Iterator[ReminderKind]:
    """The kinds of a stream in their order, from the one on that it has come to."""
    order = list(ReminderKind)
    first = order.index(after.kind) if after else 0
    for kind in order[first:]:
        if kind in rules.days_before and (not wanted or kind in wanted):
            yield kind
