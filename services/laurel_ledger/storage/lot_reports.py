"""Lots of a whole program that are about to expire, and the events of one lot."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laurel_ledger.domain.accounts import AccountKey, Lot
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.traces import LotEvent
from laurel_ledger.domain.transactions import TransactionType
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.lot_rows import STATE, lot_of
from laurel_ledger.storage.request_keys import request_id_of
from laurel_ledger.storage.rows import MOVED

# An account with such a lot has something due before the end of the span, so the others cost their
# place in the index and no more. Accounts are read in the order of their numbers, which no posting
# changes: none is read twice or left out.
EXPIRING = """
with concerned as (
    select shard_id, account_id, holder_id
    from account
    where shard_id = $1 and account_id > $2 and program_id = $3 and kind = 1 /* a member's */
        and asset_id = $4 and next_due_time < $6
    order by shard_id, account_id
    limit $7
)
select
    c.account_id, c.holder_id as member_id, l.lot_no, f.holder_id as funding_account_id,
    l.expire_time, l.earned - l.consumed - l.reserved as remaining
from concerned c
left join lot l on l.shard_id = c.shard_id and l.account_id = c.account_id and not l.expired
    and l.freeze_key is null and l.consumed + l.reserved < l.earned
    and l.expire_time >= $5 and l.expire_time < $6
left join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
order by c.account_id
"""

LOT = f"""
select
    l.lot_no, f.holder_id as funding_account_id, l.expire_time, l.create_time, l.earned,
    l.consumed, l.reserved, l.expired, {STATE}
from account a
join lot l on l.shard_id = a.shard_id and l.account_id = a.account_id
join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
where a.shard_id = $1 and a.program_id = $2 and a.kind = 1 /* a member's */
    and a.holder_id = $3 and a.asset_id = $4 and l.lot_no = $5
"""  # noqa: S608  # No value of a caller is in the text.

EVENTS = f"""
select
    t.request_key, t.request_id, t.type, coalesce(c.holder_id, '') as counter_account_id,
    t.commit_time,
    t.effective_time, t.reason, t.labels, v.position, abs(v.amount) as amount
from account a
join transaction t on t.shard_id = a.shard_id and t.account_id = a.account_id
cross join lateral ({MOVED}) v
left join account c on c.shard_id = t.shard_id and c.account_id = t.counter_account_id
where a.shard_id = $1 and a.program_id = $2 and a.kind = 1 /* a member's */
    and a.holder_id = $3 and a.asset_id = $4 and t.version is not null
    and v.lot_no = $5 and sign(v.amount) = $6 and v.position + abs(v.amount) > $7
order by t.version, v.ordinal
limit $8
"""  # noqa: S608  # No value of a caller is in the text.

BROUGHT = 1
TAKEN = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiringLot:
    """What is left in a lot that becomes void."""

    member_id: str
    lot_no: int
    funding_account_id: str
    expire_time: datetime
    remaining: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiringLots:
    """The lots of the next accounts of a shard; the number of the last of them, None at the end."""

    lots: tuple[ExpiringLot, ...]
    last_account_id: int | None


async def list_expiring(
    connection: Connection,
    *,
    shard_id: int,
    after: int,
    program_id: str,
    asset_id: str,
    start_time: datetime,
    end_time: datetime,
    limit: int,
) -> ExpiringLots:
    """What becomes void from one instant to before another in the next `limit` accounts."""
    rows = await connection.fetch(
        EXPIRING, shard_id, after, program_id, asset_id, start_time, end_time, limit
    )
    return ExpiringLots(
        lots=tuple(_expiring(row) for row in rows if row["lot_no"] is not None),
        last_account_id=rows[-1]["account_id"] if rows else None,
    )


def _expiring(row: Any) -> ExpiringLot:
    return ExpiringLot(
        member_id=row["member_id"],
        lot_no=row["lot_no"],
        funding_account_id=row["funding_account_id"],
        expire_time=row["expire_time"],
        remaining=row["remaining"],
    )


async def find_lot(
    connection: Connection, key: AccountKey, lot_no: int, *, shards: int
) -> Lot | None:
    """One lot of a member's account, open or not."""
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    row = await connection.fetchrow(LOT, shard_id, *key, lot_no)
    return None if row is None else lot_of(row, expired=row["expired"])


async def list_events(
    connection: Connection,
    key: AccountKey,
    lot_no: int,
    *,
    sign: int,
    start: int,
    limit: int,
    shards: int,
) -> list[LotEvent]:
    """What brought (sign 1) or took (sign -1) the points of a lot, from number `start` on."""
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    rows = await connection.fetch(EVENTS, shard_id, *key, lot_no, sign, start, limit)
    return [_event(row) for row in rows]


def _event(row: Any) -> LotEvent:
    return LotEvent(
        request_id=request_id_of(row["request_key"], row["request_id"]),
        type=TransactionType(row["type"]),
        counter_account_id=row["counter_account_id"],
        commit_time=row["commit_time"],
        effective_time=row["effective_time"] or row["commit_time"],
        reason=row["reason"] or "",
        labels=json.loads(row["labels"]) if row["labels"] else {},
        position=row["position"],
        amount=row["amount"],
    )
