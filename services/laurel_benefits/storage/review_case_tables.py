"""The table of rewards that wait for somebody to look at them."""

from __future__ import annotations

from sqlalchemy import Index, Table

from laurel_benefits.storage.columns import instant, member_key, name, number, uuid, words
from laurel_benefits.storage.tables import METADATA

REVIEW_CASE = Table(
    "review_case",
    METADATA,
    *member_key(),
    uuid("case_id", primary_key=True),
    name("activity_id"),
    name("kind"),
    name("rule_id"),
    number("points"),
    name("asset_id"),
    name("ledger_request_id"),
    words("raised_by"),
    instant("raise_time"),
    name("program_revision"),
    name("state", default="OPEN"),
    words("resolver", default=""),
    words("resolve_reason", default=""),
    instant("resolve_time", nullable=True),
    Index("ix_review_case_state", "program_id", "state", "case_id"),
)
