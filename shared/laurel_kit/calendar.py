"""Civil days, months and years of a program's zone, and the instants where they begin (X5, X7).

Every period is half-open: it ends where the next one begins. Instants are aware and UTC.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MONTHS_OF_YEAR = 12
ONE_DAY = timedelta(days=1)


def business_day(instant: datetime, zone: ZoneInfo) -> date:
    """The civil day of the zone in which an instant falls."""
    assert instant.tzinfo is not None, "a naive instant belongs to no day"
    return instant.astimezone(zone).date()


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a civil day of the zone begins.

    Where the clocks skip midnight, the day begins at the first instant that exists.
    """
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def day_end(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a civil day is over: the beginning of the next one."""
    return day_start(day + ONE_DAY, zone)


def month_start(day: date) -> date:
    """The first day of the month of a day."""
    return day.replace(day=1)


def next_month_start(day: date) -> date:
    """The first day of the month after the month of a day."""
    return add_months(month_start(day), 1)


def year_start(day: date) -> date:
    """The first day of the year of a day."""
    return day.replace(month=1, day=1)


def next_year_start(day: date, *, years: int = 1) -> date:
    """The first day of the year that comes `years` after the year of a day.

    Beans earned in year Y are void at the end of Y+1 (E19): that is `years=2`.
    """
    return date(day.year + years, 1, 1)


def add_months(day: date, months: int) -> date:
    """The same day so many months later; the last of the month where that month is shorter."""
    years, month = divmod(day.year * MONTHS_OF_YEAR + day.month - 1 + months, MONTHS_OF_YEAR)
    return date(years, month + 1, min(day.day, days_of_month(years, month + 1)))


def add_years(day: date, years: int) -> date:
    """The same day so many years later; 29 February becomes 28 February in a common year."""
    return add_months(day, years * MONTHS_OF_YEAR)


def add_months_to(instant: datetime, months: int, zone: ZoneInfo) -> datetime:
    """The same local time of day so many months later, the last of a shorter month."""
    local = instant.astimezone(zone)
    later = datetime.combine(add_months(local.date(), months), local.time(), tzinfo=zone)
    return later.astimezone(UTC)


def months_between(earlier: date, later: date) -> int:
    """How many month boundaries lie between two days; negative when `later` is before."""
    years = later.year - earlier.year
    return years * MONTHS_OF_YEAR + later.month - earlier.month


def days_of_month(year: int, month: int) -> int:
    """How many days the month has."""
    return monthrange(year, month)[1]
