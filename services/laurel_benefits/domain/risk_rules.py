"""How a program guards against abuse: limits of speed, and what becomes of what exceeds them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

ORDER = "order"
"""The kind of rules that guard what completed orders earn."""


class VelocityAction(StrEnum):
    """What becomes of a reward that comes too fast."""

    REVIEW = "REVIEW"
    REFUSE = "REFUSE"


@dataclass(frozen=True, slots=True, kw_only=True)
class VelocityRule:
    """How many activities, or orders, of a member in a window are too many."""

    rule_id: str
    kinds: frozenset[str]
    """Kinds that count together; none named means all."""
    window: timedelta
    times_max: int
    watched_times_max: int
    """The same for members who are watched."""
    action: VelocityAction

    def covers(self, kind: str) -> bool:
        """Whether a kind of activity counts."""
        return not self.of_orders and (not self.kinds or kind in self.kinds)

    @property
    def of_orders(self) -> bool:
        """Whether completed orders count, and nothing else."""
        return ORDER in self.kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRules:
    """What guards the rewards of activities, check-ins and orders."""

    velocity: tuple[VelocityRule, ...]
