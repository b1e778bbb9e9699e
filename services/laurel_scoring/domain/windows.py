"""Which days count for a score, and when a day stops counting (C2, C3, X5, X7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo

from laurel_kit.calendar import ONE_DAY, add_months, business_day, day_start, month_start

from laurel_scoring.domain.models import LAST_DAY, Window

DAYS_KEPT = 20_000
"""Days whose leaving is known by heart: some fifty years, most facts lie in one or two of them."""

INSTANT = timedelta(microseconds=1)
"""The finest difference between two instants: turns "up to and including" into "before"."""


class Basis(Enum):
    """Where a score comes from: computed on demand, or fixed by a settlement."""

    LIVE = "live"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The time of a score; for a published one, the instant at which its settlement is due."""

    basis: Basis
    instant: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        """The business day of the moment."""
        return business_day(self.instant, self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The days from `first` (None: from the beginning) to before `end`; facts before `until`."""

    first: date | None
    end: date
    until: datetime
    zone: ZoneInfo

    def day_of(self, instant: datetime) -> date:
        """The business day of an instant."""
        return business_day(instant, self.zone)

    def holds(self, day: date) -> bool:
        """Whether a day counts."""
        return (self.first is None or self.first <= day) and day < self.end


def span_of(window: Window, moment: Moment) -> Span:
    """The days of a window at a moment.

    A settlement takes the whole months before its own (C2); a live score the trailing months that
    end with yesterday (C3), or with the instant where the model says so.
    """
    if moment.basis is Basis.PUBLISHED:
        end = month_start(moment.today)
        until = day_start(end, moment.zone)
        return Span(first=back(end, window), end=end, until=until, zone=moment.zone)
    first = back(moment.today, window)
    if window.live_until_now:
        end, until = moment.today + ONE_DAY, moment.instant + INSTANT
    else:
        end, until = moment.today, day_start(moment.today, moment.zone)
    return Span(first=first, end=end, until=until, zone=moment.zone)


def back(day: date, window: Window) -> date | None:
    """The first day of a window of which `day` is the end."""
    return None if window.months is None else add_months(day, -window.months)


def roll_off_date(
    day: date, window: Window, moment: Moment, settlement_day: int | None
) -> date | None:
    """The first day of a live score, or of a settlement, on which `day` no longer counts.

    None when it counts for ever.
    """
    if window.months is None:
        return None
    if moment.basis is Basis.PUBLISHED:
        assert settlement_day is not None, "what is published has a settlement day"
        return day_settled(add_months(month_start(day), window.months + 1), settlement_day)
    return day_of_leaving(day, window.months)


def break_date(month: date, moment: Moment, settlement_day: int | None) -> date:
    """The first day of a live score, or of a settlement, in a month at whose start a run breaks."""
    if moment.basis is Basis.PUBLISHED:
        assert settlement_day is not None, "what is published has a settlement day"
        return day_settled(month, settlement_day)
    return month


def day_settled(end: date, settlement_day: int) -> date:
    """The settlement day of the whole months before `end`, the first day of a month (C2, K3)."""
    return end - ONE_DAY if settlement_day == LAST_DAY else end.replace(day=settlement_day)


@lru_cache(maxsize=DAYS_KEPT)
def day_of_leaving(day: date, months: int) -> date:
    """The first day whose trailing months no longer hold `day`."""
    leaves = add_months(day, months)
    # Months of different length: 28 February is the same day of the month before as 28 to 31 March.
    while add_months(leaves, -months) <= day:
        leaves += ONE_DAY
    return leaves
