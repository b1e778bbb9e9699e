"""How the members of a settlement are spread over levels and scores (A18, C14), and the best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from laurel_kit.values import split_largest_remainder

from laurel_scoring.domain.models import Level

# A hundred percent, in hundredths of a percent.
WHOLE_BPS = 10_000
ANY_TIME = datetime.min.replace(tzinfo=UTC)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A member with one of the highest scores, before ties are decided."""

    member_id: str
    value: int
    level_id: str
    reach_month: date
    member_version: int


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


def tied(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those who share their score with another one."""
    of_value = Counter(each.value for each in candidates)
    return [each for each in candidates if of_value[each.value] > 1]


def places_of(
    candidates: Sequence[Candidate], reached: Mapping[str, datetime], *, size: int
) -> list[Place]:
    """The best: the higher score, then who reached it earlier, then the lower member id (K5).

    Who shares a score with nobody needs no instant in `reached`.
    """
    ordered = sorted(
        candidates,
        key=lambda each: (-each.value, reached.get(each.member_id, ANY_TIME), each.member_id),
    )
    return [
        Place(
            place=place,
            member_id=each.member_id,
            value=each.value,
            level_id=each.level_id,
            reach_month=each.reach_month,
        )
        for place, each in enumerate(ordered[:size], start=1)
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
