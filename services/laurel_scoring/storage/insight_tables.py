"""The tables of insight: what a settlement says about everybody together."""

from __future__ import annotations

from laurel_kit.schema import HISTORY
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Date,
    ForeignKeyConstraint,
    Integer,
    Table,
    UniqueConstraint,
)

from laurel_scoring.storage.tables import METADATA, count, name

KEY = ["program_id", "model_id", "month", "run"]


def of_settlement(table: str) -> ForeignKeyConstraint:
    """Nothing is counted but of a settlement."""
    return ForeignKeyConstraint(
        KEY, [f"settlement.{column}" for column in KEY], name=f"fk_{table}_settlement"
    )


LEVEL_COUNT = Table(
    "level_count",
    METADATA,
    name("program_id", key=True),
    name("model_id", key=True),
    Column("month", Date, primary_key=True),
    Column("run", Integer, primary_key=True),
    name("level_id", key=True),
    count("members"),
    count("value_total"),
    count("members_holding"),
    of_settlement("level_count"),
    info={HISTORY: True},
)

PERCENTILES = Table(
    "percentiles",
    METADATA,
    name("program_id", key=True),
    name("model_id", key=True),
    Column("month", Date, primary_key=True),
    Column("run", Integer, primary_key=True),
    Column("scores", ARRAY(BigInteger), nullable=False),
    of_settlement("percentiles"),
    info={HISTORY: True},
)

LEADERBOARD = Table(
    "leaderboard",
    METADATA,
    name("program_id", key=True),
    name("model_id", key=True),
    Column("month", Date, primary_key=True),
    Column("run", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    name("member_id"),
    count("value"),
    name("level_id"),
    Column("reach_month", Date, nullable=False),
    UniqueConstraint(*KEY, "member_id", name="uq_leaderboard_member"),
    of_settlement("leaderboard"),
    info={HISTORY: True},
)
