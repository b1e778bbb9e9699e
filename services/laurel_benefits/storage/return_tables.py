"""The table of goods that went back."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from laurel_benefits.storage.tables import METADATA


def _name(column: str, *, primary_key: bool = False, default: str | None = None) -> Column[str]:
    server_default = text(f"'{default}'") if default is not None else None
    return Column(
        column,
        Text(collation="C"),
        primary_key=primary_key,
        nullable=False,
        server_default=server_default,
    )


def _instant(column: str, *, nullable: bool = False) -> Column[object]:
    return Column(column, DateTime(timezone=True), nullable=nullable)


ORDER_RETURN = Table(
    "order_return",
    METADATA,
    _name("program_id", primary_key=True),
    _name("member_id", primary_key=True),
    _name("order_id", primary_key=True),
    Column("return_no", Integer, primary_key=True, autoincrement=False, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("steps", JSONB, nullable=False),
    Column("frozen_points", BigInteger, nullable=False),
    _name("activity_id"),
    _name("fact_state", default="PENDING"),
    Column("fact_refusal", Text, nullable=False, server_default=text("''")),
    Column("reason", Text, nullable=False),
    _instant("return_time"),
    _instant("create_time"),
    _instant("attempt_time", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    ForeignKeyConstraint(
        ["program_id", "member_id", "order_id"],
        ["shop_order.program_id", "shop_order.member_id", "shop_order.order_id"],
        name="fk_order_return_order",
    ),
    Index(
        "ix_order_return_attempt_time",
        "attempt_time",
        postgresql_where=text("attempt_time is not null"),
    ),
)
