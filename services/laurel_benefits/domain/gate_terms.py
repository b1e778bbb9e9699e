"""What a program asks of those who may have something: levels, credit, memberships, days."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from laurel_benefits.domain.ids import PlanId


class ScoreSource(StrEnum):
    """Which score counts: the one as of now, the one published last, or that with the tier."""

    LIVE = "LIVE"
    PUBLISHED = "PUBLISHED"
    TIER = "TIER"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelGate:
    """A level as a gate: by its position, for names have no order."""

    level_id: str
    position: int
    invited_from: int | None = None
    """From which score on a member may be invited; None where the score alone gives it (I17)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What a member must be or have; what is absent is not asked for."""

    score_min: int | None = None
    level_min: LevelGate | None = None
    credit_score_min: int | None = None
    credit_stars_min: int | None = None
    required_attributes: tuple[str, ...] = ()
    forbidden_attributes: tuple[str, ...] = ()
    membership_plans: tuple[PlanId, ...] = ()

    @property
    def asks_scoring(self) -> bool:
        """Whether anything but a membership is asked for."""
        numbers = (self.score_min, self.level_min, self.credit_score_min, self.credit_stars_min)
        attributes = self.required_attributes + self.forbidden_attributes
        return bool(attributes) or any(number is not None for number in numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthDays:
    """Business days of every month, both ends included (C16)."""

    first_day: int
    last_day: int


@dataclass(frozen=True, slots=True)
class Birthday:
    """The member's birthday (C15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YearDays:
    """Business days of every year, as months and days, both ends included (A25)."""

    first_day: tuple[int, int]
    last_day: tuple[int, int]


Window = MonthDays | Birthday | YearDays
