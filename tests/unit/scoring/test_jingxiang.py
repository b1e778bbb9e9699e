"""京享值 as the program file has it: the cases of the domain, rule by rule."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from laurel_scoring.domain.facts import Fact

from tests.support.scoring_worlds import (
    at,
    back,
    credit,
    did,
    did_times,
    has,
    jingxiang,
    line,
    name,
    purchase,
    settled,
    value,
)

NOW = "2026-06-15T12:00"


def order(day: str, order_id: str, paid: int = 0) -> Fact:
    return purchase(f"{day}T12:00", paid, order_id=order_id)


def case_p44() -> list[Fact]:
    """Nine good months, six categories, four years; each rule of P44 once."""
    facts: list[Fact] = [has("2025-01-01", each) for each in ("real_name", "wechat", "qq")]
    facts += [purchase(f"{year}-05-05T10:00", 100_00) for year in (2022, 2023, 2024)]
    months = ["2025-07", "2025-08", "2025-09", "2025-10", "2025-11", "2025-12"]
    months += ["2026-01", "2026-02", "2026-03"]
    categories = ["books", "phones", "food", "beauty", "sports", "pets"]
    for place, month in enumerate(months):
        category = categories[place % len(categories)]
        for day in ("03", "04", "05"):
            facts.append(purchase(f"{month}-{day}T10:00", line(0, category_id=category)))
    facts.append(purchase("2026-03-20T10:00", line(8640_50, category_id="books"), order_id="big"))
    facts += did_times(35, "2026-03-21", "review", order_id="big")
    facts += did_times(31, "2026-03-22", "photo_review", order_id="big")
    facts += did_times(10, "2026-03-23", "answer")
    facts += did_times(6, "2026-03-24", "share")
    facts += [did(f"2026-04-{day:02d}T10:00", "jd_pay") for day in range(1, 31)]
    facts += [did(f"2026-05-{day:02d}T10:00", "jd_pay") for day in range(1, 11)]
    return facts


def test_each_rule_gives_what_p44_says() -> None:
    valuation = value(case_p44(), NOW)
    by_rule: dict[str, int] = {}
    for each in valuation.contributions:
        by_rule[each.rule_id] = by_rule.get(each.rule_id, 0) + each.counted
    assert by_rule == {
        "real_name": 100,
        "wechat": 20,
        "qq": 20,
        "paid": 8640,
        "new_category": 60,
        "shopping_month": 270,
        # 2022 to 2024, and the two years of the window.
        "shopping_year": 100,
        "review": 60,
        "photo_review": 150,
        "answer": 20,
        "share": 10,
        "jd_pay": 80,
    }


def test_the_total_is_what_p44_says() -> None:
    """P44 counts four years of shopping: without the oldest of ours, its total is met exactly."""
    facts = [fact for fact in case_p44() if fact.activity_time > at("2023-01-01")]
    valuation = value(facts, NOW)
    assert (valuation.value, valuation.level.level_id) == (9510, "L3")
    with_credit = value([*facts, credit("2026-06-01", score=85)], NOW)
    assert with_credit.value == 9510 + 85


def test_one_star_holds_the_score_at_200_p45_b12_o35() -> None:
    facts = [*case_p44(), credit("2026-06-01", stars=1)]
    valuation = value(facts, NOW)
    assert (valuation.value, valuation.level.level_id) == (200, "L1")
    assert [each.points for each in valuation.adjustments] == [200 - 9530]
    two_stars = value([*facts, credit("2026-06-02", stars=2)], NOW)
    assert (two_stars.value, two_stars.adjustments) == (9530, ())


@pytest.mark.parametrize(
    ("attribute", "points"),
    [("real_name", 100), ("wechat", 20), ("qq", 20), ("phone", 20), ("full_profile", 20)],
)
def test_account_points_go_when_the_attribute_goes_c5_c12_p47(attribute: str, points: int) -> None:
    held = has("2020-01-01", attribute)
    gone = has("2026-06-01", attribute, is_set=False)
    assert value([held], NOW).value == points
    assert value([held, gone], NOW).value == 0
    assert value([held, gone], "2026-05-31T23:59").value == points
    assert value([held, gone, has("2026-06-02", attribute)], NOW).value == points


@pytest.mark.parametrize(
    ("points", "level"),
    [
        (0, "L1"),
        (200, "L1"),
        (201, "L2"),
        (5_000, "L2"),
        (5_001, "L3"),
        (10_000, "L3"),
        (10_001, "L4"),
        (20_000, "L4"),
        (20_001, "L5"),
    ],
)
def test_levels_begin_where_p48_and_c14_say(points: int, level: str) -> None:
    assert jingxiang().level_of(points).level_id == level


@pytest.mark.parametrize(
    ("ordered", "reviewed", "points"),
    [
        ("2025-10-15", "2026-04-15", 2),  # The last day of half a year.
        ("2025-10-15", "2026-04-16", 0),
        ("2025-09-15", "2026-04-15", 0),  # P49: seven months.
        ("2025-08-31", "2026-02-28", 2),  # The last day of a shorter month.
        ("2025-08-31", "2026-03-01", 0),
    ],
)
@pytest.mark.parametrize(("kind", "each"), [("review", 1), ("photo_review", 5)])
def test_review_points_are_for_orders_of_half_a_year_p49_c8_o36(
    ordered: str, reviewed: str, points: int, kind: str, each: int
) -> None:
    expected = points if kind == "review" else points // 2 * each
    facts = [order(ordered, "o"), did(f"{reviewed}T10:00", kind, order_id="o")]
    by_rule = [one for one in value(facts, NOW).contributions if one.rule_id == kind]
    assert [one.counted for one in by_rule] == [expected]
    assert bool(by_rule[0].cuts) is (expected == 0)


def test_a_review_of_an_unknown_order_counts_once_the_order_is_known() -> None:
    review = did("2026-06-01T10:00", "review", order_id="o")
    alone = value([review], NOW)
    assert alone.value == 0
    assert [cut.reason for cut in alone.contributions[0].cuts] == ["order_unknown"]
    known = value([review, order("2026-05-01", "o")], NOW)
    assert sum(one.counted for one in known.contributions if one.rule_id == "review") == 2


# C7: what, how often it counts on one day or in one month, and the points of it all.
CAPS: list[tuple[str, int, int, str]] = [
    ("photo_review", 30, 150, "day"),
    ("review", 30, 60, "day"),
    ("answer", 25, 50, "day"),
    ("share", 5, 10, "day"),
    ("jd_pay", 30, 60, "day"),
    ("login", 1, 1, "day"),
    ("start_group_buy", 10, 100, "month"),
    ("join_group_buy", 20, 100, "month"),
    ("donation", 6, 180, "month"),
    ("one_yuan_donation", 4, 80, "month"),
    ("idle_goods_donation", 3, 45, "month"),
]


def activity_points(facts: list[Fact]) -> int:
    valuation = value(facts, NOW)
    return next(each.points for each in valuation.dimensions if each.dimension_id == "activity")


@pytest.mark.parametrize(("kind", "times", "points", "period"), CAPS)
def test_activity_caps_c7_o34(kind: str, times: int, points: int, period: str) -> None:
    known = [order("2026-05-01", "o")]

    def on(day: str, number: int) -> list[Fact]:
        return did_times(number, day, kind, order_id="o")

    each = points // times
    assert activity_points(known + on("2026-05-10", times - 1)) == points - each
    assert activity_points(known + on("2026-05-10", times)) == points
    assert activity_points(known + on("2026-05-10", times + 1)) == points
    next_day = points * (2 if period == "day" else 1)
    full = known + on("2026-05-10", times)
    assert activity_points(full + on("2026-05-11", times)) == next_day
    assert activity_points(full + on("2026-06-01", times)) == points * 2


SPEND: list[tuple[str, Callable[[], list[Fact]], int]] = [
    ("99 fen give nothing", lambda: [purchase("2026-05-04T10:00", 99)], 0),
    ("1 yuan gives a point", lambda: [purchase("2026-05-04T10:00", 100)], 1),
    (
        "orders are floored one by one",
        lambda: [purchase("2026-05-04T10:00", 199), purchase("2026-05-04T11:00", 199)],
        2,
    ),
    ("lines of an order together", lambda: [purchase("2026-05-04T10:00", 150, 150)], 3),
]


@pytest.mark.parametrize(
    ("facts", "points"), [each[1:] for each in SPEND], ids=[s[0] for s in SPEND]
)
def test_paid_points_c6(facts: Callable[[], list[Fact]], points: int) -> None:
    year = 20
    assert value(facts(), NOW).value == points + year


@pytest.mark.parametrize(("days", "points"), [((1, 2), 0), ((1, 2, 3), 30), ((1, 2, 2), 0)])
def test_a_month_needs_three_shopping_days_c6(days: tuple[int, ...], points: int) -> None:
    facts = [purchase(f"2026-05-{day:02d}T10:0{n}", 0) for n, day in enumerate(days)]
    by_rule = [one for one in value(facts, NOW).contributions if one.rule_id == "shopping_month"]
    assert sum(one.counted for one in by_rule) == points


def test_shopping_days_are_days_of_shanghai_x5() -> None:
    """Half past midnight belongs to the new day, though it is the old one in UTC."""
    late = [purchase(f"2026-05-0{day}T00:30", 0) for day in (1, 2, 3)]
    assert [each.counted for each in value(late, NOW).contributions if each.counted == 30] == [30]
    spread = [purchase("2026-04-30T23:59", 0), *late[:2]]
    assert 30 not in [each.counted for each in value(spread, NOW).contributions]


def test_a_category_counts_once_c6() -> None:
    facts = [
        purchase("2026-05-01T10:00", line(0, "1", category_id="books"), line(0, "2")),
        purchase("2026-05-01T11:00", line(0, "1", category_id="books")),
        purchase("2026-05-01T12:00", line(0, "1", category_id="phones")),
    ]
    by_rule = [one for one in value(facts, NOW).contributions if one.rule_id == "new_category"]
    assert [one.counted for one in by_rule] == [10, 10]


def test_returns_take_back_days_categories_years_and_money_c11() -> None:
    kept = [purchase("2026-05-01T10:00", 0), purchase("2026-05-02T10:00", 0)]
    gone = purchase("2026-05-03T10:00", line(100_00, category_id="books"), order_id=name("o"))
    assert value([*kept, gone], NOW).value == 100 + 10 + 30 + 20
    returned = back("2026-05-10T10:00", gone.order_id, _1=1)
    valuation = value([*kept, gone, returned], NOW)
    assert valuation.value == 20
    assert value([gone, returned], NOW).value == 0
    taken = [each for each in valuation.contributions if each.activity_id == returned.activity_id]
    assert [(each.rule_id, each.counted) for each in taken] == [("paid", -100)]


def test_a_settlement_looks_at_whole_months_c2() -> None:
    """January 2019 covers 2018; February 2019 covers February 2018 to January 2019."""
    first = purchase("2018-01-01T00:00", 1_00)
    last = purchase("2018-12-31T23:59", 10_00)
    after = purchase("2019-01-01T00:00", 100_00)
    facts = [first, last, after]

    def paid(moment: str) -> int:
        valuation = value(facts, settled(moment))
        return sum(one.counted for one in valuation.contributions if one.rule_id == "paid")

    assert paid("2019-01-02") == 11
    assert paid("2019-02-02") == 110
    assert paid("2020-01-02") == 100
    assert paid("2020-02-02") == 0


def test_a_live_score_ends_with_yesterday_c3() -> None:
    fact = purchase("2025-06-15T23:59", 1_00)
    today = purchase("2026-06-15T00:00", 10_00)

    def paid(moment: str) -> int:
        valuation = value([fact, today], moment)
        return sum(one.counted for one in valuation.contributions if one.rule_id == "paid")

    assert paid("2025-06-15T23:59") == 0
    assert paid("2025-06-16T00:00") == 1
    assert paid("2026-06-15T23:59") == 1
    assert paid("2026-06-16T00:00") == 10


def test_what_is_left_after_twelve_months_is_the_account_c13() -> None:
    facts = [has("2020-01-01", "real_name"), *case_p44()[3:]]
    # Five years of shopping and the account: they know no window.
    assert value(facts, "2028-01-01T12:00").value == 100 + 100
