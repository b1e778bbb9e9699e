"""The tables of this service, held equal to the migrations by a test; checks stand there alone."""

from __future__ import annotations

from laurel_kit.schema import HISTORY, kit_tables
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from laurel_benefits.storage.columns import document as _document
from laurel_benefits.storage.columns import instant as _instant
from laurel_benefits.storage.columns import member_key as _member_key
from laurel_benefits.storage.columns import name as _name
from laurel_benefits.storage.columns import number as _number
from laurel_benefits.storage.columns import uuid as _uuid
from laurel_benefits.storage.columns import words as _words

METADATA = MetaData()
kit_tables(METADATA)

MEMBER = Table(
    "member",
    METADATA,
    *_member_key(),
    _number("facts_recorded", zero=True),
    _instant("create_time"),
)

SHOP_ORDER = Table(
    "shop_order",
    METADATA,
    *_member_key(),
    _name("order_id", primary_key=True),
    _document("draft"),
    _instant("complete_time"),
    _document("line_earnings"),
    _uuid("membership_id", nullable=True),
    _name("activity_id"),
    _number("fact_position"),
    _name("fact_state", default="PENDING"),
    _words("fact_refusal", default=""),
    _name("program_revision"),
    _instant("create_time"),
    _instant("attempt_time", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _instant("grant_time"),
    _instant("grant_due_time", nullable=True),
    Column("counted", JSONB, nullable=False, server_default=text("'[]'")),
    UniqueConstraint("program_id", "member_id", "fact_position", name="uq_shop_order_fact"),
    Index(
        "ix_shop_order_grant_due_time",
        "grant_due_time",
        postgresql_where=text("grant_due_time is not null"),
    ),
    Index(
        "ix_shop_order_attempt_time",
        "attempt_time",
        postgresql_where=text("attempt_time is not null"),
    ),
    Index(
        "ix_shop_order_untold",
        "program_id",
        "member_id",
        "fact_position",
        postgresql_where=text("fact_state = 'PENDING'"),
    ),
)

ORDER_GRANT = Table(
    "order_grant",
    METADATA,
    *_member_key(),
    _name("order_id", primary_key=True),
    _name("kind", primary_key=True),
    _name("asset_id"),
    _name("funding_account_id"),
    _number("points"),
    _name("ledger_request_id"),
    _name("state", default="PENDING"),
    _words("refusal", default=""),
    _words("commit_token", default=""),
    _name("campaign_id", primary_key=True, default=""),
    _instant("release_time", nullable=True),
    UniqueConstraint("program_id", "member_id", "ledger_request_id", name="uq_order_grant_request"),
    ForeignKeyConstraint(
        ["program_id", "member_id", "order_id"],
        ["shop_order.program_id", "shop_order.member_id", "shop_order.order_id"],
        name="fk_order_grant_order",
    ),
)

MEMBERSHIP = Table(
    "membership",
    METADATA,
    *_member_key(),
    _uuid("membership_id", primary_key=True),
    _name("plan_id"),
    _instant("start_time"),
    _instant("expire_time"),
    _number("price_fen"),
    _uuid("quote_id", nullable=True),
    _document("evidence"),
    _words("payment_reference"),
    _document("terms"),
    _number("rebate_cap_points", nullable=True),
    _number("rebate_granted_points", zero=True),
    _name("program_revision"),
    _instant("purchase_time"),
    Column("frozen_state", Text(collation="C"), nullable=True),
    _number("frozen_points", zero=True),
    _number("released_points", zero=True),
    _number("forfeited_points", zero=True),
    _instant("release_expire_time", nullable=True),
    _uuid("successor_id", nullable=True),
    Column("channel_id", Text(collation="C"), nullable=True),
    Column("changes", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    UniqueConstraint("program_id", "member_id", "quote_id", name="uq_membership_quote"),
    Index("ix_membership_term", "program_id", "member_id", "expire_time"),
    Index("ix_membership_end", "program_id", "expire_time"),
    Index(
        "ix_membership_release_end",
        "program_id",
        "release_expire_time",
        postgresql_where=text("frozen_points > 0"),
    ),
)

QUOTE = Table(
    "quote",
    METADATA,
    *_member_key(),
    _uuid("quote_id", primary_key=True),
    _name("plan_id"),
    _number("price_fen"),
    _number("band_score_from"),
    _document("terms"),
    _document("evidence"),
    _instant("create_time"),
    _instant("expire_time"),
    _name("program_revision"),
    _uuid("membership_id", nullable=True),
    Column("channel", JSONB, nullable=True),
)

CHANNEL_REFERENCE = Table(
    "channel_reference",
    METADATA,
    _name("program_id", primary_key=True),
    _name("channel_id", primary_key=True),
    _name("reference", primary_key=True),
    _name("member_id"),
    _uuid("membership_id"),
)

SEEN_STANDING = Table(
    "seen_standing",
    METADATA,
    *_member_key(),
    _name("model_id", primary_key=True),
    _name("source", primary_key=True),
    _document("standing"),
    _instant("seen_time"),
)

BENEFIT_COUNTER = Table(
    "benefit_counter",
    METADATA,
    *_member_key(),
    _name("benefit_id", primary_key=True),
    _name("period_key", primary_key=True),
    _number("used", zero=True),
    _number("use_limit"),
    _instant("reset_time", nullable=True),
)

BENEFIT_USE = Table(
    "benefit_use",
    METADATA,
    *_member_key(),
    _uuid("use_id", primary_key=True),
    _name("benefit_id"),
    _words("reference"),
    _name("period_key"),
    _instant("use_time"),
    Column("value", JSONB, nullable=True),
    _name("program_revision"),
    _instant("reverse_time", nullable=True),
    _words("reverse_reason", default=""),
    _uuid("membership_id", nullable=True),
    Index(
        "ix_benefit_use_membership",
        "program_id",
        "member_id",
        "membership_id",
        postgresql_where=text("membership_id is not null"),
    ),
    _name("order_id", nullable=True),
    _name("stock_key", default=""),
    _instant("expire_time", nullable=True),
    Index(
        "ix_benefit_use_order",
        "program_id",
        "member_id",
        "order_id",
        postgresql_where=text("order_id is not null"),
    ),
)

BENEFIT_RULING = Table(
    "benefit_ruling",
    METADATA,
    *_member_key(),
    _name("benefit_id", primary_key=True),
    _number("position", primary_key=True),
    _name("kind"),
    _words("reason"),
    _words("maker"),
    _instant("create_time"),
    _instant("expire_time", nullable=True),
    info={HISTORY: True},
)

MEMBER_RISK = Table(
    "member_risk",
    METADATA,
    *_member_key(),
    _number("position", primary_key=True),
    _name("state"),
    _words("reason"),
    _words("maker"),
    _instant("create_time"),
    _instant("expire_time", nullable=True),
    info={HISTORY: True},
)

CHECK_IN = Table(
    "check_in",
    METADATA,
    *_member_key(),
    Column("day", Date, primary_key=True, nullable=False),
    _number("streak_days"),
    _number("points"),
    _name("asset_id"),
    _name("funding_account_id"),
    _name("ledger_request_id"),
    _instant("check_in_time"),
    _name("program_revision"),
    _name("state", default="PENDING"),
    _words("refusal", default=""),
    _words("commit_token", default=""),
    _instant("attempt_time", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("cash", JSONB(none_as_null=True), nullable=True),
    _uuid("review_case_id", nullable=True),
    Column("made_up", Boolean, nullable=False, server_default=text("false")),
    Column("card_earned", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("program_id", "member_id", "ledger_request_id", name="uq_check_in_request"),
    Index("ix_check_in_day", "program_id", "day", "member_id"),
    Index(
        "ix_check_in_attempt_time",
        "attempt_time",
        postgresql_where=text("attempt_time is not null"),
    ),
)
