"""The table `program_revision`: what was applied, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import MetaData, Row, Select, Table, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_kit.programs.decisions import StoredRevision
from laurel_kit.schema import kit_tables

APPLYING = 7_106_113_001
"""The advisory lock that is held while a revision is applied."""

METADATA = MetaData()
kit_tables(METADATA)
REVISION: Table = METADATA.tables["program_revision"]


async def lock_applying(connection: AsyncConnection) -> None:
    """Apply one file at a time: effective times of a program rise in the order of commits."""
    await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": APPLYING})


async def find_of_request(connection: AsyncConnection, request_id: str) -> StoredRevision | None:
    """The revision that a request stored."""
    return await first(connection, select(REVISION).where(REVISION.c.request_id == request_id))


async def find_latest(
    connection: AsyncConnection, program_id: str, *, at: datetime | None = None
) -> StoredRevision | None:
    """The revision that holds at an instant, without one the one with the latest effective time."""
    query = select(REVISION).where(REVISION.c.program_id == program_id)
    if at is not None:
        query = query.where(REVISION.c.effective_time <= at)
    return await first(connection, query.order_by(REVISION.c.effective_time.desc()))


async def find_at_time(
    connection: AsyncConnection, program_id: str, effective_time: datetime | None
) -> StoredRevision | None:
    """The revision with exactly this effective time."""
    if effective_time is None:
        return None
    query = select(REVISION).where(
        REVISION.c.program_id == program_id, REVISION.c.effective_time == effective_time
    )
    return await first(connection, query)


async def find_revision(
    connection: AsyncConnection, program_id: str, revision_id: str
) -> StoredRevision | None:
    """The revision of that digest; where a file was applied twice, the later one."""
    query = select(REVISION).where(
        REVISION.c.program_id == program_id, REVISION.c.revision_id == revision_id
    )
    return await first(connection, query.order_by(REVISION.c.effective_time.desc()))


async def list_page(
    connection: AsyncConnection, program_id: str, *, before: datetime | None, limit: int
) -> list[StoredRevision]:
    """Revisions, the latest effective first, without their sources."""
    columns = [column for column in REVISION.c if column.name != "source"]
    query = select(*columns, text("'' as source")).where(REVISION.c.program_id == program_id)
    if before is not None:
        query = query.where(REVISION.c.effective_time < before)
    rows = await connection.execute(query.order_by(REVISION.c.effective_time.desc()).limit(limit))
    return [revision_of(row) for row in rows]


async def list_new(
    connection: AsyncConnection, known: Mapping[str, datetime]
) -> Sequence[Row[str, datetime, str]]:
    """Program, effective time and digest of every revision later than the one known of its program.

    Complete without looking at the others: effective times of a program only rise.
    """
    query = text("""
        select revision.program_id, revision.effective_time, revision.revision_id
        from program_revision as revision
        left join unnest(cast(:programs as text[]), cast(:times as timestamptz[]))
            as known (program_id, effective_time)
            on known.program_id = revision.program_id
        where known.effective_time is null
            or revision.effective_time > known.effective_time
        order by revision.program_id, revision.effective_time
    """)
    values = {"programs": list(known), "times": list(known.values())}
    rows: Sequence[Row[str, datetime, str]] = (await connection.execute(query, values)).all()
    return rows


async def record_revision(connection: AsyncConnection, revision: StoredRevision) -> None:
    """Store a new revision."""
    await connection.execute(
        insert(REVISION).values(
            program_id=revision.program_id,
            effective_time=revision.effective_time,
            revision_id=revision.revision_id,
            apply_time=revision.apply_time,
            request_id=revision.request_id,
            source=revision.source,
        )
    )


async def first(connection: AsyncConnection, query: Select[Any]) -> StoredRevision | None:
    """The first row of the query."""
    row = (await connection.execute(query.limit(1))).first()
    return revision_of(row) if row else None


def revision_of(row: Row[*tuple[Any, ...]]) -> StoredRevision:
    """A row as a value."""
    return StoredRevision(**row._mapping)  # noqa: SLF001  # Public in SQLAlchemy despite its name.
