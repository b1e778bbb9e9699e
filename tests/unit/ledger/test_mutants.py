"""Faults planted into the decision are noticed by simulated runs."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS_OF_POSTING
from tests.simulation.mutants_of_states import MUTANTS_OF_STATES
from tests.simulation.planting import Mutant, survives

COMMANDS = 300


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [*MUTANTS_OF_POSTING, *MUTANTS_OF_STATES], ids=str)
def test_a_planted_fault_is_noticed(mutant: Mutant) -> None:
    assert not survives(mutant, commands=COMMANDS)
