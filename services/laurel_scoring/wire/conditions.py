"""Conditions of scoring: what they may look at, and whether they can ever hold.

Whether one can hold is tried out: between the constants that a condition compares with, one value
is as good as another. Where a condition asks for more than comparisons, it is taken to be right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, permutations, product
from math import prod

from laurel.program.v1 import scoring_section_pb2 as pb
from laurel_kit.programs.expressions import Condition, ConditionInvalid, Kind, compile_condition

from laurel_scoring.domain.models import WHOLE_BPS
from laurel_scoring.domain.scores import VIOLATIONS

TRIES_MAX = 5_000
"""Combinations of values that are tried; the conditions of real programs need some dozens."""

Trial = str | int | bool | list[str]
"""A value that is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What a condition may look at, with the values it can have."""

    kind: Kind
    lowest: int = 0
    highest: int | None = None
    words: str = ""
    """The list of the vocabulary that its words are of; empty for any text."""


Variables = Mapping[str, Variable]

PURCHASE_VARIABLES: Variables = {
    "order_id": Variable(kind=Kind.STRING),
    "payment_methods": Variable(kind=Kind.STRINGS, words="payment_methods"),
    "sku_id": Variable(kind=Kind.STRING),
    "category_id": Variable(kind=Kind.STRING),
    "shop_id": Variable(kind=Kind.STRING),
    "goods_class": Variable(kind=Kind.STRING, words="goods_classes"),
    "quantity": Variable(kind=Kind.INTEGER, lowest=1),
    "paid": Variable(kind=Kind.INTEGER),
}
ITEM_VARIABLES: Variables = {
    "item_paid": Variable(kind=Kind.INTEGER),
    "item_category_id": Variable(kind=Kind.STRING),
    "item_goods_class": Variable(kind=Kind.STRING, words="goods_classes"),
}
ENGAGEMENT_VARIABLES: Variables = {
    "kind": Variable(kind=Kind.STRING, words="engagement_kinds"),
    "subject_id": Variable(kind=Kind.STRING),
    "order_id": Variable(kind=Kind.STRING),
    "copied_bps": Variable(kind=Kind.INTEGER, highest=WHOLE_BPS),
    "overlap_bps": Variable(kind=Kind.INTEGER, highest=WHOLE_BPS),
    "punctuation_stuffed": Variable(kind=Kind.BOOLEAN),
    "report_count": Variable(kind=Kind.INTEGER),
    "poster_place": Variable(kind=Kind.INTEGER),
    **ITEM_VARIABLES,
}
# -1 stands for a measure that was never reported.
CEILING_VARIABLES: Variables = {
    "credit_score": Variable(kind=Kind.INTEGER, lowest=-1),
    "credit_stars": Variable(kind=Kind.INTEGER, lowest=-1),
    VIOLATIONS: Variable(kind=Kind.INTEGER),
}
SOURCES: dict[str, Variables] = {
    "purchases": PURCHASE_VARIABLES,
    "engagements": ENGAGEMENT_VARIABLES,
    "ceilings": CEILING_VARIABLES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words that facts of a rule can have, by the list of the vocabulary."""

    lists: Mapping[str, Collection[str]]
    highest: Mapping[str, int] = field(default_factory=dict)
    """The highest value of a credit measure."""


def words_of(vocabulary: pb.ScoringVocabulary, kinds: Collection[str] = ()) -> Words:
    """The words of a program; `kinds` are the engagements of a rule, of all that there are."""
    highest: dict[str, int] = {}
    if vocabulary.HasField("credit_score"):
        highest["credit_score"] = vocabulary.credit_score.maximum
    if vocabulary.HasField("credit_stars"):
        highest["credit_stars"] = vocabulary.credit_stars.maximum
    return Words(
        lists={
            "engagement_kinds": kinds or vocabulary.engagement_kinds,
            "goods_classes": vocabulary.goods_classes,
            "payment_methods": vocabulary.payment_methods,
        },
        highest=highest,
    )


def compile_of(text: str, source: str) -> Condition:
    """A condition over what a source has. Raises ConditionInvalid."""
    kinds = {name: each.kind for name, each in SOURCES[source].items()}
    try:
        return compile_condition(text, kinds)
    except ConditionInvalid as invalid:
        if strangers := sorted(strangers_of(text, kinds)):
            raise ConditionInvalid(
                f"reads {', '.join(strangers)}, which {source} never have"
            ) from None
        raise invalid from None


def strangers_of(text: str, kinds: Mapping[str, Kind]) -> set[str]:
    """The names that a condition reads and only other sources know."""
    everything = {name: each.kind for known in SOURCES.values() for name, each in known.items()}
    try:
        return set(compile_condition(text, everything).names) - set(kinds)
    except ConditionInvalid:
        return set()


def faults_of_condition(condition: Condition, source: str, words: Words) -> Iterator[str]:
    """What is wrong with a condition that can be compiled: it asks for what no fact has."""
    variables = SOURCES[source]
    for name in condition.names:
        listed = variables[name].words
        if not listed:
            continue
        known = {*words.lists[listed], ""}
        for word in sorted(str(each) for each in condition.compared[name] if each not in known):
            yield f"compares {name} with {word!r}, which it never is"
    if never_holds(condition, variables, words):
        yield "can never hold"


def never_holds(condition: Condition, variables: Variables, words: Words) -> bool:
    """Whether no values of the variables meet a condition; False where that cannot be told."""
    if not condition.is_closed:
        return False
    trials = [
        trials_of(name, variables[name], condition.compared[name], words)
        for name in condition.names
    ]
    if prod(len(each) for each in trials) > TRIES_MAX:
        return False
    return not any(
        condition.holds(dict(zip(condition.names, values, strict=True)))
        for values in product(*trials)
    )


def trials_of(
    name: str, variable: Variable, constants: Collection[str | int], words: Words
) -> list[Trial]:
    """Values of a variable that stand for all it can have."""
    match variable.kind:
        case Kind.BOOLEAN:
            return [False, True]
        case Kind.INTEGER:
            highest = words.highest.get(name, variable.highest)
            around = {value + step for value in constants for step in (-1, 0, 1)}  # type: ignore[operator]  # An integer is compared with integers.
            return [
                value
                for value in sorted({variable.lowest, *around})
                if variable.lowest <= value and (highest is None or value <= highest)
            ]
        case Kind.STRINGS:
            known = sorted(set(words.lists[variable.words]) & set(map(str, constants)))
            other = [word for word in words.lists[variable.words] if word not in known][:1]
            sizes = range(len(known) + 1)
            chosen = [list(each) for size in sizes for each in combinations(known, size)]
            return [*chosen, *([*each, *other] for each in chosen if other)]
    if variable.words:
        return sorted({"", *words.lists[variable.words]})
    texts = {str(value) for value in constants}
    # One that begins with a constant may end with another.
    texts |= {f"{first}{second}" for first, second in permutations(texts, 2)}
    return sorted(
        {"", "-", *texts, *(f"{text}-" for text in texts), *(f"-{text}" for text in texts)}
    )
