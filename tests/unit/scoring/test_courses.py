"""Which models have courses, and which are left to the evaluator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from laurel_scoring.domain.courses import plan_course
from laurel_scoring.domain.models import (
    Cap,
    CapScope,
    CapUnit,
    Ceiling,
    DistinctKey,
    FromEngagements,
    FromPurchases,
    Measure,
    PerAmount,
    PerCount,
    PerDistinct,
    Range,
    Rule,
    ScoreModel,
)

from tests.support.scoring_courses import VOCABULARY, StarsBelow
from tests.support.scoring_worlds import jingxiang, model, rule

DEEDS = FromEngagements(kinds=frozenset({"login"}))
LOGIN = rule(source=DEEDS, award=PerCount(points=1))


def cap(scope: CapScope) -> Cap:
    return Cap(scope=scope, unit=CapUnit.POINTS, limit=10)


def test_jingxiang_has_courses_with_every_rule_in_the_plan() -> None:
    plan = plan_course(jingxiang(), VOCABULARY)
    assert plan is not None
    parts = (plan.trades, plan.deeds, plan.keys, plan.periods, plan.attributes, plan.units)
    numbers = {each.rule for part in parts for each in part}
    assert numbers == set(range(1, 1 + sum(len(each.rules) for each in jingxiang().dimensions)))
    assert plan.limits["-1 1"] == plan.limits["110 1"] == 200
    assert "110 2" not in plan.limits


@pytest.mark.parametrize("scope", [CapScope.DAY, CapScope.MONTH])
def test_a_cap_of_a_sum_has_courses(scope: CapScope) -> None:
    assert plan_course(model(replace(LOGIN, caps=(cap(scope),))), VOCABULARY)


LEFT_OUT: dict[str, ScoreModel] = {
    "no schedule": model(rule(), settlement_day=None),
    "a condition": model(rule(condition=StarsBelow(1))),
    "paid by some means": model(
        rule(award=PerAmount(points=1, minor_units=1, payment_methods=frozenset({"online"})))
    ),
    "a cap of a shop": model(rule(caps=(cap(CapScope.SHOP),))),
    "a cap of an order": model(replace(LOGIN, caps=(cap(CapScope.ORDER),))),
    "two caps": model(replace(LOGIN, caps=(cap(CapScope.DAY), cap(CapScope.MONTH)))),
    "a cap of the dimension": model(LOGIN, caps=(cap(CapScope.DAY),)),
    "different subjects": model(
        rule(source=DEEDS, award=PerDistinct(points=1, key=DistinctKey.SUBJECT))
    ),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_courses_cannot_express_is_left_to_the_evaluator(name: str) -> None:
    assert plan_course(LEFT_OUT[name], VOCABULARY) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewerRule(Rule):
    """A rule of a later day, with a field that courses know nothing of."""

    newly: Any = None


def newer(newly: Any) -> ScoreModel:
    plain = rule(source=FromPurchases())
    fields = {name: getattr(plain, name) for name in Rule.__slots__}
    return model(NewerRule(**fields, newly=newly))


def test_a_part_nobody_knows_is_left_to_the_evaluator() -> None:
    assert plan_course(newer(None), VOCABULARY) is None
    assert plan_course(model(rule()), VOCABULARY) is not None


def test_too_many_credit_values_for_ceilings_are_left_to_the_evaluator() -> None:
    ceiling = Ceiling(ceiling_id="c", display_name="c", condition=StarsBelow(2), score_max=1)
    wide = replace(VOCABULARY, credit={Measure.SCORE: Range(minimum=0, maximum=100_000)})
    assert plan_course(model(rule(), ceilings=(ceiling,)), wide) is None
    assert plan_course(model(rule()), wide) is not None
