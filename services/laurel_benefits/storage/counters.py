"""Counters with limits: one statement compares and counts, so that no two take the last one."""

from __future__ import annotations

from laurel_kit.database import Connection
from sqlalchemy import Table, select, update
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.ids import MemberKey, ProgramId
from laurel_benefits.storage.members import key_values
from laurel_benefits.storage.posting_tables import MEMBER_COUNTER, PROGRAM_COUNTER


async def count_member(
    connection: Connection,
    member: MemberKey,
    counter_id: str,
    period_key: str = "",
    *,
    amount: int = 1,
    limit: int | None = None,
) -> bool:
    """Count for a member in a period. False, and nothing counted, beyond the limit."""
    key = {**key_values(member), "counter_id": counter_id, "period_key": period_key}
    return await count(connection, MEMBER_COUNTER, key, amount, limit)


async def count_program(
    connection: Connection,
    program_id: ProgramId,
    counter_id: str,
    period_key: str = "",
    *,
    amount: int = 1,
    limit: int | None = None,
) -> bool:
    """Count for a program in a period. False, and nothing counted, beyond the limit.

    The row is held until the commit: take it last, for everybody counts there.
    """
    key = {"program_id": program_id, "counter_id": counter_id, "period_key": period_key}
    return await count(connection, PROGRAM_COUNTER, key, amount, limit)


async def count(
    connection: Connection, table: Table, key: dict[str, str], amount: int, limit: int | None
) -> bool:
    """Count in one row of a table of counters."""
    await connection.execute(insert(table).values(**key, used=0).on_conflict_do_nothing())
    counted = (
        update(table)
        .where(*(table.c[column] == value for column, value in key.items()))
        .values(used=table.c.used + amount)
        .returning(table.c.used)
    )
    if limit is not None:
        counted = counted.where(table.c.used <= limit - amount)
    return (await connection.execute(counted)).one_or_none() is not None


async def used_by_member(
    connection: Connection, member: MemberKey, counter_id: str, period_key: str = ""
) -> int:
    """What a member has used in a period."""
    key = {**key_values(member), "counter_id": counter_id, "period_key": period_key}
    return await used(connection, MEMBER_COUNTER, key)


async def used_of_program(
    connection: Connection, program_id: ProgramId, counter_id: str, period_key: str = ""
) -> int:
    """What was used of a program's counter in a period."""
    key = {"program_id": program_id, "counter_id": counter_id, "period_key": period_key}
    return await used(connection, PROGRAM_COUNTER, key)


async def used(connection: Connection, table: Table, key: dict[str, str]) -> int:
    """What one row of a table of counters says; nothing was used where there is none."""
    chosen = select(table.c.used).where(
        *(table.c[column] == value for column, value in key.items())
    )
    return (await connection.execute(chosen)).scalar_one_or_none() or 0
