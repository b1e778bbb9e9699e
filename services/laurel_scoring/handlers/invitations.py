"""InviteMember, AcceptInvitation and ListCandidates: levels that a score alone does not give."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit import requests
from laurel_kit.database import Connection
from laurel_kit.ids import new_id

from laurel_scoring.domain.invitations import (
    Candidate,
    Invitation,
    InvitationState,
    LevelKey,
    Seats,
    decide_acceptance,
    decide_invitation,
    invited_level,
    seats_allowed,
)
from laurel_scoring.domain.models import Level
from laurel_scoring.domain.tiers import Cause
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.seats import (
    cancel_timer,
    count_seats,
    set_timer,
    tell_change,
    tell_invitation,
)
from laurel_scoring.handlers.tiers import Stage, read_stage
from laurel_scoring.storage.invitations import (
    count_seated,
    find_members,
    find_standing,
    insert_invitation,
    update_invitation,
)
from laurel_scoring.storage.invitations import list_candidates as read_candidates
from laurel_scoring.storage.settlements import find_scores


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationCommand:
    """A member and a level by invitation."""

    request_id: str
    fingerprint: bytes
    program_id: str
    member_id: str
    model_id: str
    level_id: str
    waits: bool = False
    """Whether the member waits when no seat is free."""

    @property
    def key(self) -> LevelKey:
        """The level."""
        return LevelKey(program_id=self.program_id, model_id=self.model_id, level_id=self.level_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitedMember:
    """The answer to a request, kept for its repeats."""

    invitation: Invitation
    level: Level
    seats: Seats
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePage:
    """Candidates of a level, and its seats."""

    candidates: list[Candidate]
    seats: Seats


Decide = Callable[[Connection, Stage, Level], Awaitable[InvitedMember]]


async def invite_member(command: InvitationCommand, *, resources: Resources) -> InvitedMember:
    """Offer a seat to a member, or put it on the list of who waits; a repeat gets the first answer.

    Raises ProgramNotFound, ModelNotFound, TiersNotDeclared, LevelNotFound, LevelNotByInvitation,
    AlreadyInvited, ScoreBelowLevel, TierFull, RequestIdReused.
    """

    async def decide(connection: Connection, stage: Stage, level: Level) -> InvitedMember:
        seats = await count_seats(connection, command.key, level)
        invitation = decide_invitation(
            new_id(),
            level=level,
            value=await published_value(connection, command, stage.now),
            standing=await find_standing(connection, command.key, command.member_id),
            seats=seats,
            waits=command.waits,
            now=stage.now,
            answer_until=stage.now + resources.tier_invitation_lifetime,
        )
        await insert_invitation(connection, command.key, command.member_id, invitation)
        await set_timer(connection, command.key, command.member_id, invitation, resources)
        await tell_invitation(connection, command.key, command.member_id, invitation, stage.now)
        offered = invitation.state is InvitationState.OFFERED
        taken = seats.taken + 1 if offered else seats.taken
        return InvitedMember(invitation=invitation, level=level, seats=replace(seats, taken=taken))

    return await once(command, "InviteMember", decide, resources)


async def accept_invitation(command: InvitationCommand, *, resources: Resources) -> InvitedMember:
    """Take the seat that is offered; a repeat gets the first answer.

    Raises ProgramNotFound, ModelNotFound, TiersNotDeclared, LevelNotFound, LevelNotByInvitation,
    InvitationNotFound, RequestIdReused.
    """

    async def decide(connection: Connection, stage: Stage, level: Level) -> InvitedMember:
        seats = await count_seats(connection, command.key, level)
        invitation = decide_acceptance(
            await find_standing(connection, command.key, command.member_id),
            level=level,
            now=stage.now,
            zone=stage.revision.time_zone,
        )
        await update_invitation(connection, command.key, command.member_id, invitation)
        await cancel_timer(connection, command.key, command.member_id, resources)
        await set_timer(connection, command.key, command.member_id, invitation, resources)
        await tell_change(
            connection, stage, command.member_id, invitation, Cause.INVITATION_ACCEPTED
        )
        return InvitedMember(invitation=invitation, level=level, seats=seats)

    return await once(command, "AcceptInvitation", decide, resources)


async def once(
    command: InvitationCommand, method: str, decide: Decide, resources: Resources
) -> InvitedMember:
    """One transaction for each request id; what is decided in it is the answer to all repeats."""

    async def work(connection: Connection) -> InvitedMember:
        earlier = await requests.earlier(
            connection,
            program_id=command.program_id,
            member_id=command.member_id,
            request_id=command.request_id,
            method=method,
            fingerprint=command.fingerprint,
            answer=InvitedMember,
        )
        if earlier:
            return replace(earlier, replayed=True)
        stage = await read_stage(connection, command.program_id, command.model_id, resources)
        answer = await decide(connection, stage, invited_level(stage.model, command.level_id))
        await requests.remember(
            connection,
            program_id=command.program_id,
            member_id=command.member_id,
            request_id=command.request_id,
            method=method,
            fingerprint=command.fingerprint,
            answer=answer,
        )
        return answer

    return await resources.database.transact(work)


async def list_candidates(
    key: LevelKey, *, after: int, limit: int, resources: Resources
) -> CandidatePage:
    """The members whose last published score reaches a level by invitation, the highest first.

    Raises ProgramNotFound, ModelNotFound, TiersNotDeclared, LevelNotFound, LevelNotByInvitation.
    """
    async with resources.database.snapshot() as connection:
        stage = await read_stage(connection, key.program_id, key.model_id, resources)
        level = invited_level(stage.model, key.level_id)
        allowed = seats_allowed(await find_members(connection, key), level.one_in)
        taken = await count_seated(connection, key)
        candidates = await read_candidates(connection, key, after=after, limit=limit)
    return CandidatePage(candidates=candidates, seats=Seats(allowed=allowed, taken=taken))


async def published_value(connection: Connection, command: InvitationCommand, now: datetime) -> int:
    """The score of a member that was published last; 0 without one."""
    found = await find_scores(
        connection, command.program_id, [command.member_id], command.model_id, by=now
    )
    published = found.get(command.member_id)
    return published.value if published else 0
