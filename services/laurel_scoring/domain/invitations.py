"""Levels by invitation: fewer seats than the ratio allows, offers that lapse, a list of who waits.

The seats are strictly below one in so many members (I17, Q12b), counted with each publication.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from zoneinfo import ZoneInfo

from laurel_kit.calendar import add_months_to

from laurel_scoring.domain.errors import (
    AlreadyInvited,
    InvitationNotFound,
    LevelNotByInvitation,
    LevelNotFound,
    ScoreBelowLevel,
    TierFull,
)
from laurel_scoring.domain.models import Level, ScoreModel


class InvitationState(Enum):
    """How far an invitation is."""

    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    LAPSED = "lapsed"
    ENDED = "ended"


SEATED = (InvitationState.OFFERED, InvitationState.ACCEPTED)
"""An offer keeps its seat until it is answered or lapses."""
STANDING = (InvitationState.WAITING, *SEATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A member's way to a level by invitation."""

    invitation_id: str
    level_id: str
    state: InvitationState
    create_time: datetime
    answer_until_time: datetime | None
    """Until when an offer can be accepted; None while it waits."""
    accept_time: datetime | None
    until_time: datetime | None
    """The end of the term; None before it is accepted, and for a level without terms."""

    def holds(self, instant: datetime) -> bool:
        """Whether it gives the level at an instant."""
        accepted = self.state is InvitationState.ACCEPTED
        return accepted and (self.until_time is None or instant < self.until_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """The seats of a level: how many there may be, and how many are taken."""

    allowed: int
    taken: int

    @property
    def free(self) -> int:
        """How many members can be offered one."""
        return max(0, self.allowed - self.taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A member whose published score reaches the level, at its place."""

    place: int
    member_id: str
    value: int
    reach_month: date
    """The first month in which the member had at least this score."""
    state: InvitationState | None
    """Of its invitation; None without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelKey:
    """A level by invitation."""

    program_id: str
    model_id: str
    level_id: str

    def values(self) -> dict[str, str]:
        """The columns that name it."""
        return {
            "program_id": self.program_id,
            "model_id": self.model_id,
            "level_id": self.level_id,
        }


def seats_allowed(members: int, one_in: int) -> int:
    """The most seats that are strictly fewer than one in so many members (I17)."""
    assert one_in > 0, "a level by invitation has a ratio"
    return max(0, (members - 1) // one_in)


def invited_level(model: ScoreModel, level_id: str) -> Level:
    """A level by invitation. Raises LevelNotFound and LevelNotByInvitation."""
    level = next((each for each in model.levels if each.level_id == level_id), None)
    if level is None:
        raise LevelNotFound(model_id=model.model_id, level_id=level_id)
    if not level.one_in:
        raise LevelNotByInvitation(level_id=level_id)
    return level


def decide_invitation(
    invitation_id: str,
    *,
    level: Level,
    value: int,
    standing: Invitation | None,
    seats: Seats,
    waits: bool,
    now: datetime,
    answer_until: datetime,
) -> Invitation:
    """Offer a seat to a member, or have it wait for one.

    Raises AlreadyInvited, ScoreBelowLevel, TierFull.
    """
    if standing is not None:
        raise AlreadyInvited(level_id=level.level_id, state=standing.state.value)
    if value < level.from_score:
        raise ScoreBelowLevel(level_id=level.level_id, value=value, required=level.from_score)
    if not seats.free and not waits:
        raise TierFull(level_id=level.level_id, seats=seats.allowed, taken=seats.taken)
    fresh = Invitation(
        invitation_id=invitation_id,
        level_id=level.level_id,
        state=InvitationState.WAITING,
        create_time=now,
        answer_until_time=None,
        accept_time=None,
        until_time=None,
    )
    return offer(fresh, answer_until) if seats.free else fresh


def offer(waiting: Invitation, answer_until: datetime) -> Invitation:
    """A seat is kept for a member until it answers."""
    return replace(waiting, state=InvitationState.OFFERED, answer_until_time=answer_until)


def decide_acceptance(
    standing: Invitation | None, *, level: Level, now: datetime, zone: ZoneInfo
) -> Invitation:
    """Take the seat that is offered, for a term. Raises InvitationNotFound."""
    open_offer = (
        standing is not None
        and standing.state is InvitationState.OFFERED
        and standing.answer_until_time is not None
        and now < standing.answer_until_time
    )
    if standing is None or not open_offer:
        raise InvitationNotFound(level_id=level.level_id)
    return accepted(standing, level=level, now=now, zone=zone)


def accepted(invitation: Invitation, *, level: Level, now: datetime, zone: ZoneInfo) -> Invitation:
    """The level is held from now on, for a term where it has terms (I18)."""
    months = level.term_months
    return replace(
        invitation,
        state=InvitationState.ACCEPTED,
        answer_until_time=None,
        accept_time=now,
        until_time=add_months_to(now, months, zone) if months else None,
    )


def reassess(
    invitation: Invitation, *, value: int, level: Level, seats: Seats, now: datetime, zone: ZoneInfo
) -> Invitation:
    """What becomes of a seat at the end of its term (I18).

    Who still has the score keeps it for another term, unless there are more seats than allowed now.
    """
    if value >= level.from_score and seats.taken <= seats.allowed:
        return accepted(invitation, level=level, now=now, zone=zone)
    return replace(invitation, state=InvitationState.ENDED)
