"""OverrideTier, and the end of an override by itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime

from laurel_kit import outbox, requests
from laurel_kit.access import current_caller
from laurel_kit.database import Connection
from laurel_kit.ids import new_id
from laurel_kit.timers import Timer

from laurel_scoring.domain.errors import ModelNotFound, TiersNotDeclared
from laurel_scoring.domain.models import Level
from laurel_scoring.domain.tiers import Cause, Override, TierChange, decide_override
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.tiers import Stage, read_stage
from laurel_scoring.storage.tiers import (
    TOPIC,
    insert_change,
    insert_override,
    read_holdings,
    read_overrides,
)

METHOD = "OverrideTier"
OVERRIDE_END = "tier_override_end"
"""The kind of the timer that ends an override."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideTier:
    """Lay a level over a tier, or lift what lies there."""

    request_id: str
    fingerprint: bytes
    program_id: str
    member_id: str
    model_id: str
    level_id: str
    end_time: datetime | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverriddenTier:
    """The answer to a request, kept for its repeats."""

    override: Override
    level: Level | None
    replayed: bool


async def override_tier(command: OverrideTier, *, resources: Resources) -> OverriddenTier:
    """Override a tier in the name of the caller; a repeat gets the first answer.

    Raises ProgramNotFound, ModelNotFound, TiersNotDeclared, LevelNotFound, OverrideEndInvalid,
    OverrideNotFound, RequestIdReused.
    """
    caller = current_caller()
    assert caller is not None, "overrides are made in calls"

    async def work(connection: Connection) -> OverriddenTier:
        earlier = await requests.earlier(
            connection,
            program_id=command.program_id,
            member_id=command.member_id,
            request_id=command.request_id,
            method=METHOD,
            fingerprint=command.fingerprint,
            answer=OverriddenTier,
        )
        if earlier:
            return replace(earlier, replayed=True)
        answer = await override(connection, command, caller.subject, resources)
        await requests.remember(
            connection,
            program_id=command.program_id,
            member_id=command.member_id,
            request_id=command.request_id,
            method=METHOD,
            fingerprint=command.fingerprint,
            answer=answer,
        )
        return answer

    return await resources.database.transact(work)


async def override(
    connection: Connection, command: OverrideTier, made_by: str, resources: Resources
) -> OverriddenTier:
    """Decide on an override and record it, with its change and the timer of its end."""
    stage = await read_stage(connection, command.program_id, command.model_id, resources)
    standing = await latest_override(connection, command, stage)
    end_time = decide_override(
        command.level_id,
        command.end_time,
        standing=standing,
        ladder=stage.ladder,
        now=stage.now,
        lifetime_max=resources.tier_override_lifetime_max,
    )
    made = Override(
        override_id=new_id(),
        level_id=command.level_id,
        reason=command.reason,
        made_by=made_by,
        start_time=stage.now,
        end_time=end_time,
    )
    await insert_override(connection, command.program_id, command.model_id, command.member_id, made)
    await tell(connection, stage, command.member_id, standing, made)
    await set_timer(connection, command, made, resources)
    level = stage.ladder.level(stage.ladder.place_of(made.level_id)) if made.level_id else None
    return OverriddenTier(override=made, level=level, replayed=False)


async def latest_override(
    connection: Connection, command: OverrideTier, stage: Stage
) -> Override | None:
    """The override of the member that was made last."""
    found = await read_overrides(
        connection, command.program_id, command.model_id, [command.member_id], instant=stage.now
    )
    return found.get(command.member_id)


async def set_timer(
    connection: Connection, command: OverrideTier, made: Override, resources: Resources
) -> None:
    """Have the override ended at its time; one that is laid over another replaces its timer."""
    if made.level_id:
        await resources.timers.schedule(
            connection,
            kind=OVERRIDE_END,
            key=command.model_id,
            due_time=made.end_time,
            program_id=command.program_id,
            member_id=command.member_id,
            payload={"override_id": made.override_id},
        )
    else:
        await resources.timers.cancel(
            connection,
            kind=OVERRIDE_END,
            key=command.model_id,
            program_id=command.program_id,
            member_id=command.member_id,
        )


async def end_override(connection: Connection, timer: Timer, *, resources: Resources) -> None:
    """Tell that an override is over; for who asks it was over with its end time already.

    Where the program has no tiers by the model any longer there is nobody to be told.
    """
    try:
        stage = await read_stage(connection, timer.program_id, timer.key, resources)
    except (ModelNotFound, TiersNotDeclared):
        return
    found = await read_overrides(
        connection, timer.program_id, timer.key, [timer.member_id], instant=stage.now
    )
    ended = found.get(timer.member_id)
    assert ended is not None, "an override sets the timer of its end"
    await tell(connection, stage, timer.member_id, ended, None)


async def tell(
    connection: Connection,
    stage: Stage,
    member_id: str,
    earlier: Override | None,
    made: Override | None,
) -> None:
    """Keep the change that an override makes, or that the end of one makes, and tell of it."""
    program_id, model_id = stage.revision.program_id, stage.model.model_id
    holdings = await read_holdings(connection, program_id, model_id, [member_id], stage.ladder)
    held = holdings[member_id]
    held_level_id = stage.ladder.level(held.position).level_id
    laid = made is not None and bool(made.level_id)
    before = earlier.level_id if earlier and (earlier.holds(stage.now) or made is None) else ""
    change = TierChange(
        program_id=program_id,
        member_id=member_id,
        model_id=model_id,
        change_id=new_id(),
        change_time=stage.now,
        cause=Cause.OVERRIDDEN if laid else Cause.OVERRIDE_ENDED,
        from_level_id=before or held_level_id,
        to_level_id=made.level_id if made and laid else held_level_id,
        since_time=stage.now,
        until_time=made.end_time if made and laid else held.sure_until,
        grace_until_time=None if laid else held.grace_until_time,
        month=None,
        run=None,
        value=None,
        revision_id=stage.revision.revision_id,
        reason=made.reason if made else "",
        made_by=made.made_by if made else "",
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
