"""The tables of activities, of what reviews of order lines were paid, and of who brought whom."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Table, text
from sqlalchemy.dialects.postgresql import JSONB

from laurel_benefits.storage.columns import (
    attempts,
    document,
    instant,
    member_key,
    name,
    number,
    words,
)
from laurel_benefits.storage.tables import METADATA


def _fact(column: str) -> Column[bool]:
    return Column(column, Boolean, nullable=False, server_default=text("false"))


ACTIVITY = Table(
    "activity",
    METADATA,
    *member_key(),
    name("activity_id", primary_key=True),
    name("kind"),
    name("digest"),
    instant("activity_time"),
    instant("record_time"),
    document("draft"),
    document("decision"),
    number("points"),
    name("program_revision"),
    name("subject_id", default=""),
    name("approver_id", default=""),
    name("order_id", default=""),
    name("line_id", default=""),
    name("sku_id", default=""),
    instant("order_time", nullable=True),
    _fact("bad"),
    _fact("deleted"),
    name("fact_state", default="PENDING"),
    number("fact_position"),
    words("fact_refusal", default=""),
    instant("attempt_time", nullable=True),
    attempts(),
    Column("counted", JSONB, nullable=False, server_default=text("'[]'")),
    Index("ix_activity_subject", "program_id", "member_id", "kind", "subject_id"),
    Index(
        "ix_activity_sku",
        "program_id",
        "member_id",
        "kind",
        "sku_id",
        postgresql_where=text("order_id <> ''"),
    ),
    Index(
        "ix_activity_untold",
        "program_id",
        "member_id",
        "fact_position",
        postgresql_where=text("fact_state = 'PENDING'"),
    ),
    Index(
        "ix_activity_attempt_time",
        "attempt_time",
        postgresql_where=text("attempt_time is not null"),
    ),
)

LINE_REWARD = Table(
    "line_reward",
    METADATA,
    *member_key(),
    name("ledger_request_id", primary_key=True),
    name("order_id"),
    name("line_id"),
    name("review_id"),
    name("activity_id"),
    number("points"),
    _fact("taken"),
    Index("ix_line_reward_line", "program_id", "member_id", "order_id", "line_id"),
    Index("ix_line_reward_review", "program_id", "member_id", "review_id"),
)

REFERRAL = Table(
    "referral",
    METADATA,
    *member_key(),
    name("referrer_id"),
    name("activity_id"),
    instant("refer_time"),
)
