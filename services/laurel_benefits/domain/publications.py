"""When a score is published next, and what it will probably be then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from laurel_kit.calendar import add_months, business_day, day_start, month_start


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A publication to come."""

    publish_time: datetime
    window_end_time: datetime
    """The beginning of its month: what happens later counts a month later (C2, I3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A score as it will be published when nothing else happens."""

    score: int
    publish_time: datetime


def next_publication(day_of_month: int, now: datetime, zone: ZoneInfo) -> Publication:
    """The next one on that day of a month, at its beginning."""
    month = month_start(business_day(now, zone))
    if day_start(month.replace(day=day_of_month), zone) <= now:
        month = add_months(month, 1)
    return Publication(
        publish_time=day_start(month.replace(day=day_of_month), zone),
        window_end_time=day_start(month, zone),
    )
