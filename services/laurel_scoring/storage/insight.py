"""What settlements say about everybody together: counted by set when they end, then only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, Table, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_scoring.domain.distributions import (
    Candidate,
    Distribution,
    LevelCount,
    Place,
)
from laurel_scoring.domain.settlements import SettlementKey
from laurel_scoring.storage.insight_tables import LEADERBOARD, LEVEL_COUNT, PERCENTILES

# The scores of a month as its runs up to one left them.
SPREAD = text("""
    with score as materialized (
        select distinct on (member_id) member_id, value, level_id
        from published_score
        where program_id = :program_id and model_id = :model_id
            and month = cast(:month as date) and run <= cast(:run as integer)
        order by member_id, run desc
    ),
    ranked as materialized (
        select value, row_number() over (order by value) as place from score
    ),
    total as (
        select count(*) as members from score
    )
    select
        array(
            select ranked.value
            from total
            cross join generate_series(0, :last_percent) as step (percent)
            -- In whole numbers: the first place by which so many percent have come.
            join ranked on ranked.place = greatest(
                (step.percent * total.members + :last_percent - 1) / :last_percent, 1
            )
            order by step.percent
        ) as scores,
        (
            select coalesce(jsonb_object_agg(level_id, array[members, value_total]), '{}')
            from (
                select level_id, count(*) as members, cast(sum(value) as bigint) as value_total
                from score
                group by level_id
            ) as counted
        ) as levels
""")

HOLDING = text("""
    select level_id, count(*) as members
    from tier
    where program_id = :program_id and model_id = :model_id
    group by level_id
""")

BEST = text("""
    with score as (
        select distinct on (member_id) member_id, value, level_id, member_version
        from published_score
        where program_id = :program_id and model_id = :model_id
            and month = cast(:month as date) and run <= cast(:run as integer)
        order by member_id, run desc
    ),
    best as (
        select member_id, value, level_id, member_version
        from score
        where value > 0
        order by value desc
        -- All that share the last place: who of them stays is decided by what follows.
        fetch first :size rows with ties
    )
    select best.member_id, best.value, best.level_id, best.member_version,
        reached.month as reach_month
    from best
    cross join lateral (
        select min(earlier.month) as month
        from published_score as earlier
        where earlier.program_id = :program_id
            and earlier.member_id = best.member_id
            and earlier.model_id = :model_id
            and earlier.month <= cast(:month as date)
            and earlier.value >= best.value
    ) as reached
    order by best.value desc, best.member_id
    limit :most
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The scores of a settlement by level and by percent."""

    levels: Mapping[str, tuple[int, int]]
    """Members and the sum of their scores."""
    percentiles: tuple[int, ...]


async def read_spread(
    connection: AsyncConnection, key: SettlementKey, *, last_percent: int
) -> Spread:
    """How the scores of a settlement are spread."""
    row = (await connection.execute(SPREAD, {**values_of(key), "last_percent": last_percent})).one()
    return Spread(
        levels={level_id: (counts[0], counts[1]) for level_id, counts in row.levels.items()},
        percentiles=tuple(row.scores),
    )


async def count_holding(connection: AsyncConnection, key: SettlementKey) -> dict[str, int]:
    """How many members hold each level; those who never left the lowest one are in no count."""
    values = {"program_id": key.program_id, "model_id": key.model_id}
    return {row.level_id: row.members for row in await connection.execute(HOLDING, values)}


async def insert_distribution(
    connection: AsyncConnection, key: SettlementKey, distribution: Distribution
) -> None:
    """Keep how members are spread."""
    of = values_of(key)
    rows = [
        {
            **of,
            "level_id": level_id,
            "members": count.members,
            "value_total": count.value_total,
            "members_holding": count.members_holding,
        }
        for level_id, count in distribution.levels.items()
    ]
    await connection.execute(insert(LEVEL_COUNT), rows)
    await connection.execute(
        insert(PERCENTILES).values(**of, scores=list(distribution.percentiles))
    )


async def read_best(
    connection: AsyncConnection, key: SettlementKey, *, size: int, most: int
) -> list[Candidate]:
    """The members with the highest scores of a settlement: `size` of them and all who share the
    score of the last one, `most` together.
    """
    asked = {**values_of(key), "size": size, "most": most}
    return [
        Candidate(
            member_id=row.member_id,
            value=row.value,
            level_id=row.level_id,
            reach_month=row.reach_month,
            member_version=row.member_version,
        )
        for row in await connection.execute(BEST, asked)
    ]


async def insert_places(
    connection: AsyncConnection, key: SettlementKey, places: Sequence[Place]
) -> None:
    """Keep the leaderboard of a settlement."""
    if places:
        rows = [{**values_of(key), **asdict(place)} for place in places]
        await connection.execute(insert(LEADERBOARD), rows)


async def read_distribution(connection: AsyncConnection, key: SettlementKey) -> Distribution:
    """How members are spread, as it was counted; nothing of who counted nothing."""
    counts = await connection.execute(select(LEVEL_COUNT).where(*of_settlement(LEVEL_COUNT, key)))
    kept = select(PERCENTILES.c.scores).where(*of_settlement(PERCENTILES, key))
    scores: Sequence[int] | None = (await connection.execute(kept)).scalar_one_or_none()
    return Distribution(
        levels={row.level_id: level_count_in(row) for row in counts},
        percentiles=tuple(scores or ()),
    )


async def list_places(
    connection: AsyncConnection, key: SettlementKey, *, after: int, limit: int
) -> list[Place]:
    """Places of a leaderboard after one."""
    query = (
        select(LEADERBOARD)
        .where(*of_settlement(LEADERBOARD, key), LEADERBOARD.c.place > after)
        .order_by(LEADERBOARD.c.place)
        .limit(limit)
    )
    return [place_in(row) for row in await connection.execute(query)]


def of_settlement(table: Table, key: SettlementKey) -> tuple[Any, ...]:
    """The rows of one settlement."""
    return tuple(table.c[name] == value for name, value in values_of(key).items())


def values_of(key: SettlementKey) -> dict[str, Any]:
    """The columns that name a settlement."""
    return {
        "program_id": key.program_id,
        "model_id": key.model_id,
        "month": key.month,
        "run": key.run,
    }


def level_count_in(row: Row[Any]) -> LevelCount:
    """The count in a row."""
    return LevelCount(
        members=row.members, value_total=row.value_total, members_holding=row.members_holding
    )


def place_in(row: Row[Any]) -> Place:
    """The place in a row."""
    return Place(
        place=row.place,
        member_id=row.member_id,
        value=row.value,
        level_id=row.level_id,
        reach_month=row.reach_month,
    )
