"""Medals of a program file as values."""

from __future__ import annotations

from collections.abc import Iterator

from laurel.program.v1 import medals_section_pb2 as pb
from laurel.program.v1.scoring_section_pb2 import ScoringSection

from laurel_scoring.domain.medal_rules import (
    CountsEngagements,
    CountsPurchases,
    Medal,
    MedalKind,
    MedalLevel,
)

KINDS = {
    pb.MEDAL_KIND_CATEGORY: MedalKind.CATEGORY,
    pb.MEDAL_KIND_ACHIEVEMENT: MedalKind.ACHIEVEMENT,
    pb.MEDAL_KIND_TASK: MedalKind.TASK,
}


def read_medals(section: ScoringSection) -> Iterator[Medal]:
    """Every medal of the program."""
    for medal in section.medals:
        yield read_medal(medal)


def read_medal(medal: pb.Medal) -> Medal:
    """One medal; a kind that breaks the contract has been noted before."""
    return Medal(
        medal_id=medal.medal_id,
        display_name=medal.display_name or medal.medal_id,
        kind=KINDS.get(medal.kind, MedalKind.ACHIEVEMENT),
        measure=read_measure(medal),
        window_months=medal.window_months or None,
        levels=tuple(
            MedalLevel(count_min=level.count_min, paid_min=level.paid_minor_units_min)
            for level in medal.levels
        ),
    )


def read_measure(medal: pb.Medal) -> CountsPurchases | CountsEngagements:
    """What a medal counts."""
    if medal.HasField("engagements"):
        return CountsEngagements(kinds=frozenset(medal.engagements.kinds))
    return CountsPurchases(categories=frozenset(medal.purchases.categories))
