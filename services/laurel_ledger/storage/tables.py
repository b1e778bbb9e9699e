"""The tables of the ledger, held equal to its migrations by a test."""

from __future__ import annotations

from typing import Any

from laurel_kit.schema import HISTORY, kit_tables
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData()
kit_tables(METADATA)


def _small(name: str, **options: Any) -> Column[int]:
    return Column(name, SmallInteger, **_required(options))


def _integer(name: str, **options: Any) -> Column[int]:
    return Column(name, Integer, **_required(options))


def _big(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, **_required(options))


def _instant(name: str, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **_required(options))


def _name(name: str, **options: Any) -> Column[str]:
    """Ids are compared byte by byte, on every machine alike."""
    return Column(name, Text(collation="C"), **_required(options))


def _required(options: dict[str, Any]) -> dict[str, Any]:
    """A column is required unless it says otherwise; a default is written as SQL."""
    default = options.pop("default", None)
    return {
        "nullable": False,
        **options,
        **({} if default is None else {"server_default": text(default)}),
    }


SHARD_HEAD = Table(
    "shard_head",
    METADATA,
    _small("shard_id", primary_key=True, autoincrement=False),
    _integer("next_account_id", default="1"),
    _big("next_position", default="1"),
    _big("next_batch", default="1"),
    _instant("last_commit_time", default="'1970-01-01 00:00:00+00'::timestamptz"),
    Column(
        "chain_hash",
        LargeBinary,
        nullable=False,
        server_default=text("decode(repeat('00', 32), 'hex')"),
    ),
    _integer("periods_closed", default="0"),
    _integer("changes", default="0"),
)

REVISION_NAME = Table(
    "revision_name",
    METADATA,
    Column("revision_no", Integer, Identity(always=True), primary_key=True),
    _name("program_revision"),
    UniqueConstraint("program_revision", name="uq_revision_name"),
    info={HISTORY: True},
)

ACCOUNT = Table(
    "account",
    METADATA,
    _small("shard_id", primary_key=True),
    _small("kind"),
    _integer("account_id", primary_key=True),
    _integer("holder_no"),
    _integer("lots_opened", default="0"),
    _instant("open_time"),
    _name("program_id"),
    _name("holder_id"),
    _name("asset_id"),
    _big("posted", default="0"),
    _big("version", default="0"),
    _instant("next_due_time", nullable=True),
    _big("held", default="0"),
    Column("withheld", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint(
        "shard_id", "program_id", "kind", "holder_id", "asset_id", name="uq_account_name"
    ),
    CheckConstraint("kind between 1 and 8", name="ck_account_kind"),
    Index(
        "ix_account_due",
        "shard_id",
        "next_due_time",
        postgresql_where=text("next_due_time is not null"),
    ),
)

LOT = Table(
    "lot",
    METADATA,
    _small("shard_id", primary_key=True),
    Column("expired", Boolean, nullable=False, server_default=text("false")),
    _integer("account_id", primary_key=True),
    _integer("lot_no", primary_key=True),
    _integer("funding_account_id"),
    _instant("expire_time", nullable=True),
    _instant("create_time"),
    _big("earned"),
    _big("consumed"),
    Column("months", LargeBinary, nullable=False),
    _big("reserved", default="0"),
    _instant("active_time", nullable=True),
    _name("activation_key", nullable=True),
    Column("activated", Boolean, nullable=False, server_default=text("false")),
    _name("freeze_key", nullable=True),
    _integer("parent_lot_no", nullable=True),
    Index("ix_lot_open", "shard_id", "account_id", postgresql_where=text("not expired")),
)

TRANSACTION = Table(
    "transaction",
    METADATA,
    _small("shard_id", primary_key=True),
    _small("type"),
    _integer("account_id"),
    _integer("holder_no"),
    _integer("counter_account_id", nullable=True),
    _integer("revision_no", nullable=True),
    _small("given"),
    _big("position", primary_key=True),
    _big("version", nullable=True),
    _big("amount"),
    _big("posted_after", nullable=True),
    _instant("commit_time"),
    Column("request_key", Uuid, nullable=False),
    _big("lot_position", nullable=True),
    _integer("lot_no", nullable=True),
    _instant("effective_time", nullable=True),
    _name("request_id", nullable=True),
    Column("reason", Text),
    Column("labels", JSONB),
    Column("refusal", JSONB),
    UniqueConstraint("shard_id", "holder_no", "request_key", name="uq_transaction_request"),
    UniqueConstraint("shard_id", "account_id", "version", name="uq_transaction_version"),
    info={HISTORY: True},
)

LOT_MOVEMENT = Table(
    "lot_movement",
    METADATA,
    _small("shard_id", primary_key=True),
    _small("ordinal", primary_key=True),
    _integer("account_id", primary_key=True),
    _big("version", primary_key=True),
    _integer("lot_no"),
    _big("position"),
    _big("amount"),
    info={HISTORY: True},
)

REVERSAL = Table(
    "reversal",
    METADATA,
    _small("shard_id", primary_key=True),
    _small("late_restore"),
    _small("shortfall"),
    _small("grace_days"),
    _integer("holder_no"),
    _big("position", primary_key=True),
    Column("reversed_key", Uuid, nullable=False),
    _big("reversed_before"),
    _big("amount"),
    _big("original_amount"),
    _big("requested"),
    _big("late"),
    _name("reversed_request_id", nullable=True),
    UniqueConstraint(
        "shard_id", "holder_no", "reversed_key", "reversed_before", name="uq_reversal_order"
    ),
    info={HISTORY: True},
)

HOLD = Table(
    "hold",
    METADATA,
    _small("shard_id", primary_key=True),
    _small("state"),
    _integer("account_id"),
    _integer("holder_no", primary_key=True),
    Column("hold_key", Uuid, primary_key=True),
    _big("position"),
    _big("amount"),
    _big("captured"),
    _big("released"),
    _instant("create_time"),
    _instant("expire_time"),
    _name("hold_id", nullable=True),
    Column("pins", JSONB, nullable=False),
    Index("ix_hold_account", "shard_id", "account_id", "position", unique=True),
    Index("ix_hold_open", "shard_id", "account_id", postgresql_where=text("state = 1")),
)

HOLD_EVENT = Table(
    "hold_event",
    METADATA,
    _small("shard_id", primary_key=True),
    _big("position", primary_key=True),
    Column("content", JSONB, nullable=False),
    info={HISTORY: True},
)

LOT_EVENT = Table(
    "lot_event",
    METADATA,
    _small("shard_id", primary_key=True),
    _big("position", primary_key=True),
    Column("content", JSONB, nullable=False),
    info={HISTORY: True},
)

SPEND_EVENT = Table(
    "spend_event",
    METADATA,
    _small("shard_id", primary_key=True),
    _big("position", primary_key=True),
    Column("content", JSONB, nullable=False),
    info={HISTORY: True},
)

LOG = Table(
    "log",
    METADATA,
    _small("shard_id", primary_key=True),
    _integer("item_count"),
    _big("batch_no", primary_key=True),
    _big("first_position"),
    _instant("commit_time"),
    Column("root", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("marks", LargeBinary, nullable=False),
    info={HISTORY: True},
)

CHECKPOINT = Table(
    "checkpoint",
    METADATA,
    _big("checkpoint_no", primary_key=True, autoincrement=False),
    _instant("create_time"),
    Column("batch_counts", ARRAY(BigInteger), nullable=False),
    Column("record_counts", ARRAY(BigInteger), nullable=False),
    Column("chain_hashes", ARRAY(LargeBinary), nullable=False),
    Column("roots", ARRAY(LargeBinary), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    info={HISTORY: True},
)

CHECKPOINT_HEAD = Table(
    "checkpoint_head",
    METADATA,
    _small("id", primary_key=True, autoincrement=False, default="1"),
    _big("next_checkpoint_no", default="1"),
)

TREE_NODE = Table(
    "tree_node",
    METADATA,
    _small("shard_id", primary_key=True),
    _small("level", primary_key=True),
    _big("index", primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    info={HISTORY: True},
)

COHORT = Table(
    "cohort",
    METADATA,
    _small("shard_id"),
    Column("issue_month", Date, nullable=False),
    Column("expire_month", Date),
    _name("program_id"),
    _name("asset_id"),
    _name("funding_account_id"),
    _big("issued"),
    _big("spent"),
    _big("expired"),
    _big("restored", default="0"),
    _big("reversed", default="0"),
    _big("carried_in", default="0"),
    _big("carried_out", default="0"),
    CheckConstraint(
        "issued >= 0 and spent >= 0 and expired >= 0 and restored >= 0 and reversed >= 0"
        " and carried_in >= 0 and carried_out >= 0",
        name="ck_cohort_counters",
    ),
    Index(
        "ix_cohort_name",
        "shard_id",
        "program_id",
        "asset_id",
        "funding_account_id",
        "issue_month",
        "expire_month",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
)

PERIOD = Table(
    "period",
    METADATA,
    _name("program_id", primary_key=True),
    _instant("end_time", primary_key=True),
    _instant("start_time", nullable=True),
    _instant("close_time"),
    Column("seal", LargeBinary, nullable=False),
    Column("content", Text, nullable=False),
    CheckConstraint("start_time < end_time and end_time <= close_time", name="ck_period_span"),
    CheckConstraint("seal = sha256(convert_to(content, 'UTF8'))", name="ck_period_seal"),
    info={HISTORY: True},
)
