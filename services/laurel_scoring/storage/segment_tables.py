"""The tables of groups: what each member bought and kept, in short, brought up to date daily."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, Integer, Table

from laurel_scoring.storage.tables import METADATA, count, name

INSIGHT_DAY = Table(
    "insight_day",
    METADATA,
    name("program_id", key=True),
    Column("day", Date, nullable=False),
    name("last_member_id"),
    name("state"),
)

MEMBER_SEGMENT = Table(
    "member_segment",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    count("member_version"),
    name("revision_id"),
    Column("next_day", Date),
    Column("last_order_day", Date),
    Column("orders", Integer, nullable=False),
    count("paid"),
    Column("recency", Integer),
    Column("frequency", Integer),
    Column("monetary", Integer),
    name("group_id"),
    name("dormancy_id"),
    Index("ix_member_segment_group", "program_id", "group_id", "member_id"),
    Index("ix_member_segment_dormancy", "program_id", "dormancy_id", "member_id"),
)

MEMBER_TASTE = Table(
    "member_taste",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    name("shop_id", key=True),
    name("category_id", key=True),
    Column("paid", BigInteger, nullable=False),
    Index("ix_member_taste_shop", "program_id", "shop_id", "member_id"),
)
