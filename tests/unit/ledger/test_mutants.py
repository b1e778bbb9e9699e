"""Faults planted into the decision are noticed by simulated runs."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS_OF_POSTING
from tests.simulation.mutants_of_states import MUTANTS_OF_STATES
from tests.simulation.planting import Mutant, survives

COMMANDS = 300
NO_FAULT = "    if amount > hold.remaining:"


@pytest.mark.slow
def test_what_is_planted_and_no_fault_is_not_noticed() -> None:
    """Whatever the worlds of the faults notice is the fault, not that they were made anew."""
    harmless = Mutant("nothing is wrong", "holds", NO_FAULT, f"{NO_FAULT}  # Beyond it.")
    assert survives(harmless, commands=COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [*MUTANTS_OF_POSTING, *MUTANTS_OF_STATES], ids=str)
def test_a_planted_fault_is_noticed(mutant: Mutant) -> None:
    assert not survives(mutant, commands=COMMANDS)
