"""The golden cases about scoring, asked of the rules alone: no service, no database."""

from __future__ import annotations

import pytest

from tests.support.golden_cases import CASES, load_contracts, play_case, steps_of
from tests.support.pure_scoring import METHODS, PureScoring

PURE = [
    name
    for name, case in CASES.items()
    if all(step["call"].rpartition("/")[2] in METHODS for step in steps_of(case) if "call" in step)
]


@pytest.fixture(scope="module", autouse=True)
def _contracts() -> None:
    load_contracts()


def test_the_cases_of_scoring_are_among_them() -> None:
    assert {"P36", "P37", "P39", "P40", "P44", "P45", "P47", "P48", "P49"} <= set(PURE)
    assert {"P51", "P53", "P58", "P68a", "P68b"} <= set(PURE)


@pytest.mark.parametrize("name", PURE)
async def test_a_golden_case_holds_by_the_rules_alone(name: str) -> None:
    await play_case(PureScoring(), name)
