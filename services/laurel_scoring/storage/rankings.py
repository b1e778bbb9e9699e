"""Rankings under way: what is valued so far, and the places once everybody is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_scoring.domain.models import Level
from laurel_scoring.domain.ranks import Rank, Standing
from laurel_scoring.domain.settlements import Settlement, SettlementKey
from laurel_scoring.storage.courses import Published

OPEN = text("""
    insert into ranking (program_id, model_id, month, run, last_member_id, is_gathered)
    values (:program_id, :model_id, :month, :run, '', false)
    on conflict (program_id, model_id, month, run) do nothing
""")

READ = text("""
    select last_member_id, is_gathered
    from ranking
    where program_id = :program_id and model_id = :model_id and month = :month and run = :run
""")

RECORD = text("""
    update ranking
    set last_member_id = :last_member_id, is_gathered = :is_gathered
    where program_id = :program_id and model_id = :model_id and month = :month and run = :run
""")

INSERT = text("""
    insert into ranking_entry (
        program_id, model_id, month, run, member_id, value, reached_time, member_version
    )
    select :program_id, :model_id, :month, :run, entry.*
    from unnest(
        cast(:member_ids as text[]), cast(:points as bigint[]),
        cast(:reached_times as timestamptz[]), cast(:member_versions as bigint[])
    ) as entry
""")

# The order of `laurel_scoring.domain.ranks.order`, over all members at once.
TAKE_PLACES = text("""
    update ranking_entry
    set place = ranked.place
    from (
        select member_id, row_number() over (order by value desc, reached_time, member_id) as place
        from ranking_entry
        where program_id = :program_id and model_id = :model_id and month = :month and run = :run
            and value > 0
        order by value desc, reached_time, member_id
        limit :places
    ) as ranked
    where ranking_entry.program_id = :program_id and ranking_entry.model_id = :model_id
        and ranking_entry.month = :month and ranking_entry.run = :run
        and ranking_entry.member_id = ranked.member_id
""")

INSERT_COURSES = text("""
    insert into ranking_entry (
        program_id, model_id, month, run, member_id, value, reached_time, member_version
    )
    select :program_id, :model_id, :month, :run, member_id, scores[1], reached_times[1],
        member_version
    from score_course
    where program_id = :program_id and model_id = :model_id and plan = :digest
        and member_id > :after_member_id and member_id <= :last_member_id
""")

# The order of levels is that of `laurel_scoring.domain.ranks.level_at`.
PUBLISH_ENTRIES = text("""
    with entry as materialized (
        select member_id, value, member_version, coalesce(
                (
                    select ranks.level_id
                    from unnest(
                        cast(:rank_ids as text[]), cast(:last_places as bigint[]),
                        cast(:rank_scores as bigint[])
                    ) with ordinality as ranks (level_id, last_place, from_score, number)
                    where ranking_entry.place <= ranks.last_place
                        and ranking_entry.value >= ranks.from_score
                    order by ranks.number
                    limit 1
                ),
                (cast(:level_ids as text[]))[
                    width_bucket(value, cast(:level_scores as bigint[]))
                ]
            ) as level_id
        from ranking_entry
        where program_id = :program_id and model_id = :model_id and month = :month and run = :run
            and member_id > :after_member_id
        order by member_id
        limit :most
    ), published as (
        insert into published_score (
            program_id, member_id, model_id, month, run, value, level_id, due_time, publish_time,
            revision_id, revision_time, member_version, correction_reason
        )
        select :program_id, entry.member_id, :model_id, :month, :run, entry.value, entry.level_id,
            :due_time, :publish_time, :revision_id, :revision_time, entry.member_version,
            :correction_reason
        from entry
        where :run = 1 or not exists (
            select
            from (
                select earlier.value, earlier.level_id
                from published_score as earlier
                where earlier.program_id = :program_id and earlier.member_id = entry.member_id
                    and earlier.model_id = :model_id and earlier.month = :month
                order by earlier.run desc
                limit 1
            ) as latest
            where latest.value = entry.value and latest.level_id = entry.level_id
        )
        returning 1
    )
    select max(member_id) as last_member_id, count(*) as members,
        (select count(*) from published) as scores
    from entry
""")

END_ENTRIES = text("""
    delete from ranking_entry
    where program_id = :program_id and model_id = :model_id and month = :month and run = :run
""")

END = text("""
    delete from ranking
    where program_id = :program_id and model_id = :model_id and month = :month and run = :run
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """How far a ranking is: the members up to one are valued, or all of them have their places."""

    last_member_id: str
    is_gathered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A valued member, with its place once everybody is; None is after all that matter."""

    standing: Standing
    member_version: int
    place: int | None


def key_values(key: SettlementKey) -> dict[str, Any]:
    """The key of a settlement by the names of its columns."""
    return {
        "program_id": key.program_id,
        "model_id": key.model_id,
        "month": key.month,
        "run": key.run,
    }


async def open_ranking(connection: AsyncConnection, key: SettlementKey) -> Ranking:
    """The ranking of a locked settlement, begun now if it was not."""
    await connection.execute(OPEN, key_values(key))
    row = (await connection.execute(READ, key_values(key))).one()
    return Ranking(last_member_id=row.last_member_id, is_gathered=row.is_gathered)


async def record_gathering(
    connection: AsyncConnection, key: SettlementKey, *, last_member_id: str, is_gathered: bool
) -> None:
    """Record how far a ranking is."""
    progress = {"last_member_id": last_member_id, "is_gathered": is_gathered}
    await connection.execute(RECORD, {**key_values(key), **progress})


async def insert_entries(
    connection: AsyncConnection, key: SettlementKey, entries: Iterable[Entry]
) -> None:
    """Keep members as they were valued."""
    rows = list(entries)
    columns = {
        "member_ids": [each.standing.member_id for each in rows],
        "points": [each.standing.value for each in rows],
        "reached_times": [each.standing.reached_time for each in rows],
        "member_versions": [each.member_version for each in rows],
    }
    await connection.execute(INSERT, {**key_values(key), **columns})


async def take_places(connection: AsyncConnection, key: SettlementKey, *, places: int) -> None:
    """Give the first members their places (K5); who has a score of zero gets none (K6)."""
    await connection.execute(TAKE_PLACES, {**key_values(key), "places": places})


async def insert_courses(
    connection: AsyncConnection,
    key: SettlementKey,
    *,
    digest: bytes,
    after_member_id: str,
    last_member_id: str,
) -> int:
    """Keep the members after one and up to another as their courses value them; how many."""
    stretch = {
        "digest": digest,
        "after_member_id": after_member_id,
        "last_member_id": last_member_id,
    }
    rows = await connection.execute(INSERT_COURSES, {**key_values(key), **stretch})
    return rows.rowcount


async def publish_entries(
    connection: AsyncConnection,
    settlement: Settlement,
    ranks: Sequence[Rank],
    levels: Sequence[Level],
    *,
    limit: int,
) -> Published | None:
    """Publish the next members with the levels of their places; None without any left.

    `levels` are those by score, for who has no place. A correction publishes only what differs from
    the latest run of the month.
    """
    values = {
        **key_values(settlement.key),
        "rank_ids": [each.level.level_id for each in ranks],
        "last_places": [each.last_place for each in ranks],
        "rank_scores": [each.level.from_score for each in ranks],
        "level_ids": [each.level_id for each in levels],
        "level_scores": [each.from_score for each in levels],
        "after_member_id": settlement.last_member_id,
        "most": limit,
        "due_time": settlement.due_time,
        "publish_time": settlement.start_time,
        "revision_id": settlement.revision_id,
        "revision_time": settlement.revision_time,
        "correction_reason": settlement.correction_reason,
    }
    row = (await connection.execute(PUBLISH_ENTRIES, values)).one()
    if not row.members:
        return None
    return Published(last_member_id=row.last_member_id, members=row.members, scores=row.scores)


async def end_ranking(connection: AsyncConnection, key: SettlementKey) -> None:
    """Forget a ranking whose scores are published."""
    await connection.execute(END_ENTRIES, key_values(key))
    await connection.execute(END, key_values(key))
