"""What can be wrong with medals: every fault at once, with its path."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from laurel_scoring.domain.balance_checks import Fault
from laurel_scoring.domain.medal_rules import CountsEngagements, CountsPurchases, Medal, MedalKind
from laurel_scoring.domain.model_checks import repeated
from laurel_scoring.domain.models import ScoringProgram


def check_medals(program: ScoringProgram) -> Iterator[Fault]:
    """Every fault of a program's medals."""
    names = [medal.medal_id for medal in program.medals]
    yield from repeated(names, "medals[{}].medal_id", "medal")
    taken: dict[str, str] = {}
    for number, medal in enumerate(program.medals):
        path = f"medals[{number}]"
        yield from check_levels(medal, path)
        yield from check_measure(medal, program, path)
        if medal.kind is MedalKind.CATEGORY and isinstance(medal.measure, CountsPurchases):
            for category in sorted(medal.measure.categories & taken.keys()):
                where = f"{path}.purchases.categories"
                yield where, f"{category!r} belongs to the medal {taken[category]!r} already"
            taken.update(dict.fromkeys(medal.measure.categories, medal.medal_id))


def check_levels(medal: Medal, path: str) -> Iterator[Fault]:
    """Levels that ask for nothing, or for no more than the one before."""
    lowest = medal.levels[0] if medal.levels else None
    if lowest is not None and not (lowest.count_min or lowest.paid_min):
        yield f"{path}.levels[0]", "asks for nothing: everybody would have it"
    for number, (lower, higher) in enumerate(pairwise(medal.levels), start=1):
        rises = (higher.count_min, higher.paid_min) != (lower.count_min, lower.paid_min)
        if not rises or higher.count_min < lower.count_min or higher.paid_min < lower.paid_min:
            where = f"{path}.levels[{number}]"
            yield where, "must ask for at least as much as the level before, and for more"


def check_measure(medal: Medal, program: ScoringProgram, path: str) -> Iterator[Fault]:
    """Measures that do not fit the kind of the medal, or that count what nobody can report."""
    if medal.kind is MedalKind.CATEGORY and not (
        isinstance(medal.measure, CountsPurchases) and medal.measure.categories
    ):
        yield f"{path}.kind", "a category medal counts purchases of categories"
    if isinstance(medal.measure, CountsEngagements):
        for kind in sorted(medal.measure.kinds - program.vocabulary.engagement_kinds):
            yield f"{path}.engagements.kinds", f"{kind!r} is not in the vocabulary"
        for number, level in enumerate(medal.levels):
            if level.paid_min:
                yield f"{path}.levels[{number}].paid_minor_units_min", "engagements cost nothing"
