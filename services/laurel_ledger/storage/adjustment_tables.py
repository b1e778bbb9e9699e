"""The table of changes by hand."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from laurel_ledger.storage.tables import METADATA


def _name(column: str, *, key: bool = False) -> Column[str]:
    return Column(column, Text(collation="C"), primary_key=key, nullable=False)


ADJUSTMENT = Table(
    "adjustment",
    METADATA,
    Column("shard_id", SmallInteger, primary_key=True, nullable=False),
    Column("state", SmallInteger, nullable=False),
    _name("program_id", key=True),
    _name("member_id", key=True),
    _name("adjustment_id", key=True),
    _name("asset_id"),
    Column("amount", BigInteger, nullable=False),
    _name("funding_account_id"),
    _name("reason_id"),
    Column("comment", Text, nullable=False),
    Column("expire_time", DateTime(timezone=True)),
    _name("maker_id"),
    Column("create_time", DateTime(timezone=True), nullable=False),
    _name("program_revision"),
    _name("checker_id"),
    Column("decide_time", DateTime(timezone=True)),
    Column("decision_comment", Text, nullable=False),
    Column("failure_reason", Text, nullable=False),
    _name("transaction_id"),
    Column("digest", LargeBinary, nullable=False),
    CheckConstraint(
        "state between 1 and 5 and (state = 1) = (decide_time is null)",
        name="ck_adjustment_state",
    ),
    CheckConstraint("state in (1, 5) or checker_id <> maker_id", name="ck_adjustment_checker"),
    CheckConstraint("(state = 4) = (failure_reason <> '')", name="ck_adjustment_failure"),
    Index(
        "ix_adjustment_time",
        "shard_id",
        "program_id",
        text("create_time desc"),
        "member_id",
        "adjustment_id",
    ),
    Index("ix_adjustment_approved", "decide_time", postgresql_where=text("state = 2")),
)

ADJUSTMENT_COUNT = Table(
    "adjustment_count",
    METADATA,
    Column("shard_id", SmallInteger, primary_key=True, nullable=False, autoincrement=False),
    Column("adjustments", Integer, nullable=False),
    CheckConstraint("adjustments > 0", name="ck_adjustment_count"),
)
