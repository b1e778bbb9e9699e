"""The tables the kit keeps in the database of every service.

Each service's first migration executes `KIT_DDL_0001`, and its `tables.py` calls `kit_tables`, so
that both are held equal by the same test as the service's own tables. Applied DDL is never edited:
what comes later is `KIT_DDL_0002`, executed by a later migration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
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
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType

HISTORY = "history"
"""Key of `Table.info`: the application may read and add rows, never change or take them."""

_DDL_0001: Mapping[str, str] = MappingProxyType(
    {
        "sandbox_clock": """
-- How far the clock of a server in sandbox mode is ahead of the machine's. One row at most.
create table sandbox_clock (
    id smallint not null default 1,
    offset_microseconds bigint not null,
    constraint pk_sandbox_clock primary key (id),
    constraint ck_sandbox_clock_one_row check (id = 1)
);
""",
        "outbox": """
-- What has happened, for whoever watches; written in the transaction of the change, never changed.
-- Order is (transaction_id, event_id): a sequence alone would let a late commit slip past a reader.
create table outbox (
    program_id text collate "C" not null,
    topic text collate "C" not null,
    transaction_id xid8 not null default pg_current_xact_id(),
    event_id uuid not null,
    key text collate "C" not null,
    payload jsonb not null,
    create_time timestamptz not null,
    constraint pk_outbox primary key (program_id, topic, transaction_id, event_id)
);
""",
        "operation": """
-- Long-running jobs. Whoever holds the lease runs the job; a crash lets the lease lapse.
create table operation (
    operation_id uuid not null,
    kind text collate "C" not null,
    program_id text collate "C" not null,
    request_id text collate "C" not null,
    fingerprint bytea not null,
    request jsonb not null,
    state text collate "C" not null default 'PENDING',
    checkpoint jsonb,
    done bigint not null default 0,
    total bigint,
    per_second bigint not null default 0,
    cancel_requested boolean not null default false,
    response jsonb,
    error bytea,
    lease_owner text collate "C",
    lease_until timestamptz,
    attempts integer not null default 0,
    create_time timestamptz not null,
    end_time timestamptz,
    constraint pk_operation primary key (operation_id),
    constraint uq_operation_request unique (program_id, kind, request_id),
    constraint ck_operation_state
        check (state in ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    constraint ck_operation_ended
        check ((end_time is not null) = (state in ('SUCCEEDED', 'FAILED', 'CANCELLED'))),
    constraint ck_operation_progress check (done >= 0 and (total is null or total >= 0))
);
create index ix_operation_open on operation (create_time, operation_id) where end_time is null;
""",
        "program_revision": """
-- Program files as they were applied. A revision is never changed; a fix is a new one.
create table program_revision (
    program_id text collate "C" not null,
    effective_time timestamptz not null,
    revision_id text collate "C" not null,
    apply_time timestamptz not null,
    request_id text collate "C" not null,
    source text not null,
    constraint pk_program_revision primary key (program_id, effective_time)
);
create index ix_program_revision_id on program_revision (program_id, revision_id);
""",
        "request": """
-- The first answer to every request id, given again to a repeat.
create table request (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    request_id text collate "C" not null,
    method text collate "C" not null,
    fingerprint bytea not null,
    answer jsonb not null,
    create_time timestamptz not null,
    constraint pk_request primary key (program_id, member_id, request_id)
);
""",
        "timer": """
-- What is to happen at a time. The row goes in the transaction that does it.
create table timer (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    kind text collate "C" not null,
    key text collate "C" not null,
    due_time timestamptz not null,
    attempt_time timestamptz not null,
    payload jsonb not null,
    attempts integer not null default 0,
    last_error text,
    constraint pk_timer primary key (program_id, member_id, kind, key),
    constraint ck_timer_attempt check (attempt_time >= due_time and attempts >= 0)
);
create index ix_timer_attempt_time on timer (attempt_time);
""",
    }
)


def kit_ddl_0001(*, leave_out: Iterable[str] = ()) -> str:
    """The DDL of the kit's tables, without those the service has its own of."""
    left_out = set(leave_out)
    return "".join(ddl for name, ddl in _DDL_0001.items() if name not in left_out)


KIT_DDL_0001 = kit_ddl_0001()
"""All tables of the kit, for a service's first migration."""


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """The name of the type in DDL."""
        return "xid8"


# So that a database can be read back and compared with the tables.
ischema_names["xid8"] = Xid8


def kit_tables(metadata: MetaData, *, leave_out: Iterable[str] = ()) -> None:
    """Add the kit's tables to a service's metadata, equal to what `kit_ddl_0001` makes."""
    makers = {
        "sandbox_clock": _sandbox_clock,
        "outbox": _outbox,
        "operation": _operation,
        "program_revision": _program_revision,
        "request": _request,
        "timer": _timer,
    }
    for name in makers.keys() - set(leave_out):
        makers[name](metadata)


def _name(column: str, *, primary_key: bool = False, nullable: bool = False) -> Column[str]:
    """A column of ids or codes: compared byte by byte, on every machine alike."""
    return Column(column, Text(collation="C"), primary_key=primary_key, nullable=nullable)


def _instant(column: str, *, primary_key: bool = False, nullable: bool = False) -> Column[object]:
    return Column(column, DateTime(timezone=True), primary_key=primary_key, nullable=nullable)


def _sandbox_clock(metadata: MetaData) -> None:
    Table(
        "sandbox_clock",
        metadata,
        Column("id", SmallInteger, primary_key=True, server_default=text("1")),
        Column("offset_microseconds", BigInteger, nullable=False),
        CheckConstraint("id = 1", name="ck_sandbox_clock_one_row"),
    )


def _outbox(metadata: MetaData) -> None:
    Table(
        "outbox",
        metadata,
        _name("program_id", primary_key=True),
        _name("topic", primary_key=True),
        Column(
            "transaction_id",
            Xid8,
            primary_key=True,
            server_default=text("pg_current_xact_id()"),
        ),
        Column("event_id", Uuid, primary_key=True),
        _name("key"),
        Column("payload", JSONB, nullable=False),
        _instant("create_time"),
        info={HISTORY: True},
    )


def _operation(metadata: MetaData) -> None:
    Table(
        "operation",
        metadata,
        Column("operation_id", Uuid, primary_key=True),
        _name("kind"),
        _name("program_id"),
        _name("request_id"),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("request", JSONB, nullable=False),
        Column("state", Text(collation="C"), nullable=False, server_default=text("'PENDING'")),
        Column("checkpoint", JSONB),
        Column("done", BigInteger, nullable=False, server_default=text("0")),
        Column("total", BigInteger),
        Column("per_second", BigInteger, nullable=False, server_default=text("0")),
        Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
        Column("response", JSONB),
        Column("error", LargeBinary),
        _name("lease_owner", nullable=True),
        _instant("lease_until", nullable=True),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        _instant("create_time"),
        _instant("end_time", nullable=True),
        UniqueConstraint("program_id", "kind", "request_id", name="uq_operation_request"),
        Index(
            "ix_operation_open",
            "create_time",
            "operation_id",
            postgresql_where=text("end_time is null"),
        ),
    )


def _program_revision(metadata: MetaData) -> None:
    Table(
        "program_revision",
        metadata,
        _name("program_id", primary_key=True),
        _instant("effective_time", primary_key=True),
        _name("revision_id"),
        _instant("apply_time"),
        _name("request_id"),
        Column("source", Text, nullable=False),
        Index("ix_program_revision_id", "program_id", "revision_id"),
        info={HISTORY: True},
    )


def _request(metadata: MetaData) -> None:
    Table(
        "request",
        metadata,
        _name("program_id", primary_key=True),
        _name("member_id", primary_key=True),
        _name("request_id", primary_key=True),
        _name("method"),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("answer", JSONB, nullable=False),
        _instant("create_time"),
        info={HISTORY: True},
    )


def _timer(metadata: MetaData) -> None:
    Table(
        "timer",
        metadata,
        _name("program_id", primary_key=True),
        _name("member_id", primary_key=True),
        _name("kind", primary_key=True),
        _name("key", primary_key=True),
        _instant("due_time"),
        _instant("attempt_time"),
        Column("payload", JSONB, nullable=False),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("last_error", Text),
        Index("ix_timer_attempt_time", "attempt_time"),
    )


SIZES = """
select pg_current_wal_lsn() - '0/0', sum(pg_total_relation_size(c.oid))
from pg_class c
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
"""
"""Bytes of WAL written by the server so far, and of all tables with their indexes."""
