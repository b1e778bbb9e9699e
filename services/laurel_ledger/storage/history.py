"""Reading the past: accounts as of an earlier moment, statements, the transactions of a member."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import asyncpg
from laurel_kit.database import RACE_STATES, Contention, sqlstate_of

from laurel_ledger.domain.accounts import Account, AccountKey
from laurel_ledger.domain.history import Mark, Moment, TransactionFilter
from laurel_ledger.domain.holds import with_holds
from laurel_ledger.domain.lot_decisions import with_changes
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.transactions import Transaction, TransactionType
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.hold_rows import event_of
from laurel_ledger.storage.lot_rows import change_of, lot_of
from laurel_ledger.storage.rows import AROUND_RECORD, MOVED, RECORD, SIGNED, transaction_of

NO_VERSION_YET = 2**63 - 1

# Whoever posts in a shard holds its head: once it can be shared, what was on its way is committed.
SETTLED = """
select last_commit_time
from shard_head
where shard_id = any($1::smallint[])
order by shard_id
for share
"""

# The entries of an account that count as of a moment.
COUNTED = """
from account a
join transaction t on t.shard_id = a.shard_id and t.account_id = a.account_id
    and t.version <= $5
    and ($6::timestamptz is null or t.commit_time <= $6)
    and ($7::timestamptz is null or coalesce(t.effective_time, t.commit_time) <= $7)
"""

OF_ACCOUNT = """
where a.shard_id = $1 and a.program_id = $2 and a.kind = 1 /* a member's */
    and a.holder_id = $3 and a.asset_id = $4
"""

TOTALS_AS_OF = f"""
select
    coalesce(sum({SIGNED}), 0)::bigint as posted, coalesce(max(t.version), 0) as version,
    max(t.commit_time) as commit_time
{COUNTED}
{OF_ACCOUNT}
"""

LOTS_AS_OF = f"""
select
    v.lot_no, f.holder_id as funding_account_id, l.expire_time, l.create_time,
    l.active_time, l.activation_key, false as activated, null as freeze_key, 0 as reserved,
    l.parent_lot_no,
    sum(greatest(v.amount, 0))::bigint as earned, sum(greatest(-v.amount, 0))::bigint as consumed
{COUNTED}
cross join lateral ({MOVED}) v
join lot l on l.shard_id = a.shard_id and l.account_id = a.account_id and l.lot_no = v.lot_no
join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
{OF_ACCOUNT}
group by
    v.lot_no, f.holder_id, l.expire_time, l.create_time, l.active_time, l.activation_key,
    l.parent_lot_no
order by v.lot_no
"""

LOT_CHANGES_AS_OF = f"""
select t.type, e.content
{COUNTED}
join lot_event e on e.shard_id = t.shard_id and e.position = t.position
{OF_ACCOUNT} and t.type in (11, 12, 13, 16)
order by t.version
"""

HOLDS_AS_OF = f"""
select e.content
{COUNTED}
join hold_event e on e.shard_id = t.shard_id and e.position = t.position
{OF_ACCOUNT} and t.type > 5
order by t.version
"""

LAST_BEFORE = """
select t.version, t.posted_after
from account a
join transaction t on t.shard_id = a.shard_id and t.account_id = a.account_id
where a.shard_id = $1 and a.program_id = $2 and a.kind = 1 /* a member's */
    and a.holder_id = $3 and a.asset_id = $4
    and t.version is not null and t.commit_time < $5
order by t.version desc
limit 1
"""

ENTRIES = f"""
{RECORD}
from account a
join transaction t on t.shard_id = a.shard_id and t.account_id = a.account_id
{AROUND_RECORD}
where a.shard_id = $1 and a.program_id = $2 and a.kind = 1 /* a member's */
    and a.holder_id = $3 and a.asset_id = $4 and t.version > $5 and t.version <= $6
order by t.version
limit $7
"""

TRANSACTIONS = f"""
with mine as materialized ( -- Or the log of the whole shard would be walked back.
    select t.shard_id, t.position
    from account a
    join transaction t on t.shard_id = a.shard_id and t.account_id = a.account_id
    where a.shard_id = $1 and a.program_id = $2 and a.kind = 1 /* a member's */
        and a.holder_id = $3 and ($4::text = '' or a.asset_id = $4)
        and t.refusal is null
        and ($5::smallint[] is null or t.type = any($5))
        and ($6::timestamptz is null or t.commit_time >= $6)
        and ($7::timestamptz is null or t.commit_time < $7)
        and ($8::jsonb is null or t.labels @> $8)
        and ($9::bigint is null or t.position < $9)
),
chosen as (
    select shard_id, position
    from mine
    order by position desc
    limit $10
)
{RECORD}
from chosen
join transaction t on t.shard_id = chosen.shard_id and t.position = chosen.position
{AROUND_RECORD}
order by t.position desc
"""  # noqa: S608  # No value of a caller is in the text.


async def last_commit_time(connection: Connection, shards: Sequence[int]) -> datetime:
    """Wait for what is being posted in the shards, and answer when they posted last.

    Whatever is posted there from now on has a later commit time. Raises Contention.
    """
    try:
        rows = await connection.fetch(SETTLED, shards)
    except asyncpg.PostgresError as error:
        if sqlstate_of(error) in RACE_STATES:
            raise Contention(attempts=1) from error
        raise
    latest: datetime = max(row["last_commit_time"] for row in rows)
    return latest


async def find_account_as_of(
    connection: Connection, key: AccountKey, moment: Moment, *, shards: int
) -> tuple[Account, datetime | None]:
    """A member's account folded from the entries that count, and when the last of them came."""
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    version = NO_VERSION_YET if moment.version is None else moment.version
    counted = (shard_id, *key, version, moment.commit_time, moment.effective_time)
    totals = await connection.fetchrow(TOTALS_AS_OF, *counted)
    rows = await connection.fetch(LOTS_AS_OF, *counted)
    account = Account(
        key=key,
        posted=totals["posted"],
        version=totals["version"],
        lots=tuple(lot_of(row) for row in rows),
    )
    events = (
        event_of(key, row["content"]) for row in await connection.fetch(HOLDS_AS_OF, *counted)
    )
    changes = [
        (TransactionType(row["type"]), change_of(row["content"]))
        for row in await connection.fetch(LOT_CHANGES_AS_OF, *counted)
    ]
    account = with_changes(account, changes)
    latest = {event.hold.hold_id: event.hold for event in events}
    return with_holds(account, latest.values()), totals["commit_time"]


async def find_mark(
    connection: Connection, key: AccountKey, time: datetime | None, *, shards: int
) -> Mark:
    """The last entry of an account before an instant; nothing lies before None."""
    if time is None:
        return Mark(time=None)
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    row = await connection.fetchrow(LAST_BEFORE, shard_id, *key, time)
    if row is None:
        return Mark(time=time)
    return Mark(time=time, version=row["version"], posted=row["posted_after"])


async def list_entries_between(
    connection: Connection, key: AccountKey, after: int, upto: int, *, limit: int, shards: int
) -> list[Transaction]:
    """Transactions of an account after one version and up to another, the latest last."""
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    rows = await connection.fetch(ENTRIES, shard_id, *key, after, upto, limit)
    return [transaction_of(row) for row in rows]


async def list_member_transactions(
    connection: Connection,
    wanted: TransactionFilter,
    *,
    before: int | None,
    limit: int,
    shards: int,
) -> list[tuple[int, Transaction]]:
    """A member's transactions with their positions in the log, the latest first."""
    rows = await connection.fetch(
        TRANSACTIONS,
        shard_of(wanted.program_id, wanted.member_id, shards=shards),
        wanted.program_id,
        wanted.member_id,
        wanted.asset_id,
        [each.value for each in wanted.types] or None,
        wanted.start_time,
        wanted.end_time,
        json.dumps(dict(wanted.labels)) if wanted.labels else None,
        before,
        limit,
    )
    return [(row["position"], transaction_of(row)) for row in rows]
