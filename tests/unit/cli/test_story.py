"""The story hangs together whenever it is told."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from laurel_cli.story import (
    MONTHS,
    ZONE,
    Completed,
    Engaged,
    MembershipBought,
    Returned,
    at,
    first_month,
    order_id,
    write_story,
)
from laurel_cli.storyteller import activity, chapter_text

PRESENTS = [
    datetime(2026, 11, 22, 12, tzinfo=UTC),
    datetime(2027, 1, 1, 0, 30, tzinfo=UTC),
    datetime(2028, 2, 29, 23, 59, tzinfo=UTC),
    # The first of a month in the program's zone, still the last of the one before in UTC.
    datetime(2026, 12, 31, 17, tzinfo=UTC),
]


@pytest.mark.parametrize("present", PRESENTS)
def test_the_story_fills_twelve_whole_months_and_is_over(present: datetime) -> None:
    first = first_month(present)
    moments = write_story("m-1", first)
    assert moments == sorted(moments, key=lambda moment: moment.time)
    assert first <= moments[0].time
    assert moments[-1].time < at(first, MONTHS, 1) <= present
    assert len({f"{moment.time:%Y-%m}" for moment in moments}) == MONTHS


def test_the_first_month_is_that_of_the_programs_zone() -> None:
    assert first_month(PRESENTS[3]) == datetime(2026, 1, 1, tzinfo=ZONE)


def test_facts_have_names_of_their_own_that_contracts_accept() -> None:
    moments = write_story("m-1001", first_month(PRESENTS[0]))
    facts = [
        activity("m-1001", moment).activity_id
        for moment in moments
        if not isinstance(moment.event, Completed | MembershipBought)
    ]
    orders = [each.event.order_id for each in moments if isinstance(each.event, Completed)]
    names = [*facts, *orders]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", name) for name in names)


def test_what_is_said_of_an_order_comes_after_its_delivery() -> None:
    delivered: set[str] = set()
    for moment in write_story("m-1", first_month(PRESENTS[0])):
        match moment.event:
            case Completed(order_id=order):
                delivered.add(order)
            case Engaged(order_id=order) if order:
                assert order in delivered
            case Returned(order_id=order):
                assert order in delivered
    assert order_id("m-1", 0) in delivered


def test_a_month_is_told_in_one_line() -> None:
    first = first_month(PRESENTS[0])
    month = [each for each in write_story("m-1", first) if each.time < at(first, 1, 1)]
    assert chapter_text(month) == "3 orders, 689.40 yuan; 2 reviews; joined, identified, rated"
