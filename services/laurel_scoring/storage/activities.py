"""Facts: taking them in, and reading those of a member that stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from laurel_kit.database import driver_of
from pydantic_core import to_json
from sqlalchemy import Exists, Row, Select, and_, exists, func, not_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_scoring.domain.facts import Fact, Purchase, PurchaseReturn
from laurel_scoring.domain.intake import Books, Recorded, Reported
from laurel_scoring.storage.contents import content_of, fact_of, kind_of, order_of
from laurel_scoring.storage.tables import ACTIVITY, MEMBER, RETRACTION

VERSIONS = text("""
    select member_id, version
    from member
    where program_id = :program_id and member_id = any(cast(:member_ids as text[]))
""")

RECORDED = text("""
    select known.member_id, known.activity_id, known.digest, known.record_time
    from unnest(string_to_array(:member_ids, ' '), string_to_array(:activity_ids, ' '))
        as asked (member_id, activity_id)
    -- One look into the index for each, whatever the statistics of a growing table say.
    cross join lateral (
        select activity.member_id, activity.activity_id, activity.digest, activity.record_time
        from activity
        where activity.program_id = :program_id
            and activity.member_id = asked.member_id
            and activity.activity_id = asked.activity_id
        offset 0
    ) as known
""")

OF_ORDERS = text("""
    select trade.member_id, trade.activity_id, trade.fact_kind, trade.activity_time,
        trade.order_id, trade.content
    from unnest(cast(:member_ids as text[]), cast(:order_ids as text[]))
        as asked (member_id, order_id)
    cross join lateral (
        select activity.*
        from activity
        where activity.program_id = :program_id
            and activity.member_id = asked.member_id
            and activity.order_id = asked.order_id
            and activity.fact_kind in ('purchase', 'purchase_return')
            and not exists (
                select
                from retraction
                where retraction.program_id = activity.program_id
                    and retraction.member_id = activity.member_id
                    and retraction.activity_id = activity.activity_id
            )
        offset 0
    ) as trade
""")

RAISE_VERSIONS = text("""
    with marked as (
        -- Courses are out of date from here on. Said by the first one after they were brought up to
        -- date: nobody else waits for that row.
        update course_day
        set pending = true
        where program_id = :program_id and not pending
    )
    insert into member (program_id, member_id, version, record_time)
    select :program_id, member_id, 1, :now
    from unnest(cast(:member_ids as text[])) as asked (member_id)
    -- In the order of their ids: two requests must never wait for each other.
    order by member_id
    on conflict (program_id, member_id) do update set version = member.version + 1
    returning member_id, version
""")

FACTS_OF_MEMBERS = text("""
    select known.member_id as of_member, coalesce(asked.version, known.version) as version,
        activity.activity_id, activity.fact_kind, activity.activity_time, activity.order_id,
        activity.content
    from unnest(cast(:member_ids as text[]), cast(:versions as bigint[]))
        as asked (member_id, version)
    join member as known
        on known.program_id = :program_id and known.member_id = asked.member_id
    left join activity
        on activity.program_id = known.program_id
        and activity.member_id = known.member_id
        and (asked.version is null or activity.member_version <= asked.version)
        and not exists (
            select
            from retraction
            where retraction.program_id = activity.program_id
                and retraction.member_id = activity.member_id
                and retraction.activity_id = activity.activity_id
                and (asked.version is null or retraction.member_version <= asked.version)
        )
    order by known.member_id
""")

COLUMNS = (
    *("program_id", "member_id", "activity_id", "fact_kind", "activity_time", "order_id"),
    *("content", "digest", "member_version", "record_time"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFacts:
    """All facts of a member that stood as of a version of it."""

    member_id: str
    version: int
    facts: tuple[Fact, ...]


async def read_versions(
    connection: AsyncConnection, program_id: str, member_ids: Iterable[str]
) -> dict[str, int]:
    """The version of each member that is known."""
    values = {"program_id": program_id, "member_ids": sorted(member_ids)}
    rows = await connection.execute(VERSIONS, values)
    return {row.member_id: row.version for row in rows}


async def lock_member(connection: AsyncConnection, program_id: str, member_id: str) -> None:
    """Let nobody else change the facts of a member meanwhile; a stranger has none to change."""
    locked = select(MEMBER.c.version).where(
        MEMBER.c.program_id == program_id, MEMBER.c.member_id == member_id
    )
    await connection.execute(locked.with_for_update())


async def raise_versions(
    connection: AsyncConnection, program_id: str, member_ids: Iterable[str], *, now: datetime
) -> dict[str, int]:
    """Lock members, those not known yet become so, and begin a new version of each."""
    values = {"program_id": program_id, "member_ids": sorted(member_ids), "now": now}
    rows = await connection.execute(RAISE_VERSIONS, values)
    return {row.member_id: row.version for row in rows}


async def read_books(
    connection: AsyncConnection, program_id: str, reports: Sequence[Reported]
) -> dict[str, Books]:
    """What is known of the members of these reports, as far as it decides on them."""
    books = {report.member_id: Books() for report in reports}
    asked = {
        "program_id": program_id,
        # One text each: the driver looks twice at every element of an array. No id has a space.
        "member_ids": " ".join(report.member_id for report in reports),
        "activity_ids": " ".join(report.fact.activity_id for report in reports),
    }
    for row in await connection.execute(RECORDED, asked):
        known = Recorded(digest=row.digest, record_time=row.record_time)
        books[row.member_id].recorded[row.activity_id] = known
    traded = [(report.member_id, report.fact) for report in reports]
    for member_id, fact in await read_trade(connection, program_id, traded):
        books[member_id].learn(fact)
    return books


async def read_trade(
    connection: AsyncConnection, program_id: str, facts: Iterable[tuple[str, Fact]]
) -> list[tuple[str, Fact]]:
    """Purchases and returns that stand, of the orders that these facts of members are about."""
    orders = {
        (member_id, fact.order_id)
        for member_id, fact in facts
        if isinstance(fact, Purchase | PurchaseReturn)
    }
    if not orders:
        return []
    asked = {
        "program_id": program_id,
        "member_ids": [member_id for member_id, _ in orders],
        "order_ids": [order_id for _, order_id in orders],
    }
    rows = await connection.execute(OF_ORDERS, asked)
    return [(row.member_id, fact_in(row)) for row in rows]


async def insert_activities(
    connection: AsyncConnection,
    program_id: str,
    reports: Sequence[Reported],
    versions: Mapping[str, int],
    *,
    now: datetime,
) -> None:
    """Record new facts of members whose versions were raised."""
    rows = [
        (
            program_id,
            report.member_id,
            report.fact.activity_id,
            kind_of(report.fact),
            report.fact.activity_time,
            order_of(report.fact),
            to_json(content_of(report.fact)).decode(),
            report.digest,
            versions[report.member_id],
            now,
        )
        for report in reports
    ]
    # Copied, not inserted: the driver looks twice at every element of an array.
    driver = await driver_of(connection)
    await driver.copy_records_to_table(ACTIVITY.name, records=rows, columns=COLUMNS)


async def read_facts(
    connection: AsyncConnection, program_id: str, member_id: str, *, version: int | None = None
) -> MemberFacts:
    """The facts of one member that stand, now or as of a version; of a stranger none."""
    asked = facts_query(
        select(MEMBER).where(MEMBER.c.program_id == program_id, MEMBER.c.member_id == member_id),
        version=version,
    )
    rows = (await connection.execute(asked)).all()
    if not rows:
        return MemberFacts(member_id=member_id, version=0, facts=())
    return member_facts(rows, version=version)


async def read_facts_of_members(
    connection: AsyncConnection, program_id: str, versions: Mapping[str, int | None]
) -> dict[str, MemberFacts]:
    """The facts of members that stand, now (None) or as of a version of each; in one statement."""
    known = {
        member_id: MemberFacts(member_id=member_id, version=0, facts=()) for member_id in versions
    }
    asked = {
        "program_id": program_id,
        "member_ids": list(versions),
        "versions": list(versions.values()),
    }
    rows = await connection.execute(FACTS_OF_MEMBERS, asked)
    for member_id, group in groupby(rows, lambda row: row.of_member):
        known[member_id] = member_facts(list(group))
    return known


async def read_next_members(
    connection: AsyncConnection, program_id: str, *, after_member_id: str, limit: int
) -> list[MemberFacts]:
    """The facts of the members after one, in the order of their ids."""
    members = (
        select(MEMBER)
        .where(MEMBER.c.program_id == program_id, MEMBER.c.member_id > after_member_id)
        .order_by(MEMBER.c.member_id)
        .limit(limit)
    )
    rows = await connection.execute(facts_query(members))
    return [member_facts(list(group)) for _, group in groupby(rows, lambda row: row.of_member)]


async def count_members(connection: AsyncConnection, program_id: str) -> int:
    """How many members are known."""
    counted = select(func.count()).select_from(MEMBER).where(MEMBER.c.program_id == program_id)
    number: int = (await connection.execute(counted)).scalar_one()
    return number


def facts_query(members: Select[Any], *, version: int | None = None) -> Select[Any]:
    """Members with their facts in one statement: both of one instant, so that they agree."""
    known = members.subquery("known")
    belongs = and_(
        ACTIVITY.c.program_id == known.c.program_id, ACTIVITY.c.member_id == known.c.member_id
    )
    belongs = and_(belongs, not_(was_retracted(version)))
    if version is not None:
        belongs = and_(belongs, ACTIVITY.c.member_version <= version)
    return (
        select(
            known.c.member_id.label("of_member"),
            known.c.version,
            ACTIVITY.c.activity_id,
            ACTIVITY.c.fact_kind,
            ACTIVITY.c.activity_time,
            ACTIVITY.c.order_id,
            ACTIVITY.c.content,
        )
        .select_from(known.outerjoin(ACTIVITY, belongs))
        .order_by(known.c.member_id)
    )


def was_retracted(version: int | None) -> Exists:
    """Whether a fact was taken back, by now or by a version of its member."""
    taken = exists().where(
        RETRACTION.c.program_id == ACTIVITY.c.program_id,
        RETRACTION.c.member_id == ACTIVITY.c.member_id,
        RETRACTION.c.activity_id == ACTIVITY.c.activity_id,
    )
    return taken if version is None else taken.where(RETRACTION.c.member_version <= version)


def member_facts(rows: Sequence[Row[Any]], *, version: int | None = None) -> MemberFacts:
    """The facts in the rows of one member."""
    return MemberFacts(
        member_id=rows[0].of_member,
        version=rows[0].version if version is None else version,
        facts=tuple(fact_in(row) for row in rows if row.activity_id is not None),
    )


def fact_in(row: Row[Any]) -> Fact:
    """The fact in a row."""
    content = row.content
    return fact_of(row.fact_kind, row.activity_id, row.activity_time, row.order_id, content)
