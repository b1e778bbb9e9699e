"""Caps and levels that can never be reached, by what the rules can give at most.

Paths are relative to the scoring section, as in `model_checks`.
"""

from __future__ import annotations

from collections.abc import Iterator

from laurel_kit.calendar import MONTHS_OF_YEAR

from laurel_scoring.domain.balance_checks import Fault
from laurel_scoring.domain.models import (
    Cap,
    CapScope,
    CapUnit,
    Dimension,
    FromCredit,
    PerActivePeriod,
    PerBand,
    PerCount,
    Period,
    PerUnit,
    Rule,
    ScoreModel,
    Vocabulary,
    WhileSet,
)

WITHIN = {
    CapScope.DAY: (CapScope.MONTH, CapScope.TOTAL),
    CapScope.MONTH: (CapScope.TOTAL,),
    CapScope.ORDER: (CapScope.TOTAL,),
    CapScope.CATEGORY: (CapScope.TOTAL,),
    CapScope.SHOP: (CapScope.TOTAL,),
}
"""The scopes that hold each scope whole."""

DAYS_OF_MONTH_MAX = 31
"""The most days that a calendar month has."""


def check_bounds(model: ScoreModel, vocabulary: Vocabulary, path: str) -> Iterator[Fault]:
    """Caps that no facts can reach, and levels and ceilings that no score can."""
    for number, dimension in enumerate(model.dimensions):
        where = f"{path}.dimensions[{number}]"
        for place, rule in enumerate(dimension.rules):
            yield from check_rule_caps(rule, model, vocabulary, f"{where}.rules[{place}]")
        yield from check_dimension_caps(dimension, model, vocabulary, where)
    yield from check_reachable(model, vocabulary, path)


def check_rule_caps(
    rule: Rule, model: ScoreModel, vocabulary: Vocabulary, path: str
) -> Iterator[Fault]:
    """Caps above what the rule can give without them."""
    for number, cap in enumerate(rule.caps):
        where = f"{path}.caps[{number}]"
        given = most_given(rule, cap.scope, model, vocabulary)
        if cap.unit is CapUnit.POINTS and given and given <= cap.limit:
            yield where, f"can never bind: the rule gives at most {given} points there"
        elif isinstance(rule.award, PerCount):
            yield from check_twin(rule.award, cap, rule.caps, where)


def check_twin(award: PerCount, cap: Cap, caps: tuple[Cap, ...], path: str) -> Iterator[Fault]:
    """A cap of times beside one of points over the same, of which only one can bind."""
    for twin in caps:
        if twin.scope is not cap.scope or twin.unit is cap.unit:
            continue
        if cap.unit is CapUnit.POINTS and award.points * twin.limit <= cap.limit:
            yield path, f"can never bind: {twin.limit} times give no more points"
        # After so many facts no points are left, so that a further one counts for nothing.
        if cap.unit is CapUnit.TIMES and award.points * cap.limit > twin.limit:
            needed = -(-twin.limit // award.points)
            if needed <= cap.limit:
                yield path, f"can never bind: {needed} times use up the {twin.limit} points"


def check_dimension_caps(
    dimension: Dimension, model: ScoreModel, vocabulary: Vocabulary, path: str
) -> Iterator[Fault]:
    """Caps of a dimension above what the caps of its rules allow together."""
    for number, cap in enumerate(dimension.caps):
        bounds = [most_counted(rule, cap.scope, model, vocabulary) for rule in dimension.rules]
        known = [bound for bound in bounds if bound is not None]
        is_bounded = cap.unit is CapUnit.POINTS and len(known) == len(bounds)
        if is_bounded and 0 < sum(known) <= cap.limit:
            where = f"{path}.caps[{number}]"
            yield where, f"can never bind: the rules allow at most {sum(known)} points together"


def most_counted(
    rule: Rule, scope: CapScope, model: ScoreModel, vocabulary: Vocabulary
) -> int | None:
    """The most points of a rule that count in a scope; None without a limit."""
    bounds = [
        cap.limit
        for cap in rule.caps
        if cap.unit is CapUnit.POINTS and cap.scope in (scope, *WITHIN.get(scope, ()))
    ]
    given = most_given(rule, scope, model, vocabulary)
    return min([*bounds, *([] if given is None else [given])], default=None)


def most_given(
    rule: Rule, scope: CapScope, model: ScoreModel, vocabulary: Vocabulary
) -> int | None:
    """The most points a rule gives in a scope without any cap; None without a limit."""
    if isinstance(rule.award, WhileSet | PerUnit | PerBand) and scope is not CapScope.TOTAL:
        return 0  # What stands belongs to no day, month or order.
    match rule.award:
        case WhileSet(points=points):
            return points
        case PerUnit() | PerBand() as award:
            return most_of_credit(rule, award, vocabulary)
        case PerActivePeriod(points=points) as award:
            periods = periods_in(award.period, scope, rule, model)
            return None if periods is None else points * periods
    return None


def most_of_credit(rule: Rule, award: PerUnit | PerBand, vocabulary: Vocabulary) -> int | None:
    """The points of the highest value that the measure can have."""
    if not isinstance(rule.source, FromCredit):
        return None
    allowed = vocabulary.credit.get(rule.source.measure)
    if allowed is None:
        return None
    if isinstance(award, PerBand):
        return max((band.points for band in award.bands), default=0)
    return award.points_of(allowed.maximum)


def periods_in(period: Period, scope: CapScope, rule: Rule, model: ScoreModel) -> int | None:
    """How many periods can be posted in a scope; None when that has no limit."""
    if scope is CapScope.DAY:
        return 1
    if scope is CapScope.MONTH:
        return DAYS_OF_MONTH_MAX if period is Period.DAY else 1
    months = (rule.window or model.window).months
    if scope is not CapScope.TOTAL or months is None or period is Period.DAY:
        return None
    # A window may begin and end within a period.
    return months + 1 if period is Period.MONTH else months // MONTHS_OF_YEAR + 2


def check_reachable(model: ScoreModel, vocabulary: Vocabulary, path: str) -> Iterator[Fault]:
    """Levels and ceilings above the highest score that there can be; balances have none."""
    if model.at_term_end is not None or model.coefficient is not None:
        return
    points: dict[str, int] = {}
    for dimension in model.dimensions:
        most = most_of(dimension, points, model, vocabulary)
        if most is None:
            return
        points[dimension.dimension_id] = most
    highest = sum(points.values())
    for number, level in enumerate(model.levels):
        if level.from_score > highest:
            where = f"{path}.levels[{number}].from_score"
            yield where, f"is never reached: the score is at most {highest}"
    for number, ceiling in enumerate(model.ceilings):
        if ceiling.score_max >= highest:
            where = f"{path}.ceilings[{number}].score_max"
            yield where, f"can never bind: the score is at most {highest}"


def most_of(
    dimension: Dimension, points: dict[str, int], model: ScoreModel, vocabulary: Vocabulary
) -> int | None:
    """The most points of a dimension, by those of the dimensions before; None without a limit."""
    scale = dimension.scale
    if scale and scale.points_max:
        return scale.points_max
    bounds = [most_counted(rule, CapScope.TOTAL, model, vocabulary) for rule in dimension.rules]
    whole = [cap.limit for cap in dimension.caps if is_total(cap)]
    known = [bound for bound in bounds if bound is not None]
    if len(known) == len(bounds):
        whole.append(sum(known))
    units = min(whole, default=None)
    if units is None or scale is None:
        return units
    for factor in scale.factors:
        most = points.get(factor.dimension_id)
        if most is None:
            return None
        units = units * (most + factor.divisor * factor.plus_one) // factor.divisor + 1
    return units // scale.units_per_point


def is_total(cap: Cap) -> bool:
    """Whether a cap limits the points of the whole window."""
    return cap.scope is CapScope.TOTAL and cap.unit is CapUnit.POINTS
