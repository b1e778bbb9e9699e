"""Into which groups members fall, as data (M16-M18, C19)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RfmGroup:
    """The members of one combination of high and not (M17)."""

    group_id: str
    display_name: str
    recent: bool
    frequent: bool
    valuable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RfmRules:
    """How recency, frequency and money become scores (M16); all bounds rise."""

    window_months: int
    recency_days: tuple[int, ...]
    """The most days since the last order."""
    orders: tuple[int, ...]
    """The fewest orders in the window."""
    paid: tuple[int, ...]
    """The least money in the window, in minor units."""
    high_from: int
    groups: tuple[RfmGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DormancySegment:
    """Members whose last order is at least so many days ago, up to the next segment (M18)."""

    segment_id: str
    display_name: str
    from_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightRules:
    """Into which groups members fall, and of how many shops are told something at least."""

    rfm: RfmRules | None
    dormancy: tuple[DormancySegment, ...]
    preference_members_min: int
    """0 tells shops nothing."""

    def has(self, segment_id: str) -> bool:
        """Whether there is a group of that name."""
        groups = self.rfm.groups if self.rfm else ()
        return segment_id in {
            *(group.group_id for group in groups),
            *(segment.segment_id for segment in self.dormancy),
        }


NO_GROUPS = InsightRules(rfm=None, dormancy=(), preference_members_min=0)
"""Of a program that has medals and no groups."""
