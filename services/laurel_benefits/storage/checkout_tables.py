"""The table of orders that hold points until they are paid."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from laurel_benefits.storage.tables import METADATA


def _name(column: str, *, primary_key: bool = False) -> Column[str]:
    return Column(column, Text(collation="C"), primary_key=primary_key, nullable=False)


def _instant(column: str, *, nullable: bool = False) -> Column[object]:
    return Column(column, DateTime(timezone=True), nullable=nullable)


def _points(column: str) -> Column[int]:
    return Column(column, BigInteger, nullable=False, server_default=text("0"))


CHECKOUT = Table(
    "checkout",
    METADATA,
    _name("program_id", primary_key=True),
    _name("member_id", primary_key=True),
    _name("order_id", primary_key=True),
    Column("reservation_no", Integer, primary_key=True, autoincrement=False, nullable=False),
    Column("terms", JSONB, nullable=False),
    _name("state"),
    _name("ending"),
    _instant("create_time"),
    _instant("expire_time"),
    _instant("commit_time", nullable=True),
    _instant("end_time", nullable=True),
    Column("end_reason", Text, nullable=False),
    Column("refusal", Text, nullable=False),
    _points("returned_points"),
    _points("forfeited_points"),
    Column("cancellations", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    _instant("lapse_time", nullable=True),
    _instant("attempt_time", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Index("ix_checkout_lapse_time", "lapse_time", postgresql_where=text("lapse_time is not null")),
    Index(
        "ix_checkout_attempt_time",
        "attempt_time",
        postgresql_where=text("attempt_time is not null"),
    ),
)
