"""The two regimes of Alipay: by rank (K1-K6), and by the points of a term (K7-K9)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from laurel_scoring.domain.facts import Fact, Purchase
from laurel_scoring.domain.models import ScoreModel
from laurel_scoring.domain.ranks import Standing, level_at, order, places_of
from laurel_scoring.domain.scores import Valuation, worth

from tests.support.scoring_worlds import (
    at,
    back,
    line,
    live,
    purchase,
    settled,
    shipped,
    value,
)

NOW = "2026-06-15T12:00"


def sized(diamond: int, platinum: int, gold: int) -> ScoreModel:
    """The model by rank with other sizes."""
    model = shipped("ant-rank", "alipay")
    sizes = {"diamond": diamond, "platinum": platinum, "gold": gold}
    levels = [replace(each, rank_size=sizes.get(each.level_id, 0)) for each in model.levels]
    return replace(model, levels=tuple(levels))


def levels_of(model: ScoreModel, standings: Sequence[Standing]) -> dict[str, str]:
    """Who has which level, by what decides it."""
    ranked = sorted((each for each in standings if each.value), key=order)
    places = {each.member_id: place for place, each in enumerate(ranked, start=1)}
    return {
        each.member_id: level_at(model, places.get(each.member_id), each.value).level_id
        for each in standings
    }


def standing(member_id: str, points: int, time: str = "09:00") -> Standing:
    reached = at(f"2026-05-31T{time}") if points else None
    return Standing(member_id=member_id, value=points, reached_time=reached)


STANDINGS = [
    standing("a", 900),
    standing("b", 800, "10:00"),
    standing("c", 800, "09:00"),
    standing("d", 700, "09:00"),
    standing("e", 700, "10:00"),
    standing("f", 0),
    standing("g", 650),
]


def test_sizes_are_filled_one_after_another_p58_k4_k5_k6() -> None:
    levels = levels_of(sized(1, 2, 2), STANDINGS)
    assert levels == {
        "a": "diamond",
        "c": "platinum",
        "b": "platinum",
        "d": "gold",
        "e": "gold",
        "g": "public",
        "f": "public",
    }
    assert places_of(sized(1, 2, 2)) == 5


def test_a_score_of_zero_is_never_ranked_whatever_the_sizes_k6_q30() -> None:
    levels = levels_of(sized(100, 100, 100), STANDINGS)
    assert {name for name, level in levels.items() if level == "diamond"} == set("abcdeg")
    assert levels["f"] == "public"


def test_ties_end_with_the_lower_member_id_k5_o42() -> None:
    tied = [standing(name, 500) for name in ("c", "a", "b")]
    assert levels_of(sized(1, 1, 1), tied) == {"a": "diamond", "b": "platinum", "c": "gold"}


def test_no_size_is_ever_exceeded_k5_o42() -> None:
    chance = random.Random(7)
    for _ in range(50):
        standings = [
            standing(
                f"m{place:02d}", chance.choice((0, 1, 2, 3)), f"{chance.randint(8, 11):02d}:00"
            )
            for place in range(30)
        ]
        sizes = [chance.randint(1, 8) for _ in range(3)]
        chance.shuffle(standings)
        found = list(levels_of(sized(*sizes), standings).values())
        ranked = sum(each.value > 0 for each in standings)
        left = ranked
        for level, size in zip(("diamond", "platinum", "gold"), sizes, strict=True):
            assert found.count(level) == min(left, size)
            left -= min(left, size)


def paid(time: str, yuan: int, goods: str = "merchant", method: str = "balance") -> Purchase:
    return purchase(
        time, line(yuan * 100, goods_class=goods), payments={method: yuan * 100}, order_id=time
    )


def test_a_score_was_reached_with_the_last_fact_that_matters_k5() -> None:
    model = shipped("ant-rank", "alipay")
    facts = [paid("2026-05-01T10:00", 100), paid("2026-05-02T10:00", 10)]
    found = worth(facts, model, settled("2026-06-01"))
    # 10 yuan give nothing, so they change nothing.
    assert (found.value, found.reached_time) == (5, at("2026-05-01T10:00"))
    returned = [*facts, back("2026-05-20T10:00", "2026-05-01T10:00", _1=1)]
    assert worth(returned, model, settled("2026-06-01")).reached_time is None


def test_the_last_day_of_the_month_decides_k3_o43() -> None:
    model = shipped("ant-rank", "alipay")
    facts = [paid("2026-05-31T23:59", 100), paid("2026-06-01T00:00", 100)]
    assert worth(facts, model, settled("2026-06-01")).value == 5
    assert worth(facts, model, settled("2026-07-01")).value == 10


@pytest.mark.parametrize(
    ("facts", "points"),
    [
        ([paid("2026-05-01T10:00", 19)], 0),
        ([paid("2026-05-01T10:00", 39)], 1),
        ([paid("2026-05-01T10:00", 12_000)], 600),
        ([paid("2026-05-01T10:00", 12_020)], 600),
        ([paid("2026-05-01T10:00", 14_020, "in_store")], 700),
        ([paid("2026-05-01T10:00", 12_020, "in_store", "huabei")], 600),
        # The limit of a day, over all but finance.
        ([paid("2026-05-01T10:00", 14_000, "in_store"), paid("2026-05-01T11:00", 12_000)], 1_000),
        ([paid("2026-05-01T10:00", 14_000, "in_store"), paid("2026-05-02T11:00", 12_000)], 1_300),
        ([paid("2026-05-01T10:00", 100_000, "finance")], 5_000),
    ],
)
def test_points_and_their_limits_k8(facts: list[Fact], points: int) -> None:
    for model in ("ant-rank", "ant-threshold"):
        assert value(facts, NOW, shipped(model, "alipay")).value == points


def threshold(facts: Sequence[Fact], moment: str) -> Valuation:
    """The valuation, whose parts are held to sum to it and which `worth` is held to."""
    model = shipped("ant-threshold", "alipay")
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


def points(time: str, number: int) -> Purchase:
    """So many points at once, which only finance gives."""
    return paid(time, number * 20, "finance")


def seen(valuation: Valuation) -> tuple[int, str, date | None]:
    return valuation.value, valuation.level.level_id, valuation.term_end


def test_a_higher_level_is_reached_at_once_and_begins_a_year_k7() -> None:
    facts = [points("2024-01-10T10:00", 1_500), points("2024-06-01T10:00", 500)]
    assert seen(threshold(facts, "2024-05-31T10:00")) == (1_500, "public", date(2025, 1, 10))
    assert seen(threshold(facts, "2024-06-01T10:00")) == (2_000, "gold", date(2025, 6, 1))


def test_the_points_of_the_term_decide_the_next_one_k7() -> None:
    facts = [points("2024-06-01T10:00", 6_500), points("2025-07-01T10:00", 2_500)]
    assert seen(threshold(facts, "2025-05-31T10:00")) == (6_500, "platinum", date(2025, 6, 1))
    # A new term begins without points, at the level that those of the old one are enough for.
    assert seen(threshold(facts, "2025-06-01T00:00")) == (0, "platinum", date(2026, 6, 1))
    assert seen(threshold(facts, "2025-08-01T00:00")) == (2_500, "platinum", date(2026, 6, 1))
    assert seen(threshold(facts, "2026-06-01T00:00")) == (0, "gold", date(2027, 6, 1))
    assert seen(threshold(facts, "2027-06-01T00:00")) == (0, "public", date(2028, 6, 1))


def test_a_refund_across_terms_takes_from_the_new_one_down_to_zero_k9() -> None:
    facts = [
        points("2024-06-01T10:00", 6_500),
        points("2025-07-01T10:00", 2_500),
        back("2025-08-01T10:00", "2024-06-01T10:00", _1=1),
        points("2025-09-01T10:00", 100),
    ]
    assert seen(threshold(facts, "2025-08-01T10:00"))[:2] == (0, "platinum")
    assert seen(threshold(facts, "2025-09-01T10:00"))[:2] == (100, "platinum")


def test_a_refund_within_the_term_takes_the_level_it_gave_k9() -> None:
    facts = [points("2024-06-01T10:00", 2_000), back("2024-07-01T10:00", "2024-06-01T10:00", _1=1)]
    assert seen(threshold(facts, "2024-07-01T10:00"))[:2] == (0, "public")
