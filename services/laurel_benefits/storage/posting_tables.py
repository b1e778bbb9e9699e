"""The table of postings, and counters of members and of programs."""

from __future__ import annotations

from sqlalchemy import Index, Table, text

from laurel_benefits.storage.columns import attempts, instant, member_key, name, number, words
from laurel_benefits.storage.tables import METADATA

POSTING = Table(
    "posting",
    METADATA,
    *member_key(),
    name("ledger_request_id", primary_key=True),
    name("source"),
    name("source_id"),
    name("effect"),
    name("asset_id"),
    number("amount"),
    name("account_id"),
    instant("effective_time"),
    words("reason"),
    name("program_revision"),
    name("reversed_request_id", default=""),
    name("state", default="PENDING"),
    words("refusal", default=""),
    words("commit_token", default=""),
    instant("attempt_time", nullable=True),
    attempts(),
    name("activation_key", default=""),
    Index("ix_posting_source", "program_id", "member_id", "source_id"),
    Index(
        "ix_posting_attempt_time",
        "attempt_time",
        postgresql_where=text("attempt_time is not null"),
    ),
)

MEMBER_COUNTER = Table(
    "member_counter",
    METADATA,
    *member_key(),
    name("counter_id", primary_key=True),
    name("period_key", primary_key=True),
    number("used", zero=True),
)

PROGRAM_COUNTER = Table(
    "program_counter",
    METADATA,
    name("program_id", primary_key=True),
    name("counter_id", primary_key=True),
    name("period_key", primary_key=True),
    number("used", zero=True),
)
