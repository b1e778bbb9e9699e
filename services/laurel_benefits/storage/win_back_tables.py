"""The table of contacts with members who stay away."""

from __future__ import annotations

from laurel_kit.schema import HISTORY
from sqlalchemy import BigInteger, Column, DateTime, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from laurel_benefits.storage.tables import METADATA


def _key(column: str) -> Column[str]:
    return Column(column, Text(collation="C"), primary_key=True, nullable=False)


WIN_BACK_CONTACT = Table(
    "win_back_contact",
    METADATA,
    _key("program_id"),
    _key("member_id"),
    Column("position", BigInteger, primary_key=True, autoincrement=False, nullable=False),
    Column("contact_time", DateTime(timezone=True), nullable=False),
    Column("segment_id", Text(collation="C"), nullable=False),
    Column("offers", JSONB, nullable=False),
    Column("channel", Text, nullable=False),
    Column("program_revision", Text(collation="C"), nullable=False),
    info={HISTORY: True},
)
