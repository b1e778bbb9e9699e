"""Models made up at random of everything that statements of months can express."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as some
from laurel_scoring.domain.facts import CreditReport, Fact, Violation
from laurel_scoring.domain.models import (
    LAST_DAY,
    Cap,
    CapScope,
    CapUnit,
    Ceiling,
    Dimension,
    DistinctKey,
    FromCredit,
    FromEngagements,
    FromProfile,
    FromPurchases,
    Level,
    Measure,
    PerActivePeriod,
    PerAmount,
    PerBand,
    PerCount,
    PerDistinct,
    Period,
    PerUnit,
    PointBand,
    Rule,
    Scale,
    ScaleFactor,
    ScoreModel,
    WhileSet,
    Window,
)
from laurel_scoring.wire.conditions import compile_of

from tests.support.scoring_lives import rich_lives, times
from tests.support.scoring_worlds import model, rule

windows = some.sampled_from([None, 1, 3, 12]).map(
    lambda months: Window(months=months, live_until_now=False)
)
points = some.integers(1, 20)


def conditions(source: str, *texts: str) -> Any:
    """Any of some conditions, or none."""
    return some.none() | some.sampled_from(texts).map(lambda text: compile_of(text, source))


purchase_conditions = conditions(
    "purchases",
    'goods_class in ["physical", "travel"]',
    '!(goods_class in ["virtual"]) && paid >= 10000',
    '"huabei" in payment_methods || quantity > 1',
    'category_id != "a" && (shop_id.startsWith("b") || sku_id == "c")',
    'order_id == "o1" ? paid < 20000 : category_id.contains("b")',
)
engagement_conditions = conditions(
    "engagements",
    "copied_bps <= 8000 && report_count < 5",
    'subject_id != "a" && order_id != "o1"',
    'poster_place >= 1 && poster_place <= 10 || kind == "login"',
    "!punctuation_stuffed",
)


@some.composite
def cap_lists(draw: some.DrawFn, *, limit_max: int) -> tuple[Cap, ...]:
    """Caps of different kinds, tight enough to bind."""
    kinds = some.tuples(some.sampled_from(CapScope), some.sampled_from(CapUnit))
    return tuple(
        Cap(
            scope=scope,
            unit=unit,
            limit=draw(some.integers(1, limit_max if unit is CapUnit.POINTS else 4)),
        )
        for scope, unit in draw(some.lists(kinds, max_size=3, unique=True))
    )


periods = some.one_of(
    some.builds(
        PerActivePeriod,
        points=points,
        period=some.sampled_from(Period),
        days_min=some.just(1),
    ),
    some.builds(
        PerActivePeriod,
        points=points,
        period=some.sampled_from([Period.MONTH, Period.YEAR]),
        days_min=some.integers(1, 3),
    ),
    some.builds(
        PerActivePeriod,
        points=points,
        period=some.just(Period.MONTH),
        days_min=some.integers(1, 2),
        consecutive=some.just(True),
    ),
)
purchase_rules = some.builds(
    rule,
    source=some.just(FromPurchases()),
    award=some.one_of(
        some.builds(
            PerAmount,
            points=points,
            minor_units=some.sampled_from([1, 7, 2000]),
            payment_methods=some.sampled_from(
                [frozenset(), frozenset({"huabei"}), frozenset({"online", "bank_card"})]
            ),
            order_minor_units_min=some.sampled_from([0, 0, 10_000]),
        ),
        some.builds(PerCount, points=points),
        some.builds(
            PerDistinct,
            points=points,
            key=some.sampled_from([DistinctKey.CATEGORY, DistinctKey.SHOP, DistinctKey.SKU]),
        ),
        periods,
    ),
    condition=purchase_conditions,
    caps=cap_lists(limit_max=2000),
    window=some.none() | windows,
)
engagement_rules = some.builds(
    rule,
    source=some.builds(
        FromEngagements,
        kinds=some.frozensets(
            some.sampled_from(["review", "photo_review", "share", "login", "visit"]), min_size=1
        ),
    ),
    award=some.one_of(
        some.builds(PerCount, points=points),
        some.builds(PerDistinct, points=points, key=some.just(DistinctKey.SUBJECT)),
        periods,
    ),
    condition=engagement_conditions,
    order_age_months_max=some.sampled_from([0, 0, 1, 6]),
    caps=cap_lists(limit_max=60),
    window=some.none() | windows,
)
standing_rules = some.one_of(
    some.builds(
        rule,
        source=some.builds(FromProfile, attribute=some.sampled_from(["real_name", "qq"])),
        award=some.builds(WhileSet, points=points),
    ),
    some.builds(
        rule,
        source=some.builds(
            FromCredit,
            measure=some.sampled_from(Measure),
            refresh_day=some.sampled_from([0, 1, 2, 20]),
        ),
        award=some.one_of(
            some.builds(PerUnit, points=points),
            some.just(
                PerBand(
                    bands=(PointBand(from_value=2, points=5), PointBand(from_value=50, points=90))
                )
            ),
        ),
    ),
)
ceilings = some.builds(
    Ceiling,
    ceiling_id=some.just("c"),
    display_name=some.just("c"),
    condition=some.sampled_from(
        ["credit_stars < 3", "credit_score == -1 || credit_score > 60", "violations >= 1"]
    ).map(lambda text: compile_of(text, "ceilings")),
    score_max=some.integers(0, 300),
)


@some.composite
def scales(draw: some.DrawFn, before: Sequence[str]) -> Scale:
    """A scale by some of the dimensions before."""
    factors = some.builds(
        ScaleFactor,
        dimension_id=some.sampled_from(before),
        divisor=some.integers(1, 400),
        plus_one=some.booleans(),
    )
    return Scale(
        units_per_point=draw(some.sampled_from([1, 7, 6000])),
        factors=tuple(draw(some.lists(factors, max_size=2))) if before else (),
        points_max=draw(some.sampled_from([0, 0, 300])),
    )


@some.composite
def dimensions(draw: some.DrawFn, *, scaled: bool) -> tuple[Dimension, ...]:
    """One to three dimensions, each of a few rules."""
    found: list[Dimension] = []
    for place in range(draw(some.integers(1, 3))):
        rules: list[Rule] = draw(
            some.lists(purchase_rules | engagement_rules | standing_rules, min_size=1, max_size=4)
        )
        before = [each.dimension_id for each in found]
        found.append(
            Dimension(
                dimension_id=f"d{place}",
                display_name="d",
                rules=tuple(rules),
                caps=draw(cap_lists(limit_max=3000)),
                scale=draw(some.none() | scales(before)) if scaled else None,
            )
        )
    return tuple(found)


RANKED = (
    Level(level_id="all", display_name="all", from_score=0, position=1),
    Level(level_id="best", display_name="best", from_score=1, position=2, rank_size=2),
)


@some.composite
def bad_lives(draw: some.DrawFn) -> list[Fact]:
    """A rich life in which a rule may be broken too, and credit may be counted to 880."""
    times_credit = draw(some.sampled_from([1, 8]))
    broken = some.builds(
        Violation, activity_id=some.just("v"), activity_time=times, kind=some.just("misuse")
    )
    facts = [
        replace(fact, credit_score=fact.credit_score * times_credit)
        if isinstance(fact, CreditReport) and fact.credit_score
        else fact
        for fact in draw(rich_lives())
    ]
    return [*facts, *draw(some.lists(broken, max_size=1))]


@some.composite
def month_models(draw: some.DrawFn) -> ScoreModel:
    """A model of anything that a statement can express."""
    ranked = draw(some.booleans())
    fields: dict[str, Any] = {"levels": RANKED} if ranked else {}
    return model(
        window=draw(windows),
        dimensions=draw(dimensions(scaled=not ranked)),
        ceilings=tuple(draw(some.lists(ceilings, max_size=2))),
        settlement_day=draw(some.sampled_from([1, 2, 15, 28, LAST_DAY])),
        **fields,
    )
