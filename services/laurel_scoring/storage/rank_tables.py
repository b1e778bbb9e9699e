"""The tables of a ranking under way: every member's score before any of them is published."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, Integer, Table

from laurel_scoring.storage.tables import METADATA, count, instant, name

RANKING = Table(
    "ranking",
    METADATA,
    name("program_id", key=True),
    name("model_id", key=True),
    Column("month", Date, primary_key=True),
    Column("run", Integer, primary_key=True),
    name("last_member_id"),
    Column("is_gathered", Boolean, nullable=False),
)

RANKING_ENTRY = Table(
    "ranking_entry",
    METADATA,
    name("program_id", key=True),
    name("model_id", key=True),
    Column("month", Date, primary_key=True),
    Column("run", Integer, primary_key=True),
    name("member_id", key=True),
    count("value"),
    instant("reached_time", nullable=True),
    count("member_version"),
    Column("place", BigInteger, nullable=True),
)
