"""What can be wrong with coefficients, scales, running balances and the terms of their levels.

Paths are relative to the scoring section, as in `model_checks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from laurel_scoring.domain.models import (
    Band,
    Coefficient,
    FromCredit,
    FromEngagements,
    FromPurchases,
    PerActivePeriod,
    PerBand,
    Period,
    PointBand,
    Rule,
    Scale,
    ScoreModel,
    TermEnd,
    Vocabulary,
)

Fault = tuple[str, str]
"""Where, and what is wrong there."""


def check_extras(model: ScoreModel, vocabulary: Vocabulary, path: str) -> Iterator[Fault]:
    """Faults of everything that a plain sum over a window does not have."""
    if model.coefficient is not None:
        yield from check_coefficient(model.coefficient, model, vocabulary, f"{path}.coefficient")
    if model.at_term_end is not None:
        yield from check_balance(model, path)
    for number, level in enumerate(model.levels):
        where = f"{path}.levels[{number}]"
        if level.after_purchase and not number:
            yield f"{where}.after_purchase", "the lowest level is for everybody"
        if number and model.levels[number - 1].after_purchase and not level.after_purchase:
            yield f"{where}.after_purchase", "must be set: the level below asks for it already"
        yield from check_term(model, number, where)
        yield from check_rank(model, number, where)
    for number, dimension in enumerate(model.dimensions):
        where = f"{path}.dimensions[{number}]"
        if dimension.scale is not None:
            yield from check_scale(dimension.scale, model, number, f"{where}.scale")
        for place, rule in enumerate(dimension.rules):
            yield from check_posting(rule, model, f"{where}.rules[{place}]")
            yield from check_point_bands(rule, vocabulary, f"{where}.rules[{place}]")


def check_scale(scale: Scale, model: ScoreModel, number: int, path: str) -> Iterator[Fault]:
    """Factors of what is not known yet, and scales where points are added up one by one."""
    if model.at_term_end is not None:
        yield path, "a running balance adds up points as they come"
    earlier = {dimension.dimension_id for dimension in model.dimensions[:number]}
    for place, factor in enumerate(scale.factors):
        if factor.dimension_id not in earlier:
            where = f"{path}.factors[{place}].dimension_id"
            yield where, f"{factor.dimension_id!r} is no dimension before this one"


def check_coefficient(
    coefficient: Coefficient, model: ScoreModel, vocabulary: Vocabulary, path: str
) -> Iterator[Fault]:
    """A coefficient of nothing, or whose bands leave values without a rate."""
    known = {dimension.dimension_id for dimension in model.dimensions}
    for name in sorted(coefficient.dimension_ids - known):
        yield f"{path}.dimension_ids", f"the model has no dimension {name!r}"
    yield from check_measure(coefficient.credit, vocabulary, f"{path}.credit")
    allowed = vocabulary.credit.get(coefficient.credit.measure)
    if allowed:
        yield from check_bands(
            coefficient.bands, f"{path}.bands", lowest=allowed.minimum, highest=allowed.maximum
        )
    if ratio := coefficient.return_ratio:
        where = f"{path}.return_ratio.bands"
        yield from check_bands(ratio.bands, where, lowest=0, highest=WHOLE_SHARE)


WHOLE_SHARE = 10_000
"""The share of all orders, in basis points."""


def check_measure(credit: FromCredit, vocabulary: Vocabulary, path: str) -> Iterator[Fault]:
    """A measure that nobody reports."""
    if credit.measure not in vocabulary.credit:
        yield f"{path}.measure", f"vocabulary.{credit.measure.value} is not declared"


def check_point_bands(rule: Rule, vocabulary: Vocabulary, path: str) -> Iterator[Fault]:
    """Bands of points that leave values without any, overlap, or are never reached."""
    if isinstance(rule.source, FromCredit) and isinstance(rule.award, PerBand):
        allowed = vocabulary.credit.get(rule.source.measure)
        where = f"{path}.per_band.bands"
        if allowed:
            bands, lowest, highest = rule.award.bands, allowed.minimum, allowed.maximum
            yield from check_bands(bands, where, lowest=lowest, highest=highest)


def check_bands(
    bands: Sequence[Band | PointBand], path: str, *, lowest: int, highest: int
) -> Iterator[Fault]:
    """Bands that leave a gap below them, overlap, or lie where no value is."""
    if bands and bands[0].from_value > lowest:
        yield f"{path}[0].from_value", f"leaves a gap: values begin at {lowest}"
    for number, (lower, higher) in enumerate(pairwise(bands), start=1):
        if higher.from_value <= lower.from_value:
            where = f"{path}[{number}].from_value"
            yield where, f"overlaps: the band before begins at {lower.from_value}"
    for number, band in enumerate(bands):
        following = bands[number + 1].from_value if number + 1 < len(bands) else highest + 1
        if band.from_value > highest or lowest >= following > band.from_value:
            yield f"{path}[{number}]", f"is never reached: values go from {lowest} to {highest}"


def check_balance(model: ScoreModel, path: str) -> Iterator[Fault]:
    """What a running balance cannot have."""
    if model.window.months is not None:
        yield f"{path}.window", "a running balance looks at everything: its window is lifetime"
    if model.ceilings:
        yield f"{path}.ceilings", "a running balance has none"
    for number, dimension in enumerate(model.dimensions):
        for place, rule in enumerate(dimension.rules):
            where = f"{path}.dimensions[{number}].rules[{place}]"
            if not isinstance(rule.source, FromPurchases | FromEngagements):
                yield where, "what stands is no event: a running balance cannot add it up"
            if rule.window is not None:
                yield f"{where}.window", "rules of a running balance have none of their own"


def check_term(model: ScoreModel, number: int, path: str) -> Iterator[Fault]:
    """Terms that nothing ends, and deductions that nothing takes."""
    level = model.levels[number]
    if level.term_months and model.at_term_end is None and not level.one_in:
        yield f"{path}.term_months", "only levels of a running balance or by invitation have terms"
    if level.one_in and not number:
        yield f"{path}.invitation", "the lowest level is for everybody"
    if level.one_in and number < len(model.levels) - 1 and not model.levels[number + 1].one_in:
        yield f"{path}.invitation", "a level above it is reached without one"
    if level.one_in and model.at_term_end is not None:
        yield f"{path}.invitation", "levels of a running balance are reached by its points"
    if level.term_deduction and model.at_term_end is not TermEnd.DEDUCT:
        yield f"{path}.term_deduction", "only running balances that deduct take it"
    elif level.term_deduction and not level.term_months:
        yield f"{path}.term_deduction", "is never taken: the level has no term"


def check_rank(model: ScoreModel, number: int, path: str) -> Iterator[Fault]:
    """Levels by rank among others, and ranks that nobody takes."""
    level = model.levels[number]
    if not level.rank_size:
        if number and model.levels[number - 1].rank_size:
            yield path, "levels above one by rank go by rank too"
        return
    where = f"{path}.rank_size"
    if not number:
        yield where, "the lowest level is for everybody"
    if not level.from_score:
        yield f"{path}.from_score", "must be above 0: a score of 0 is never ranked"
    if model.settlement_day is None:
        yield where, "ranks are taken by settlements, and the model has none"
    if model.at_term_end is not None:
        yield where, "levels of a running balance are reached by its points"
    if level.one_in or level.after_purchase:
        yield where, "a level by rank asks for nothing else"


def check_posting(rule: Rule, model: ScoreModel, path: str) -> Iterator[Fault]:
    """Posting days where nothing is posted."""
    award = rule.award
    if isinstance(award, PerActivePeriod) and award.consecutive:
        where = f"{path}.per_active_period.consecutive"
        if award.period is not Period.MONTH or model.at_term_end is not None:
            yield where, "is for months, and not for running balances"
    if isinstance(award, PerActivePeriod) and award.posting_day:
        where = f"{path}.per_active_period.posting_day"
        if model.at_term_end is None:
            yield where, "only running balances are posted to"
        elif award.period is not Period.MONTH:
            yield where, "only months are posted after their end"
