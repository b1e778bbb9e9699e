"""Earlier moments: which of them have come."""

from __future__ import annotations

from datetime import timedelta

import pytest
from laurel_ledger.domain.errors import AsOfInFuture
from laurel_ledger.domain.history import check_not_after, present_after

from tests.support.ledger import NOON

MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("named", "outcome"),
    [
        ({}, None),
        ({"commit_time": None}, None),
        ({"commit_time": NOON - HOUR}, None),
        ({"commit_time": NOON}, None),
        ({"commit_time": NOON + MICROSECOND}, AsOfInFuture),
        ({"effective_time": NOON + MICROSECOND}, AsOfInFuture),
        ({"start_time": NOON - HOUR, "end_time": NOON}, None),
        ({"start_time": NOON - HOUR, "end_time": NOON + HOUR}, AsOfInFuture),
        ({"start_time": None, "end_time": NOON + HOUR}, AsOfInFuture),
    ],
)
def test_a_moment_that_has_not_come_is_refused(named: dict, outcome) -> None:
    if outcome is None:
        check_not_after(NOON, **named)
        return
    with pytest.raises(AsOfInFuture) as refused:
        check_not_after(NOON, **named)
    assert refused.value.as_of == named[refused.value.field] > refused.value.latest == NOON


def test_the_first_moment_that_has_not_come_is_named() -> None:
    with pytest.raises(AsOfInFuture) as refused:
        check_not_after(NOON, start_time=NOON + HOUR, end_time=NOON + 2 * HOUR)
    assert refused.value.field == "start_time"


@pytest.mark.parametrize(
    ("last", "now", "present"),
    [
        (NOON, NOON + HOUR, NOON + HOUR),
        (NOON, NOON + MICROSECOND, NOON + MICROSECOND),
        (NOON, NOON, NOON + MICROSECOND),
        (NOON + HOUR, NOON, NOON + HOUR + MICROSECOND),
    ],
)
def test_the_present_is_after_everything_that_was_posted(last, now, present) -> None:
    """Also where the clock was set back since (I12)."""
    assert present_after(last, now) == present
