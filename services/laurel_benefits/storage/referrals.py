"""Who was brought by whom, and what the brought ones have paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_kit.database import Connection
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.ids import ActivityId, MemberId, MemberKey
from laurel_benefits.storage.activity_tables import REFERRAL
from laurel_benefits.storage.members import key_values, of_member

BOUGHT = text("""
    select coalesce(max(paid.fen), 0) as paid_max_fen, min(complete_time) as first_time
    from shop_order
    cross join lateral (
        select sum(cast(line ->> 'paid_fen' as bigint)) as fen
        from jsonb_array_elements(shop_order.draft -> 'lines') as line
    ) as paid
    where shop_order.program_id = :program_id and shop_order.member_id = :member_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """Completed orders of a member: the most one cost, freight apart, and when the first was."""

    order_paid_max_fen: int
    first_order_time: datetime | None


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


async def bought(connection: Connection, member: MemberKey) -> Bought:
    """What a member has bought."""
    row = (await connection.execute(BOUGHT, key_values(member))).one()
    return Bought(order_paid_max_fen=int(row.paid_max_fen), first_order_time=row.first_time)


async def forget_referral(
    connection: Connection, member: MemberKey, activity_id: ActivityId
) -> None:
    """A referral that was not paid after all: another one may bring the same member."""
    await connection.execute(
        delete(REFERRAL).where(
            REFERRAL.c.program_id == member.program_id,
            REFERRAL.c.referrer_id == member.member_id,
            REFERRAL.c.activity_id == activity_id,
        )
    )
