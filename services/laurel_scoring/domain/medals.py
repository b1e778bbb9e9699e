"""How far a member is with a medal: a pure function of what it bought, kept and did (G3, G5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from laurel_kit.calendar import add_months, business_day

from laurel_scoring.domain.facts import Engagement, Fact
from laurel_scoring.domain.medal_rules import CountsPurchases, Medal, MedalLevel
from laurel_scoring.domain.segments import KeptLine
from laurel_scoring.domain.windows import day_of_leaving


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """An engagement on its business day."""

    kind: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a member is with a medal."""

    medal: Medal
    count: int
    paid: int
    level: int
    """The level that is reached, 0 for none."""
    next_day: date | None
    """The first day on which something counted here leaves the window."""

    @property
    def next_level(self) -> MedalLevel | None:
        """What the next level asks for; None on the highest."""
        levels = self.medal.levels
        return levels[self.level] if self.level < len(levels) else None


def deeds_of(facts: Iterable[Fact], *, now: datetime, zone: ZoneInfo) -> list[Deed]:
    """What was done by now beside buying."""
    return [
        Deed(kind=fact.kind, day=business_day(fact.activity_time, zone))
        for fact in facts
        if isinstance(fact, Engagement) and fact.activity_time <= now
    ]


def progress_of(
    medal: Medal, kept: Sequence[KeptLine], deeds: Sequence[Deed], today: date
) -> Progress:
    """How far the member is who kept these lines and did these deeds."""
    if isinstance(medal.measure, CountsPurchases):
        categories = medal.measure.categories
        lines = [line for line in kept if not categories or line.category_id in categories]
        lines = [line for line in lines if inside(line.day, medal, today)]
        count = len({line.order_id for line in lines})
        paid, days = sum(line.paid for line in lines), [line.day for line in lines]
    else:
        kinds = medal.measure.kinds
        days = [deed.day for deed in deeds if deed.kind in kinds and inside(deed.day, medal, today)]
        count, paid = len(days), 0
    return Progress(
        medal=medal,
        count=count,
        paid=paid,
        level=sum(reached(level, count=count, paid=paid) for level in medal.levels),
        next_day=min(leaving_days(days, medal, today), default=None),
    )


def inside(day: date, medal: Medal, today: date) -> bool:
    """Whether a day counts today."""
    return medal.window_months is None or day >= add_months(today, -medal.window_months)


def reached(level: MedalLevel, *, count: int, paid: int) -> bool:
    """Whether all is there that a level asks for; who reaches one reaches all below (checked)."""
    return count >= level.count_min and paid >= level.paid_min


def leaving_days(days: Iterable[date], medal: Medal, today: date) -> Iterator[date]:
    """The days after today on which something leaves the window."""
    if medal.window_months is not None:
        for day in days:
            leaves = day_of_leaving(day, medal.window_months)
            if leaves > today:
                yield leaves
