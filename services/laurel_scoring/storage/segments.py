"""Groups of members: brought up to date for who changed, streamed by set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_scoring.domain.preferences import CategorySpend
from laurel_scoring.domain.segments import Segment, SegmentMember, Taste
from laurel_scoring.storage.segment_tables import INSIGHT_DAY, MEMBER_SEGMENT

# Everybody with new facts, by other rules, or of whom something changes by the day.
TOUCHED = text("""
    select member.member_id
    from member
    left join member_segment as known
        on known.program_id = member.program_id and known.member_id = member.member_id
    where member.program_id = :program_id
        and member.member_id > :after_member_id
        and (
            known.member_id is null
            or known.member_version <> member.version
            or known.revision_id <> :revision_id
            or known.next_day <= cast(:day as date)
        )
    order by member.member_id
    limit :limit
""")

KEEP_SEGMENTS = text("""
    insert into member_segment (
        program_id, member_id, member_version, revision_id, next_day, last_order_day, orders,
        paid, recency, frequency, monetary, group_id, dormancy_id
    )
    select :program_id, member_id, member_version, :revision_id, next_day, last_order_day, orders,
        paid, recency, frequency, monetary, group_id, dormancy_id
    from unnest(
        cast(:member_ids as text[]), cast(:member_versions as bigint[]),
        cast(:next_days as date[]), cast(:last_order_days as date[]), cast(:orders as integer[]),
        cast(:paid as bigint[]), cast(:recencies as integer[]), cast(:frequencies as integer[]),
        cast(:monetaries as integer[]), cast(:group_ids as text[]), cast(:dormancy_ids as text[])
    ) as found (
        member_id, member_version, next_day, last_order_day, orders, paid, recency, frequency,
        monetary, group_id, dormancy_id
    )
    on conflict (program_id, member_id) do update
    set member_version = excluded.member_version, revision_id = excluded.revision_id,
        next_day = excluded.next_day, last_order_day = excluded.last_order_day,
        orders = excluded.orders, paid = excluded.paid, recency = excluded.recency,
        frequency = excluded.frequency, monetary = excluded.monetary,
        group_id = excluded.group_id, dormancy_id = excluded.dormancy_id
""")

FORGET_TASTES = text("""
    delete from member_taste
    where program_id = :program_id and member_id = any(cast(:member_ids as text[]))
""")

KEEP_TASTES = text("""
    insert into member_taste (program_id, member_id, shop_id, category_id, paid)
    select :program_id, member_id, shop_id, category_id, paid
    from unnest(
        cast(:member_ids as text[]), cast(:shop_ids as text[]), cast(:category_ids as text[]),
        cast(:paid as bigint[])
    ) as taste (member_id, shop_id, category_id, paid)
""")

CUSTOMERS = text("""
    select count(distinct member_id) as members
    from member_taste
    where program_id = :program_id and shop_id = :shop_id
""")

SPENT = text("""
    with customer as materialized (
        select distinct member_id
        from member_taste
        where program_id = :program_id and shop_id = :shop_id
    )
    select taste.category_id, count(distinct taste.member_id) as members,
        cast(sum(taste.paid) as bigint) as paid
    from customer
    join member_taste as taste
        on taste.program_id = :program_id and taste.member_id = customer.member_id
    group by taste.category_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyRun:
    """How far the groups of a program are brought up to date."""

    day: date
    last_member_id: str
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """The groups of a member as worked out, and what they were made of."""

    member_id: str
    member_version: int
    segment: Segment
    tastes: Sequence[Taste]


async def find_run(
    connection: AsyncConnection, program_id: str, *, lock: bool = False
) -> DailyRun | None:
    """The last daily run of a program; with `lock` nobody else goes on with it meanwhile."""
    query = select(INSIGHT_DAY).where(INSIGHT_DAY.c.program_id == program_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        return None
    return DailyRun(day=row.day, last_member_id=row.last_member_id, done=row.state == "done")


async def record_run(connection: AsyncConnection, program_id: str, run: DailyRun) -> None:
    """Keep how far a daily run is."""
    values = {
        "day": run.day,
        "last_member_id": run.last_member_id,
        "state": "done" if run.done else "running",
    }
    kept = insert(INSIGHT_DAY).values(program_id=program_id, **values)
    await connection.execute(
        kept.on_conflict_do_update(index_elements=[INSIGHT_DAY.c.program_id], set_=values)
    )


async def next_touched(
    connection: AsyncConnection,
    program_id: str,
    revision_id: str,
    day: date,
    *,
    after_member_id: str,
    limit: int,
) -> list[str]:
    """The next members whose groups may be others than are kept."""
    values = {
        "program_id": program_id,
        "revision_id": revision_id,
        "day": day,
        "after_member_id": after_member_id,
        "limit": limit,
    }
    return list((await connection.execute(TOUCHED, values)).scalars())


async def keep_groups(
    connection: AsyncConnection, program_id: str, revision_id: str, found: Sequence[Grouped]
) -> None:
    """Keep the groups of members and their tastes, instead of what was kept before."""
    segments = [each.segment for each in found]
    cells = [segment.cell for segment in segments]
    await connection.execute(
        KEEP_SEGMENTS,
        {
            "program_id": program_id,
            "revision_id": revision_id,
            "member_ids": [each.member_id for each in found],
            "member_versions": [each.member_version for each in found],
            "next_days": [segment.next_day for segment in segments],
            "last_order_days": [segment.last_order_day for segment in segments],
            "orders": [segment.orders for segment in segments],
            "paid": [segment.paid for segment in segments],
            "recencies": [cell.recency if cell else None for cell in cells],
            "frequencies": [cell.frequency if cell else None for cell in cells],
            "monetaries": [cell.monetary if cell else None for cell in cells],
            "group_ids": [cell.group.group_id if cell else "" for cell in cells],
            "dormancy_ids": [
                segment.dormancy.segment_id if segment.dormancy else "" for segment in segments
            ],
        },
    )
    await keep_tastes(connection, program_id, {each.member_id: each.tastes for each in found})


async def keep_tastes(
    connection: AsyncConnection, program_id: str, tastes: Mapping[str, Sequence[Taste]]
) -> None:
    """Keep what members spent, instead of what was kept before."""
    member_ids = list(tastes)
    await connection.execute(FORGET_TASTES, {"program_id": program_id, "member_ids": member_ids})
    rows = [(member_id, taste) for member_id, each in tastes.items() for taste in each]
    await connection.execute(
        KEEP_TASTES,
        {
            "program_id": program_id,
            "member_ids": [member_id for member_id, _ in rows],
            "shop_ids": [taste.shop_id for _, taste in rows],
            "category_ids": [taste.category_id for _, taste in rows],
            "paid": [taste.paid for _, taste in rows],
        },
    )


async def list_members(
    connection: AsyncConnection,
    program_id: str,
    segment_id: str,
    *,
    after_member_id: str,
    limit: int,
) -> list[SegmentMember]:
    """The next members of a group, of RFM or of dormancy, in the order of their ids."""
    in_group = or_(
        MEMBER_SEGMENT.c.group_id == segment_id, MEMBER_SEGMENT.c.dormancy_id == segment_id
    )
    query = (
        select(MEMBER_SEGMENT)
        .where(
            MEMBER_SEGMENT.c.program_id == program_id,
            in_group,
            MEMBER_SEGMENT.c.member_id > after_member_id,
        )
        .order_by(MEMBER_SEGMENT.c.member_id)
        .limit(limit)
    )
    return [member_in(row) for row in await connection.execute(query)]


async def count_customers(connection: AsyncConnection, program_id: str, shop_id: str) -> int:
    """How many members bought something in a shop and kept it."""
    counted = await connection.execute(CUSTOMERS, {"program_id": program_id, "shop_id": shop_id})
    return int(counted.scalar_one())


async def read_spending(
    connection: AsyncConnection, program_id: str, shop_id: str
) -> list[CategorySpend]:
    """What the customers of a shop spent by category, in every shop."""
    rows = await connection.execute(SPENT, {"program_id": program_id, "shop_id": shop_id})
    return [
        CategorySpend(category_id=row.category_id, members=row.members, paid=row.paid)
        for row in rows
    ]


def member_in(row: Row[Any]) -> SegmentMember:
    """The member in a row."""
    return SegmentMember(
        member_id=row.member_id,
        last_order_day=row.last_order_day,
        orders=row.orders,
        paid=row.paid,
        recency=row.recency,
        frequency=row.frequency,
        monetary=row.monetary,
    )
