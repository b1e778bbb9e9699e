"""How the levels of published scores are held, as data (A16-A20, C14, I18)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fall(Enum):
    """How far a tier falls when the score no longer reaches it."""

    REASSESS = "reassess"
    ONE_LEVEL_DOWN = "one_level_down"


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTerm:
    """For how many months a level is held once it is reached (A16)."""

    level_id: str
    months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPolicy:
    """How the levels of one model are held as tiers."""

    model_id: str
    terms: tuple[TierTerm, ...]
    """Levels that are held for a term; the others follow each publication."""
    fall: Fall
    grace_days: int
    """Days a tier is kept after a publication below it; 0 is no grace."""
    falls_within_term: bool
    """Whether a publication below the level ends its term early (A20)."""

    def months_of(self, level_id: str) -> int | None:
        """The length of a term of a level; None for one without terms."""
        return next((term.months for term in self.terms if term.level_id == level_id), None)
