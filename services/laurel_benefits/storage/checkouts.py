"""Reserved orders, and what is still to be done for them in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from laurel_kit.database import Connection
from laurel_kit.hot_statements import HotStatement
from sqlalchemy import Row, Select, and_, bindparam, func, insert, select, text, update

from laurel_benefits.domain.cancellations import Cancellation
from laurel_benefits.domain.ids import (
    MemberId,
    MemberKey,
    OrderId,
    OrderKey,
    ProgramId,
    ReservationKey,
)
from laurel_benefits.domain.reservations import OPEN, Checkout, CheckoutState, CheckoutTerms
from laurel_benefits.storage.checkout_tables import CHECKOUT
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.members import key_values, member_arguments, of_named_member
from laurel_benefits.storage.orders import BACKOFF_DOUBLINGS_MAX

TERMS = Documents[CheckoutTerms](CheckoutTerms)
CANCELLATIONS = Documents[tuple[Cancellation, ...]](tuple[Cancellation, ...])

OF_ORDER = and_(of_named_member(CHECKOUT), CHECKOUT.c.order_id == bindparam("of_order_id"))
"""The rows of one order's reservations: only the latest can be open."""

OF_RESERVATION = and_(OF_ORDER, CHECKOUT.c.reservation_no == bindparam("of_reservation_no"))

LATEST = HotStatement(
    select(CHECKOUT).where(OF_ORDER).order_by(CHECKOUT.c.reservation_no.desc()).limit(1)
)

ONE = HotStatement(select(CHECKOUT).where(OF_RESERVATION))

CHANGING = (
    "state",
    "ending",
    "commit_time",
    "end_time",
    "end_reason",
    "refusal",
    "returned_points",
    "forfeited_points",
    "cancellations",
    "lapse_time",
    "attempt_time",
)
"""The columns that change in the life of an order."""

CHANGED = (
    update(CHECKOUT)
    .where(OF_RESERVATION)
    .values({**{name: bindparam(name) for name in CHANGING}, "attempts": 0})
)

CHANGE = HotStatement(CHANGED)

MOVE = HotStatement(CHANGED.where(CHECKOUT.c.state == bindparam("state_before")))

INSERT = HotStatement(
    insert(CHECKOUT),
    columns=(
        *(each.name for each in CHECKOUT.primary_key),
        *("terms", "create_time", "expire_time"),
        *CHANGING,
    ),
)

NEXT_LAPSE = select(func.min(CHECKOUT.c.lapse_time)).where(CHECKOUT.c.lapse_time.is_not(None))

CLAIM = text("""
    -- Materialized: run again for each row, the inner part would claim others than it locked.
    with claimed as materialized (
        select program_id, member_id, order_id, reservation_no
        from checkout
        where attempt_time <= :now
        order by attempt_time
        limit :limit
        for update skip locked
    )
    update checkout
    set attempts = attempts + 1,
        attempt_time = cast(:now as timestamptz)
            + cast(:pause as interval) * power(2, least(attempts, cast(:doublings as integer)))
    from claimed
    where checkout.program_id = claimed.program_id
        and checkout.member_id = claimed.member_id
        and checkout.order_id = claimed.order_id
        and checkout.reservation_no = claimed.reservation_no
    returning checkout.program_id, checkout.member_id, checkout.order_id
""")


async def insert_checkout(
    connection: Connection, checkout: Checkout, *, attempt_time: datetime
) -> None:
    """Store the decision before anything is held; the relay looks at it from then on."""
    row = {
        **key_values(checkout.member),
        "order_id": checkout.order_id,
        "reservation_no": checkout.reservation_no,
        "terms": TERMS.write(checkout.terms),
        "create_time": checkout.create_time,
        "expire_time": checkout.expire_time,
        **changing(checkout, attempt_time),
    }
    await INSERT.run(connection, row)


async def update_checkout(
    connection: Connection, checkout: Checkout, *, attempt_time: datetime | None
) -> None:
    """Store a change; the member is locked. Where nothing is to be done, the relay lets it be."""
    arguments = {**reservation_arguments(checkout.reservation), **changing(checkout, attempt_time)}
    await CHANGE.run(connection, arguments)


async def move_checkout(connection: Connection, before: Checkout, after: Checkout) -> bool:
    """Store a change unless the state is another one by now; False where it is."""
    arguments = {
        **reservation_arguments(before.reservation),
        **changing(after, None),
        "state_before": before.state,
    }
    return await MOVE.run(connection, arguments) > 0


def changing(checkout: Checkout, attempt_time: datetime | None) -> dict[str, object]:
    """The columns that change in the life of an order."""
    return {
        "state": checkout.state,
        "ending": checkout.ending or "",
        "commit_time": checkout.commit_time,
        "end_time": checkout.end_time,
        "end_reason": checkout.end_reason,
        "refusal": checkout.refusal,
        "returned_points": checkout.returned_points,
        "forfeited_points": checkout.forfeited_points,
        "cancellations": CANCELLATIONS.write(checkout.cancellations),
        "lapse_time": checkout.expire_time if checkout.state in OPEN else None,
        "attempt_time": attempt_time if checkout.step else None,
    }


async def find_checkout(connection: Connection, key: OrderKey) -> Checkout | None:
    """The order of that name by its latest reservation; None when it was never reserved."""
    row = await LATEST.one_or_none(connection, order_arguments(key))
    return to_checkout(row) if row else None


async def find_reservation(connection: Connection, key: ReservationKey) -> Checkout | None:
    """The reservation of that number."""
    row = await ONE.one_or_none(connection, reservation_arguments(key))
    return to_checkout(row) if row else None


async def claim_unfinished(
    connection: Connection, *, now: datetime, pause: timedelta, limit: int
) -> Sequence[OrderKey]:
    """Orders whose attempt is due, for this process alone until the next attempt."""
    arguments = {"now": now, "pause": pause, "doublings": BACKOFF_DOUBLINGS_MAX, "limit": limit}
    return [to_key(row) for row in await connection.execute(CLAIM, arguments)]


async def next_lapse(connection: Connection) -> datetime | None:
    """When the next order lapses; None when none is reserved."""
    lapse_time: datetime | None = (await connection.execute(NEXT_LAPSE)).scalar_one()
    return lapse_time


async def lapsing(connection: Connection, *, now: datetime, limit: int) -> Sequence[OrderKey]:
    """Orders that were to be paid by now, the earliest first."""
    chosen: Select[Any] = (
        select(CHECKOUT.c.program_id, CHECKOUT.c.member_id, CHECKOUT.c.order_id)
        .where(CHECKOUT.c.lapse_time <= now)
        .order_by(CHECKOUT.c.lapse_time)
        .limit(limit)
    )
    return [to_key(row) for row in await connection.execute(chosen)]


def order_arguments(key: OrderKey) -> dict[str, object]:
    """Which order a statement is about."""
    return {**member_arguments(key.member), "of_order_id": key.order_id}


def reservation_arguments(key: ReservationKey) -> dict[str, object]:
    """Which reservation a statement is about."""
    return {**order_arguments(key.order), "of_reservation_no": key.reservation_no}


def to_key(row: Row[Any]) -> OrderKey:
    """The name of the order in a row."""
    member = MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id))
    return OrderKey(member=member, order_id=OrderId(row.order_id))


def to_checkout(row: Row[Any]) -> Checkout:
    """The order in a row."""
    key = to_key(row)
    return Checkout(
        member=key.member,
        order_id=key.order_id,
        reservation_no=row.reservation_no,
        terms=TERMS.read(row.terms),
        state=CheckoutState(row.state),
        create_time=row.create_time,
        expire_time=row.expire_time,
        ending=CheckoutState(row.ending) if row.ending else None,
        commit_time=row.commit_time,
        end_time=row.end_time,
        end_reason=row.end_reason,
        refusal=row.refusal,
        returned_points=row.returned_points,
        forfeited_points=row.forfeited_points,
        cancellations=CANCELLATIONS.read(row.cancellations),
    )
