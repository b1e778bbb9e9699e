"""Days, months and years of a zone, and the instants at which they begin."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from laurel_kit import calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
BEIRUT = ZoneInfo("Asia/Beirut")


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        (datetime(2026, 1, 31, 15, 59, 59, 999999, UTC), SHANGHAI, date(2026, 1, 31)),
        (datetime(2026, 1, 31, 16, tzinfo=UTC), SHANGHAI, date(2026, 2, 1)),
        (datetime(2026, 1, 31, 16, tzinfo=UTC), BERLIN, date(2026, 1, 31)),
        (datetime(2026, 7, 1, 0, 30, tzinfo=SHANGHAI), SHANGHAI, date(2026, 7, 1)),
    ],
)
def test_a_business_day_is_the_day_of_the_zone(
    instant: datetime, zone: ZoneInfo, day: date
) -> None:
    assert calendar.business_day(instant, zone) == day


@pytest.mark.parametrize(
    ("day", "zone", "start"),
    [
        (date(2026, 2, 1), SHANGHAI, datetime(2026, 1, 31, 16, tzinfo=UTC)),
        (date(2026, 3, 29), BERLIN, datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (date(2026, 3, 30), BERLIN, datetime(2026, 3, 29, 22, tzinfo=UTC)),
        # The clocks of Beirut skip the hour after midnight.
        (date(2022, 3, 27), BEIRUT, datetime(2022, 3, 26, 22, tzinfo=UTC)),
    ],
)
def test_a_day_begins_at_its_first_instant(day: date, zone: ZoneInfo, start: datetime) -> None:
    assert calendar.day_start(day, zone) == start
    assert calendar.business_day(start, zone) == day


def test_a_day_ends_where_the_next_one_begins() -> None:
    assert calendar.day_end(date(2026, 3, 29), BERLIN) == calendar.day_start(
        date(2026, 3, 30), BERLIN
    )


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 1, 31), -2, date(2025, 11, 30)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 1, 1), -1, date(2025, 12, 1)),
        (date(2026, 5, 15), 0, date(2026, 5, 15)),
        (date(2026, 5, 15), 24, date(2028, 5, 15)),
    ],
)
def test_months_later_is_the_same_day_or_the_last_of_the_month(
    day: date, months: int, later: date
) -> None:
    assert calendar.add_months(day, months) == later


def test_a_year_after_a_leap_day_is_the_last_of_february() -> None:
    assert calendar.add_years(date(2024, 2, 29), 1) == date(2025, 2, 28)
    assert calendar.add_years(date(2024, 2, 29), 4) == date(2028, 2, 29)


def test_months_later_keep_the_local_time_of_day() -> None:
    instant = datetime(2026, 1, 31, 8, 30, tzinfo=BERLIN)
    later = calendar.add_months_to(instant, 6, BERLIN)
    assert later == datetime(2026, 7, 31, 8, 30, tzinfo=BERLIN)
    assert later.tzinfo is UTC


@pytest.mark.parametrize(
    ("earlier", "later", "months"),
    [
        (date(2026, 1, 31), date(2026, 2, 1), 1),
        (date(2026, 2, 1), date(2026, 2, 28), 0),
        (date(2025, 3, 1), date(2026, 2, 1), 11),
        (date(2026, 2, 1), date(2025, 12, 31), -2),
    ],
)
def test_months_between_counts_the_boundaries(earlier: date, later: date, months: int) -> None:
    assert calendar.months_between(earlier, later) == months


def test_starts_of_months_and_years() -> None:
    day = date(2026, 12, 31)
    assert calendar.month_start(day) == date(2026, 12, 1)
    assert calendar.next_month_start(day) == date(2027, 1, 1)
    assert calendar.year_start(day) == date(2026, 1, 1)
    assert calendar.next_year_start(day) == date(2027, 1, 1)
    assert calendar.next_year_start(day, years=2) == date(2028, 1, 1)
    assert calendar.days_of_month(2028, 2) == 29


def test_a_naive_instant_belongs_to_no_day() -> None:
    with pytest.raises(AssertionError):
        calendar.business_day(datetime(2026, 1, 1), SHANGHAI)  # noqa: DTZ001  # What is refused.
