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


def level_at(model: ScoreModel, place: int | None, value: int) -> Level:
    """The level of a place, 1 being the first; None is a place after all of them.

    Levels are filled from the highest down, one after the other (K4). A score that is too low for
    the level of its place has the next lower one that it is enough for; a score of zero is never
    ranked (K6).
    """
    last = 0
    for level in reversed(model.levels):
        last += level.rank_size
        within = place is not None and place <= last
        if level.rank_size and within and level.from_score <= value:
            return level
    return model.level_of(value)
