"""淘气值 as the program file has it: base, shopping and reward, their bounds and levels (I)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.forecasts import forecast
from laurel_scoring.domain.scores import Valuation, worth
from laurel_scoring.domain.windows import Moment

from tests.support.scoring_worlds import (
    back,
    credit,
    did,
    did_times,
    has,
    line,
    live,
    purchase,
    settled,
    shipped,
    value,
)

RELEASE = settled("2026-05-08")


def taoqi(facts: Sequence[Fact], moment: str | Moment = RELEASE) -> Valuation:
    """The valuation, whose parts are held to sum to it and which `worth` is held to."""
    model = shipped("taoqi", "taobao")
    valuation = value(facts, moment, model)
    assert valuation.value == sum(each.counted for each in valuation.contributions)
    assert valuation.value == sum(each.points for each in valuation.dimensions)
    for total in valuation.dimensions:
        parts = [x for x in valuation.contributions if x.dimension_id == total.dimension_id]
        assert sum(each.base for each in parts) == total.base
        assert sum(each.counted for each in parts) == total.points
    when = live(moment) if isinstance(moment, str) else moment
    found = worth(facts, model, when)
    assert (found.value, found.level) == (valuation.value, valuation.level)
    return valuation


def points(valuation: Valuation, dimension_id: str) -> int:
    return next(x.points for x in valuation.dimensions if x.dimension_id == dimension_id)


def units(valuation: Valuation, dimension_id: str) -> int:
    return next(x.base for x in valuation.dimensions if x.dimension_id == dimension_id)


def bought(day: str, yuan: int, *, shop: str = "", category: str = "c", goods: str = "") -> Fact:
    fields = {"shop_id": shop, "category_id": category, "goods_class": goods or "physical"}
    return purchase(f"{day}T10:00", line(yuan * 100, **fields))


def spent_36_000() -> list[Fact]:
    """36,000 yuan that no bound touches, in one category."""
    days = ["2025-06-01", "2025-06-02", "2025-06-03", "2025-07-01", "2025-07-02", "2025-07-03"]
    return [bought(day, 6_000, shop=f"s{place % 2}") for place, day in enumerate(days)]


def raw_reward_200() -> list[Fact]:
    """Reviews, shares and answers of ten months beside one category and two months of shopping."""
    facts: list[Fact] = [has("2025-06-01", "family_account")]
    months = [f"2025-{month:02d}" for month in range(6, 13)]
    for month in months:
        facts += did_times(10, f"{month}-01", "review") + did_times(10, f"{month}-02", "review")
    facts += did_times(5, "2025-06-05", "photo_review")
    facts += did_times(5, "2025-06-06", "answer")
    return facts


def test_base_scales_shopping_and_shopping_scales_reward_p51_i10() -> None:
    facts = [*spent_36_000(), *raw_reward_200(), credit("2025-05-01", score=700)]
    valuation = taoqi(facts)
    assert units(valuation, "shopping") == 36_000_00
    assert points(valuation, "base") == 400
    assert points(valuation, "shopping") == 600
    assert units(valuation, "reward") == 5 + 140 + 10 + 5 + 20
    # 180 × (1 + 600 / 3,000).
    assert points(valuation, "reward") == 216
    more = [*facts, *did_times(5, "2025-07-06", "answer"), *did_times(5, "2025-08-06", "answer")]
    more += did_times(5, "2025-09-06", "photo_review")
    whole = taoqi(more)
    assert units(whole, "reward") == 200
    assert (whole.value, whole.level.level_id) == (1_240, "super")
    factors = {x.dimension_id: x.factors for x in whole.dimensions}["reward"]
    assert [(x.dimension_id, x.numerator, x.denominator) for x in factors] == [
        ("base", 400, 400),
        ("shopping", 3600, 3000),
    ]


@pytest.mark.parametrize(
    ("score", "base"),
    [(350, 100), (549, 100), (550, 250), (600, 350), (649, 350), (650, 400), (950, 400)],
)
def test_base_comes_from_the_credit_level_i9(score: int, base: int) -> None:
    facts = [*spent_36_000(), credit("2025-05-01", score=score)]
    valuation = taoqi(facts)
    assert points(valuation, "base") == base
    assert points(valuation, "shopping") == 36_000_00 * base // (400 * 6000)


def test_base_is_at_most_400_and_without_it_nothing_counts_i9_i10() -> None:
    identity = [has("2025-01-01", "real_name"), has("2025-01-02", "voice_lock")]
    full = taoqi([*identity, credit("2025-05-01", score=900)])
    assert points(full, "base") == 400
    assert taoqi(identity).value == 50
    assert taoqi(spent_36_000()).value == 0


ORDERS = [
    ("an order", [("2025-06-01", 7_000, "s", "c")], 6_000),
    ("a day", [("2025-06-01", 6_000, "s", "c"), ("2025-06-01", 6_000, "t", "d")], 9_000),
    (
        "a month",
        [(f"2025-06-{day:02d}", 6_000, f"s{day}", f"c{day}") for day in range(1, 6)],
        24_000,
    ),
    (
        "a category",
        [(f"2025-{month:02d}-01", 6_000, f"s{month}", "c") for month in range(6, 13)],
        36_000,
    ),
    (
        "a shop",
        [(f"2025-{month:02d}-01", 6_000, "s", f"c{month}") for month in range(6, 11)],
        18_000,
    ),
]


@pytest.mark.parametrize(("orders", "counted"), [x[1:] for x in ORDERS], ids=[x[0] for x in ORDERS])
@pytest.mark.parametrize(("goods", "share"), [("physical", 1), ("travel", 5)])
def test_shopping_is_bounded_i4_i6(
    orders: list[tuple[str, int, str, str]], counted: int, goods: str, share: int
) -> None:
    facts = [
        bought(day, yuan, shop=shop, category=category, goods=goods)
        for day, yuan, shop, category in orders
    ]
    facts.append(credit("2025-05-01", score=700))
    assert units(taoqi(facts), "shopping") == counted * 100 // share


def test_shopping_is_at_most_3_000_i5() -> None:
    facts: list[Fact] = [credit("2025-05-01", score=700)]
    for month in ("2025-05", "2025-06", "2025-07", "2025-08", "2025-09", "2025-10", "2025-11"):
        facts += [
            bought(f"{month}-{day:02d}", 6_000, shop=f"{month}{day}", category=f"{month}{day}")
            for day in range(1, 5)
        ]
    valuation = taoqi(facts)
    assert points(valuation, "shopping") == 2_800
    more = [
        bought(f"2025-12-{day:02d}", 6_000, shop=f"x{day}", category=f"x{day}")
        for day in range(1, 5)
    ]
    assert points(taoqi([*facts, *more]), "shopping") == 3_000


def test_a_return_takes_back_its_share_through_all_factors() -> None:
    facts = [*spent_36_000(), *raw_reward_200(), credit("2025-05-01", score=700)]
    order_id = facts[0].order_id  # type: ignore[union-attr]  # It is a purchase.
    returned = [*facts, back("2025-06-10T10:00", order_id, _1=1)]
    valuation = taoqi(returned)
    assert points(valuation, "shopping") == 500
    assert points(valuation, "reward") == 180 * 3500 // 3000
    again = taoqi([fact for fact in facts if fact is not facts[0]])
    assert valuation.value == again.value


def test_a_release_covers_twelve_whole_months_p53_i3() -> None:
    credited = credit("2020-05-01", score=700)
    days = ["2025-04-30", "2025-05-01", "2026-04-30", "2026-05-03"]
    counted = {day: points(taoqi([credited, bought(day, 600)]), "shopping") for day in days}
    assert counted == {"2025-04-30": 0, "2025-05-01": 10, "2026-04-30": 10, "2026-05-03": 0}
    later = taoqi([credited, bought("2026-05-03", 600)], settled("2026-06-08"))
    assert points(later, "shopping") == 10


@pytest.mark.parametrize(
    ("score", "level"),
    [(0, "ordinary"), (999, "ordinary"), (1_000, "super"), (2_499, "super"), (9_999, "super")],
)
def test_apass_is_not_reached_by_score_alone_i11_i17(score: int, level: str) -> None:
    model = shipped("taoqi", "taobao")
    assert model.level_of(score).level_id == level
    apass = model.level("apass")
    assert (apass.from_score, apass.one_in, apass.term_months) == (2_500, 10_000, 12)


def runs(facts: Sequence[Fact], moment: str | Moment) -> list[tuple[date | None, int]]:
    """When each month of a run ceases to count, and what it counts."""
    valuation = taoqi([*facts, credit("2020-01-01", score=700)], moment)
    found = [x for x in valuation.contributions if x.rule_id == "consecutive_months"]
    return [(each.roll_off_date, each.base) for each in found]


def test_months_count_while_their_run_is_unbroken_i7() -> None:
    facts = [bought(f"{month}-10", 1) for month in ("2026-01", "2026-03", "2026-04")]
    assert runs(facts, RELEASE) == [(date(2026, 6, 8), 5), (date(2026, 6, 8), 5)]
    assert runs(facts, settled("2026-06-08")) == []
    # May is not over: it breaks nothing yet.
    assert runs(facts, "2026-05-31T12:00") == [(date(2026, 6, 1), 5)] * 2
    assert runs(facts, "2026-06-01T00:00") == []
    (step,) = list(
        forecast(
            [*facts, credit("2020-01-01", score=700)],
            shipped("taoqi", "taobao"),
            live("2026-05-15T12:00"),
            days=30,
        )
    )
    assert (step.day, step.value) == (date(2026, 6, 1), 400 + 5)


def test_active_days_count_once_each_and_ten_a_month_i7() -> None:
    facts = [
        did(f"2026-04-{day:02d}T{hour}:00", "visit") for day in range(1, 13) for hour in (10, 11)
    ]
    valuation = taoqi([*facts, credit("2020-01-01", score=700)])
    assert points(valuation, "reward") == 10
