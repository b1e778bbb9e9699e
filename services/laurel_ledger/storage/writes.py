"""The statement that writes a batch: one part for each table, each fed by an array of its rows.

One statement is one round trip whatever the batch holds; a part without rows costs next to nothing.
Rows travel as rows of their table, not as an array for each column: the driver looks at every
element of an array to see whether it is an array itself, which costs more than to encode it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from enum import Enum
from typing import Any

from laurel_ledger.storage.connections import Connection


class Table(Enum):
    """The parts, in the order of their parameters: what to do, and whose rows they take.

    Rows are in the order of the table's columns; what a change leaves as it is may be None.
    """

    ACCOUNT_OPENED = ("insert into account select * from {}", "account")
    ACCOUNT_CHANGED = (
        """
        update account a
        set lots_opened = w.lots_opened, posted = w.posted, version = w.version,
            next_due_time = w.next_due_time, held = w.held, withheld = w.withheld
        from {} w
        where a.shard_id = w.shard_id and a.account_id = w.account_id
        """,
        "account",
    )
    STRIPE_CHANGED = (
        """
        update account a
        set posted = a.posted + w.posted
        from {} w
        where a.shard_id = w.shard_id and a.account_id = w.account_id
        """,
        "account",
    )
    LOT_OPENED = ("insert into lot select * from {}", "lot")
    LOT_CHANGED = (
        """
        update lot l
        set expired = w.expired, earned = w.earned, consumed = w.consumed, months = w.months,
            reserved = w.reserved, activated = w.activated, freeze_key = w.freeze_key
        from {} w
        where l.shard_id = w.shard_id and l.account_id = w.account_id and l.lot_no = w.lot_no
        """,
        "lot",
    )
    TRANSACTION = ("insert into transaction select * from {}", "transaction")
    LOT_MOVEMENT = ("insert into lot_movement select * from {}", "lot_movement")
    COHORT = (
        """
        insert into cohort
        select * from {}
        on conflict (
            shard_id, program_id, asset_id, funding_account_id, issue_month, expire_month
        )
        do update set issued = cohort.issued + excluded.issued,
            spent = cohort.spent + excluded.spent, expired = cohort.expired + excluded.expired,
            restored = cohort.restored + excluded.restored,
            reversed = cohort.reversed + excluded.reversed,
            carried_in = cohort.carried_in + excluded.carried_in,
            carried_out = cohort.carried_out + excluded.carried_out
        """,
        "cohort",
    )
    REVERSAL = ("insert into reversal select * from {}", "reversal")
    HOLD = (
        """
        insert into hold
        select * from {}
        on conflict (shard_id, holder_no, hold_key) do update
        set state = excluded.state, captured = excluded.captured, released = excluded.released,
            expire_time = excluded.expire_time, pins = excluded.pins
        """,
        "hold",
    )
    HOLD_EVENT = ("insert into hold_event select * from {}", "hold_event")
    LOT_EVENT = ("insert into lot_event select * from {}", "lot_event")
    SPEND_EVENT = ("insert into spend_event select * from {}", "spend_event")
    LOG = ("insert into log select * from {}", "log")
    HEAD = (
        """
        update shard_head h
        set next_account_id = w.next_account_id, next_position = w.next_position,
            next_batch = w.next_batch, last_commit_time = w.last_commit_time,
            chain_hash = w.chain_hash
        from {} w
        where h.shard_id = w.shard_id and h.next_batch = w.next_batch - 1
            and h.periods_closed = w.periods_closed and h.changes = w.changes
        returning h.shard_id
        """,
        "shard_head",
    )

    __hash__ = object.__hash__  # That of Enum is a function in Python, and rows are added by part.

    @property
    def statement(self) -> str:
        """What to do, with a place for the rows."""
        return self.value[0]

    @property
    def row_type(self) -> str:
        """Whose rows it takes."""
        return self.value[1]


COLUMNS = {
    "account": """
        shard_id kind account_id holder_no lots_opened open_time program_id holder_id asset_id
        posted version next_due_time held withheld
    """,
    "lot": """
        shard_id expired account_id lot_no funding_account_id expire_time create_time earned
        consumed months reserved active_time activation_key activated freeze_key
        parent_lot_no
    """,
    "transaction": """
        shard_id type account_id holder_no counter_account_id revision_no given position version
        amount posted_after commit_time request_key lot_position lot_no effective_time request_id
        reason labels refusal
    """,
    "lot_movement": "shard_id ordinal account_id version lot_no position amount",
    "cohort": """
        shard_id issue_month expire_month program_id asset_id funding_account_id issued spent
        expired restored reversed carried_in carried_out
    """,
    "reversal": """
        shard_id late_restore shortfall grace_days holder_no position reversed_key reversed_before
        amount original_amount requested late reversed_request_id
    """,
    "hold": """
        shard_id state account_id holder_no hold_key position amount captured released create_time
        expire_time hold_id pins
    """,
    "hold_event": "shard_id position content",
    "lot_event": "shard_id position content",
    "spend_event": "shard_id position content",
    "log": "shard_id item_count batch_no first_position commit_time root hash marks",
    "shard_head": """
        shard_id next_account_id next_position next_batch last_commit_time chain_hash
        periods_closed changes
    """,
}
"""In which order rows are made, held equal to the database by a test: a column that a migration
adds comes last.
"""

ALL_HEADS_MOVED = "select 1 / (count(*) = cardinality(${}))::integer from head"
"""Nothing, or a division by zero: the only failure that a plain statement can choose."""
HEAD_MOVED = "22012"
"""SQLSTATE of that failure: a batch was decided upon books that are not those of now."""


def _statement() -> str:
    """All parts as one statement, their parameters numbered through."""
    parts = []
    for number, table in enumerate(Table, start=1):
        rows = f"unnest(${number}::{table.row_type}[])"
        parts.append(f"{table.name.lower()} as ({table.statement.format(rows)})")
    return f"with {', '.join(parts)} {ALL_HEADS_MOVED.format(list(Table).index(Table.HEAD) + 1)}"


WRITE_BATCH = _statement()
"""Takes the rows of every part in the order of `Table`. Fails with HEAD_MOVED, and so stores
nothing, when a head does not stand where the batch began.
"""

COPIED = (Table.TRANSACTION, Table.ACCOUNT_OPENED, Table.LOT_OPENED)
"""New rows of which large batches have the most."""
COPIED_MIN = 100
"""Rows from which on copying them is worth the round trips."""

Rows = Mapping[Table, Sequence[tuple[Any, ...]]]
"""The rows of every part."""


async def write_batch(connection: Connection, rows: Rows) -> None:
    """Store a batch whole or not at all. Fails with HEAD_MOVED.

    One statement is the least for few rows. Many new ones are copied: the driver encodes them for
    less, and the database writes them page by page. The heads go first, so that whoever decided
    upon other books waits for them and for nothing else.
    """
    copied = [table for table in COPIED if len(rows[table]) >= COPIED_MIN]
    within = nullcontext() if connection.is_in_transaction() else connection.transaction()
    async with within if copied else nullcontext():
        await connection.execute(
            WRITE_BATCH, *(() if table in copied else rows[table] for table in Table)
        )
        for table in copied:
            await connection.copy_records_to_table(
                table.row_type, records=rows[table], columns=COLUMNS[table.row_type].split()
            )
