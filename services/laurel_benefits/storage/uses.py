"""Uses of benefits and the counters of their quotas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from laurel_kit.database import Connection
from sqlalchemy import Row, and_, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.decisions import Value
from laurel_benefits.domain.ids import (
    BenefitId,
    BenefitUseId,
    MemberId,
    MemberKey,
    MembershipId,
    OrderId,
    OrderKey,
    ProgramId,
)
from laurel_benefits.domain.quotas import Period
from laurel_benefits.domain.uses import BenefitUse
from laurel_benefits.storage.counters import count_program, used_of_program
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.tables import BENEFIT_COUNTER, BENEFIT_USE

VALUES = Documents[Value](Value)


async def count_use(
    connection: Connection, member: MemberKey, benefit_id: BenefitId, period: Period, *, limit: int
) -> bool:
    """Count one use in its period. False, and nothing counted, when the limit is reached.

    One statement compares and counts, so that no two callers can take the same last use.
    """
    first = insert(BENEFIT_COUNTER).values(
        **key_values(member),
        benefit_id=benefit_id,
        period_key=period.key,
        used=1,
        use_limit=limit,
        reset_time=period.reset_time,
    )
    counted = first.on_conflict_do_update(
        constraint=BENEFIT_COUNTER.primary_key,
        set_={
            "used": BENEFIT_COUNTER.c.used + 1,
            "use_limit": first.excluded.use_limit,
            "reset_time": first.excluded.reset_time,
        },
        where=BENEFIT_COUNTER.c.used < first.excluded.use_limit,
    ).returning(BENEFIT_COUNTER.c.used)
    return (await connection.execute(counted)).one_or_none() is not None


async def count_given(
    connection: Connection, program_id: ProgramId, benefit_id: BenefitId, period: Period
) -> int:
    """How often all members together have used a benefit in a period of its stock."""
    return await used_of_program(connection, program_id, stock_of(benefit_id), period.key)


async def take_from_stock(connection: Connection, use: BenefitUse, *, limit: int) -> bool:
    """Count a use of all members. False, and nothing counted, when the stock is gone (C16)."""
    counter_id, program_id = stock_of(use.benefit_id), use.member.program_id
    return await count_program(connection, program_id, counter_id, use.stock_key, limit=limit)


def stock_of(benefit_id: BenefitId) -> str:
    """The program's counter of a benefit's stock."""
    return f"benefit/{benefit_id}"


async def insert_use(connection: Connection, use: BenefitUse) -> None:
    """Store a use."""
    await connection.execute(
        plain_insert(BENEFIT_USE).values(
            **key_values(use.member),
            use_id=use.use_id,
            benefit_id=use.benefit_id,
            reference=use.reference,
            period_key=use.period_key,
            use_time=use.use_time,
            value=VALUES.write(use.value) if use.value else None,
            program_revision=use.program_revision,
            membership_id=use.membership_id,
            order_id=use.order_id,
            stock_key=use.stock_key,
            expire_time=use.expire_time,
        )
    )


async def find_use(
    connection: Connection, member: MemberKey, use_id: BenefitUseId
) -> BenefitUse | None:
    """The member's use of that name."""
    chosen = select(BENEFIT_USE).where(
        of_member(BENEFIT_USE, member), BENEFIT_USE.c.use_id == use_id
    )
    row = (await connection.execute(chosen)).one_or_none()
    return to_use(row) if row else None


async def uses_by_membership(
    connection: Connection, member: MemberKey, membership_id: MembershipId
) -> Sequence[BenefitUse]:
    """Every use that a membership gave, the earliest first."""
    chosen = (
        select(BENEFIT_USE)
        .where(of_member(BENEFIT_USE, member), BENEFIT_USE.c.membership_id == membership_id)
        .order_by(BENEFIT_USE.c.use_time, BENEFIT_USE.c.use_id)
    )
    return [to_use(row) for row in await connection.execute(chosen)]


async def uses_in_order(connection: Connection, key: OrderKey) -> Sequence[BenefitUse]:
    """What was used in an order and still counts, the earliest first."""
    chosen = (
        select(BENEFIT_USE)
        .where(
            of_member(BENEFIT_USE, key.member),
            BENEFIT_USE.c.order_id == key.order_id,
            BENEFIT_USE.c.reverse_time.is_(None),
        )
        .order_by(BENEFIT_USE.c.use_time, BENEFIT_USE.c.use_id)
    )
    return [to_use(row) for row in await connection.execute(chosen)]


async def record_reversal(connection: Connection, use: BenefitUse) -> None:
    """Store that a use was given back, and count it no longer; the member is locked."""
    await connection.execute(
        update(BENEFIT_USE)
        .where(of_member(BENEFIT_USE, use.member), BENEFIT_USE.c.use_id == use.use_id)
        .values(reverse_time=use.reverse_time, reverse_reason=use.reverse_reason)
    )
    counter = and_(
        of_member(BENEFIT_COUNTER, use.member),
        BENEFIT_COUNTER.c.benefit_id == use.benefit_id,
        BENEFIT_COUNTER.c.period_key == use.period_key,
    )
    await connection.execute(
        update(BENEFIT_COUNTER).where(counter).values(used=BENEFIT_COUNTER.c.used - 1)
    )
    if use.stock_key:
        counter_id, program_id = stock_of(use.benefit_id), use.member.program_id
        await count_program(connection, program_id, counter_id, use.stock_key, amount=-1)


def to_use(row: Row[Any]) -> BenefitUse:
    """The use in a row."""
    return BenefitUse(
        use_id=BenefitUseId(row.use_id),
        member=MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id)),
        benefit_id=BenefitId(row.benefit_id),
        reference=row.reference,
        period_key=row.period_key,
        use_time=row.use_time,
        value=VALUES.read(row.value) if row.value is not None else None,
        program_revision=row.program_revision,
        membership_id=row.membership_id,
        reverse_time=row.reverse_time,
        reverse_reason=row.reverse_reason,
        order_id=OrderId(row.order_id) if row.order_id else None,
        stock_key=row.stock_key,
        expire_time=row.expire_time,
    )
