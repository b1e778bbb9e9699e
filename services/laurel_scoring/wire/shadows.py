"""Rules and ceilings that others leave nothing to: by the conditions of both, none can ever matter.

Whether one condition holds whenever another does is tried out, as in `conditions`; where that
cannot be told, nothing is said. Paths are relative to the scoring section.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

from laurel.program.v1 import scoring_section_pb2 as pb
from laurel_kit.programs.expressions import WITHIN_TEXT
from laurel_kit.programs.expressions import Condition as Compiled

from laurel_scoring.domain.balance_checks import Fault
from laurel_scoring.domain.models import (
    Ceiling,
    Condition,
    Dimension,
    FromEngagements,
    ScoreModel,
    ScoringProgram,
)
from laurel_scoring.wire.conditions import SOURCES, TRIES_MAX, Words, trials_of, words_of


def shadowed(program: ScoringProgram, vocabulary: pb.ScoringVocabulary) -> Iterator[Fault]:
    """Everything in the models of a program that is never reached because of something else."""
    for number, model in enumerate(program.models):
        path = f"models[{number}]"
        yield from shadowed_ceilings(model, words_of(vocabulary), path)
        for place, dimension in enumerate(model.dimensions):
            yield from suspended_rules(dimension, vocabulary, f"{path}.dimensions[{place}]")


def shadowed_ceilings(model: ScoreModel, words: Words, path: str) -> Iterator[Fault]:
    """Ceilings whose members another one holds at least as low (B12)."""
    for number, ceiling in enumerate(model.ceilings):
        for other_number, other in enumerate(model.ceilings):
            if other_number == number or not as_low(other, ceiling, before=other_number < number):
                continue
            if implies(ceiling.condition, other.condition, "ceilings", words):
                where = f"{path}.ceilings[{number}]"
                said = f"ceilings[{other_number}] holds the score to {other.score_max} then"
                yield where, f"can never bind: {said}"
                break


def as_low(other: Ceiling, ceiling: Ceiling, *, before: bool) -> bool:
    """Whether one leaves nothing to take for another; of two that are as low, the first counts."""
    if other.score_max == ceiling.score_max:
        return before
    return other.score_max < ceiling.score_max


def suspended_rules(
    dimension: Dimension, vocabulary: pb.ScoringVocabulary, path: str
) -> Iterator[Fault]:
    """Rules about nothing but engagements that the suspension calls bad (A12)."""
    if dimension.suspension is None:
        return
    bad = dimension.suspension.condition
    for number, rule in enumerate(dimension.rules):
        if not isinstance(rule.source, FromEngagements):
            continue
        words = words_of(vocabulary, rule.source.kinds)
        if implies(rule.condition, bad, "engagements", words):
            where = f"{path}.rules[{number}]"
            yield where, "is never reached: the suspension calls all of it bad"


def implies(condition: Condition | None, other: Condition, source: str, words: Words) -> bool:
    """Whether another condition holds whenever one does, or always when there is none.

    False where that cannot be told, and for a condition that never holds: that is said of it.
    """
    asked = [each for each in (condition, other) if each is not None]
    known = [each for each in asked if isinstance(each, Compiled) and can_be_tried(each)]
    if len(known) < len(asked):
        return False
    names = list(dict.fromkeys(name for each in known for name in each.names))
    trials = [
        trials_of(
            name,
            SOURCES[source][name],
            frozenset().union(*(each.compared.get(name, frozenset()) for each in known)),
            words,
        )
        for name in names
    ]
    if prod(len(each) for each in trials) > TRIES_MAX:
        return False
    met = [
        values
        for values in (dict(zip(names, chosen, strict=True)) for chosen in product(*trials))
        if condition is None or condition.holds(values)
    ]
    return bool(met) and all(other.holds(values) for values in met)


def can_be_tried(condition: Compiled) -> bool:
    """Whether a few values stand for all: not where a condition looks into a text."""
    return condition.is_closed and not any(word in condition.text for word in WITHIN_TEXT)
