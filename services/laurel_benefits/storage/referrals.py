"""Who was brought by whom, and what the brought ones have paid."""

from __future__ import annotations

from datetime import datetime

from laurel_kit.database import Connection
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.ids import ActivityId, MemberId, MemberKey
from laurel_benefits.storage.activity_tables import REFERRAL
from laurel_benefits.storage.members import key_values, of_member

PAID_MAX = text("""
    select coalesce(max(paid.fen), 0)
    from shop_order
    cross join lateral (
        select sum(cast(line ->> 'paid_fen' as bigint)) as fen
        from jsonb_array_elements(shop_order.draft -> 'lines') as line
    ) as paid
    where shop_order.program_id = :program_id and shop_order.member_id = :member_id
""")


async def referrer_of(connection: Connection, member: MemberKey) -> MemberId | None:
    """Who has brought a member; None when nobody has."""
    chosen = select(REFERRAL.c.referrer_id).where(of_member(REFERRAL, member))
    found = (await connection.execute(chosen)).scalar_one_or_none()
    return MemberId(found) if found else None


async def record_referral(
    connection: Connection,
    referred: MemberKey,
    *,
    referrer_id: MemberId,
    activity_id: ActivityId,
    refer_time: datetime,
) -> bool:
    """Say who has brought a member; False when another one has."""
    row = insert(REFERRAL).values(
        **key_values(referred),
        referrer_id=referrer_id,
        activity_id=activity_id,
        refer_time=refer_time,
    )
    made = await connection.execute(row.on_conflict_do_nothing().returning(REFERRAL.c.referrer_id))
    return made.one_or_none() is not None


async def order_paid_max(connection: Connection, member: MemberKey) -> int:
    """The most a member has paid for the lines of a completed order, in fen."""
    paid: int = (await connection.execute(PAID_MAX, key_values(member))).scalar_one()
    return int(paid)
