"""How the members of a settlement are spread over levels and scores (A18, C14), and the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from laurel_kit.values import split_largest_remainder

from laurel_scoring.domain.models import Level

# A hundred percent, in hundredths of a percent.
WHOLE_BPS = 10_000
LAST_PERCENT = 100
"""The last of the percentiles, which begin at 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCount:
    """The members of one level, and the sum of their scores."""

    members: int
    value_total: int
    members_holding: int
    """Who holds the level as a tier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """How members are spread, as it was counted with the settlement."""

    levels: Mapping[str, LevelCount]
    percentiles: tuple[int, ...]
    """The score at each whole percent; empty when nobody has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelShare:
    """One step of the pyramid."""

    level: Level
    count: LevelCount
    share_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place among the best."""

    place: int
    member_id: str
    value: int
    level_id: str
    reach_month: date
    """The first month in which the member had at least this score."""


NOBODY = LevelCount(members=0, value_total=0, members_holding=0)


def pyramid(distribution: Distribution, levels: Sequence[Level]) -> list[LevelShare]:
    """Every level with its share; the shares sum to the whole exactly (X4), or are all 0."""
    counts = [distribution.levels.get(level.level_id, NOBODY) for level in levels]
    weights = [count.members for count in counts]
    shares = split_largest_remainder(WHOLE_BPS, weights) if any(weights) else [0] * len(weights)
    return [
        LevelShare(level=level, count=count, share_bps=share)
        for level, count, share in zip(levels, counts, shares, strict=True)
    ]


def members_of(distribution: Distribution) -> int:
    """How many members have a score."""
    return sum(count.members for count in distribution.levels.values())


def value_total_of(distribution: Distribution) -> int:
    """The sum of all scores."""
    return sum(count.value_total for count in distribution.levels.values())


def distribution_of(
    spread: Mapping[str, tuple[int, int]],
    percentiles: tuple[int, ...],
    holding: Mapping[str, int],
    levels: Sequence[Level],
) -> Distribution:
    """What was counted: members and points by level, who holds which.

    Those who never left the lowest level hold it without being counted: they are the rest. Without
    anybody who holds a level as a tier `holding` is empty, and so is the column.
    """
    members = sum(each for each, _ in spread.values())
    held = dict(holding)
    if held:
        lowest = levels[0].level_id
        higher = sum(each for level_id, each in held.items() if level_id != lowest)
        held[lowest] = max(0, members - higher)
    counts = {}
    for level in levels:
        of_level, value_total = spread.get(level.level_id, (0, 0))
        counts[level.level_id] = LevelCount(
            members=of_level,
            value_total=value_total,
            members_holding=held.get(level.level_id, 0),
        )
    return Distribution(levels=counts, percentiles=percentiles)
