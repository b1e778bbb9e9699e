"""Redemptions of the mall."""

from __future__ import annotations

from laurel_kit.database import Connection
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.ids import MemberKey, RedemptionId
from laurel_benefits.domain.mall import Redemption
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.mall_tables import REDEMPTION
from laurel_benefits.storage.members import key_values, of_member

REDEMPTIONS = Documents[Redemption](Redemption)


async def record_redemption(connection: Connection, redemption: Redemption) -> None:
    """Store a redemption as it now is; the member is locked."""
    row = insert(REDEMPTION).values(
        **key_values(redemption.member),
        redemption_id=redemption.redemption_id,
        reward_id=redemption.reward_id,
        redemption=REDEMPTIONS.write(redemption),
        price_points=redemption.price_points,
        state=redemption.state,
        ledger_request_id=redemption.ledger_request_id,
    )
    changed = {"redemption": row.excluded.redemption, "state": row.excluded.state}
    await connection.execute(
        row.on_conflict_do_update(constraint=REDEMPTION.primary_key, set_=changed)
    )


async def find_redemption(
    connection: Connection, member: MemberKey, redemption_id: RedemptionId
) -> Redemption | None:
    """The member's redemption of that name."""
    chosen = select(REDEMPTION.c.redemption).where(
        of_member(REDEMPTION, member), REDEMPTION.c.redemption_id == redemption_id
    )
    found = (await connection.execute(chosen)).scalar_one_or_none()
    return REDEMPTIONS.read(found) if found is not None else None
