"""Faults planted into the decision are noticed by simulated runs."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, Mutant, survives

COMMANDS = 300


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_planted_fault_is_noticed(mutant: Mutant) -> None:
    assert not survives(mutant, commands=COMMANDS)
