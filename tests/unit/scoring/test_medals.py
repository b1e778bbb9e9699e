"""How far members are with medals, and medals that are wrong."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from laurel_kit.programs.loading import examine
from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.medal_rules import (
    CountsEngagements,
    CountsPurchases,
    Medal,
    MedalKind,
    MedalLevel,
)
from laurel_scoring.domain.medals import Progress, deeds_of, progress_of
from laurel_scoring.domain.segments import kept_lines
from laurel_scoring.wire.program import SECTION

from tests.support.programs import program_text
from tests.support.scoring_worlds import (
    ZONE,
    at,
    back,
    did,
    line,
    purchase,
    shipped_program,
)

LEVELS = (
    MedalLevel(count_min=2, paid_min=500_00),
    MedalLevel(count_min=6, paid_min=2000_00),
    MedalLevel(count_min=15, paid_min=8000_00),
)


def medal(**fields: Any) -> Medal:
    known: dict[str, Any] = {
        "medal_id": "m",
        "display_name": "m",
        "kind": MedalKind.CATEGORY,
        "measure": CountsPurchases(categories=frozenset({"books"})),
        "window_months": 12,
        "levels": LEVELS,
    }
    return Medal(**{**known, **fields})


def progress(of: Medal, facts: list[Fact], today: str) -> Progress:
    now = at(f"{today}T12:00")
    kept = kept_lines(facts, now=now, zone=ZONE)
    return progress_of(of, kept, deeds_of(facts, now=now, zone=ZONE), date.fromisoformat(today))


def books(number: int, yuan_each: int) -> list[Any]:
    """So many orders of books, a day apart, the first on New Year."""
    days = [date(2026, 1, 1) + timedelta(days=count) for count in range(number)]
    return [purchase(f"{day}T10:00", line(yuan_each * 100, category_id="books")) for day in days]


@pytest.mark.parametrize(
    ("orders", "yuan_each", "level"),
    [
        (1, 9999, 0),
        (2, 249, 0),
        (2, 250, 1),
        (5, 1000, 1),
        (6, 333, 1),
        (6, 334, 2),
        (15, 533, 2),
        (15, 534, 3),
    ],
)
def test_a_level_asks_for_orders_and_for_money_g3(orders: int, yuan_each: int, level: int) -> None:
    assert progress(medal(), list(books(orders, yuan_each)), "2026-02-01").level == level


def test_a_return_takes_the_level_away_g5() -> None:
    orders = books(2, 300)
    facts = [*orders, back("2026-01-20", orders[0].order_id, _1=1)]
    assert progress(medal(), list(orders), "2026-02-01").level == 1
    found = progress(medal(), facts, "2026-02-01")
    assert (found.level, found.count, found.paid) == (0, 1, 300_00)
    assert found.next_level == LEVELS[0]


def test_only_what_is_in_the_window_and_of_the_category_counts() -> None:
    facts = [*books(3, 300), purchase("2026-01-05", line(9000_00, category_id="toys"))]
    found = progress(medal(), facts, "2027-01-01")
    assert (found.count, found.paid, found.next_day) == (3, 900_00, date(2027, 1, 2))
    assert progress(medal(), facts, "2027-01-02").count == 2
    lifetime = progress(medal(window_months=None), facts, "2036-01-01")
    assert (lifetime.count, lifetime.next_day) == (3, None)
    everything = medal(measure=CountsPurchases(categories=frozenset()))
    assert progress(everything, facts, "2026-02-01").paid == 9900_00


def test_a_medal_for_engagements_counts_them() -> None:
    task = medal(
        kind=MedalKind.TASK,
        measure=CountsEngagements(kinds=frozenset({"review"})),
        levels=(MedalLevel(count_min=1, paid_min=0), MedalLevel(count_min=3, paid_min=0)),
    )
    facts: list[Fact] = [did("2026-01-05", "review"), did("2026-01-06", "login")]
    found = progress(task, facts, "2026-01-07")
    assert (found.level, found.count, found.paid) == (1, 1, 0)
    assert found.next_level == MedalLevel(count_min=3, paid_min=0)
    high = progress(task, [did("2026-01-05", "review") for _ in range(3)], "2026-01-07")
    assert (high.level, high.next_level) == (2, None)


def test_the_program_of_jd_has_a_medal_for_each_of_21_categories_g2() -> None:
    medals = shipped_program("jd").medals
    of_categories = [each for each in medals if each.kind is MedalKind.CATEGORY]
    assert len(of_categories) == 21
    assert {each.levels for each in of_categories} == {LEVELS}
    assert {each.kind for each in medals} == set(MedalKind)


JD = program_text()
BOOKS = "purchases: {categories: [books]}"


@pytest.mark.parametrize(
    ("new", "path", "says"),
    [
        ("purchases: {categories: [media]}", "medals[1].purchases.categories", "'medal-books'"),
        ("purchases: {}", "medals[0].kind", "categories"),
        ("engagements: {kinds: [review]}", "medals[0].kind", "categories"),
        ("engagements: {kinds: [sing]}", "medals[0].engagements.kinds", "'sing'"),
        (
            "engagements: {kinds: [review]}",
            "medals[0].levels[0].paid_minor_units_min",
            "cost nothing",
        ),
        (f"{BOOKS}, window_months: 999", "medals[0].window_months", "120"),
    ],
)
def test_a_wrong_measure_is_found(new: str, path: str, says: str) -> None:
    assert BOOKS in JD
    text = JD.replace(BOOKS, new, 1)
    if "window_months: 999" in new:
        text = text.replace(f"{new}, window_months: 12", new, 1)
    faults = {fault.path: fault.message for fault in examine(text, SECTION).faults}
    assert says in faults[f"scoring.{path}"]


@pytest.mark.parametrize(
    ("levels", "path"),
    [
        ("[{}]", "levels[0]"),
        ("[{count_min: 2}, {count_min: 2}]", "levels[1]"),
        ("[{count_min: 2}, {count_min: 1, paid_minor_units_min: 9}]", "levels[1]"),
    ],
)
def test_levels_that_do_not_rise_are_found(levels: str, path: str) -> None:
    medals = (
        "\n  medals:\n    - {medal_id: m, kind: achievement, purchases: {}, levels: "
        f"{levels}}}\n\nbenefits:\n"
    )
    begin = JD.index("\n  medals:\n")
    text = JD[:begin] + medals + JD[JD.index("\nbenefits:\n") + len("\nbenefits:\n") :]
    assert f"scoring.medals[0].{path}" in [fault.path for fault in examine(text, SECTION).faults]
