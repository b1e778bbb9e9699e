"""The table of what was done to accounts."""

from __future__ import annotations

from laurel_kit.schema import HISTORY
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)

from laurel_ledger.storage.tables import METADATA


def _key(column: str, kind: type[Integer]) -> Column[int]:
    return Column(column, kind, primary_key=True, nullable=False, autoincrement=False)


ACCOUNT_CHANGE = Table(
    "account_change",
    METADATA,
    _key("shard_id", SmallInteger),
    Column("kind", SmallInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    _key("account_id", Integer),
    _key("change_no", Integer),
    Column("change_time", DateTime(timezone=True), nullable=False),
    Column("balance_max", BigInteger),
    Column("earn_max", BigInteger),
    Column("spend_max", BigInteger),
    Column("maker_id", Text(collation="C"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    CheckConstraint(
        "kind between 1 and 4 and state between 1 and 3", name="ck_account_change_kind"
    ),
    CheckConstraint(
        "balance_max >= 0 and earn_max >= 0 and spend_max >= 0", name="ck_account_change_limits"
    ),
    CheckConstraint("position >= 0", name="ck_account_change_position"),
    info={HISTORY: True},
)
