"""The tables of tiers: what is held, how it came about, and what is laid over it."""

from __future__ import annotations

from laurel_kit.schema import HISTORY
from sqlalchemy import BigInteger, Column, Date, Integer, Table, Text, Uuid

from laurel_scoring.storage.tables import METADATA, instant, name

TIER_BOOK = Table(
    "tier_book",
    METADATA,
    name("program_id", key=True),
    name("model_id", key=True),
    Column("latest_month", Date, nullable=False),
)

TIER = Table(
    "tier",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    name("model_id", key=True),
    name("level_id"),
    instant("since_time"),
    instant("until_time", nullable=True),
    instant("grace_until_time", nullable=True),
    Column("month", Date, nullable=False),
)

TIER_CHANGE = Table(
    "tier_change",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    name("model_id", key=True),
    Column("change_id", Uuid, primary_key=True),
    instant("change_time"),
    name("cause"),
    name("from_level_id"),
    name("to_level_id"),
    instant("since_time"),
    instant("until_time", nullable=True),
    instant("grace_until_time", nullable=True),
    Column("month", Date),
    Column("run", Integer),
    Column("value", BigInteger),
    name("revision_id"),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    info={HISTORY: True},
)

TIER_OVERRIDE = Table(
    "tier_override",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    name("model_id", key=True),
    Column("override_id", Uuid, primary_key=True),
    name("level_id"),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    instant("start_time"),
    instant("end_time"),
    info={HISTORY: True},
)
