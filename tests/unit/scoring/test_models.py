"""What the model language says, on models made for one thing each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from laurel_kit.programs.expressions import Kind, compile_condition
from laurel_scoring.domain.courses import plan_course
from laurel_scoring.domain.facts import Fact, Violation
from laurel_scoring.domain.models import (
    LAST_DAY,
    Cap,
    CapScope,
    CapUnit,
    Ceiling,
    DistinctKey,
    FromEngagements,
    FromPurchases,
    PerActivePeriod,
    PerAmount,
    PerCount,
    PerDistinct,
    Period,
    Vocabulary,
    Window,
)
from laurel_scoring.domain.scores import VIOLATIONS, Valuation, profile_of
from laurel_scoring.domain.settlements import due_time, first_month_after, settlement_date

from tests.support.scoring_worlds import (
    ZONE,
    at,
    back,
    credit,
    did,
    did_times,
    has,
    line,
    live,
    model,
    purchase,
    rule,
    settled,
    value,
)

NOW = "2026-06-15T12:00"
NO_WORDS = Vocabulary(
    engagement_kinds=frozenset(),
    goods_classes=frozenset(),
    payment_methods=frozenset(),
    profile_attributes=frozenset(),
    credit={},
)
AMOUNT = PerAmount(points=1, minor_units=100, payment_methods=frozenset())


def cap(scope: CapScope, limit: int, unit: CapUnit = CapUnit.POINTS) -> Cap:
    return Cap(scope=scope, unit=unit, limit=limit)


def answers(**fields: Any) -> Any:
    plain = {"source": FromEngagements(kinds=frozenset({"answer"})), "award": PerCount(points=2)}
    return rule(**{**plain, **fields})


def counted(valuation: Valuation) -> list[int]:
    return [each.counted for each in valuation.contributions]


@pytest.mark.parametrize(
    ("scope", "points"),
    [
        (CapScope.ORDER, [10, 10, 10]),
        (CapScope.DAY, [10, 0, 10]),
        (CapScope.MONTH, [10, 0, 0]),
        (CapScope.TOTAL, [10, 0, 0]),
    ],
)
def test_caps_cut_in_the_order_of_time(scope: CapScope, points: list[int]) -> None:
    facts: list[Fact] = [
        purchase("2026-05-02T10:00", 15_00),
        purchase("2026-05-01T11:00", 15_00),
        purchase("2026-05-01T10:00", 15_00),
    ]
    assert counted(value(facts, NOW, model(rule(caps=(cap(scope, 10),))))) == points


def test_a_cap_counts_in_part_and_says_so() -> None:
    facts = [purchase("2026-05-01T10:00", 70_00), purchase("2026-05-01T11:00", 70_00)]
    first, second = value(facts, NOW, model(rule(caps=(cap(CapScope.DAY, 100),)))).contributions
    assert (first.counted, first.cuts) == (70, ())
    assert (second.uncapped, second.counted) == (70, 30)
    assert [(cut.reason, cut.limit, cut.points) for cut in second.cuts] == [("day_points", 100, 40)]


def test_caps_of_times_count_facts_that_count() -> None:
    facts = did_times(5, "2026-05-01", "answer")
    caps = (cap(CapScope.DAY, 3, CapUnit.TIMES), cap(CapScope.DAY, 5))
    assert counted(value(facts, NOW, model(answers(caps=caps)))) == [2, 2, 1, 0, 0]


@pytest.mark.parametrize(
    ("scope", "field"), [(CapScope.CATEGORY, "category_id"), (CapScope.SHOP, "shop_id")]
)
def test_caps_of_categories_and_shops_value_an_order_apart(scope: CapScope, field: str) -> None:
    facts = [
        purchase(
            "2026-05-01T10:00",
            line(8_99, "1", **{field: "a"}),
            line(3_99, "2", **{field: "b"}),
            line(8_99, "3", **{field: "a"}),
        ),
        purchase("2026-05-02T10:00", line(5_00, **{field: "b"}), line(9_00, "2")),
    ]
    # a: 17.98 together; b: 3.99, then 5.00; what has no category has no such limit.
    assert counted(value(facts, NOW, model(rule(caps=(cap(scope, 7),))))) == [7, 3, 9, 4]


def test_caps_of_a_dimension_hold_its_rules_together() -> None:
    rules = (rule(rule_id="paid"), answers(rule_id="answer"))
    facts = [
        did("2026-05-01T09:00", "answer"),
        purchase("2026-05-01T10:00", 8_00),
        did("2026-05-01T11:00", "answer"),
        did("2026-05-02T11:00", "answer"),
    ]
    held = model(*rules, caps=(cap(CapScope.DAY, 9), cap(CapScope.TOTAL, 10)))
    valuation = value(facts, NOW, held)
    assert [(each.rule_id, each.counted) for each in valuation.contributions] == [
        ("answer", 2),
        ("paid", 7),
        ("answer", 0),
        ("answer", 1),
    ]


def test_a_month_is_looked_at_whole_also_before_the_window() -> None:
    """Two of three count; that the first leaves the window does not let the third one in."""
    facts = [did(f"2025-05-{day}T10:00", "answer") for day in ("10", "20", "30")]
    capped = model(answers(caps=(cap(CapScope.MONTH, 2, CapUnit.TIMES),)))
    assert value(facts, "2026-05-05", capped).value == 4
    assert value(facts, "2026-05-15", capped).value == 2
    assert value(facts, "2026-05-25", capped).value == 0


@pytest.mark.parametrize(
    ("returns", "left"),
    [
        ([], 9),  # 9.99 yuan for three pieces.
        ([1], 6),
        ([1, 1], 3),
        ([2], 3),
        ([1, 1, 1], 0),
        ([3], 0),
    ],
)
def test_returns_take_the_share_of_what_was_granted(returns: list[int], left: int) -> None:
    bought = purchase("2026-05-01T10:00", line(9_99, quantity=3), order_id="o")
    facts = [bought, *(back(f"2026-05-1{n}T10:00", "o", _1=q) for n, q in enumerate(returns))]
    valuation = value(facts, NOW, model(rule()))
    assert valuation.value == left
    assert sum(counted(valuation)) == left


def test_a_return_takes_back_what_counted_not_what_was_cut() -> None:
    facts = [
        purchase("2026-05-01T10:00", 80_00, order_id="a"),
        purchase("2026-05-01T11:00", 80_00, order_id="b"),
    ]
    capped = model(rule(caps=(cap(CapScope.DAY, 100),)))
    assert value([*facts, back("2026-05-05T10:00", "a", _1=1)], NOW, capped).value == 20
    assert value([*facts, back("2026-05-05T10:00", "b", _1=1)], NOW, capped).value == 80


def test_a_return_counts_from_its_own_time() -> None:
    facts = [purchase("2026-05-01T10:00", 80_00, order_id="a"), back("2026-06-01T10:00", "a", _1=1)]
    assert value(facts, settled("2026-06-02"), model(rule())).value == 80
    assert value(facts, settled("2026-07-02"), model(rule())).value == 0


def test_orders_counted_go_when_all_of_them_went_back() -> None:
    orders = model(rule(award=PerCount(points=5)))
    bought = purchase("2026-05-01T10:00", 1, 1, order_id="a")
    part, rest = back("2026-05-02T10:00", "a", _1=1), back("2026-05-03T10:00", "a", _2=1)
    assert [value(facts, NOW, orders).value for facts in ([bought], [bought, part])] == [5, 5]
    assert value([bought, part, rest], NOW, orders).value == 0


def test_conditions_choose_lines() -> None:
    variables = {"goods_class": Kind.STRING, "payment_methods": Kind.STRINGS}
    only = compile_condition('goods_class == "physical" && "online" in payment_methods', variables)
    facts = [
        purchase(
            "2026-05-01T10:00",
            line(5_00, "1", goods_class="physical"),
            line(7_00, "2", goods_class="virtual"),
            payments={"online": 12_00},
        ),
        purchase(
            "2026-05-02T10:00", line(9_00, goods_class="physical"), payments={"balance": 9_00}
        ),
    ]

    @dataclass(frozen=True)
    class Narrow:
        def holds(self, values: Any) -> bool:
            return only.holds({name: values[name] for name in variables})

    assert value(facts, NOW, model(rule(condition=Narrow()))).value == 5


def test_only_the_part_paid_by_some_means_counts_a5() -> None:
    cash = replace(AMOUNT, payment_methods=frozenset({"online"}))
    facts = [
        purchase("2026-05-01T10:00", 100_00, payments={"online": 75_00, "gift_card": 25_00}),
        purchase("2026-05-02T10:00", 100_00, payments={"gift_card": 100_00}),
        purchase("2026-05-03T10:00", 100_00),
    ]
    assert counted(value(facts, NOW, model(rule(award=cash)))) == [75]


def test_distinct_subjects_of_engagements() -> None:
    award = PerDistinct(points=3, key=DistinctKey.SUBJECT)
    facts = [
        did("2026-05-01T10:00", "answer", subject_id=subject) for subject in ("a", "b", "a", "")
    ]
    assert value(facts, NOW, model(answers(award=award))).value == 6


def test_a_key_lasts_as_long_as_its_last_support() -> None:
    award = PerDistinct(points=10, key=DistinctKey.CATEGORY)
    facts = [
        purchase("2026-01-10T10:00", line(1, category_id="books")),
        purchase("2026-03-10T10:00", line(1, category_id="books")),
    ]
    (only,) = value(facts, NOW, model(rule(award=award))).contributions
    assert only.activity_id == facts[0].activity_id
    assert only.roll_off_date == date(2027, 3, 11)


def test_a_month_lasts_while_enough_of_its_days_do() -> None:
    award = PerActivePeriod(points=30, period=Period.MONTH, days_min=2)
    facts = [purchase(f"2026-01-{day}T10:00", 1) for day in ("10", "20", "30")]
    months = model(rule(award=award))
    (only,) = value(facts, NOW, months).contributions
    assert (only.activity_id, only.roll_off_date) == (facts[1].activity_id, date(2027, 1, 21))
    assert value(facts, "2027-01-20", months).value == 30
    assert value(facts, "2027-01-21", months).value == 0


@pytest.mark.parametrize(
    ("day", "months", "leaves"),
    [
        ("2025-06-15", 12, date(2026, 6, 16)),
        ("2024-02-29", 12, date(2025, 3, 1)),
        ("2024-02-28", 12, date(2025, 3, 1)),
        ("2025-08-30", 6, date(2026, 3, 1)),
        ("2025-08-31", 6, date(2026, 3, 1)),
    ],
)
def test_a_day_counts_until_the_day_it_rolls_off(day: str, months: int, leaves: date) -> None:
    spans = model(rule(), window=Window(months=months, live_until_now=False))
    facts = [purchase(f"{day}T10:00", 5_00)]
    before = live(f"{date.fromordinal(leaves.toordinal() - 1)}")
    (only,) = value(facts, before, spans).contributions
    assert only.roll_off_date == leaves
    assert value(facts, live(f"{leaves}"), spans).value == 0


def test_a_published_day_rolls_off_with_its_month() -> None:
    facts = [purchase("2025-03-31T10:00", 5_00)]
    (only,) = value(facts, settled("2026-03-02"), model(rule())).contributions
    assert only.roll_off_date == date(2026, 4, 2)
    assert value(facts, settled("2026-04-02"), model(rule())).value == 0


def test_a_day_published_at_the_end_of_a_month_rolls_off_at_the_end_of_one_k3() -> None:
    last = replace(model(rule()), settlement_day=LAST_DAY)
    assert settlement_date(last, date(2026, 2, 1)) == date(2026, 2, 28)
    assert due_time(last, date(2026, 2, 1), ZONE) == at("2026-03-01")
    assert first_month_after(last, at("2026-02-28T23:59"), ZONE) == date(2026, 2, 1)
    assert first_month_after(last, at("2026-03-01"), ZONE) == date(2026, 3, 1)
    facts = [purchase("2025-03-01T10:00", 5_00)]
    (only,) = value(facts, settled("2026-03-01"), last).contributions
    assert only.roll_off_date == date(2026, 3, 31)
    assert value(facts, settled("2026-04-01"), last).value == 0


def test_a_window_until_now_counts_at_once() -> None:
    now = model(rule(), window=Window(months=None, live_until_now=True))
    facts = [purchase("2026-06-15T12:00", 5_00)]
    assert value(facts, "2026-06-15T11:59", now).value == 0
    (only,) = value(facts, "2026-06-15T12:00", now).contributions
    assert (only.counted, only.roll_off_date) == (5, None)


def test_a_broken_rule_holds_the_score_down_while_it_is_in_the_window_c11() -> None:
    broken = [
        Violation(activity_id=f"v{number}", activity_time=at(time), kind="misuse")
        for number, time in enumerate(["2026-01-10T10:00", "2026-03-10T10:00"])
    ]
    ceiling = Ceiling(
        ceiling_id="misuse",
        display_name="",
        condition=compile_condition("violations >= 2", {VIOLATIONS: Kind.INTEGER}),
        score_max=3,
        reads_violations=True,
    )
    held = replace(
        model(rule(), window=Window(months=6, live_until_now=False)), ceilings=(ceiling,)
    )
    facts = [purchase("2026-06-01T10:00", 5_00), *broken]
    assert value(facts, "2026-06-15T12:00", held).value == 3
    assert value(facts, "2026-07-15T12:00", held).value == 5
    assert value(facts[:2], "2026-06-15T12:00", held).value == 5
    assert plan_course(replace(held, settlement_day=2), NO_WORDS) is None


def test_ceilings_take_one_after_the_other() -> None:
    def ceiling(ceiling_id: str, text: str, score_max: int) -> Ceiling:
        known = {"credit_score": Kind.INTEGER, "credit_stars": Kind.INTEGER}
        return Ceiling(
            ceiling_id=ceiling_id,
            display_name="",
            condition=compile_condition(text, known),
            score_max=score_max,
        )

    held = model(
        rule(),
        ceilings=(
            ceiling("a", "credit_stars == 1", 300),
            ceiling("b", "credit_score < 30", 200),
            ceiling("c", "credit_stars == 1", 250),
        ),
    )
    facts = [purchase("2026-05-01T10:00", 1000_00)]
    stars = credit("2026-05-01", stars=1)
    # Never reported is below every value: the author of a condition says what it means.
    never = value([*facts, stars], NOW, held)
    assert [each.points for each in never.adjustments] == [-700, -100]
    known = value([*facts, stars, credit("2026-05-02", score=30)], NOW, held)
    assert [(each.ceiling_id, each.points) for each in known.adjustments] == [
        ("a", -700),
        ("c", -50),
    ]


def test_profile_tells_what_stands_at_an_instant() -> None:
    facts: list[Fact] = [
        has("2026-01-01", "wechat"),
        has("2026-01-02", "real_name"),
        has("2026-02-01", "wechat", is_set=False),
        credit("2026-01-01", score=60, stars=5),
        credit("2026-02-01", score=70),
        purchase("2026-01-05T10:00", 1, order_id="gone"),
        purchase("2026-01-06T10:00", 1),
        back("2026-02-05T10:00", "gone", _1=1),
    ]
    early, late = profile_of(facts, live("2026-01-20")), profile_of(facts, live("2026-03-01"))
    assert early.attributes == ("real_name", "wechat")
    assert late.attributes == ("real_name",)
    assert (early.credit_score, late.credit_score, late.credit_stars) == (60, 70, 5)
    assert early.first_purchase_time == at("2026-01-05T10:00")
    assert late.first_purchase_time == at("2026-01-06T10:00")


def test_purchases_and_engagements_do_not_mix() -> None:
    award = PerActivePeriod(points=1, period=Period.YEAR, days_min=1)
    facts: list[Fact] = [did("2026-05-01T10:00", "answer")]
    assert value(facts, NOW, model(rule(source=FromPurchases(), award=award))).value == 0
    assert value(facts, NOW, model(answers(award=award))).value == 1
