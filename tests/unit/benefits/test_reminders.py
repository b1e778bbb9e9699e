"""On which day members are reminded of what, by business days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from laurel_benefits.domain.ids import MemberId
from laurel_benefits.domain.reminders import (
    Ending,
    Place,
    ReminderKind,
    kinds_to_come,
    reminder_of,
    span_of,
)

from tests.support.benefits_rules import SHANGHAI, jd

MIDNIGHT = datetime(2026, 12, 31, 16, tzinfo=UTC)
"""The end of 2026 in Shanghai."""
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("day", "before", "reminded"),
    [
        # What ends with the year is there on 31 December: 15 days before is the 16th.
        (date(2026, 12, 16), 15, True),
        (date(2026, 12, 15), 15, False),
        (date(2026, 12, 17), 15, False),
        (date(2026, 12, 31), 0, True),
    ],
)
def test_what_ends_at_midnight_was_there_until_the_day_before(day, before, reminded) -> None:
    span = span_of(day, before, SHANGHAI)
    assert (span.first_time <= MIDNIGHT <= span.last_time) is reminded


def test_the_spans_of_two_days_meet_and_share_no_instant() -> None:
    first = span_of(date(2026, 3, 1), 15, SHANGHAI)
    second = span_of(date(2026, 3, 2), 15, SHANGHAI)
    assert second.first_time == first.last_time + MOMENT


def test_a_reminder_names_the_last_day_and_keeps_its_name() -> None:
    ending = Ending(
        kind=ReminderKind.EXPIRING_POINTS,
        member_id=MemberId("m-1"),
        end_time=MIDNIGHT,
        reference="lot-1",
        points=5,
    )
    reminder = reminder_of(ending, SHANGHAI)
    assert reminder.last_day == date(2026, 12, 31)
    assert reminder.reminder_id == "EXPIRING_POINTS/m-1/lot-1/2026-12-31"


def test_the_program_says_how_long_before() -> None:
    assert jd().reminders.days_before == {
        ReminderKind.EXPIRING_POINTS: 15,
        ReminderKind.TRIAL_END: 3,
        ReminderKind.RELEASE_END: 7,
        ReminderKind.TERM_END: 30,
        ReminderKind.TIER_END: 30,
        ReminderKind.STREAK_END: 0,
    }
    assert jd().reminders.tier_model_ids == ("chengzhang",)


def test_a_stream_goes_on_with_the_kind_it_has_come_to() -> None:
    kinds = [kind for kind in ReminderKind if kind is not ReminderKind.TREE_RIPE]  # JD has none.
    assert list(kinds_to_come(jd().reminders, (), None)) == kinds
    place = Place(kind=ReminderKind.TERM_END, member_id=MemberId("m-1"), reference="r")
    rest = [ReminderKind.TERM_END, ReminderKind.TIER_END, ReminderKind.STREAK_END]
    assert list(kinds_to_come(jd().reminders, (), place)) == rest
    assert list(kinds_to_come(jd().reminders, [ReminderKind.TIER_END], place)) == rest[1:2]
