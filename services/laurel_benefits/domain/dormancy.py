"""Members who have not bought for long, as scoring groups them (M18)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from laurel_benefits.domain.ids import MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class DormancySegment:
    """A group of scoring, and what its members are offered."""

    segment_id: str
    days_from: int
    """From so many days without an order on, as the scoring section says."""
    offers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dormancy:
    """How long a member has been away, as scoring sees it."""

    member_id: MemberId
    segment_id: str
    """The segment; empty for who ordered of late, or never."""
    last_order_date: date | None
    """None for who never bought: nobody is won back who was never there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WinBackRules:
    """What who stays away is offered, and how often a member may be contacted."""

    segments: tuple[DormancySegment, ...]
    contact_interval_days: int
    holdout_bps: int
    silent_contacts_max: int

    def segment_of(self, segment_id: str) -> DormancySegment | None:
        """The segment of that name; None where nothing is offered to it."""
        return next((each for each in self.segments if each.segment_id == segment_id), None)
