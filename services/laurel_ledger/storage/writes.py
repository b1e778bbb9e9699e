"""The statement that writes a batch: one part for each table, each fed by arrays.

One statement is one round trip whatever the batch holds; a part without rows costs next to nothing.
"""

from __future__ import annotations

from enum import Enum


class Table(Enum):
    """The parts, in the order of their parameters: what to do, and the types of its arrays."""

    ACCOUNT_OPENED = (
        """
        insert into account (
            shard_id, kind, account_id, holder_no, program_id, holder_id, asset_id, open_time,
            lots_opened, version, next_due_time, posted
        )
        select * from unnest({})
        """,
        """
        smallint smallint integer integer text text text timestamptz integer bigint timestamptz
        bigint
        """,
    )
    ACCOUNT_CHANGED = (
        """
        update account a
        set lots_opened = w.lots_opened, posted = w.posted, version = w.version,
            next_due_time = w.next_due_time
        from unnest({})
            as w (shard_id, account_id, lots_opened, posted, version, next_due_time)
        where a.shard_id = w.shard_id and a.account_id = w.account_id
        """,
        "smallint integer integer bigint bigint timestamptz",
    )
    STRIPE_CHANGED = (
        """
        update account a
        set posted = a.posted + w.amount
        from unnest({}) as w (shard_id, account_id, amount)
        where a.shard_id = w.shard_id and a.account_id = w.account_id
        """,
        "smallint integer bigint",
    )
    LOT_OPENED = (
        """
        insert into lot (
            shard_id, account_id, lot_no, funding_account_id, expire_time, create_time, expired,
            earned, consumed, months
        )
        select * from unnest({})
        """,
        "smallint integer integer integer timestamptz timestamptz boolean bigint bigint bytea",
    )
    LOT_CHANGED = (
        """
        update lot l
        set expired = w.expired, earned = w.earned, consumed = w.consumed, months = w.months
        from unnest({}) as w (shard_id, account_id, lot_no, expired, earned, consumed, months)
        where l.shard_id = w.shard_id and l.account_id = w.account_id and l.lot_no = w.lot_no
        """,
        "smallint integer integer boolean bigint bigint bytea",
    )
    TRANSACTION = (
        """
        insert into transaction (
            shard_id, position, account_id, holder_no, request_key, request_id, type, given, amount,
            commit_time, effective_time, reason, labels, counter_account_id, revision_no, version,
            posted_after, lot_no, lot_position, refusal
        )
        select * from unnest({})
        """,
        """
        smallint bigint integer integer uuid text smallint smallint bigint timestamptz timestamptz
        text jsonb integer integer bigint bigint integer bigint jsonb
        """,
    )
    LOT_MOVEMENT = (
        """
        insert into lot_movement (
            shard_id, account_id, version, ordinal, lot_no, position, amount
        )
        select * from unnest({})
        """,
        "smallint integer bigint smallint integer bigint bigint",
    )
    COHORT = (
        """
        insert into cohort (
            shard_id, program_id, asset_id, funding_account_id, issue_month, expire_month,
            issued, spent, expired
        )
        select * from unnest({})
        on conflict (
            shard_id, program_id, asset_id, funding_account_id, issue_month, expire_month
        )
        do update set issued = cohort.issued + excluded.issued,
            spent = cohort.spent + excluded.spent, expired = cohort.expired + excluded.expired
        """,
        "smallint text text text date date bigint bigint bigint",
    )
    LOG = (
        """
        insert into log (
            shard_id, batch_no, first_position, item_count, commit_time, root, hash, marks
        )
        select * from unnest({})
        """,
        "smallint bigint bigint integer timestamptz bytea bytea bytea",
    )
    HEAD = (
        """
        update shard_head h
        set next_account_id = w.next_account_id, next_position = w.next_position,
            next_batch = w.next_batch, last_commit_time = w.last_commit_time,
            chain_hash = w.chain_hash
        from unnest({}) as w (
            shard_id, next_account_id, next_position, next_batch, last_commit_time, chain_hash
        )
        where h.shard_id = w.shard_id
        """,
        "smallint integer bigint bigint timestamptz bytea",
    )

    @property
    def statement(self) -> str:
        """What to do, with a place for the arrays."""
        return self.value[0]

    @property
    def types(self) -> list[str]:
        """The types of its arrays' elements."""
        return self.value[1].split()

    @property
    def width(self) -> int:
        """How many arrays it takes."""
        return len(self.types)


def _statement() -> str:
    """All parts as one statement, their parameters numbered through."""
    parts = []
    number = 0
    for table in Table:
        places = []
        for kind in table.types:
            number += 1
            places.append(f"${number}::{kind}[]")
        parts.append(f"{table.name.lower()} as ({table.statement.format(', '.join(places))})")
    return f"with {', '.join(parts)} select"


WRITE_BATCH = _statement()
"""Takes the arrays of every part in the order of `Table`."""
