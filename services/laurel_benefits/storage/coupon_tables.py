"""The tables of coupons, their stock and the codes of partners."""

from __future__ import annotations

from sqlalchemy import Index, Table

from laurel_benefits.storage.columns import (
    document,
    instant,
    member_key,
    name,
    number,
    uuid,
    words,
)
from laurel_benefits.storage.tables import METADATA

COUPON_STOCK = Table(
    "coupon_stock",
    METADATA,
    name("program_id", primary_key=True),
    name("coupon_type_id", primary_key=True),
    number("stock", nullable=True),
    number("codes", zero=True),
    number("issued", zero=True),
)

COUPON_COUNTER = Table(
    "coupon_counter",
    METADATA,
    *member_key(),
    name("coupon_type_id", primary_key=True),
    number("issued", zero=True),
)

COUPON = Table(
    "coupon",
    METADATA,
    *member_key(),
    uuid("coupon_id", primary_key=True),
    name("coupon_type_id"),
    document("terms"),
    words("code"),
    name("source"),
    words("reference"),
    instant("issue_time"),
    instant("expire_time"),
    name("program_revision"),
    name("state", default="AVAILABLE"),
    name("order_id", nullable=True),
    words("void_reason", default=""),
    Index("ix_coupon_order", "program_id", "member_id", "order_id"),
)

COUPON_CODE = Table(
    "coupon_code",
    METADATA,
    name("program_id", primary_key=True),
    name("coupon_type_id", primary_key=True),
    name("code", primary_key=True),
    number("position"),
    uuid("coupon_id", nullable=True),
    Index("ix_coupon_code_position", "program_id", "coupon_type_id", "position"),
)
