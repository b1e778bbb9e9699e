"""Penalties: refused parcels beyond the free ones, and breaches of contract (E23, E25, O46)."""

from __future__ import annotations

import pytest
from laurel_benefits.domain.decisions import ReasonCode

from tests.support.benefits_activities import penalized

MONTH, YEAR = "MONTH:2026-03-01", "YEAR:2026-01-01"
KIND = "refused_parcel"


def used(month: int, year: int) -> dict[tuple[str, str], int]:
    return {(f"activity/{KIND}", MONTH): month, (f"activity/{KIND}", YEAR): year}


@pytest.mark.parametrize(
    ("month", "year", "plans", "points"),
    [
        (0, 0, [], 0),
        (1, 1, [], -500),
        (0, 2, [], 0),
        (0, 3, [], -500),
        (2, 5, [], -500),
        (4, 40, ["plus-year"], 0),
        (5, 5, ["plus-year"], -500),
        (1, 1, ["plus-trial"], -500),
    ],
)
def test_a_refused_parcel_costs_beyond_the_free_ones_o46(month, year, plans, points) -> None:
    verdict = penalized(KIND, used(month, year), plans=plans)
    assert verdict.points == points
    assert verdict.decision.allowed is (points == 0)
    assert verdict.told


def test_each_refused_parcel_counts_in_every_period() -> None:
    counters = {(f"activity/{KIND}", MONTH): 1, (f"activity/{KIND}", YEAR): 1}
    assert penalized(KIND, {}).counted == counters
    assert penalized(KIND, used(1, 1)).counted == counters


def test_an_order_costs_once_e23() -> None:
    verdict = penalized(KIND, used(3, 3), repeated=True)
    assert (verdict.points, verdict.counted, verdict.told) == (0, {}, False)
    assert [reason.code for reason in verdict.decision.reasons] == [ReasonCode.REPEATED]


def test_a_breach_of_contract_always_costs_e25() -> None:
    assert penalized("breach", {}).points == -500
