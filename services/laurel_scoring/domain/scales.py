"""How what a dimension counts becomes points: products of factors, floored once (I10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from laurel_scoring.domain.models import Scale, ScaleFactor


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedFactor:
    """A factor with the points it was made of."""

    dimension_id: str
    numerator: int
    denominator: int


def factors_of(scale: Scale, points: Mapping[str, int]) -> tuple[AppliedFactor, ...]:
    """The factors of a scale, by the points of the dimensions before."""
    return tuple(applied(factor, points[factor.dimension_id]) for factor in scale.factors)


def applied(factor: ScaleFactor, points: int) -> AppliedFactor:
    """One factor: `points / divisor`, or `1 + points / divisor`."""
    return AppliedFactor(
        dimension_id=factor.dimension_id,
        numerator=points + factor.divisor if factor.plus_one else points,
        denominator=factor.divisor,
    )


def points_of(scale: Scale, factors: Iterable[AppliedFactor], units: int) -> int:
    """The points for so many units, floored once at the end and no more than there may be (X3)."""
    used = list(factors)
    over = prod(factor.denominator for factor in used) * scale.units_per_point
    points = units * prod(factor.numerator for factor in used) // over
    return min(points, scale.points_max) if scale.points_max else points


def steps_of(scale: Scale, factors: Sequence[AppliedFactor], units: Iterable[int]) -> list[int]:
    """By how much each of some units, taken in order, moves the points of all of them."""
    steps: list[int] = []
    total = before = 0
    for each in units:
        total += each
        after = points_of(scale, factors, total)
        steps.append(after - before)
        before = after
    return steps
