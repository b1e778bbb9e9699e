"""Facts as they are kept, one by one and in lists, and what was taken back of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_scoring.domain.retractions import ActivityRecord, RecordFilter, Retraction
from laurel_scoring.storage.activities import fact_in
from laurel_scoring.storage.tables import ACTIVITY, RETRACTION


async def find_record(
    connection: AsyncConnection, program_id: str, member_id: str, activity_id: str
) -> ActivityRecord | None:
    """A fact of a member, also one that was taken back."""
    query = records_of(program_id, member_id).where(ACTIVITY.c.activity_id == activity_id)
    row = (await connection.execute(query)).one_or_none()
    return record_in(row) if row else None


async def list_records(
    connection: AsyncConnection,
    wanted: RecordFilter,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[ActivityRecord]:
    """Facts of a member, the latest first; `before` is the time and the id to go on from."""
    query = records_of(wanted.program_id, wanted.member_id)
    if wanted.kinds:
        query = query.where(ACTIVITY.c.fact_kind.in_(sorted(wanted.kinds)))
    if wanted.start_time is not None:
        query = query.where(ACTIVITY.c.activity_time >= wanted.start_time)
    if wanted.end_time is not None:
        query = query.where(ACTIVITY.c.activity_time < wanted.end_time)
    if not wanted.include_retracted:
        query = query.where(RETRACTION.c.activity_id.is_(None))
    if before is not None:
        query = query.where(tuple_(ACTIVITY.c.activity_time, ACTIVITY.c.activity_id) < before)
    query = query.order_by(ACTIVITY.c.activity_time.desc(), ACTIVITY.c.activity_id.desc())
    return [record_in(row) for row in await connection.execute(query.limit(limit))]


async def insert_retraction(
    connection: AsyncConnection,
    program_id: str,
    member_id: str,
    retraction: Retraction,
    *,
    version: int,
) -> None:
    """Take a fact of a locked member back, as of a version of it that has just begun."""
    await connection.execute(
        insert(RETRACTION).values(
            program_id=program_id,
            member_id=member_id,
            activity_id=retraction.activity_id,
            reason=retraction.reason,
            replacement_id=retraction.replacement_id,
            member_version=version,
            retract_time=retraction.retract_time,
        )
    )


def records_of(program_id: str, member_id: str) -> Select[Any]:
    """The facts of a member, with what was taken back."""
    taken_back = and_(
        RETRACTION.c.program_id == ACTIVITY.c.program_id,
        RETRACTION.c.member_id == ACTIVITY.c.member_id,
        RETRACTION.c.activity_id == ACTIVITY.c.activity_id,
    )
    return (
        select(
            ACTIVITY, RETRACTION.c.reason, RETRACTION.c.replacement_id, RETRACTION.c.retract_time
        )
        .select_from(ACTIVITY.outerjoin(RETRACTION, taken_back))
        .where(ACTIVITY.c.program_id == program_id, ACTIVITY.c.member_id == member_id)
    )


def record_in(row: Row[Any]) -> ActivityRecord:
    """The fact in a row, as it is kept."""
    retraction = None
    if row.retract_time is not None:
        retraction = Retraction(
            activity_id=row.activity_id,
            reason=row.reason,
            retract_time=row.retract_time,
            replacement_id=row.replacement_id,
        )
    return ActivityRecord(
        member_id=row.member_id,
        fact=fact_in(row),
        record_time=row.record_time,
        retraction=retraction,
    )
