"""Goods that went back, and what is still to be done for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from laurel_kit.database import Connection
from sqlalchemy import ColumnElement, Row, and_, insert, select, text, update

from laurel_benefits.domain.ids import (
    MemberId,
    MemberKey,
    OrderId,
    OrderKey,
    ProgramId,
    ReturnKey,
)
from laurel_benefits.domain.orders import Telling, TellingState
from laurel_benefits.domain.returns import OrderReturn, ReturnedLine, ReturnStep
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.orders import BACKOFF_DOUBLINGS_MAX
from laurel_benefits.storage.return_tables import ORDER_RETURN

LINES = Documents[tuple[ReturnedLine, ...]](tuple[ReturnedLine, ...])
STEPS = Documents[tuple[ReturnStep, ...]](tuple[ReturnStep, ...])

CLAIM = text("""
    -- Materialized: run again for each row, the inner part would claim others than it locked.
    with claimed as materialized (
        select program_id, member_id, order_id, return_no
        from order_return
        where attempt_time <= :now
        order by attempt_time
        limit :limit
        for update skip locked
    )
    update order_return
    set attempts = attempts + 1,
        attempt_time = cast(:now as timestamptz)
            + cast(:pause as interval) * power(2, least(attempts, cast(:doublings as integer)))
    from claimed
    where order_return.program_id = claimed.program_id
        and order_return.member_id = claimed.member_id
        and order_return.order_id = claimed.order_id
        and order_return.return_no = claimed.return_no
    returning
        order_return.program_id, order_return.member_id, order_return.order_id,
        order_return.return_no
""")


async def insert_return(
    connection: Connection, order_return: OrderReturn, *, attempt_time: datetime
) -> None:
    """Store the decision before anything is carried out; the relay looks at it from then on."""
    await connection.execute(
        insert(ORDER_RETURN).values(
            **key_values(order_return.key.member),
            order_id=order_return.key.order_id,
            return_no=order_return.return_no,
            lines=LINES.write(order_return.lines),
            steps=STEPS.write(order_return.steps),
            frozen_points=order_return.frozen_points,
            activity_id=order_return.telling.activity_id,
            reason=order_return.reason,
            return_time=order_return.return_time,
            create_time=order_return.create_time,
            attempt_time=attempt_time,
        )
    )


async def update_return(connection: Connection, order_return: OrderReturn) -> None:
    """Store how far it is; the member is locked. A finished one is taken from the relay."""
    key = ReturnKey(order=order_return.key, return_no=order_return.return_no)
    values: dict[str, object] = {
        "steps": STEPS.write(order_return.steps),
        "fact_state": order_return.telling.state,
        "fact_refusal": order_return.telling.refusal,
    }
    if order_return.finished:
        values["attempt_time"] = None
    await connection.execute(update(ORDER_RETURN).where(of_return(key)).values(**values))


async def find_return(connection: Connection, key: ReturnKey) -> OrderReturn | None:
    """The return of that number."""
    row = (await connection.execute(select(ORDER_RETURN).where(of_return(key)))).one_or_none()
    return to_return(row) if row else None


async def returns_of(connection: Connection, key: OrderKey) -> tuple[OrderReturn, ...]:
    """The returns of an order, the first one first."""
    chosen = select(ORDER_RETURN).where(of_order(key)).order_by(ORDER_RETURN.c.return_no)
    return tuple(to_return(row) for row in await connection.execute(chosen))


async def claim_unfinished(
    connection: Connection, *, now: datetime, pause: timedelta, limit: int
) -> Sequence[ReturnKey]:
    """Returns whose attempt is due, for this process alone until the next attempt."""
    arguments = {"now": now, "pause": pause, "doublings": BACKOFF_DOUBLINGS_MAX, "limit": limit}
    rows = await connection.execute(CLAIM, arguments)
    return [ReturnKey(order=to_key(row), return_no=row.return_no) for row in rows]


def of_order(key: OrderKey) -> ColumnElement[bool]:
    """The rows of one order's returns."""
    return and_(of_member(ORDER_RETURN, key.member), ORDER_RETURN.c.order_id == key.order_id)


def of_return(key: ReturnKey) -> ColumnElement[bool]:
    """The row of one return."""
    return and_(of_order(key.order), ORDER_RETURN.c.return_no == key.return_no)


def to_key(row: Row[Any]) -> OrderKey:
    """The name of the order in a row."""
    member = MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id))
    return OrderKey(member=member, order_id=OrderId(row.order_id))


def to_return(row: Row[Any]) -> OrderReturn:
    """The return in a row."""
    return OrderReturn(
        key=to_key(row),
        return_no=row.return_no,
        lines=LINES.read(row.lines),
        steps=STEPS.read(row.steps),
        frozen_points=row.frozen_points,
        telling=Telling(
            activity_id=row.activity_id,
            position=0,
            state=TellingState(row.fact_state),
            refusal=row.fact_refusal,
        ),
        reason=row.reason,
        return_time=row.return_time,
        create_time=row.create_time,
    )
