"""Coupons inside orders: set aside, used and given back in the transactions of the order.

The member is locked by the caller. Each of them can be repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from laurel_kit.database import Connection

from laurel_benefits.domain.coupons import (
    Coupon,
    decide_redemption,
    decide_release,
    decide_reservation,
)
from laurel_benefits.domain.ids import CouponId, MemberKey, OrderId
from laurel_benefits.domain.mall_errors import CouponNotFound
from laurel_benefits.storage import coupons


async def read_coupons(
    connection: Connection, member: MemberKey, coupon_ids: Sequence[CouponId]
) -> list[Coupon]:
    """The member's coupons of these names, in their order. Raises CouponNotFound."""
    found = await coupons.find_coupons(connection, member, coupon_ids)
    for coupon_id in coupon_ids:
        if coupon_id not in found:
            raise CouponNotFound(coupon_id=coupon_id)
    return [found[coupon_id] for coupon_id in coupon_ids]


async def reserve_coupons(
    connection: Connection,
    member: MemberKey,
    coupon_ids: Sequence[CouponId],
    *,
    order_id: OrderId,
    now: datetime,
) -> list[Coupon]:
    """Set coupons aside for an order. Raises CouponNotFound, CouponNotAvailable."""
    held = await read_coupons(connection, member, coupon_ids)
    reserved = [decide_reservation(coupon, order_id, now) for coupon in held]
    await coupons.record_coupons(connection, reserved)
    return reserved


async def redeem_coupons(
    connection: Connection,
    member: MemberKey,
    coupon_ids: Sequence[CouponId],
    *,
    order_id: OrderId,
    now: datetime,
) -> list[Coupon]:
    """Use coupons in an order, reserved before or not.

    Raises CouponNotFound, CouponNotAvailable.
    """
    held = await read_coupons(connection, member, coupon_ids)
    redeemed = [decide_redemption(coupon, order_id, now) for coupon in held]
    await coupons.record_coupons(connection, redeemed)
    return redeemed


async def release_coupons(
    connection: Connection, member: MemberKey, *, order_id: OrderId
) -> list[Coupon]:
    """Give back what an order has reserved or used, when it is cancelled or lapses (M10).

    A coupon whose time has passed since comes back expired.
    """
    held = await coupons.coupons_of_order(connection, member, order_id)
    released = [decide_release(coupon, order_id) for coupon in held]
    await coupons.record_coupons(connection, released)
    return released
