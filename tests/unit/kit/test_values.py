"""Rounding: down for awards, largest remainder for splits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from laurel_kit.values import floor_basis_points, split_largest_remainder

AMOUNTS = some.integers(0, 10**15)
WEIGHTS = some.lists(some.integers(0, 10**9), min_size=1, max_size=20).filter(any)


@pytest.mark.parametrize(
    ("amount", "basis_points", "award"),
    [
        (0, 10_000, 0),
        (100, 0, 0),
        (199, 50, 0),
        (200, 50, 1),
        (399, 50, 1),
        (9_999, 10_000, 9_999),
        (3, 20_000, 6),
        (10**15, 1, 10**11),
    ],
)
def test_an_award_is_rounded_down(amount: int, basis_points: int, award: int) -> None:
    assert floor_basis_points(amount, basis_points) == award


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (10, [1, 1], [5, 5]),
        (10, [1, 1, 1], [4, 3, 3]),
        (1, [1, 1, 1], [1, 0, 0]),
        (2, [1, 2], [1, 1]),
        (0, [3, 4], [0, 0]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
        (5, [0, 7], [0, 5]),
        (10_000, [1, 6], [1_429, 8_571]),
    ],
)
def test_a_split_gives_what_is_left_to_the_largest_fraction(
    total: int, weights: list[int], parts: list[int]
) -> None:
    assert split_largest_remainder(total, weights) == parts


@given(AMOUNTS, WEIGHTS)
def test_a_split_sums_to_its_total_and_is_off_by_less_than_one(
    total: int, weights: list[int]
) -> None:
    parts = split_largest_remainder(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - total * weight) < sum(weights)


def test_a_total_without_a_weight_to_go_to_is_refused() -> None:
    with pytest.raises(ValueError, match="all weights are zero"):
        split_largest_remainder(1, [0, 0])
