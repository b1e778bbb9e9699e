"""The row that every write of a member locks first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.hot_statements import HotStatement
from sqlalchemy import ColumnElement, Table, and_, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId
from laurel_benefits.storage.tables import MEMBER

HOLD = HotStatement(
    text("""
    select facts_recorded
    from member
    where program_id = :program_id and member_id = :member_id
    for update
""")
)


def of_member(table: Table, member: MemberKey) -> ColumnElement[bool]:
    """The rows of one member."""
    return and_(
        table.c.program_id == member.program_id,
        table.c.member_id == member.member_id,
    )


def of_named_member(table: Table) -> ColumnElement[bool]:
    """The rows of the member that `member_arguments` names when a statement is executed.

    Statements of hot paths are built once: to build one takes longer than to send it.
    """
    return and_(
        table.c.program_id == bindparam("of_program_id"),
        table.c.member_id == bindparam("of_member_id"),
    )


def member_arguments(member: MemberKey) -> dict[str, object]:
    """Which member a statement with `of_named_member` is about."""
    return {"of_program_id": member.program_id, "of_member_id": member.member_id}


def key_values(member: MemberKey) -> dict[str, str]:
    """The member's key as columns."""
    return {"program_id": member.program_id, "member_id": member.member_id}


async def lock_member(connection: Connection, member: MemberKey, *, now: datetime) -> None:
    """Hold the member until the transaction ends. A member not known yet is made.

    A row that does not exist cannot be locked: without the insert two first writes would both pass.
    """
    if await HOLD.rows(connection, key_values(member)):
        return
    new = insert(MEMBER).values(**key_values(member), create_time=now)
    await connection.execute(new.on_conflict_do_nothing())
    await HOLD.rows(connection, key_values(member))


async def members_after(
    connection: Connection, program_id: ProgramId, after: MemberId, *, limit: int
) -> Sequence[MemberId]:
    """Members of a program in the order of their names, behind one of them."""
    chosen = (
        select(MEMBER.c.member_id)
        .where(MEMBER.c.program_id == program_id, MEMBER.c.member_id > after)
        .order_by(MEMBER.c.member_id)
        .limit(limit)
    )
    return [MemberId(member_id) for member_id in (await connection.execute(chosen)).scalars()]


async def next_fact_position(connection: Connection, member: MemberKey) -> int:
    """The place of the next fact scoring is told of the member, from 1; the member is locked."""
    (counted,) = await COUNT_FACT.rows(connection, member_arguments(member))
    position: int = counted.facts_recorded
    return position


COUNT_FACT = HotStatement(
    update(MEMBER)
    .where(of_named_member(MEMBER))
    .values(facts_recorded=MEMBER.c.facts_recorded + 1)
    .returning(MEMBER.c.facts_recorded)
)
