"""The tables of merchants, of what changed their accounts, and of shop memberships."""

from __future__ import annotations

from laurel_kit.schema import HISTORY
from sqlalchemy import Index, Table, UniqueConstraint, text

from laurel_benefits.storage.columns import instant, member_key, name, number, words
from laurel_benefits.storage.tables import METADATA

MERCHANT = Table(
    "merchant",
    METADATA,
    name("program_id", primary_key=True),
    name("merchant_id", primary_key=True),
    words("display_name"),
    name("funding_account_id"),
    instant("create_time"),
    number("funded_points", zero=True),
    number("granted_points", zero=True),
    number("entries", zero=True),
    number("reserved_points", zero=True),
    UniqueConstraint("program_id", "funding_account_id", name="uq_merchant_account"),
)

MERCHANT_ENTRY = Table(
    "merchant_entry",
    METADATA,
    name("program_id", primary_key=True),
    name("merchant_id", primary_key=True),
    number("position", primary_key=True),
    name("kind"),
    number("points"),
    number("balance_points"),
    words("reference"),
    instant("entry_time"),
    name("member_id", nullable=True),
    name("ledger_request_id", nullable=True),
    number("paid_fen", zero=True),
    Index("ix_merchant_entry_time", "program_id", "merchant_id", "entry_time", "position"),
    Index(
        "ix_merchant_entry_gift",
        "program_id",
        "ledger_request_id",
        unique=True,
        postgresql_where=text("ledger_request_id is not null"),
    ),
    info={HISTORY: True},
)

SHOP_MEMBERSHIP = Table(
    "shop_membership",
    METADATA,
    *member_key(),
    name("shop_program_id", primary_key=True),
    name("kind"),
    name("joined_shop_id"),
    words("external_id"),
    instant("join_time"),
)
