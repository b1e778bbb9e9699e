"""The groups of members by what they bought and kept, and what shops are told of them."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest
from laurel_kit.programs.loading import examine
from laurel_scoring.domain.errors import GroupTooSmall
from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.preferences import CategorySpend, preferences_of
from laurel_scoring.domain.segment_rules import InsightRules
from laurel_scoring.domain.segments import Segment, kept_lines, segment_of, tastes_of
from laurel_scoring.wire.program import SECTION

from tests.support.programs import program_text
from tests.support.scoring_worlds import ZONE, at, back, line, purchase, shipped_program


def rules() -> InsightRules:
    found = shipped_program("jd").insight
    assert found is not None
    return found


def segment(facts: list[Fact], today: str) -> Segment:
    now = at(f"{today}T12:00")
    return segment_of(kept_lines(facts, now=now, zone=ZONE), rules(), now=now, zone=ZONE)


def orders(number: int, yuan_each: int, last: str) -> list[Fact]:
    """So many orders, a day apart, the last one on a day."""
    end = date.fromisoformat(last)
    days = [end - timedelta(days=back) for back in range(number)]
    return [purchase(f"{day}T10:00", yuan_each * 100) for day in days]


@pytest.mark.parametrize(
    ("facts", "today", "scores", "group"),
    [
        # P68: 45 days, 12 orders, 5,200 yuan; 200 days, 2 orders, 6,000 yuan.
        (orders(13, 400, "2026-01-01"), "2026-02-15", (4, 3, 5), "important-value"),
        (orders(2, 3000, "2026-01-01"), "2026-07-20", (1, 1, 5), "important-retain"),
        (orders(4, 100, "2026-01-01"), "2026-01-31", (5, 1, 1), "general-develop"),
        (orders(4, 100, "2026-01-01"), "2026-02-01", (4, 1, 1), "general-develop"),
        (orders(20, 24, "2026-01-01"), "2026-04-02", (2, 5, 1), "general-keep"),
        (orders(1, 1, "2026-01-01"), "2026-07-01", (1, 1, 1), "general-retain"),
    ],
)
def test_scores_by_recency_frequency_and_money_make_a_group_m16_m17(
    facts: list[Fact], today: str, scores: tuple[int, int, int], group: str
) -> None:
    cell = segment(facts, today).cell
    assert cell is not None
    assert (cell.recency, cell.frequency, cell.monetary) == scores
    assert cell.group.group_id == group


@pytest.mark.parametrize(
    ("today", "name"),
    [
        ("2026-01-30", None),
        ("2026-01-31", "dormant-short"),
        ("2026-03-02", "dormant-short"),
        ("2026-03-03", "dormant-mid"),
        ("2026-06-30", "dormant-mid"),
        ("2026-07-01", "dormant-long"),
    ],
)
def test_dormancy_is_by_days_since_the_last_order_m18(today: str, name: str | None) -> None:
    found = segment(orders(1, 1, "2026-01-01"), today).dormancy
    assert (found.segment_id if found else None) == name


def test_what_went_back_was_never_bought() -> None:
    kept, gone = purchase("2026-01-01", 100_00), purchase("2026-02-01", line(600_00, quantity=2))
    half = segment([kept, gone, back("2026-02-02", gone.order_id, _1=1)], "2026-02-10")
    assert (half.orders, half.paid, half.last_order_day) == (2, 400_00, date(2026, 2, 1))
    none = segment([kept, gone, back("2026-02-02", gone.order_id, _1=2)], "2026-02-10")
    assert (none.orders, none.paid, none.last_order_day) == (1, 100_00, date(2026, 1, 1))


def test_who_never_kept_an_order_is_in_no_group() -> None:
    found = segment([], "2026-02-10")
    assert (found.last_order_day, found.cell, found.dormancy, found.next_day) == (None,) * 4


def test_parts_of_an_order_are_one_order() -> None:
    parts = [purchase(f"2026-01-0{day}", 100, order_id="o") for day in (1, 2)]
    assert segment(list(parts), "2026-01-10").orders == 1


@pytest.mark.parametrize("seed", range(5))
def test_nothing_changes_before_the_next_day(seed: int) -> None:
    """The daily run passes over who has no new fact: so every change has to be foreseen."""
    chance = Random(seed)  # No secret.
    first = date(2025, 1, 1)
    facts: list[Fact] = [
        purchase(f"{first + timedelta(days=chance.randint(0, 300))}", chance.randint(1, 2000_00))
        for _ in range(chance.randint(1, 8))
    ]
    seen = segment(facts, "2025-11-01")
    for number in range(1, 600):
        today = date(2025, 11, 1) + timedelta(days=number)
        found = segment(facts, f"{today}")
        changed = (found.cell, found.dormancy, found.orders, found.paid) != (
            seen.cell, seen.dormancy, seen.orders, seen.paid,
        )  # fmt: skip
        assert not changed or (seen.next_day is not None and today >= seen.next_day)
        if seen.next_day == today:
            seen = found


def test_tastes_are_what_was_kept_by_shop_and_category() -> None:
    first = purchase(
        "2026-01-01",
        line(100, "1", shop_id="s", category_id="books"),
        line(300, "2", shop_id="s", category_id="toys"),
        line(900, "3", shop_id="s"),
    )
    second = purchase("2026-01-02", line(50, "1", shop_id="t", category_id="books"))
    facts = [first, second, back("2026-01-03", first.order_id, _2=1)]
    now = at("2026-01-10")
    found = tastes_of(kept_lines(facts, now=now, zone=ZONE), rules(), now=now, zone=ZONE)
    assert [(each.shop_id, each.category_id, each.paid) for each in found] == [
        ("s", "books", 100),
        ("t", "books", 50),
    ]


def spent(**categories: tuple[int, int]) -> list[CategorySpend]:
    return [
        CategorySpend(category_id=name, members=members, paid=paid)
        for name, (members, paid) in categories.items()
    ]


def test_a_shop_is_told_only_what_a_group_of_its_customers_bought_c19() -> None:
    told = preferences_of(
        spent(books=(10, 100), toys=(25, 200), rare=(9, 10_000)), members=27, members_min=10
    )
    assert told.members_about == 20
    assert [(each.category_id, each.share_percent) for each in told.categories] == [
        ("toys", 67),
        ("books", 33),
    ]
    with pytest.raises(GroupTooSmall):
        preferences_of(spent(books=(9, 100)), members=9, members_min=10)
    assert preferences_of(spent(rare=(9, 1)), members=10, members_min=10).categories == ()


JD = program_text()


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("recency_days: [30, 60, 90, 180]", "recency_days: [30, 30]", "rfm.recency_days[1]"),
        ("orders: [5, 10, 15, 20]", "orders: [5, 4]", "rfm.orders[1]"),
        ("high_from: 3", "high_from: 6", "rfm.high_from"),
        ("segment_id: dormant-mid", "segment_id: dormant-short", "dormancy[1].segment_id"),
        ("segment_id: dormant-mid", "segment_id: important-value", "dormancy[1].segment_id"),
        ("from_days: 61", "from_days: 30", "dormancy[1].from_days"),
        ("group_id: important-keep", "group_id: important-value", "rfm.groups[2].group_id"),
        ("recent: true, frequent: true, valuable: true", "recent: true", "rfm.groups[5]"),
        ("preference_members_min: 20", "preference_members_min: 4", "preference_members_min"),
    ],
)
def test_wrong_groups_are_found(old: str, new: str, path: str) -> None:
    assert old in JD
    faults = examine(JD.replace(old, new, 1), SECTION).faults
    assert f"scoring.insight.{path}" in [fault.path for fault in faults]
