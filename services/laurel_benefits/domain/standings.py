"""What scoring says of a member, and how fresh that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from laurel_benefits.domain.ids import RevisionId, ScoreModelId


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A score as scoring gave it."""

    model_id: ScoreModelId
    value: int
    level_id: str
    level_position: int
    live: bool
    as_of_time: datetime
    program_revision: RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A member's score and profile, seen together."""

    score: Score | None
    """None where a published score is asked for and none was published yet."""
    attributes: frozenset[str]
    credit_score: int | None
    credit_stars: int | None
    seen_time: datetime

    @property
    def score_value(self) -> int:
        """The score; who has none yet stands at zero."""
        return self.score.value if self.score else 0

    @property
    def level_position(self) -> int:
        """The place of the level, 1 for the lowest; zero without a score."""
        return self.score.level_position if self.score else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is known of a member's standing when a decision is made."""

    standing: Standing | None
    """None when scoring was not asked, or does not answer and nothing was seen before."""
    degraded: bool = False
    """Whether scoring does not answer."""

    def age(self, now: datetime) -> timedelta:
        """How long ago it was seen; zero when scoring answered."""
        if self.standing is None or not self.degraded:
            return timedelta(0)
        return max(now - self.standing.seen_time, timedelta(0))

    def no_older_than(self, age_max: timedelta, now: datetime) -> Sight:
        """The same without what was seen too long ago."""
        if self.age(now) <= age_max:
            return self
        return Sight(standing=None, degraded=True)


NOT_ASKED = Sight(standing=None)
"""Of a decision that needs nothing from scoring."""
