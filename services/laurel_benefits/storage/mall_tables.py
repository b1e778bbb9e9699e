"""The tables of redemptions, draws and the seeds of lotteries."""

from __future__ import annotations

from sqlalchemy import Column, Date, Table, UniqueConstraint

from laurel_benefits.storage.columns import document, instant, member_key, name, number, uuid, words
from laurel_benefits.storage.tables import METADATA

REDEMPTION = Table(
    "redemption",
    METADATA,
    *member_key(),
    uuid("redemption_id", primary_key=True),
    name("reward_id"),
    document("redemption"),
    number("price_points"),
    name("state"),
    name("ledger_request_id"),
    UniqueConstraint("program_id", "member_id", "ledger_request_id", name="uq_redemption_request"),
)

DRAW = Table(
    "draw",
    METADATA,
    *member_key(),
    uuid("draw_id", primary_key=True),
    name("lottery_id"),
    document("draw"),
    name("state"),
    name("ledger_request_id"),
    UniqueConstraint("program_id", "member_id", "ledger_request_id", name="uq_draw_request"),
)

LOTTERY_SEED = Table(
    "lottery_seed",
    METADATA,
    name("program_id", primary_key=True),
    name("lottery_id", primary_key=True),
    Column("day", Date, primary_key=True, nullable=False),
    words("seed"),
    instant("create_time"),
)
