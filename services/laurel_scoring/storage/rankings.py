"""Rankings under way: what is valued so far, and the places once everybody is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_scoring.domain.ranks import Standing
from laurel_scoring.domain.settlements import SettlementKey

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

READ_ENTRIES = text("""
    select member_id, value, reached_time, member_version, place
    from ranking_entry
    where program_id = :program_id and model_id = :model_id and month = :month and run = :run
        and member_id > :after_member_id
    order by member_id
    limit :most
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


async def read_entries(
    connection: AsyncConnection, key: SettlementKey, *, after_member_id: str, limit: int
) -> list[Entry]:
    """The members after one, in the order of their ids."""
    asked = {**key_values(key), "after_member_id": after_member_id, "most": limit}
    return [
        Entry(
            standing=Standing(
                member_id=row.member_id, value=row.value, reached_time=row.reached_time
            ),
            member_version=row.member_version,
            place=row.place,
        )
        for row in await connection.execute(READ_ENTRIES, asked)
    ]


async def end_ranking(connection: AsyncConnection, key: SettlementKey) -> None:
    """Forget a ranking whose scores are published."""
    await connection.execute(END_ENTRIES, key_values(key))
    await connection.execute(END, key_values(key))
