"""Groups and medals of a program that ships without any: a few lines of its file are enough."""

from __future__ import annotations

from datetime import date

from laurel_kit.programs.loading import examine
from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.medal_rules import MedalKind
from laurel_scoring.domain.medals import deeds_of, progress_of
from laurel_scoring.domain.models import ScoringProgram
from laurel_scoring.domain.segments import kept_lines, segment_of
from laurel_scoring.wire.program import SECTION

from tests.support.programs import shipped_text
from tests.support.scoring_worlds import ZONE, at, back, did, line, purchase

TODAY = date(2026, 3, 1)
NOW = at("2026-03-01T12:00")
INSIGHT = """
  insight:
    rfm:
      window_months: 3
      recency_days: [3, 7, 14, 30]
      orders: [2, 4, 8, 16]
      paid_minor_units: [1000, 3000, 5000, 10000]
      high_from: 4
      groups:
        - {group_id: star, display_name: 明星, recent: true, frequent: true, valuable: true}
        - {group_id: regular, display_name: 常客, recent: true, frequent: true}
        - {group_id: newcomer, display_name: 新客, recent: true, valuable: true}
        - {group_id: visitor, display_name: 访客, recent: true}
        - {group_id: missed, display_name: 想念, frequent: true, valuable: true}
        - {group_id: habit, display_name: 旧识, frequent: true}
        - {group_id: spender, display_name: 大户, valuable: true}
        - {group_id: passer-by, display_name: 过客}
    dormancy:
      - {segment_id: asleep, display_name: 沉睡, from_days: 15}
    preference_members_min: 5

  medals:
    - medal_id: fruit
      display_name: 水果勋章
      kind: category
      purchases: {categories: [fruit]}
      window_months: 1
      levels:
        - {count_min: 1, paid_minor_units_min: 900}
        - {count_min: 3, paid_minor_units_min: 1800}
    - medal_id: host
      display_name: 团长勋章
      kind: task
      engagements: {kinds: [group_buy]}
      levels: [{count_min: 2}]
"""


def other_program() -> ScoringProgram:
    whole = shipped_text("pinduoduo")
    examined = examine(whole.replace("\nbenefits:\n", INSIGHT + "\nbenefits:\n", 1), SECTION)
    assert examined.faults == ()
    assert examined.model is not None
    return examined.model


def fruit(day: str, minor_units: int) -> Fact:
    return purchase(f"{day}T10:00", line(minor_units, category_id="fruit"))


def group_of(facts: list[Fact]) -> tuple[int, int, int, str | None, str | None]:
    rules = other_program().insight
    assert rules is not None
    found = segment_of(kept_lines(facts, now=NOW, zone=ZONE), rules, now=NOW, zone=ZONE)
    assert found.cell is not None
    return (
        found.cell.recency,
        found.cell.frequency,
        found.cell.monetary,
        found.cell.group.group_id if found.cell.group else None,
        found.dormancy.segment_id if found.dormancy else None,
    )


def test_groups_of_another_program_are_by_its_own_numbers_m16_m17_m18() -> None:
    daily = [fruit(f"2026-02-{day}", 1_00) for day in range(20, 28)]
    assert group_of(daily) == (5, 4, 1, "regular", None)
    assert group_of([fruit("2026-02-10", 90_00)]) == (2, 1, 4, "spender", "asleep")
    assert group_of([fruit("2026-02-20", 9_99)]) == (3, 1, 1, "passer-by", None)
    # What lies before the three months of this program is no order.
    old = [fruit(f"2025-11-{day}", 90_00) for day in range(10, 20)]
    assert group_of([*old, fruit("2026-02-20", 9_99)]) == (3, 1, 1, "passer-by", None)


def test_medals_of_another_program_are_by_its_own_levels_g2_g5() -> None:
    category, task = other_program().medals
    assert (category.kind, task.kind) == (MedalKind.CATEGORY, MedalKind.TASK)
    first, second = (
        purchase(f"2026-02-{day}T10:00", line(9_00, category_id="fruit")) for day in ("10", "11")
    )
    hosted = [did("2025-01-01T10:00", "group_buy"), did("2026-02-01T10:00", "group_buy")]

    def levels(*facts: Fact) -> tuple[int, ...]:
        kept, deeds = kept_lines(facts, now=NOW, zone=ZONE), deeds_of(facts, now=NOW, zone=ZONE)
        found = (progress_of(each, kept, deeds, TODAY) for each in (category, task))
        return tuple(each.level for each in found)

    assert levels() == (0, 0)
    assert levels(first, hosted[0]) == (1, 0)
    assert levels(first, second, fruit("2026-02-12", 1), *hosted) == (2, 1)
    assert levels(first, back("2026-02-20T10:00", first.order_id, _1=1)) == (0, 0)
    assert levels(fruit("2026-01-10", 9_00)) == (0, 0)
