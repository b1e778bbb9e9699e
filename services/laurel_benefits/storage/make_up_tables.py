"""The table of cards that make up for missed days."""

from __future__ import annotations

from sqlalchemy import Column, Date, Table, UniqueConstraint

from laurel_benefits.storage.columns import member_key
from laurel_benefits.storage.tables import METADATA

MAKE_UP_CARD = Table(
    "make_up_card",
    METADATA,
    *member_key(),
    Column("earn_day", Date, primary_key=True, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("used_day", Date, nullable=True),
    UniqueConstraint("program_id", "member_id", "used_day", name="uq_make_up_card_used"),
)
