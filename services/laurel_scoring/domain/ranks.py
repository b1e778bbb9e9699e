"""Levels by rank: the members with the highest scores, so many and never more (K1-K6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_scoring.domain.models import Level, ScoreModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A member's score as it is ranked."""

    member_id: str
    value: int
    reached_time: datetime | None
    """When the score was reached; None for a score of zero."""


def order(standing: Standing) -> tuple[int, datetime, str]:
    """Sorts by rank: the higher score, then who had it earlier, then the lower member id (K5)."""
    assert standing.reached_time is not None, "what is above zero was reached at some time"
    return -standing.value, standing.reached_time, standing.member_id


def places_of(model: ScoreModel) -> int:
    """How many places lead to a level at all; who comes after them need not be ranked."""
    return sum(level.rank_size for level in model.levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """A level by rank, and the last place that leads to it."""

    level: Level
    last_place: int


def ranks_of(model: ScoreModel) -> list[Rank]:
    """The levels by rank, the highest first: each is filled before the next one (K4)."""
    found: list[Rank] = []
    last = 0
    for level in reversed(model.levels):
        last += level.rank_size
        if level.rank_size:
            found.append(Rank(level=level, last_place=last))
    return found


def level_at(model: ScoreModel, place: int | None, value: int) -> Level:
    """The level of a place, 1 being the first; None is a place after all of them.

    A score that is too low for the level of its place has the next lower one that it is enough for;
    a score of zero is never ranked (K6).
    """
    for rank in ranks_of(model):
        if place is not None and place <= rank.last_place and rank.level.from_score <= value:
            return rank.level
    return model.level_of(value)
