"""The table of what was paid out of wallets."""

from __future__ import annotations

from sqlalchemy import Table, UniqueConstraint

from laurel_benefits.storage.columns import document, member_key, name, number, uuid
from laurel_benefits.storage.tables import METADATA

PAY_OUT = Table(
    "pay_out",
    METADATA,
    *member_key(),
    uuid("pay_out_id", primary_key=True),
    document("pay_out"),
    number("amount_fen"),
    name("state"),
    name("ledger_request_id"),
    UniqueConstraint("program_id", "member_id", "ledger_request_id", name="uq_pay_out_request"),
)
