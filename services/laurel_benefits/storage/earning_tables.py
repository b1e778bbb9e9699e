"""The tables of caps and budgets that orders count against."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text, text

from laurel_benefits.storage.tables import METADATA


def _key(column: str) -> Column[str]:
    return Column(column, Text(collation="C"), primary_key=True, nullable=False)


def _points(column: str) -> Column[int]:
    return Column(column, BigInteger, nullable=False, server_default=text("0"))


EARNING_COUNTER = Table(
    "earning_counter",
    METADATA,
    _key("program_id"),
    _key("member_id"),
    _key("counter_id"),
    _key("period_key"),
    _points("points"),
)

CAMPAIGN_BUDGET = Table(
    "campaign_budget",
    METADATA,
    _key("program_id"),
    _key("campaign_id"),
    _points("limit_points"),
    _points("used_points"),
)
