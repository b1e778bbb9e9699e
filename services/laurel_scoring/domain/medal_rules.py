"""Which medals there are, as data (G1-G3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class MedalKind(Enum):
    """What a medal is for (G1)."""

    CATEGORY = "category"
    ACHIEVEMENT = "achievement"
    TASK = "task"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsPurchases:
    """Orders of these categories; without any, all orders."""

    categories: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsEngagements:
    """Engagements of these kinds."""

    kinds: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MedalLevel:
    """What a level asks for: so many facts and so much money, in minor units."""

    count_min: int
    paid_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Medal:
    """Something that members earn in levels."""

    medal_id: str
    display_name: str
    kind: MedalKind
    measure: CountsPurchases | CountsEngagements
    window_months: int | None
    """None counts everything ever reported."""
    levels: tuple[MedalLevel, ...]
    """The lowest first."""
