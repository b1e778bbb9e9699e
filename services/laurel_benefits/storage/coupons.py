"""Coupons, the counters of how many there are, and the codes of partners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from laurel_kit.database import Connection
from sqlalchemy import ColumnElement, Row, and_, delete, select, text, true, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.coupon_rules import CouponTerms, CouponType
from laurel_benefits.domain.coupons import Coupon, CouponSource, CouponState
from laurel_benefits.domain.ids import (
    CouponId,
    CouponTypeId,
    MemberId,
    MemberKey,
    OrderId,
    ProgramId,
    RevisionId,
)
from laurel_benefits.storage.coupon_tables import (
    COUPON,
    COUPON_CODE,
    COUPON_COUNTER,
    COUPON_STOCK,
)
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.members import key_values, of_member

TERMS = Documents[CouponTerms](CouponTerms)

IMPORT = text("""
    insert into coupon_code (program_id, coupon_type_id, code, position)
    select :program_id, :coupon_type_id, given.code, :position + given.place
    from unnest(cast(:codes as text[])) with ordinality as given (code, place)
    on conflict do nothing
    returning code
""")


async def issued_to(connection: Connection, member: MemberKey, coupon_type_id: CouponTypeId) -> int:
    """How many coupons of a type a member ever got."""
    chosen = select(COUPON_COUNTER.c.issued).where(
        of_member(COUPON_COUNTER, member), COUPON_COUNTER.c.coupon_type_id == coupon_type_id
    )
    return (await connection.execute(chosen)).scalar_one_or_none() or 0


async def stock_left(
    connection: Connection, program_id: ProgramId, coupon_type: CouponType
) -> int | None:
    """How many there still are, as of now; None where that is not limited."""
    chosen = select(COUPON_STOCK).where(of_type(program_id, coupon_type.coupon_type_id))
    row = (await connection.execute(chosen)).one_or_none()
    issued, codes = (row.issued, row.codes) if row else (0, 0)
    limits = [] if coupon_type.stock is None else [coupon_type.stock]
    if coupon_type.coded:
        limits.append(codes)
    return min(limits) - issued if limits else None


async def take_from_stock(
    connection: Connection, program_id: ProgramId, coupon_type: CouponType
) -> bool:
    """Take one coupon from the stock. False, and nothing taken, when there is none.

    One statement compares and counts, and holds the row until the commit: whoever comes next sees
    what was taken.
    """
    stock = COUPON_STOCK.c
    first = insert(COUPON_STOCK).values(
        program_id=program_id,
        coupon_type_id=coupon_type.coupon_type_id,
        stock=coupon_type.stock,
        issued=0,
    )
    await connection.execute(first.on_conflict_do_nothing())
    room = [] if coupon_type.stock is None else [stock.issued < coupon_type.stock]
    if coupon_type.coded:
        room.append(stock.issued < stock.codes)
    taken = (
        update(COUPON_STOCK)
        .where(of_type(program_id, coupon_type.coupon_type_id), *room)
        .values(issued=stock.issued + 1, stock=coupon_type.stock)
        .returning(stock.issued)
    )
    return (await connection.execute(taken)).one_or_none() is not None


async def take_code(connection: Connection, coupon: Coupon) -> str:
    """The next code of a partner, for a coupon that was taken from the stock."""
    codes = COUPON_CODE.c
    ours = and_(
        codes.program_id == coupon.member.program_id,
        codes.coupon_type_id == coupon.coupon_type_id,
    )
    next_code = (
        select(codes.code)
        .where(ours, codes.coupon_id.is_(None))
        .order_by(codes.position)
        .limit(1)
        .scalar_subquery()
    )
    taken = (
        update(COUPON_CODE)
        .where(ours, codes.code == next_code)
        .values(coupon_id=coupon.coupon_id)
        .returning(codes.code)
    )
    code: str = (await connection.execute(taken)).scalar_one()
    return code


async def import_codes(
    connection: Connection,
    program_id: ProgramId,
    coupon_type_id: CouponTypeId,
    codes: Sequence[str],
) -> int:
    """Take in codes; answers how many are new. They can be given out from the commit on."""
    key = {"program_id": program_id, "coupon_type_id": coupon_type_id}
    first = insert(COUPON_STOCK).values(**key, stock=None, issued=0)
    await connection.execute(first.on_conflict_do_nothing())
    held = select(COUPON_STOCK.c.codes).where(of_type(program_id, coupon_type_id)).with_for_update()
    known = (await connection.execute(held)).scalar_one()
    arguments = {**key, "codes": list(codes), "position": known}
    imported = len((await connection.execute(IMPORT, arguments)).all())
    await connection.execute(
        update(COUPON_STOCK)
        .where(of_type(program_id, coupon_type_id))
        .values(codes=COUPON_STOCK.c.codes + imported)
    )
    return imported


async def insert_coupon(connection: Connection, coupon: Coupon) -> None:
    """Store a coupon and count it to its member, who is locked."""
    first = insert(COUPON_COUNTER).values(
        **key_values(coupon.member), coupon_type_id=coupon.coupon_type_id, issued=1
    )
    await connection.execute(
        first.on_conflict_do_update(
            constraint=COUPON_COUNTER.primary_key,
            set_={"issued": COUPON_COUNTER.c.issued + 1},
        )
    )
    await connection.execute(
        plain_insert(COUPON).values(
            **key_values(coupon.member),
            coupon_id=coupon.coupon_id,
            coupon_type_id=coupon.coupon_type_id,
            terms=TERMS.write(coupon.terms),
            code=coupon.code,
            source=coupon.source,
            reference=coupon.reference,
            issue_time=coupon.issue_time,
            expire_time=coupon.expire_time,
            program_revision=coupon.program_revision,
        )
    )


async def take_back(connection: Connection, coupon: Coupon) -> None:
    """Undo a coupon that its member never had: stock, limit and code are as before."""
    member, type_id = coupon.member, coupon.coupon_type_id
    await connection.execute(
        delete(COUPON).where(of_member(COUPON, member), COUPON.c.coupon_id == coupon.coupon_id)
    )
    counter = and_(of_member(COUPON_COUNTER, member), COUPON_COUNTER.c.coupon_type_id == type_id)
    last = (delete(COUPON_COUNTER).where(counter, COUPON_COUNTER.c.issued == 1)).returning(
        COUPON_COUNTER.c.issued
    )
    if (await connection.execute(last)).one_or_none() is None:
        fewer = update(COUPON_COUNTER).where(counter)
        await connection.execute(fewer.values(issued=COUPON_COUNTER.c.issued - 1))
    await connection.execute(
        update(COUPON_CODE)
        .where(
            COUPON_CODE.c.program_id == member.program_id,
            COUPON_CODE.c.coupon_type_id == type_id,
            COUPON_CODE.c.coupon_id == coupon.coupon_id,
        )
        .values(coupon_id=None)
    )
    await connection.execute(
        update(COUPON_STOCK)
        .where(of_type(member.program_id, type_id))
        .values(issued=COUPON_STOCK.c.issued - 1)
    )


async def record_coupons(connection: Connection, moved: Sequence[Coupon]) -> None:
    """Store that coupons of one member went the same way; the member is locked."""
    if not moved:
        return
    first = moved[0]
    await connection.execute(
        update(COUPON)
        .where(
            of_member(COUPON, first.member),
            COUPON.c.coupon_id.in_([each.coupon_id for each in moved]),
        )
        .values(state=first.state, order_id=first.order_id)
    )


async def record_coupon(connection: Connection, coupon: Coupon) -> None:
    """Store what has become of a coupon; the member is locked."""
    await connection.execute(
        update(COUPON)
        .where(of_member(COUPON, coupon.member), COUPON.c.coupon_id == coupon.coupon_id)
        .values(state=coupon.state, order_id=coupon.order_id, void_reason=coupon.void_reason)
    )


async def find_coupon(
    connection: Connection, member: MemberKey, coupon_id: CouponId
) -> Coupon | None:
    """The member's coupon of that name."""
    chosen = select(COUPON).where(of_member(COUPON, member), COUPON.c.coupon_id == coupon_id)
    row = (await connection.execute(chosen)).one_or_none()
    return to_coupon(row) if row else None


async def find_coupons(
    connection: Connection, member: MemberKey, coupon_ids: Sequence[CouponId]
) -> dict[CouponId, Coupon]:
    """Those of the member's coupons that have one of these names."""
    if not coupon_ids:
        return {}
    chosen = select(COUPON).where(of_member(COUPON, member), COUPON.c.coupon_id.in_(coupon_ids))
    found = [to_coupon(row) for row in await connection.execute(chosen)]
    return {each.coupon_id: each for each in found}


async def coupons_of_order(
    connection: Connection, member: MemberKey, order_id: OrderId
) -> list[Coupon]:
    """Coupons reserved for an order or used in it."""
    chosen = (
        select(COUPON)
        .where(of_member(COUPON, member), COUPON.c.order_id == order_id)
        .order_by(COUPON.c.coupon_id)
    )
    return [to_coupon(row) for row in await connection.execute(chosen)]


async def list_coupons(
    connection: Connection,
    member: MemberKey,
    *,
    state: CouponState | None,
    now: object,
    before: str | None,
    limit: int,
) -> list[Coupon]:
    """Coupons of a member, the latest first, from the one before `before` on."""
    chosen = select(COUPON).where(of_member(COUPON, member), in_state(state, now))
    if before:
        chosen = chosen.where(COUPON.c.coupon_id < before)
    chosen = chosen.order_by(COUPON.c.coupon_id.desc()).limit(limit)
    return [to_coupon(row) for row in await connection.execute(chosen)]


def in_state(state: CouponState | None, now: object) -> ColumnElement[bool]:
    """Coupons that are in a state now; of every state where none is named."""
    stored, expire_time = COUPON.c.state, COUPON.c.expire_time
    match state:
        case None:
            return true()
        case CouponState.EXPIRED:
            return and_(stored == CouponState.AVAILABLE, expire_time <= now)
        case CouponState.AVAILABLE:
            return and_(stored == CouponState.AVAILABLE, expire_time > now)
    return stored == state


def of_type(program_id: ProgramId, coupon_type_id: CouponTypeId) -> ColumnElement[bool]:
    """The stock of one type."""
    return and_(
        COUPON_STOCK.c.program_id == program_id, COUPON_STOCK.c.coupon_type_id == coupon_type_id
    )


def to_coupon(row: Row[Any]) -> Coupon:
    """The coupon in a row."""
    return Coupon(
        coupon_id=CouponId(row.coupon_id),
        member=MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id)),
        coupon_type_id=CouponTypeId(row.coupon_type_id),
        terms=TERMS.read(row.terms),
        code=row.code,
        source=CouponSource(row.source),
        reference=row.reference,
        issue_time=row.issue_time,
        expire_time=row.expire_time,
        program_revision=RevisionId(row.program_revision),
        state=CouponState(row.state),
        order_id=OrderId(row.order_id) if row.order_id is not None else None,
        void_reason=row.void_reason,
    )
