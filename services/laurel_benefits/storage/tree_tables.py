"""The tables of trees, of who helped them, and of their harvests."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Table, UniqueConstraint, text

from laurel_benefits.storage.columns import document, instant, member_key, name, number, uuid
from laurel_benefits.storage.tables import METADATA

TREE = Table(
    "tree",
    METADATA,
    *member_key(),
    number("tree_no"),
    number("drops"),
    number("growth_hundredths"),
    instant("ripe_time", nullable=True),
    Index(
        "ix_tree_ripe_time",
        "program_id",
        "ripe_time",
        postgresql_where=text("ripe_time is not null"),
    ),
)

TREE_HELP = Table(
    "tree_help",
    METADATA,
    *member_key(),
    Column("day", Date, primary_key=True, nullable=False),
    name("helper_id", primary_key=True),
    name("device_id"),
    number("drops"),
    instant("help_time"),
)

HARVEST = Table(
    "harvest",
    METADATA,
    *member_key(),
    uuid("harvest_id", primary_key=True),
    number("tree_no"),
    document("harvest"),
    name("state"),
    UniqueConstraint("program_id", "member_id", "tree_no", name="uq_harvest_tree"),
)
