"""The tables of the scoring service, equal to what its migrations make."""

from __future__ import annotations

from typing import Any

from laurel_kit.schema import HISTORY, kit_tables
from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData()
kit_tables(METADATA)


def name(column: str, *, key: bool = False, nullable: bool = False) -> Column[Any]:
    """A column of ids or codes: compared byte by byte, on every machine alike."""
    return Column(column, Text(collation="C"), primary_key=key, nullable=nullable)


def instant(column: str, *, nullable: bool = False) -> Column[Any]:
    """A column of instants."""
    return Column(column, DateTime(timezone=True), nullable=nullable)


def count(column: str) -> Column[Any]:
    """A column of whole numbers."""
    return Column(column, BigInteger, nullable=False)


MEMBER = Table(
    "member",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    count("version"),
    instant("record_time"),
)

ACTIVITY = Table(
    "activity",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    name("activity_id", key=True),
    name("fact_kind"),
    instant("activity_time"),
    name("order_id", nullable=True),
    Column("content", JSONB, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    count("member_version"),
    instant("record_time"),
    ForeignKeyConstraint(
        ["program_id", "member_id"],
        ["member.program_id", "member.member_id"],
        name="fk_activity_member",
    ),
    Index(
        "ix_activity_order",
        "program_id",
        "member_id",
        "order_id",
        postgresql_where=text("order_id is not null"),
    ),
    info={HISTORY: True},
)

RETRACTION = Table(
    "retraction",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    name("activity_id", key=True),
    Column("reason", Text, nullable=False),
    name("replacement_id"),
    count("member_version"),
    instant("retract_time"),
    ForeignKeyConstraint(
        ["program_id", "member_id", "activity_id"],
        ["activity.program_id", "activity.member_id", "activity.activity_id"],
        name="fk_retraction_activity",
    ),
    info={HISTORY: True},
)

SETTLEMENT = Table(
    "settlement",
    METADATA,
    name("program_id", key=True),
    name("model_id", key=True),
    Column("month", Date, primary_key=True),
    Column("run", Integer, primary_key=True),
    name("state"),
    instant("due_time"),
    name("revision_id"),
    instant("revision_time"),
    instant("start_time"),
    instant("end_time", nullable=True),
    name("last_member_id"),
    count("members_done"),
    count("members_total"),
    count("scores_published"),
    Column("correction_reason", Text, nullable=False),
)

PUBLISHED_SCORE = Table(
    "published_score",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    name("model_id", key=True),
    Column("month", Date, primary_key=True),
    Column("run", Integer, primary_key=True),
    count("value"),
    name("level_id"),
    instant("due_time"),
    instant("publish_time"),
    name("revision_id"),
    instant("revision_time"),
    count("member_version"),
    Column("correction_reason", Text, nullable=False),
    info={HISTORY: True},
)

REVISION = METADATA.tables["program_revision"]
