"""The book of what a trial has earned and nobody can spend before a purchase in time (F13, F14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from laurel_benefits.domain.ids import MembershipId, OrderId


class FrozenState(StrEnum):
    """What became of a book."""

    FROZEN = "FROZEN"
    RELEASED = "RELEASED"
    FORFEITED = "FORFEITED"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenRebate:
    """What a trial has earned: frozen, released or forfeited, and never two of them."""

    state: FrozenState
    release_expire_time: datetime
    """From when on a purchase releases nothing."""
    frozen_points: int = 0
    released_points: int = 0
    forfeited_points: int = 0
    successor_id: MembershipId | None = None
    """The membership whose purchase released it."""

    def open_at(self, now: datetime) -> bool:
        """Whether a purchase would release it."""
        return self.state is FrozenState.FROZEN and now < self.release_expire_time

    def forfeited(self) -> FrozenRebate:
        """The book when nothing was bought in time: cleared to zero (F14)."""
        return replace(
            self,
            state=FrozenState.FORFEITED,
            frozen_points=0,
            forfeited_points=self.forfeited_points + self.frozen_points,
        )

    def released(self, points: int, successor_id: MembershipId) -> FrozenRebate:
        """The book after a purchase that took so many points over; the others are lost."""
        assert points <= self.frozen_points, "no more is released than is frozen"
        return replace(
            self,
            state=FrozenState.RELEASED,
            frozen_points=0,
            released_points=points,
            forfeited_points=self.forfeited_points + self.frozen_points - points,
            successor_id=successor_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenGrant:
    """What one order of a trial has earned."""

    order_id: OrderId
    points: int


def fit(grants: Sequence[FrozenGrant], room_points: int | None) -> tuple[FrozenGrant, ...]:
    """What of each grant fits into a room, in their order; None is room without end.

    The grant that crosses the cap is cut to what is left (F6, F9); later ones keep nothing.
    """
    fitted: list[FrozenGrant] = []
    for grant in grants:
        points = grant.points if room_points is None else min(grant.points, room_points)
        fitted.append(replace(grant, points=points))
        room_points = None if room_points is None else room_points - points
    return tuple(fitted)
