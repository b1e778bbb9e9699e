"""Seats of levels by invitation: counted with publications, freed by the clock, then offered on."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime

from laurel_kit import outbox
from laurel_kit.database import Connection
from laurel_kit.ids import new_id
from laurel_kit.programs.registry import Revision
from laurel_kit.timers import Timer

from laurel_scoring.domain.errors import (
    LevelNotByInvitation,
    LevelNotFound,
    ModelNotFound,
    TiersNotDeclared,
)
from laurel_scoring.domain.invitations import (
    Invitation,
    InvitationState,
    LevelKey,
    Seats,
    invited_level,
    offer,
    reassess,
    seats_allowed,
)
from laurel_scoring.domain.models import Level, ScoringProgram
from laurel_scoring.domain.settlements import Settlement
from laurel_scoring.domain.tiers import Cause, TierChange
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import model_of
from laurel_scoring.handlers.tiers import Stage, read_stage
from laurel_scoring.storage.invitations import (
    count_members,
    count_seated,
    find_standing,
    lock_seats,
    next_waiting,
    place_candidates,
    update_invitation,
)
from laurel_scoring.storage.settlements import find_scores
from laurel_scoring.storage.tiers import TOPIC, insert_change, open_book, read_holdings

INVITATION_DUE = "tier_invitation_due"
"""The kind of the timer of an invitation: an offer lapses, a term ends."""

INVITATIONS = "invitation"
"""The topic of events about invitations."""


async def open_seats(
    connection: Connection,
    settlement: Settlement,
    revision: Revision[ScoringProgram],
    members: int,
    resources: Resources,
) -> None:
    """Count the seats of a model's levels anew, and offer those that are free to who waits.

    In the transaction that ends a settlement, of the latest month only.
    """
    program_id, model_id = settlement.key.program_id, settlement.key.model_id
    levels = [level for level in model_of(revision, model_id).levels if level.one_in]
    tiers = revision.model.tier_policy(model_id) is not None
    if not levels or not tiers or not await open_book(connection, settlement):
        return
    for level in levels:
        key = LevelKey(program_id=program_id, model_id=model_id, level_id=level.level_id)
        await count_members(connection, key, members)
        await place_candidates(connection, settlement.key, level)
        await offer_free_seats(connection, key, level, resources)


async def count_seats(connection: Connection, key: LevelKey, level: Level) -> Seats:
    """The seats of a level; nobody else offers or frees one until the transaction ends."""
    allowed = seats_allowed(await lock_seats(connection, key), level.one_in)
    return Seats(allowed=allowed, taken=await count_seated(connection, key))


async def offer_free_seats(
    connection: Connection, key: LevelKey, level: Level, resources: Resources
) -> None:
    """Offer every free seat to the first of those who wait and have the score."""
    seats = await count_seats(connection, key, level)
    now = resources.clock.now()
    for member_id, waiting in await next_waiting(connection, key, limit=seats.free):
        offered = offer(waiting, now + resources.tier_invitation_lifetime)
        await update_invitation(connection, key, member_id, offered)
        await set_timer(connection, key, member_id, offered, resources)
        await tell_invitation(connection, key, member_id, offered, now)


async def invitation_due(connection: Connection, timer: Timer, *, resources: Resources) -> None:
    """Let an offer lapse that nobody answered, or look again at a term that is over.

    Where the program has no such level any longer there is nothing to offer on.
    """
    key = LevelKey(
        program_id=timer.program_id,
        model_id=timer.payload["model_id"],
        level_id=timer.payload["level_id"],
    )
    try:
        stage = await read_stage(connection, key.program_id, key.model_id, resources)
        level = invited_level(stage.model, key.level_id)
    except (ModelNotFound, TiersNotDeclared, LevelNotFound, LevelNotByInvitation):
        return
    seats = await count_seats(connection, key, level)
    standing = await find_standing(connection, key, timer.member_id)
    if standing is None:
        return
    if standing.state is InvitationState.OFFERED:
        lapsed = replace(standing, state=InvitationState.LAPSED)
        await update_invitation(connection, key, timer.member_id, lapsed)
        await tell_invitation(connection, key, timer.member_id, lapsed, stage.now)
    else:
        ended = await end_term(connection, stage, level, timer.member_id, standing, seats=seats)
        await set_timer(connection, key, timer.member_id, ended, resources)
    await offer_free_seats(connection, key, level, resources)


async def end_term(
    connection: Connection,
    stage: Stage,
    level: Level,
    member_id: str,
    standing: Invitation,
    *,
    seats: Seats,
) -> Invitation:
    """Give a seat for another term, or take it back."""
    program_id, model_id = stage.revision.program_id, stage.model.model_id
    key = LevelKey(program_id=program_id, model_id=model_id, level_id=level.level_id)
    found = await find_scores(connection, program_id, [member_id], model_id, by=stage.now)
    published = found.get(member_id)
    after = reassess(
        standing,
        value=published.value if published else 0,
        level=level,
        seats=seats,
        now=stage.now,
        zone=stage.revision.time_zone,
    )
    await update_invitation(connection, key, member_id, after)
    ended = after.state is InvitationState.ENDED
    cause = Cause.INVITATION_ENDED if ended else Cause.INVITATION_RENEWED
    await tell_change(connection, stage, member_id, after, cause)
    return after


async def set_timer(
    connection: Connection,
    key: LevelKey,
    member_id: str,
    invitation: Invitation,
    resources: Resources,
) -> None:
    """Have an invitation looked at when its offer lapses or its term ends."""
    offered = invitation.state is InvitationState.OFFERED
    due = invitation.answer_until_time if offered else invitation.until_time
    if due is None or invitation.state not in {InvitationState.OFFERED, InvitationState.ACCEPTED}:
        return
    await resources.timers.schedule(
        connection,
        kind=INVITATION_DUE,
        key=f"{key.model_id}/{key.level_id}",
        due_time=due,
        program_id=key.program_id,
        member_id=member_id,
        payload={"model_id": key.model_id, "level_id": key.level_id},
    )


async def cancel_timer(
    connection: Connection, key: LevelKey, member_id: str, resources: Resources
) -> None:
    """An offer that was answered does not lapse."""
    await resources.timers.cancel(
        connection,
        kind=INVITATION_DUE,
        key=f"{key.model_id}/{key.level_id}",
        program_id=key.program_id,
        member_id=member_id,
    )


async def tell_invitation(
    connection: Connection, key: LevelKey, member_id: str, invitation: Invitation, now: datetime
) -> None:
    """Tell what has become of an invitation."""
    await outbox.append(
        connection,
        topic=INVITATIONS,
        program_id=key.program_id,
        key=member_id,
        payload={"model_id": key.model_id, **asdict(invitation)},
        create_time=now,
    )


async def tell_change(
    connection: Connection, stage: Stage, member_id: str, invitation: Invitation, cause: Cause
) -> None:
    """Keep the change of a tier that an invitation makes, and tell of it."""
    program_id, model_id = stage.revision.program_id, stage.model.model_id
    holdings = await read_holdings(connection, program_id, model_id, [member_id], stage.ladder)
    held = stage.ladder.level(holdings[member_id].position).level_id
    ended = invitation.state is InvitationState.ENDED
    change = TierChange(
        program_id=program_id,
        member_id=member_id,
        model_id=model_id,
        change_id=new_id(),
        change_time=stage.now,
        cause=cause,
        from_level_id=held if cause is Cause.INVITATION_ACCEPTED else invitation.level_id,
        to_level_id=held if ended else invitation.level_id,
        since_time=stage.now,
        until_time=holdings[member_id].sure_until if ended else invitation.until_time,
        grace_until_time=None,
        month=None,
        run=None,
        value=None,
        revision_id=stage.revision.revision_id,
        reason="",
        made_by="",
    )
    await insert_change(connection, change)
    await outbox.append(
        connection,
        topic=TOPIC,
        program_id=program_id,
        key=member_id,
        payload=asdict(change),
        create_time=stage.now,
    )
