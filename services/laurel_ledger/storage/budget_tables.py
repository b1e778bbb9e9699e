"""The table of how budgets are divided over the shards."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, LargeBinary, SmallInteger, Table, Text

from laurel_ledger.storage.row_digests import DIGEST
from laurel_ledger.storage.tables import METADATA


def _name(column: str) -> Column[str]:
    return Column(column, Text(collation="C"), primary_key=True, nullable=False)


FUNDING_ALLOWANCE = Table(
    "funding_allowance",
    METADATA,
    Column("shard_id", SmallInteger, primary_key=True, nullable=False, autoincrement=False),
    _name("program_id"),
    _name("funding_account_id"),
    _name("asset_id"),
    Column("budget", BigInteger, nullable=False),
    Column("allowance", BigInteger, nullable=False),
    Column(DIGEST, LargeBinary, nullable=False),
    CheckConstraint("budget >= 0", name="ck_funding_allowance_budget"),
)
