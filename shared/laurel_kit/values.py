"""Arithmetic on amounts: integers in, integers out, each rounding with its name."""

from __future__ import annotations

from collections.abc import Sequence

BASIS_POINTS_WHOLE = 10_000
"""Basis points of the whole: 10,000 are 100 %, 50 are 0.5 %."""


def floor_basis_points(amount: int, basis_points: int) -> int:
    """A share of an amount, rounded down, as every award is (X3).

    Both are zero or more; the share may exceed the whole.
    """
    assert amount >= 0, "awards are computed on amounts of zero or more"
    assert basis_points >= 0, "a rate is zero or more"
    return amount * basis_points // BASIS_POINTS_WHOLE


def split_largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """A total divided over weights so that the parts sum to it exactly (X4).

    Every part is floored first; the units left over go to the largest fractions, then to the lowest
    position. Weights of zero get nothing. Raises ValueError when a total above zero has no weight
    to go to.
    """
    assert total >= 0, "only amounts of zero or more are split"
    assert all(weight >= 0 for weight in weights), "a weight is zero or more"
    whole = sum(weights)
    if total == 0:
        return [0] * len(weights)
    if whole == 0:
        raise ValueError(f"nothing to split {total} over: all weights are zero")
    parts = [total * weight // whole for weight in weights]
    fractions = [total * weight % whole for weight in weights]
    by_fraction = sorted(range(len(weights)), key=lambda position: -fractions[position])
    for position in by_fraction[: total - sum(parts)]:
        parts[position] += 1
    return parts
