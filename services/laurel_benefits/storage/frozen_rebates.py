"""The book of a trial's rebate: its grants wait with their orders, its sums with the trial."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from laurel_kit.database import Connection
from sqlalchemy import and_, select, update

from laurel_benefits.domain.frozen_rebates import FrozenGrant
from laurel_benefits.domain.ids import MemberKey, MembershipId, OrderId
from laurel_benefits.domain.memberships import Membership
from laurel_benefits.storage.members import of_member
from laurel_benefits.storage.memberships import book_values
from laurel_benefits.storage.tables import MEMBERSHIP, ORDER_GRANT, SHOP_ORDER


async def frozen_grants(
    connection: Connection, member: MemberKey, trial_id: MembershipId
) -> Sequence[FrozenGrant]:
    """What the orders of a trial have earned and nobody can spend, the earliest delivery first."""
    same_order = and_(
        of_member(SHOP_ORDER, member), SHOP_ORDER.c.order_id == ORDER_GRANT.c.order_id
    )
    chosen = (
        select(ORDER_GRANT.c.order_id, ORDER_GRANT.c.points)
        .join(SHOP_ORDER, same_order)
        .where(
            of_member(ORDER_GRANT, member),
            ORDER_GRANT.c.state == "FROZEN",
            SHOP_ORDER.c.membership_id == trial_id,
        )
        .order_by(SHOP_ORDER.c.complete_time, SHOP_ORDER.c.order_id)
    )
    rows = await connection.execute(chosen)
    return [FrozenGrant(order_id=OrderId(row.order_id), points=row.points) for row in rows]


async def settle_grants(
    connection: Connection,
    member: MemberKey,
    grants: Sequence[FrozenGrant],
    *,
    release_time: datetime,
    attempt_time: datetime,
) -> None:
    """Have what is released paid by the relay, and forfeit what keeps no points."""
    kept = [grant for grant in grants if grant.points]
    for grant in kept:
        await connection.execute(
            update(ORDER_GRANT)
            .where(
                of_member(ORDER_GRANT, member),
                ORDER_GRANT.c.order_id == grant.order_id,
                ORDER_GRANT.c.state == "FROZEN",
            )
            .values(state="PENDING", points=grant.points, release_time=release_time)
        )
    await connection.execute(
        update(SHOP_ORDER)
        .where(
            of_member(SHOP_ORDER, member),
            SHOP_ORDER.c.order_id.in_([grant.order_id for grant in kept]),
        )
        .values(attempt_time=attempt_time, attempts=0)
    )
    await forfeit(connection, member, [grant.order_id for grant in grants if not grant.points])


async def forfeit_grants(connection: Connection, member: MemberKey, trial_id: MembershipId) -> None:
    """Forfeit everything that is frozen in a trial."""
    grants = await frozen_grants(connection, member, trial_id)
    await forfeit(connection, member, [grant.order_id for grant in grants])


async def forfeit(connection: Connection, member: MemberKey, order_ids: Sequence[OrderId]) -> None:
    """Let nobody ever spend what these orders have frozen."""
    await connection.execute(
        update(ORDER_GRANT)
        .where(
            of_member(ORDER_GRANT, member),
            ORDER_GRANT.c.order_id.in_(order_ids),
            ORDER_GRANT.c.state == "FROZEN",
        )
        .values(state="FORFEITED")
    )


async def keep_trial(connection: Connection, trial: Membership) -> None:
    """Store the end of a trial and its book."""
    await connection.execute(
        update(MEMBERSHIP)
        .where(
            of_member(MEMBERSHIP, trial.member),
            MEMBERSHIP.c.membership_id == trial.membership_id,
        )
        .values(expire_time=trial.term.expire_time, **book_values(trial.frozen))
    )
