"""Tiers: moved by publications a population at a time, read a few members at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_scoring.domain.settlements import Settlement
from laurel_scoring.domain.tier_policies import Fall
from laurel_scoring.domain.tiers import (
    NOTHING_HELD,
    Cause,
    Holding,
    Ladder,
    Override,
    TierChange,
)
from laurel_scoring.storage.tier_tables import TIER_CHANGE, TIER_OVERRIDE

TOPIC = "tier"
"""Of the events in the outbox: a tier changed; the key is the member."""

OPEN_BOOK = text("""
    insert into tier_book (program_id, model_id, latest_month)
    values (:program_id, :model_id, :month)
    on conflict (program_id, model_id) do update
    set latest_month = greatest(tier_book.latest_month, excluded.latest_month)
    returning latest_month
""")

# The rule is `decide_move` of the domain: `judged` finds the cause in its order of precedence,
# `moved` what is held then. Members who never left the lowest level have no row and need none.
MOVE = text("""
    with asked as (
        select cast(:program_id as text) as program_id, cast(:model_id as text) as model_id,
            cast(:month as date) as month, cast(:run as integer) as run,
            cast(:due_time as timestamptz) as due_time,
            cast(:publish_time as timestamptz) as publish_time,
            cast(:grace_end as timestamptz) as grace_end,
            cast(:graced as boolean) as graced,
            cast(:one_level_down as boolean) as one_level_down,
            cast(:falls_within_term as boolean) as falls_within_term,
            cast(:revision_id as text) as revision_id,
            cast(:correction_reason as text) as correction_reason
    ),
    ladder as (
        select *
        from unnest(
            cast(:level_ids as text[]), cast(:positions as integer[]),
            cast(:term_ends as timestamptz[])
        ) as level (level_id, position, term_end)
    ),
    met as (
        select score.member_id, score.value, reached.position as reached,
            coalesce(tier.level_id, cast(:lowest_level_id as text)) as held_level_id,
            -- A level that the model has no longer counts as the lowest.
            coalesce(held.position, 1) as held,
            tier.since_time, tier.until_time, tier.grace_until_time, tier.month
        from published_score as score
        join ladder as reached on reached.level_id = score.level_id
        left join tier
            on tier.program_id = score.program_id
            and tier.member_id = score.member_id
            and tier.model_id = score.model_id
        left join ladder as held on held.level_id = tier.level_id
        where score.program_id = :program_id
            and score.model_id = :model_id
            and score.month = cast(:month as date)
            and score.run = cast(:run as integer)
            and score.member_id > :after_member_id
            and score.member_id <= :last_member_id
    ),
    judged as (
        select met.*,
            case
                when reached > held then 'reached'
                when reached = held and until_time <= asked.due_time then 'renewed'
                when reached = held and grace_until_time is not null then 'recovered'
                when reached = held then null
                when asked.run > 1 and met.month = asked.month then 'corrected'
                when until_time > asked.due_time and not asked.falls_within_term then null
                when asked.graced and grace_until_time is null then 'grace_began'
                when grace_until_time > asked.due_time then null
                else 'fell'
            end as cause
        from met
        cross join asked
    ),
    placed as (
        select judged.*,
            cause in ('reached', 'fell', 'corrected') as begun,
            case
                when cause = 'fell' and asked.one_level_down then held - 1
                when cause in ('reached', 'fell', 'corrected') then reached
                else held
            end as position
        from judged
        cross join asked
        where cause is not null
    ),
    moved as (
        select placed.member_id, placed.value, placed.cause, placed.held_level_id,
            ladder.level_id,
            case when begun then asked.due_time else since_time end as since_time,
            case when begun or cause = 'renewed' then term_end else until_time end as until_time,
            case when cause = 'grace_began' then asked.grace_end end as grace_until_time,
            case when begun or cause = 'renewed' then asked.month else placed.month end as month
        from placed
        cross join asked
        join ladder on ladder.position = placed.position
    ),
    held as (
        insert into tier (
            program_id, member_id, model_id, level_id, since_time, until_time, grace_until_time,
            month
        )
        select asked.program_id, member_id, asked.model_id, level_id, since_time, until_time,
            grace_until_time, moved.month
        from moved
        cross join asked
        on conflict (program_id, member_id, model_id) do update
        set level_id = excluded.level_id, since_time = excluded.since_time,
            until_time = excluded.until_time, grace_until_time = excluded.grace_until_time,
            month = excluded.month
    ),
    changed as (
        insert into tier_change (
            program_id, member_id, model_id, change_id, change_time, cause, from_level_id,
            to_level_id, since_time, until_time, grace_until_time, month, run, value, revision_id,
            reason, made_by
        )
        select asked.program_id, member_id, asked.model_id, uuidv7(), asked.publish_time, cause,
            held_level_id, level_id, since_time, until_time, grace_until_time, asked.month,
            asked.run, value, asked.revision_id, asked.correction_reason, ''
        from moved
        cross join asked
        returning *
    )
    insert into outbox (program_id, topic, event_id, key, payload, create_time)
    select program_id, cast(:topic as text), change_id, member_id,
        to_jsonb(changed) - array['program_id', 'member_id', 'change_id'], change_time
    from changed
""")

STANDINGS = text("""
    select asked.member_id, tier.level_id, tier.since_time, tier.until_time,
        tier.grace_until_time, tier.month
    from unnest(cast(:member_ids as text[])) as asked (member_id)
    left join tier
        on tier.program_id = :program_id
        and tier.member_id = asked.member_id
        and tier.model_id = :model_id
""")

OVERRIDES = text("""
    select laid.*
    from unnest(cast(:member_ids as text[])) as asked (member_id)
    cross join lateral (
        select tier_override.*
        from tier_override
        where program_id = :program_id
            and tier_override.member_id = asked.member_id
            and model_id = :model_id
            and start_time <= :instant
        order by start_time desc, override_id desc
        limit 1
    ) as laid
""")


async def open_book(connection: AsyncConnection, settlement: Settlement) -> bool:
    """Lock the tiers of a model for its next publications; false when a later month moved them."""
    key = settlement.key
    values = {"program_id": key.program_id, "model_id": key.model_id, "month": key.month}
    latest = (await connection.execute(OPEN_BOOK, values)).scalar_one()
    return bool(latest == key.month)


async def move_members(
    connection: AsyncConnection,
    settlement: Settlement,
    ladder: Ladder,
    *,
    after_member_id: str,
    last_member_id: str,
) -> None:
    """Move the tiers of members whose scores this transaction published, and tell of it."""
    key, due = settlement.key, settlement.due_time
    await connection.execute(
        MOVE,
        {
            "program_id": key.program_id,
            "model_id": key.model_id,
            "month": key.month,
            "run": key.run,
            "after_member_id": after_member_id,
            "last_member_id": last_member_id,
            "level_ids": [level.level_id for level in ladder.levels],
            "positions": [level.position for level in ladder.levels],
            "term_ends": [ladder.term_end(level.position, due) for level in ladder.levels],
            "lowest_level_id": ladder.levels[0].level_id,
            "due_time": due,
            "publish_time": settlement.start_time,
            "grace_end": ladder.grace_end(due),
            "graced": ladder.policy.grace_days > 0,
            "one_level_down": ladder.policy.fall is Fall.ONE_LEVEL_DOWN,
            "falls_within_term": ladder.policy.falls_within_term,
            "revision_id": settlement.revision_id,
            "correction_reason": settlement.correction_reason,
            "topic": TOPIC,
        },
    )


async def read_holdings(
    connection: AsyncConnection,
    program_id: str,
    model_id: str,
    member_ids: Iterable[str],
    ladder: Ladder,
) -> dict[str, Holding]:
    """What each member holds by publications."""
    values = {"program_id": program_id, "model_id": model_id, "member_ids": list(member_ids)}
    rows = await connection.execute(STANDINGS, values)
    return {row.member_id: holding_in(row, ladder) for row in rows}


async def read_overrides(
    connection: AsyncConnection,
    program_id: str,
    model_id: str,
    member_ids: Iterable[str],
    *,
    instant: datetime,
) -> dict[str, Override]:
    """The override of each member that was made last, by an instant; it may be over."""
    values = {
        "program_id": program_id,
        "model_id": model_id,
        "member_ids": list(member_ids),
        "instant": instant,
    }
    rows = await connection.execute(OVERRIDES, values)
    return {row.member_id: override_in(row) for row in rows}


async def insert_override(
    connection: AsyncConnection, program_id: str, model_id: str, member_id: str, override: Override
) -> None:
    """Lay an override over a tier."""
    await connection.execute(
        insert(TIER_OVERRIDE).values(
            program_id=program_id,
            member_id=member_id,
            model_id=model_id,
            override_id=UUID(override.override_id),
            level_id=override.level_id,
            reason=override.reason,
            made_by=override.made_by,
            start_time=override.start_time,
            end_time=override.end_time,
        )
    )


async def insert_change(connection: AsyncConnection, change: TierChange) -> None:
    """Keep a change that no publication made."""
    row = {column.name: getattr(change, column.name) for column in TIER_CHANGE.c}
    row |= {"cause": change.cause.value, "change_id": UUID(change.change_id)}
    await connection.execute(insert(TIER_CHANGE).values(row))


async def list_changes(
    connection: AsyncConnection,
    program_id: str,
    member_id: str,
    model_id: str,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[TierChange]:
    """The changes of a member's tier, the latest first; `before` is where to go on."""
    query = select(TIER_CHANGE).where(
        TIER_CHANGE.c.program_id == program_id,
        TIER_CHANGE.c.member_id == member_id,
        TIER_CHANGE.c.model_id == model_id,
    )
    if before is not None:
        place = (before[0], UUID(before[1]))
        query = query.where(tuple_(TIER_CHANGE.c.change_time, TIER_CHANGE.c.change_id) < place)
    query = query.order_by(TIER_CHANGE.c.change_time.desc(), TIER_CHANGE.c.change_id.desc())
    return [change_in(row) for row in await connection.execute(query.limit(limit))]


def holding_in(row: Row[Any], ladder: Ladder) -> Holding:
    """What a member holds; who has no row never left the lowest level."""
    if row.level_id is None:
        return NOTHING_HELD
    return Holding(
        position=ladder.place_of(row.level_id),
        since_time=row.since_time,
        until_time=row.until_time,
        grace_until_time=row.grace_until_time,
        month=row.month,
    )


def override_in(row: Row[Any]) -> Override:
    """The override in a row."""
    return Override(
        override_id=str(row.override_id),
        level_id=row.level_id,
        reason=row.reason,
        made_by=row.made_by,
        start_time=row.start_time,
        end_time=row.end_time,
    )


def change_in(row: Row[Any]) -> TierChange:
    """The change in a row."""
    values = {column.name: getattr(row, column.name) for column in TIER_CHANGE.c}
    return TierChange(**{**values, "cause": Cause(row.cause), "change_id": str(row.change_id)})
