"""Members who have not bought for long, as a program sees them (M18)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DormancySegment:
    """Members who have not bought for so long."""

    segment_id: str
    days_from: int
    offers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WinBackRules:
    """Who counts as dormant, and how often a member may be contacted."""

    segments: tuple[DormancySegment, ...]
    contact_interval_days: int
    holdout_bps: int
    silent_contacts_max: int

    def segment_of(self, days: int) -> DormancySegment | None:
        """The segment of who has not bought for so many days; None where that is not long."""
        reached = [each for each in self.segments if each.days_from <= days]
        return reached[-1] if reached else None
