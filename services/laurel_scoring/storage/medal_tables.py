"""The tables of medals: which level each member holds, and how that came about."""

from __future__ import annotations

from laurel_kit.schema import HISTORY
from sqlalchemy import Column, Integer, Table, Uuid

from laurel_scoring.storage.tables import METADATA, instant, name

MEMBER_MEDAL = Table(
    "member_medal",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    name("medal_id", key=True),
    Column("level", Integer, nullable=False),
    instant("since_time"),
)

MEDAL_CHANGE = Table(
    "medal_change",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    name("medal_id", key=True),
    Column("change_id", Uuid, primary_key=True),
    instant("change_time"),
    Column("from_level", Integer, nullable=False),
    Column("to_level", Integer, nullable=False),
    name("revision_id"),
    info={HISTORY: True},
)
