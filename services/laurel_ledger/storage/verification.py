"""Reading the books to verify them: in stretches of bounded size, each in one snapshot.

Records come through the same query as everywhere, with the columns beside them that their values do
not show.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.checkpoints import LogBatch
from laurel_ledger.domain.transactions import Record, Rejection, Transaction
from laurel_ledger.domain.trees import Node
from laurel_ledger.domain.verification import (
    StoredAccount,
    StoredHead,
    StoredLot,
    StoredRecord,
)
from laurel_ledger.storage.cohort_verification import months_of
from laurel_ledger.storage.connections import Connection, Connections
from laurel_ledger.storage.lot_rows import STATE
from laurel_ledger.storage.request_keys import key_of
from laurel_ledger.storage.rows import (
    AROUND_RECORD,
    RECORD,
    Row,
    asked_amount,
    record_of,
    refusal_text,
)

AUDITED = f"""
{RECORD},
    t.account_id, t.holder_no, t.counter_account_id as counter_no, t.lot_no as only_lot_no,
    t.lot_position as only_lot_position, t.revision_no,
    m.kind as account_kind, m.holder_no as account_holder_no, m.open_time as account_open_time,
    beside.ordinals, back.amount as reversal_amount, back.holder_no as reversal_holder_no
"""
"""A record with what else its row says; goes before a `from` with a row `t`."""

AROUND_AUDITED = f"""
{AROUND_RECORD}
left join lateral (
    select array_agg(s.ordinal order by s.ordinal) as ordinals
    from lot_movement s
    where t.lot_no is null and s.shard_id = t.shard_id and s.account_id = t.account_id
        and s.version = t.version
) beside on true
"""  # noqa: S608  # No value of a caller is in the text.

RECORDS_IN_PLACE = f"""
{AUDITED}
from transaction t
{AROUND_AUDITED}
where t.shard_id = $1 and t.position >= $2 and t.position < $3
order by t.position
"""

RECORDS_OF_ACCOUNTS = f"""
{AUDITED}
from transaction t
{AROUND_AUDITED}
where t.shard_id = $1 and t.account_id > $2 and t.account_id <= $3 and t.version is not null
order by t.account_id, t.version
"""

BATCHES = """
select shard_id, batch_no, first_position, item_count, commit_time, root, hash, marks
from log
where shard_id = $1 and batch_no > $2
order by batch_no
limit $3
"""

HEAD = """
select
    shard_id, next_account_id, next_position, next_batch, last_commit_time, chain_hash,
    periods_closed, (select count(*) from period) as periods, changes,
    (select count(*) from account_change c where c.shard_id = $1) as changes_made
from shard_head
where shard_id = $1
"""

HEADS = """
select shard_id, next_position - 1 as record_count
from shard_head
order by shard_id
"""

ACCOUNT = """
select
    a.shard_id, a.account_id, a.kind, a.program_id, a.holder_id, a.asset_id, a.holder_no,
    first.account_id as first_of_holder, a.open_time, a.lots_opened, a.posted, a.version,
    a.next_due_time, a.held, a.withheld
from account a
cross join lateral (
    select min(b.account_id) as account_id
    from account b
    where b.shard_id = a.shard_id and b.program_id = a.program_id and b.kind = a.kind
        and b.holder_id = a.holder_id
) first
"""

ACCOUNTS = f"""
{ACCOUNT}
where a.shard_id = $1 and a.account_id > $2
order by a.account_id
limit $3
"""

OWN_ACCOUNTS = f"""
{ACCOUNT}
where a.shard_id = $1 and a.kind <> 1 /* not a member's */
"""

LOTS = f"""
select
    l.account_id, l.lot_no, f.holder_id as funding_account_id, f.kind as funding_kind,
    l.expire_time, l.create_time, l.earned, l.consumed, l.expired, l.months, l.reserved,
    {STATE}
from lot l
left join account m on m.shard_id = l.shard_id and m.account_id = l.account_id
left join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
    and f.program_id = m.program_id and f.asset_id = m.asset_id
where l.shard_id = $1 and l.account_id > $2 and l.account_id <= $3
order by l.account_id, l.lot_no
"""  # noqa: S608  # No value of a caller is in the text.

STRAY_MOVEMENTS = """
select s.account_id, s.version, s.ordinal
from lot_movement s
left join transaction t
    on t.shard_id = s.shard_id and t.account_id = s.account_id and t.version = s.version
where s.shard_id = $1 and s.account_id > $2 and s.account_id <= $3
    and (t.version is null or t.lot_no is not null)
order by s.account_id, s.version, s.ordinal
limit 100
"""

STRAY_RECORDS = """
(
    select position
    from transaction
    where shard_id = $1 and position >= $2
    order by position
    limit 100
)
union all
(
    select position
    from transaction
    where shard_id = $1 and position < 1
    order by position
    limit 100
)
"""

REPEATED_REQUESTS = """
select holder_no, request_key::text as request_key
from transaction
where shard_id = $1 and holder_no > $2 and holder_no <= $3
group by holder_no, request_key
having count(*) > 1
limit 100
"""

UNBALANCED = """
select program_id, asset_id, sum(posted)::bigint as posted
from account
where shard_id = $1
group by program_id, asset_id
having sum(posted) <> 0
"""

STRAY_SHARDS = """
select shard_id
from (
    select shard_id from transaction where shard_id < 0 or shard_id >= $1
    union
    select shard_id from log where shard_id < 0 or shard_id >= $1
    union
    select shard_id from account where shard_id < 0 or shard_id >= $1
    union
    select shard_id from lot where shard_id < 0 or shard_id >= $1
    union
    select shard_id from lot_movement where shard_id < 0 or shard_id >= $1
    union
    select shard_id from reversal where shard_id < 0 or shard_id >= $1
    union
    select shard_id from hold where shard_id < 0 or shard_id >= $1
    union
    select shard_id from lot_event where shard_id < 0 or shard_id >= $1
    union
    select shard_id from spend_event where shard_id < 0 or shard_id >= $1
    union
    select shard_id from hold_event where shard_id < 0 or shard_id >= $1
    union
    select shard_id from cohort where shard_id < 0 or shard_id >= $1
    union
    select shard_id from tree_node where shard_id < 0 or shard_id >= $1
    union
    select shard_id from account_change where shard_id < 0 or shard_id >= $1
    union
    select shard_id from adjustment where shard_id < 0 or shard_id >= $1
) strays
order by shard_id
"""

HOMELESS_RECORDS = """
select position, account_id
from transaction
where shard_id = $1 and position = any($2::bigint[])
"""

NODES = """
select n.shard_id, n.level, n.index, n.hash
from unnest($1::smallint[], $2::smallint[], $3::bigint[]) as made (shard_id, level, index)
join tree_node n using (shard_id, level, index)
"""

NODE_COUNTS = "select shard_id, count(*) as nodes from tree_node group by shard_id"

NEXT_CHECKPOINT = "select id, next_checkpoint_no from checkpoint_head order by id"

REVISIONS = "select program_revision from revision_name order by revision_no"

NO_LABELS = "{}"
"""How no labels at all would be written; they are not."""
ACCOUNTS_AT_ONCE = 1000
LAST = 2**31 - 1
"""No account has a higher number."""


@asynccontextmanager
async def snapshot(connections: Connections) -> AsyncIterator[Connection]:
    """The books as they are at one instant, for as long as reading takes."""
    async with (
        connections.use() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        # An account with millions of records takes minutes; nothing waits for this transaction.
        await connection.execute("set local transaction_timeout = 0")
        yield connection


async def shard_ends(connection: Connection) -> dict[int, int]:
    """The last position of every shard that has a head."""
    return {row["shard_id"]: row["record_count"] for row in await connection.fetch(HEADS)}


async def stray_shards(connection: Connection, shards: int) -> list[int]:
    """Shards that rows name and that are none."""
    return [row["shard_id"] for row in await connection.fetch(STRAY_SHARDS, shards)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStretch:
    """The next batches of a shard, as many as are read at once."""

    batches: Sequence[LogBatch]
    last: bool
    """Whether there are no more of them in this snapshot."""


async def read_batches(
    connection: Connection, shard_id: int, batch_no: int, *, records: int
) -> LogStretch:
    """Batches after one, about so many records of them, at least one."""
    rows = await connection.fetch(BATCHES, shard_id, batch_no, records)
    batches: list[LogBatch] = []
    left = records
    for row in rows:
        batches.append(LogBatch(**row))
        left -= row["item_count"]
        if left <= 0:
            break
    return LogStretch(batches=batches, last=len(batches) == len(rows) and len(rows) < records)


async def records_in_place(
    connection: Connection, shard_id: int, first: int, count: int
) -> list[StoredRecord]:
    """The records at some positions; those whose account is gone are not among them."""
    rows = await connection.fetch(RECORDS_IN_PLACE, shard_id, first, first + count)
    return [stored_record(row) for row in rows]


async def homeless_records(
    connection: Connection, shard_id: int, positions: Sequence[int]
) -> dict[int, int]:
    """Of some positions those that have a record, with the account that it names."""
    rows = await connection.fetch(HOMELESS_RECORDS, shard_id, positions)
    return {row["position"]: row["account_id"] for row in rows}


async def records_of_accounts(
    connection: Connection, shard_id: int, after: int, until: int
) -> AsyncIterator[StoredRecord]:
    """Transactions of some accounts, by account and version, however many."""
    async for row in connection.cursor(
        RECORDS_OF_ACCOUNTS, shard_id, after, until, prefetch=ACCOUNTS_AT_ONCE
    ):
        yield stored_record(row)


def stored_record(row: Row) -> StoredRecord:
    """A record with what stands beside it."""
    record: Record | None
    try:
        record = whole(record_of(row))
        flaws = flaws_of(row, record)
    except (KeyError, TypeError, ValueError, AttributeError) as damage:
        record, flaws = None, (("refusal", "a record", type(damage).__name__),)
    return StoredRecord(
        position=row["position"],
        record=record,
        account_id=row["account_id"],
        holder_no=row["holder_no"],
        counter_no=row["counter_no"],
        account_kind=row["account_kind"],
        account_holder_no=row["account_holder_no"],
        account_open_time=row["account_open_time"],
        ordinals=tuple(row["ordinals"] or ()),
        single=row["only_lot_no"] is not None,
        flaws=flaws,
    )


def whole(record: Record) -> Record:
    """The record, if nothing of it is missing. Raises ValueError."""
    if isinstance(record, Transaction):
        parts: list[object] = [record.version, record.posted_after, record.counter_account_id]
        parts += [record.program_revision, *(each.position for each in record.movements)]
        if None in parts:
            raise ValueError("a column is empty that no transaction can do without")
    return record


def flaws_of(row: Row, record: Record) -> tuple[tuple[str, str, str], ...]:
    """Columns that must follow from the record's value, and do not."""
    _, _, request_id = record.request_key
    key, text = key_of(request_id)
    columns: dict[str, tuple[object, object]] = {
        "request_key": (key, str(row["request_key"])),
        "request_id": (text, row["request_id"]),
        # What stands in several rows of lot_movement stands in none of these columns.
        "lot_position": (row["only_lot_no"] is None, row["only_lot_position"] is None),
        # What goes without saying is not stored.
        "reason": (row["reason"] or None, row["reason"]),
        "labels": (None if row["labels"] == NO_LABELS else row["labels"], row["labels"]),
    }
    if isinstance(record, Rejection):
        columns["refusal"] = (json.loads(refusal_text(record)), json.loads(row["refusal"]))
        columns["given"] = (int(record.draft.given), row["given"])
        columns["lot_no"] = (None, row["only_lot_no"])
        columns["counter_account_id"] = (None, row["counter_no"])
        columns["effective_time"] = (record.draft.effective_time, row["effective_time"])
        columns["amount"] = (asked_amount(record.draft), row["amount"])
        for name in ("version", "posted_after", "revision_no"):
            columns[name] = (None, row[name])
    elif row["effective_time"] == row["commit_time"]:
        columns["effective_time"] = (None, row["effective_time"])
    if isinstance(record, Transaction) and record.reversal is not None:
        key, text = key_of(record.reversal.reversed_request_id)
        columns["reversed_key"] = (key, str(row["reversed_key"]))
        columns["reversed_request_id"] = (text, row["reversed_request_id"])
        columns["reversal_amount"] = (record.amount, row["reversal_amount"])
        columns["reversal_holder_no"] = (row["holder_no"], row["reversal_holder_no"])
    return tuple(
        (name, str(expected), str(found))
        for name, (expected, found) in columns.items()
        if expected != found
    )


async def read_head(connection: Connection, shard_id: int) -> StoredHead | None:
    """The head of a shard."""
    row = await connection.fetchrow(HEAD, shard_id)
    return None if row is None else StoredHead(**row)


async def read_own_accounts(connection: Connection, shard_id: int) -> list[StoredAccount]:
    """The program's own accounts of a shard."""
    return [stored_account(row) for row in await connection.fetch(OWN_ACCOUNTS, shard_id)]


async def read_accounts(
    connection: Connection, shard_id: int, after: int, *, records: int
) -> tuple[list[StoredAccount], int]:
    """Accounts after one with about so many records in all, at least one account; and up to which
    number these are all there are.
    """
    rows = await connection.fetch(ACCOUNTS, shard_id, after, ACCOUNTS_AT_ONCE)
    accounts = []
    left = records
    for row in rows:
        accounts.append(stored_account(row))
        left -= 1 + row["version"]
        if left <= 0:
            break
    all_read = len(accounts) == len(rows) and len(rows) < ACCOUNTS_AT_ONCE
    return accounts, LAST if all_read else accounts[-1].account_id


def stored_account(row: Row) -> StoredAccount:
    """An account as a value."""
    return StoredAccount(
        shard_id=row["shard_id"],
        account_id=row["account_id"],
        kind=row["kind"],
        key=AccountKey(row["program_id"], row["holder_id"], row["asset_id"]),
        holder_no=row["holder_no"],
        first_of_holder=row["first_of_holder"],
        open_time=row["open_time"],
        lots_opened=row["lots_opened"],
        posted=row["posted"],
        version=row["version"],
        next_due_time=row["next_due_time"],
        held=row["held"],
        withheld=row["withheld"],
    )


async def read_lots(
    connection: Connection, shard_id: int, after: int, until: int
) -> list[StoredLot]:
    """The lots of some accounts."""
    rows = await connection.fetch(LOTS, shard_id, after, until)
    return [StoredLot(**{**row, "months": months_of(row["months"])}) for row in rows]


async def stray_movements(
    connection: Connection, shard_id: int, after: int, until: int
) -> list[str]:
    """Rows of lot_movement of some accounts that no transaction has."""
    rows = await connection.fetch(STRAY_MOVEMENTS, shard_id, after, until)
    return [
        f"account {row['account_id']} version {row['version']} ordinal {row['ordinal']}"
        for row in rows
    ]


async def repeated_requests(
    connection: Connection, shard_id: int, after: int, until: int
) -> list[str]:
    """Request ids of some holders that have more than one outcome (I11)."""
    rows = await connection.fetch(REPEATED_REQUESTS, shard_id, after, until)
    return [f"holder {row['holder_no']} request {row['request_key']}" for row in rows]


async def stray_records(connection: Connection, shard_id: int, end: int) -> list[int]:
    """Positions of records behind the end of the shard, or before its beginning."""
    return [row["position"] for row in await connection.fetch(STRAY_RECORDS, shard_id, end)]


async def unbalanced(connection: Connection, shard_id: int) -> list[tuple[str, int]]:
    """Assets whose accounts in a shard do not sum to zero, with the sum (I13)."""
    rows = await connection.fetch(UNBALANCED, shard_id)
    return [(f"{row['program_id']} {row['asset_id']}", row["posted"]) for row in rows]


async def stored_nodes(
    connection: Connection, nodes: Sequence[tuple[int, Node]]
) -> dict[tuple[int, Node], bytes]:
    """The hashes that are stored of some nodes, each with its shard."""
    rows = await connection.fetch(
        NODES,
        [shard_id for shard_id, _ in nodes],
        [node.level for _, node in nodes],
        [node.number for _, node in nodes],
    )
    return {(row["shard_id"], Node(row["level"], row["index"])): row["hash"] for row in rows}


async def node_counts(connection: Connection) -> dict[int, int]:
    """How many nodes of each shard are stored."""
    return {row["shard_id"]: row["nodes"] for row in await connection.fetch(NODE_COUNTS)}


async def next_checkpoint_nos(connection: Connection) -> dict[int, int]:
    """The number that the next checkpoint gets, by the id of its row; there should be but one."""
    return {row["id"]: row["next_checkpoint_no"] for row in await connection.fetch(NEXT_CHECKPOINT)}


async def revision_names(connection: Connection) -> list[str]:
    """The revisions that transactions name by number."""
    return [row["program_revision"] for row in await connection.fetch(REVISIONS)]
