"""Medals that members hold: changed by set, with an event for each change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_scoring.domain.medals import Progress
from laurel_scoring.storage.medal_tables import MEMBER_MEDAL

TOPIC = "medal"
"""Of the events in the outbox: a medal was earned or lost; the key is the member."""

AWARD = text("""
    with reached as (
        select *
        from unnest(
            cast(:member_ids as text[]), cast(:medal_ids as text[]), cast(:levels as integer[])
        ) as progress (member_id, medal_id, level)
    ),
    held as (
        select member_id, medal_id, level
        from member_medal
        where program_id = :program_id and member_id = any(cast(:all_member_ids as text[]))
    ),
    moved as (
        select coalesce(reached.member_id, held.member_id) as member_id,
            coalesce(reached.medal_id, held.medal_id) as medal_id,
            coalesce(held.level, 0) as from_level, coalesce(reached.level, 0) as to_level
        from reached
        full join held
            on held.member_id = reached.member_id and held.medal_id = reached.medal_id
        where coalesce(held.level, 0) <> coalesce(reached.level, 0)
    ),
    lost as (
        delete from member_medal
        using moved
        where member_medal.program_id = :program_id
            and member_medal.member_id = moved.member_id
            and member_medal.medal_id = moved.medal_id
            and moved.to_level = 0
    ),
    awarded as (
        insert into member_medal (program_id, member_id, medal_id, level, since_time)
        select cast(:program_id as text), member_id, medal_id, to_level,
            cast(:now as timestamptz)
        from moved
        where to_level > 0
        on conflict (program_id, member_id, medal_id) do update
        set level = excluded.level, since_time = excluded.since_time
    ),
    changed as (
        insert into medal_change (
            program_id, member_id, medal_id, change_id, change_time, from_level, to_level,
            revision_id
        )
        select cast(:program_id as text), member_id, medal_id, uuidv7(),
            cast(:now as timestamptz), from_level, to_level, cast(:revision_id as text)
        from moved
        returning *
    )
    insert into outbox (program_id, topic, event_id, key, payload, create_time)
    select program_id, cast(:topic as text), change_id, member_id,
        to_jsonb(changed) - array['program_id', 'member_id', 'change_id'], change_time
    from changed
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMedal:
    """A level of a medal that a member holds."""

    level: int
    since_time: datetime


async def award_medals(
    connection: AsyncConnection,
    program_id: str,
    revision_id: str,
    progress: Mapping[str, Sequence[Progress]],
    *,
    now: datetime,
) -> None:
    """Let members hold what they have reached, and nothing else; tell of every change."""
    reached = [(member_id, each) for member_id, of in progress.items() for each in of if each.level]
    await connection.execute(
        AWARD,
        {
            "program_id": program_id,
            "revision_id": revision_id,
            "all_member_ids": list(progress),
            "member_ids": [member_id for member_id, _ in reached],
            "medal_ids": [each.medal.medal_id for _, each in reached],
            "levels": [each.level for _, each in reached],
            "now": now,
            "topic": TOPIC,
        },
    )


async def read_medals(
    connection: AsyncConnection, program_id: str, member_id: str
) -> dict[str, HeldMedal]:
    """The medals that a member holds."""
    query = select(MEMBER_MEDAL).where(
        MEMBER_MEDAL.c.program_id == program_id, MEMBER_MEDAL.c.member_id == member_id
    )
    rows = await connection.execute(query)
    return {row.medal_id: HeldMedal(level=row.level, since_time=row.since_time) for row in rows}
