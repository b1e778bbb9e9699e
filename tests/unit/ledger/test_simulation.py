"""Simulated runs of the decision: lost, doubled and overtaken messages, crashes, other clocks."""

from __future__ import annotations

from collections import Counter

from tests.simulation.__main__ import run
from tests.simulation.requests import KINDS

SEEDS, COMMANDS = 60, 400
ENDS = {
    *("posted", "insufficient", "reused", "void", "missing", "irreversible", "expired", "captured"),
    *("released", "exceeds", "nothing", "no line", "line exceeds", "repaid", "suspended", "closed"),
    *("limited", "too many", "atomic refused"),
    *("account changed", "account closed", "account not empty", "no budget", "uneven"),
    *("merge merged", "merge open points", "merge closed", "merge suspended"),
}
ANSWERS = ENDS | {f"posted {kind}" for kind in KINDS}


def test_no_seed_makes_the_two_ledgers_disagree() -> None:
    runs = [run(seed, COMMANDS) for seed in range(SEEDS)]
    assert [each.anomaly for each in runs if each.anomaly] == []
    answers = sum((each.answers for each in runs), Counter())
    assert answers.keys() == ANSWERS, "every kind of answer is given by some run"
    assert sum(each.faults for each in runs) > SEEDS


def test_the_same_seed_makes_the_same_trace() -> None:
    first, again, other = run(3, COMMANDS), run(3, COMMANDS), run(4, COMMANDS)
    assert first == again
    assert first.trace != other.trace
