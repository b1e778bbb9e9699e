"""Which models a database can value for a whole population at once, and what it is told of them.

A *course* is what the settlement of every month would publish of a member by the facts known now:
the month from which on it is what. A model whose rules all have an answer here has courses; one
with anything else in it is left to the evaluator, member by member. That is decided from the model
alone, when it is compiled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from itertools import product
from typing import Any

from laurel_kit.calendar import MONTHS_OF_YEAR

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
    PerCount,
    PerDistinct,
    Period,
    PerUnit,
    Range,
    Rule,
    ScoreModel,
    Vocabulary,
    WhileSet,
    Window,
)
from laurel_scoring.domain.scores import NEVER_REPORTED

CREDITS_MAX = 100_000
"""Combinations of credit values for which ceilings are worked out beforehand."""

PERIOD_MONTHS = {Period.MONTH: 1, Period.YEAR: MONTHS_OF_YEAR}

KEYS = (DistinctKey.CATEGORY, DistinctKey.SHOP, DistinctKey.SKU)

KNOWN: dict[type, set[str]] = {
    ScoreModel: {
        *("model_id", "display_name", "definition", "settlement_day"),
        *("window", "dimensions", "ceilings", "levels"),
    },
    Dimension: {"dimension_id", "display_name", "rules"},
    Rule: {
        *("rule_id", "display_name", "source", "award", "window"),
        *("order_age_months_max", "caps"),
    },
    Window: {"months", "live_until_now"},
    Cap: {"scope", "unit", "limit"},
    Ceiling: {"ceiling_id", "display_name", "condition", "score_max"},
    Level: {"level_id", "display_name", "from_score", "position"},
    FromPurchases: set(),
    FromEngagements: {"kinds"},
    FromProfile: {"attribute"},
    FromCredit: {"measure", "refresh_day"},
    PerAmount: {"points", "minor_units"},
    PerCount: {"points"},
    PerDistinct: {"points", "key"},
    PerActivePeriod: {"points", "period", "days_min"},
    WhileSet: {"points"},
    PerUnit: {"points"},
}
"""What is understood here of each part of a model; any other field of it has to be empty."""


class NotExpressible(Exception):
    """Something of the model has no answer here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRule:
    """Points for each purchase: by what was paid, or the same for all (without `minor_units`)."""

    rule: int
    points: int
    minor_units: int | None
    months: int | None
    """Length of the window; None for the whole life, here and below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedRule:
    """Points for each engagement of a kind, limited in each `scope`, a day or a month."""

    rule: int
    kind: str
    points: int
    months: int | None
    age: int
    scope: str
    points_max: int | None
    times_max: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRule:
    """Points for each different key of what was bought and kept."""

    rule: int
    key: str
    points: int
    months: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRule:
    """Points for each period of so many months with purchases on enough days of it."""

    rule: int
    period: int
    points: int
    needed: int
    months: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRule:
    """Points while an attribute is set, or for each unit of a measure."""

    rule: int
    name: str
    points: int
    refresh_day: int = 0
    """The day of the month from which on a report counts (B2); 0 means at once."""


@dataclass(slots=True, kw_only=True)
class CoursePlan:
    """A model as the statement that works out courses is told of it."""

    settlement_day: int
    trades: list[TradeRule]
    deeds: list[DeedRule]
    keys: list[KeyRule]
    periods: list[PeriodRule]
    attributes: list[StandingRule]
    units: list[StandingRule]
    limits: dict[str, int]
    """What the score is held down to, by `credit_score credit_stars`; -1 for never reported."""


def plan_course(model: ScoreModel, vocabulary: Vocabulary) -> CoursePlan | None:
    """What to tell the database; None when the model is for the evaluator."""
    if model.settlement_day is None:
        return None
    plan = CoursePlan(
        # The end of a month is the beginning of the next one.
        settlement_day=1 if model.settlement_day == LAST_DAY else model.settlement_day,
        trades=[],
        deeds=[],
        keys=[],
        periods=[],
        attributes=[],
        units=[],
        limits={},
    )
    try:
        for part in (model, *model.levels, *model.ceilings):
            refuse_unknown(part)
        number = 0
        for dimension in model.dimensions:
            refuse_unknown(dimension)
            for rule in dimension.rules:
                number += 1
                add_rule(plan, number, rule, rule.window or model.window)
        plan.limits.update(limits_of(model.ceilings, vocabulary))
    except NotExpressible:
        return None
    return plan


def refuse_unknown(part: Any) -> None:
    """Raises NotExpressible for a part with a field that is not known here and says something."""
    known = KNOWN.get(type(part))
    if known is None or not is_dataclass(part):
        raise NotExpressible
    if any(getattr(part, each.name) for each in fields(part) if each.name not in known):
        raise NotExpressible


def add_rule(plan: CoursePlan, number: int, rule: Rule, window: Window) -> None:
    """Take a rule into the plan. Raises NotExpressible."""
    for part in (rule, rule.source, rule.award, window, *rule.caps):
        refuse_unknown(part)
    match rule.source, rule.award:
        case FromEngagements() as source, PerCount() as award:
            plan.deeds.extend(deed_rules(number, rule, source, award, window))
            return
        case FromProfile(attribute=name), WhileSet(points=points):
            plan.attributes.append(StandingRule(rule=number, name=name, points=points))
        case FromCredit(measure=measure, refresh_day=day), PerUnit(points=points):
            plan.units.append(
                StandingRule(rule=number, name=measure.value, points=points, refresh_day=day)
            )
        case FromPurchases(), award:
            add_trade(plan, number, award, window)
        case _:
            raise NotExpressible
    if rule.caps or rule.order_age_months_max:
        raise NotExpressible


def add_trade(plan: CoursePlan, number: int, award: Any, window: Window) -> None:
    """Take a rule about purchases, which has no caps, into the plan. Raises NotExpressible."""
    months = window.months
    match award:
        case PerAmount(points=points, minor_units=minor_units):
            plan.trades.append(
                TradeRule(rule=number, points=points, minor_units=minor_units, months=months)
            )
        case PerCount(points=points):
            plan.trades.append(
                TradeRule(rule=number, points=points, minor_units=None, months=months)
            )
        case PerDistinct(points=points, key=key) if key in KEYS:
            plan.keys.append(KeyRule(rule=number, key=key.value, points=points, months=months))
        case PerActivePeriod(points=points, period=period, days_min=needed) if (
            period in PERIOD_MONTHS
        ):
            plan.periods.append(
                PeriodRule(
                    rule=number,
                    period=PERIOD_MONTHS[period],
                    points=points,
                    needed=needed,
                    months=months,
                )
            )
        case _:
            raise NotExpressible


def deed_rules(
    number: int, rule: Rule, source: FromEngagements, award: PerCount, window: Window
) -> Iterator[DeedRule]:
    """A rule about engagements, by kind. Raises NotExpressible for caps on more than a sum.

    All deeds of a rule give the same, and no return takes any back: so only their number in a day
    or a month matters, whichever of them a cap cuts.
    """
    if len(rule.caps) > 1 or any(
        cap.scope not in (CapScope.DAY, CapScope.MONTH) for cap in rule.caps
    ):
        raise NotExpressible
    cap = rule.caps[0] if rule.caps else None
    for kind in sorted(source.kinds):
        yield DeedRule(
            rule=number,
            kind=kind,
            points=award.points,
            months=window.months,
            age=rule.order_age_months_max,
            scope=cap.scope.value if cap else "",
            points_max=cap.limit if cap and cap.unit is CapUnit.POINTS else None,
            times_max=cap.limit if cap and cap.unit is CapUnit.TIMES else None,
        )


def limits_of(ceilings: tuple[Ceiling, ...], vocabulary: Vocabulary) -> Mapping[str, int]:
    """The lowest ceiling that holds, for each pair of credit values under which one does.

    Raises NotExpressible where there are too many of them.
    """
    if not ceilings:
        return {}
    scores, stars = (values_of(vocabulary.credit.get(measure)) for measure in Measure)
    if len(scores) * len(stars) > CREDITS_MAX:
        raise NotExpressible
    found: dict[str, int] = {}
    for score, star in product(scores, stars):
        values: dict[str, str | int | bool | list[str]] = {
            Measure.SCORE.value: score,
            Measure.STARS.value: star,
        }
        held = [each.score_max for each in ceilings if each.condition.holds(values)]
        if held:
            found[f"{score} {star}"] = min(held)
    return found


def values_of(allowed: Range | None) -> list[int]:
    """What a credit measure may be, never reported included."""
    reported = range(allowed.minimum, allowed.maximum + 1) if allowed else range(0)
    return [NEVER_REPORTED, *reported]
