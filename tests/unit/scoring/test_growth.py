"""成长值 as the program file has it: the cases of the domain, rule by rule (A, B)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from laurel_scoring.domain.balances import AdjustmentKind
from laurel_scoring.domain.facts import Fact, Purchase
from laurel_scoring.domain.forecasts import forecast
from laurel_scoring.domain.scores import Valuation, worth

from tests.support.scoring_worlds import (
    at,
    back,
    credit,
    did,
    did_times,
    line,
    live,
    purchase,
    shipped,
    value,
)

QUALITY = {80: 12000, 60: 11000, 30: 10000, 25: 0, 95: 13000}
"""小白信用 and the rate it gives (B5)."""


def growth(facts: Sequence[Fact], moment: str) -> Valuation:
    """The valuation, whose parts are held to sum to it and which `worth` is held to."""
    model = shipped("chengzhang")
    valuation = value(facts, moment, model)
    adjusted = sum(each.points for each in valuation.adjustments)
    assert valuation.value == sum(each.counted for each in valuation.contributions) + adjusted
    found = worth(facts, model, live(moment))
    assert (found.value, found.level, found.term_end) == (
        valuation.value,
        valuation.level,
        valuation.term_end,
    )
    return valuation


def by_rule(valuation: Valuation) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in valuation.contributions:
        found[each.rule_id] = found.get(each.rule_id, 0) + each.counted
    return found


def paid(time: str, fen: int, order_id: str = "", **fields: str) -> Purchase:
    """An order paid online."""
    bought = line(fen, **{"goods_class": "physical", "sku_id": "sku", **fields})
    return purchase(time, bought, order_id=order_id, payments={"online": fen})


def rated(points: int) -> Fact:
    return credit("2020-01-01", score=points)


def case_p36(credit_score: int) -> list[Fact]:
    """A month: 20 login days, 1,000 yuan on 3 days, 2 reviews, a photo review."""
    facts: list[Fact] = [rated(credit_score)]
    facts += [
        paid("2026-05-01T08:00", 400_00, "a", sku_id="cup"),
        paid("2026-05-02T08:00", 300_00, "b", sku_id="pan"),
        paid("2026-05-03T08:00", 300_00, "c", sku_id="pot"),
    ]
    facts += [did(f"2026-05-{day:02d}T10:00", "login") for day in range(1, 21)]
    facts += [did("2026-05-20T11:00", "login")]
    facts += [
        did("2026-05-10T10:00", "review", order_id="a", subject_id="cup"),
        did("2026-05-10T11:00", "review", order_id="b", subject_id="pan"),
        did("2026-05-10T12:00", "photo_review", order_id="c", subject_id="pot", poster_place=10),
    ]
    return facts


def test_a_month_is_what_p36_says() -> None:
    valuation = growth(case_p36(80), "2026-06-10T00:00")
    assert by_rule(valuation) == {
        "daily_login": 120,
        "settled_amount": 1200,
        "shopping_days": 120,
        "approved_review": 48,
        "approved_photo_review": 24,
    }
    assert (valuation.value, valuation.level.level_id) == (1512, "bronze")
    # A7: the shopping days are posted on the 10th of the next month.
    assert growth(case_p36(80), "2026-06-09T23:59").value == 1512 - 120


@pytest.mark.parametrize(("credit_score", "total"), [(25, 0), (30, 1260), (59, 1260), (80, 1512)])
def test_the_coefficient_is_by_credit_p37_b5(credit_score: int, total: int) -> None:
    assert growth(case_p36(credit_score), "2026-06-10T00:00").value == total


@pytest.mark.parametrize(
    ("credit_score", "rate"),
    [(0, 0), (29, 0), (30, 10), (59, 10), (60, 11), (79, 11), (80, 12), (94, 12), (95, 13)],
)
def test_bands_of_credit_begin_where_b5_says(credit_score: int, rate: int) -> None:
    facts = [rated(credit_score), paid("2026-05-01T10:00", 100_00)]
    assert growth(facts, "2026-05-01T10:00").value == rate * 10


@pytest.mark.parametrize(
    ("orders", "returned", "rate"),
    [(4, 4, 10), (5, 0, 13), (100, 1, 13), (50, 1, 12), (20, 1, 11), (10, 1, 10), (10, 3, 0)],
)
def test_without_credit_the_share_of_returns_decides_b6(
    orders: int, returned: int, rate: int
) -> None:
    facts: list[Fact] = [
        paid(f"2026-03-01T10:00:{number % 60:02d}", 1_00, f"o{number}") for number in range(orders)
    ]
    facts += [back("2026-03-10T10:00", f"o{number}", _1=1) for number in range(returned)]
    facts.append(paid("2026-05-01T10:00", 100_00))
    amounts = by_rule(growth(facts, "2026-05-01T10:00"))
    assert amounts.get("settled_amount", 0) == rate * 10
    # Twelve months on nothing of it counts any more.
    later = paid("2027-03-02T10:00", 100_00)
    assert by_rule(growth([*facts, later], "2027-03-02T10:00"))["settled_amount"] == (
        amounts.get("settled_amount", 0) + 100
    )


def test_the_rate_is_of_the_time_of_the_fact_and_taken_back_as_granted_b7() -> None:
    facts = [
        rated(60),
        paid("2026-05-10T10:00", 999_00, "a"),
        credit("2026-05-20T10:00", score=100),
        paid("2026-05-30T10:00", 999_00, "b"),
        paid("2026-06-01T00:00", 999_00, "c"),
    ]
    # B2: the report of the 20th counts from the 1st of the next month.
    counted = [each.counted for each in growth(facts, "2026-06-02T10:00").contributions]
    assert counted == [1098, 1098, 1298]
    facts.append(back("2026-06-05T10:00", "a", _1=1))
    assert growth(facts, "2026-06-05T10:00").value == 1098 + 1298


@pytest.mark.parametrize(
    ("bought", "points"),
    [
        (paid("2026-05-01T10:00", 20_00), 20),
        (paid("2026-05-01T10:00", 19_99), 0),  # A6
        (paid("2026-05-01T10:00", 99_99), 99),  # A4
        (paid("2026-05-01T10:00", 99_99, goods_class="virtual"), 0),  # A10
        (paid("2026-05-01T10:00", 99_99, goods_class="gift_card"), 0),  # A10
        # A5: only the part paid by cash or card; A6 looks at it too.
        (purchase("2026-05-01T10:00", 100_00, payments={"online": 60_00, "balance": 40_00}), 60),
        (purchase("2026-05-01T10:00", 100_00, payments={"online": 19_00, "balance": 81_00}), 0),
        (purchase("2026-05-01T10:00", 100_00, payments={"gift_card": 100_00}), 0),
        # A4 and A6 look at an order whole, not at its lines.
        (purchase("2026-05-01T10:00", 10_50, 10_50, payments={"online": 21_00}), 21),
    ],
)
def test_the_settled_amount_a4_a5_a6_a10(bought: Purchase, points: int) -> None:
    assert growth([rated(30), bought], "2026-05-02T10:00").value == points


def test_logins_count_from_the_first_purchase_on_a3() -> None:
    logins = [did(f"2026-05-{day:02d}T10:00", "login") for day in (1, 2, 3)]
    alone = growth([rated(30), *logins], "2026-05-04T00:00")
    assert (alone.value, alone.level.level_id) == (0, "registered")
    assert [cut.reason for cut in alone.contributions[0].cuts] == ["before_purchase"]
    facts = [rated(30), *logins, paid("2026-05-02T09:00", 1_00)]
    assert growth(facts, "2026-05-04T00:00").value == 10
    assert growth(facts, "2026-05-04T00:00").level.level_id == "bronze"


def test_a_day_has_one_login_a3() -> None:
    facts = [rated(30), paid("2026-05-01T09:00", 1_00)]
    facts += did_times(3, "2026-05-02", "login")
    assert growth(facts, "2026-05-04T00:00").value == 5


def test_shopping_days_are_taken_back_by_the_return_that_leaves_too_few_a7_a14() -> None:
    facts: list[Fact] = [rated(30)]
    facts += [paid(f"2026-05-0{day}T10:00", 1_00, f"o{day}") for day in (1, 2, 3, 4)]
    early, late = back("2026-06-05T10:00", "o1", _1=1), back("2026-07-01T10:00", "o2", _1=1)
    assert growth(facts, "2026-06-10T00:00").value == 100
    assert growth([*facts, early], "2026-06-10T00:00").value == 100
    whole = growth([*facts, early, late], "2026-07-02T00:00")
    assert whole.value == 0
    assert [(each.activity_id, each.counted) for each in whole.contributions if each.counted] == [
        (facts[4].activity_id, 100),
        (late.activity_id, -100),
    ]
    both = [early, back("2026-06-06T10:00", "o2", _1=1)]
    assert by_rule(growth([*facts, *both], "2026-07-02T00:00")).get("shopping_days", 0) == 0


def reviewed(time: str, **fields: object) -> Fact:
    plain = {"order_id": "a", "subject_id": "cup"}
    return did(time, "review", **{**plain, **fields})  # type: ignore[arg-type]  # Plain words.


def review_points(facts: Sequence[Fact], moment: str = "2027-06-01T00:00") -> int:
    points = by_rule(growth([rated(30), *facts], moment))
    return points.get("approved_review", 0) + points.get("approved_photo_review", 0)


@pytest.mark.parametrize(
    ("fen", "quantity", "points"), [(20_00, 1, 20), (19_99, 1, 0), (39_99, 2, 0), (40_00, 2, 20)]
)
def test_a_review_needs_an_article_of_20_yuan_a8(fen: int, quantity: int, points: int) -> None:
    bought = purchase("2026-05-01T10:00", line(fen, sku_id="cup", quantity=quantity), order_id="a")
    assert review_points([bought, reviewed("2026-05-05T10:00")]) == points


def test_a_review_of_what_was_not_bought_gives_nothing_o8() -> None:
    assert review_points([paid("2026-05-01T10:00", 50_00, "b"), reviewed("2026-05-05T10:00")]) == 0


@pytest.mark.parametrize(
    ("place", "category", "points"),
    [(1, "", 20), (10, "", 20), (11, "", 0), (0, "", 0), (1, "books", 0)],
)
def test_photo_reviews_of_the_first_ten_posters_a9_a10(
    place: int, category: str, points: int
) -> None:
    bought = paid("2026-05-01T10:00", 50_00, "a", sku_id="cup", category_id=category)
    shown = did(
        "2026-05-05T10:00", "photo_review", order_id="a", subject_id="cup", poster_place=place
    )
    assert review_points([bought, shown]) == points


@pytest.mark.parametrize(("second", "points"), [("2026-05-16", 20), ("2026-05-17", 40)])
def test_orders_15_days_apart_have_one_review_reward_a11(second: str, points: int) -> None:
    facts: list[Fact] = [
        paid("2026-05-01T10:00", 50_00, "a", sku_id="cup"),
        paid(f"{second}T10:00", 50_00, "b", sku_id="cup"),
        reviewed("2026-05-20T10:00"),
        reviewed("2026-05-20T11:00"),
        reviewed("2026-05-20T12:00", order_id="b"),
    ]
    assert review_points(facts) == points


@pytest.mark.parametrize(
    ("quality", "points"),
    [
        ({"copied_bps": 8000}, 20),
        ({"copied_bps": 8001}, 0),
        ({"overlap_bps": 6000}, 20),
        ({"overlap_bps": 6001}, 0),
        ({"punctuation_stuffed": True}, 0),
        ({"report_count": 4}, 20),
        ({"report_count": 5}, 0),
    ],
)
def test_unqualified_reviews_give_nothing_a12(quality: dict[str, object], points: int) -> None:
    bought = paid("2026-05-01T10:00", 50_00, "a", sku_id="cup")
    assert review_points([bought, reviewed("2026-05-05T10:00", **quality)]) == points


@pytest.mark.parametrize(("bad", "points"), [(5, 20 + 20), (6, 20)])
def test_more_than_five_unqualified_reviews_stop_reviews_for_a_year_a13(
    bad: int, points: int
) -> None:
    facts: list[Fact] = [
        paid("2026-05-01T10:00", 50_00, "a", sku_id="cup"),
        paid("2027-05-01T10:00", 50_00, "b", sku_id="cup"),
    ]
    facts += [reviewed(f"2026-05-05T10:{minute:02d}", report_count=5) for minute in range(bad)]
    facts += [
        reviewed("2026-05-06T10:00"),
        reviewed("2027-05-05T00:00", order_id="b"),
    ]
    assert review_points(facts) == points
    too_early = did("2027-05-04T23:59", "review", order_id="b", subject_id="cup")
    assert review_points([*facts[:-1], too_early]) == points - (20 if bad > 5 else 0)


def test_review_growth_goes_with_the_article_a14() -> None:
    facts = [
        paid("2026-05-01T10:00", 50_00, "a", sku_id="cup"),
        reviewed("2026-05-05T10:00"),
        back("2026-05-20T10:00", "a", _1=1),
    ]
    assert review_points(facts[:2]) == 20
    assert review_points(facts) == 0


def balance(points: int, time: str = "2013-02-01T10:00") -> list[Fact]:
    """So much growth at one time."""
    return [credit("2010-01-01", score=30), paid(time, points * 100, "big")]


@pytest.mark.parametrize(
    ("points", "level"),
    [
        (0, "bronze"),
        (1_999, "bronze"),
        (2_000, "silver"),
        (9_999, "silver"),
        (10_000, "gold"),
        (29_999, "gold"),
        (30_000, "diamond"),
    ],
)
def test_levels_begin_where_a15_says(points: int, level: str) -> None:
    assert growth(balance(points), "2013-02-02T00:00").level.level_id == level


def test_the_example_of_jd_p39_a17_a19() -> None:
    facts = [*balance(10_000), paid("2013-06-01T10:00", 10_000_00)]
    before = growth(facts, "2014-01-31T23:59")
    assert (before.value, before.level.level_id) == (20_000, "gold")
    assert before.term_end == date(2014, 2, 1)
    after = growth(facts, "2014-02-01T00:00")
    assert (after.value, after.level.level_id) == (16_000, "gold")
    assert after.term_end == date(2015, 2, 1)
    assert [(x.kind, x.points, x.day, x.level_id) for x in after.adjustments] == [
        (AdjustmentKind.TERM_END, -4_000, date(2014, 2, 1), "gold")
    ]


@pytest.mark.parametrize(
    ("points", "left", "level"),
    [
        (30_000, 20_000, "gold"),
        (41_000, 31_000, "diamond"),
        (10_000, 6_000, "silver"),
        (2_500, 1_500, "bronze"),
        (1_500, 1_500, "bronze"),
    ],
)
def test_the_end_of_a_term_p40_a17_o39(points: int, left: int, level: str) -> None:
    ended = growth(balance(points), "2014-02-01T00:00")
    assert (ended.value, ended.level.level_id) == (left, level)


def test_a_higher_level_begins_a_new_term_at_once_a19() -> None:
    facts = [*balance(2_000), paid("2013-08-15T10:00", 8_000_00)]
    assert growth(facts, "2013-08-15T09:59").level.level_id == "silver"
    reached = growth(facts, "2013-08-15T10:00")
    assert (reached.level.level_id, reached.term_end) == ("gold", date(2014, 8, 15))


def test_what_is_taken_back_below_a_threshold_demotes_at_once_a20_q25() -> None:
    facts = [*balance(9_000), paid("2013-08-15T10:00", 1_000_00, "last")]
    back_again = [*facts, back("2013-09-01T10:00", "last", _1=1)]
    demoted = growth(back_again, "2013-09-01T10:00")
    assert (demoted.value, demoted.level.level_id) == (9_000, "silver")
    # The term goes on: what is taken back makes it no longer.
    assert demoted.term_end == date(2014, 8, 15)


def test_growth_is_never_below_zero_a20() -> None:
    facts = [*balance(2_000), back("2014-06-01T10:00", "big", _1=1), paid("2014-07-01", 50_00)]
    valuation = growth(facts, "2014-07-02T00:00")
    assert [(each.kind, each.points) for each in valuation.adjustments] == [
        (AdjustmentKind.TERM_END, -1_000),
        (AdjustmentKind.FORGIVEN, 1_000),
    ]
    assert valuation.value == 50


def test_five_years_without_anything_wear_a_diamond_down_a17_a18() -> None:
    facts = balance(41_000)
    years = [growth(facts, f"{year}-02-01T00:00") for year in range(2014, 2021)]
    assert [(each.value, each.level.level_id) for each in years] == [
        (31_000, "diamond"),
        (21_000, "gold"),
        (17_000, "gold"),
        (13_000, "gold"),
        (9_000, "silver"),
        (8_000, "silver"),
        (7_000, "silver"),
    ]


def test_a_forecast_knows_postings_and_ends_of_terms() -> None:
    facts = balance(41_000)
    facts += [paid(f"2014-01-{day}T10:00", 1_00) for day in (10, 20, 30)]
    steps = list(forecast(facts, shipped("chengzhang"), live("2014-01-31T12:00"), days=400))
    assert [(step.day, step.value, step.level.level_id) for step in steps] == [
        (date(2014, 2, 1), 31_000, "diamond"),
        (date(2014, 2, 10), 31_100, "diamond"),
        (date(2015, 2, 1), 21_100, "gold"),
    ]


def test_a_score_as_of_an_earlier_time_does_not_know_later_facts() -> None:
    facts = [*balance(10_000), back("2013-09-01T10:00", "big", _1=1)]
    assert growth(facts, "2013-08-31T10:00").level.level_id == "gold"
    assert growth(facts, "2013-09-01T10:00").value == 0
    assert at("2013-09-01T10:00") == facts[-1].activity_time
