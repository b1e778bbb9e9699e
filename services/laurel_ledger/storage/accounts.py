"""Reading members' accounts and lots, and the totals of the program's own accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laurel_ledger.domain.accounts import Account, AccountKey, AccountKind, Hold, Lot
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.hold_rows import hold_of
from laurel_ledger.storage.holds import OPEN as OPEN_HOLDS

ACCOUNT = """
select
    a.shard_id, a.account_id, a.posted, a.held, a.version, a.lots_opened, l.lot_no,
    f.holder_id as funding_account_id, l.expire_time, l.create_time, l.earned, l.consumed,
    l.reserved
from account a
left join lot l on l.shard_id = a.shard_id and l.account_id = a.account_id and not l.expired
left join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
where a.shard_id = $1 and a.program_id = $2 and a.kind = 1 /* a member's */
    and a.holder_id = $3 and a.asset_id = $4
"""

LOTS = """
select
    l.lot_no, f.holder_id as funding_account_id, l.expire_time, l.create_time, l.earned,
    l.consumed, l.reserved, l.expired
from account a
join lot l on l.shard_id = a.shard_id and l.account_id = a.account_id
join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
where a.shard_id = $1 and a.program_id = $2 and a.kind = 1 /* a member's */
    and a.holder_id = $3 and a.asset_id = $4
    and (
        $5
        or l.reserved > 0
        or (l.consumed < l.earned and (l.expire_time > $6 or l.expire_time is null))
    )
    and (
        $8::integer = 0
        or (coalesce(l.expire_time, 'infinity'), l.lot_no)
            > (coalesce($7::timestamptz, 'infinity'), $8)
    )
order by coalesce(l.expire_time, 'infinity'), l.lot_no
limit $9
"""

TOTALS = """
select asset_id, kind, holder_id, sum(posted)::bigint as posted
from account
where shard_id = any($1::smallint[]) and program_id = $2 and kind <> 1 /* not a member's */
group by asset_id, kind, holder_id
"""

NEXT_DUE = """
select min(due.next_due_time)
from shard_head h
cross join lateral (
    select a.next_due_time
    from account a
    where a.shard_id = h.shard_id and a.next_due_time is not null
    order by a.next_due_time
    limit 1
) due
"""

DUE = """
select due.shard_id, due.program_id, due.holder_id, due.asset_id
from shard_head h
cross join lateral (
    select a.shard_id, a.program_id, a.holder_id, a.asset_id, a.next_due_time
    from account a
    where a.shard_id = h.shard_id and a.next_due_time <= $1
    order by a.next_due_time
    limit $2
) due
order by due.next_due_time
limit $2
"""


async def find_account(connection: Connection, key: AccountKey, *, shards: int) -> Account:
    """A member's account with its open lots; one that never was is empty."""
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    rows = await connection.fetch(ACCOUNT, shard_id, *key)
    if not rows:
        return Account(key=key)
    holds: tuple[Hold, ...] = ()
    if rows[0]["held"]:
        place = ([shard_id], [rows[0]["account_id"]])
        holds = tuple(hold_of(row) for row in await connection.fetch(OPEN_HOLDS, *place))
    return Account(
        key=key,
        posted=rows[0]["posted"],
        held=rows[0]["held"],
        holds=holds,
        version=rows[0]["version"],
        lots_opened=rows[0]["lots_opened"],
        lots=tuple(_lot(row) for row in rows if row["lot_no"] is not None),
    )


async def list_account_lots(
    connection: Connection,
    key: AccountKey,
    *,
    include_closed: bool,
    now: datetime,
    after: tuple[datetime | None, int] | None,
    limit: int,
    shards: int,
) -> list[Lot]:
    """Lots in the order of spending, from after one on; without the closed ones unless asked."""
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    expire_time, lot_no = after or (None, 0)
    rows = await connection.fetch(
        LOTS, shard_id, *key, include_closed, now, expire_time, lot_no, limit
    )
    return [_lot(row, expired=row["expired"]) for row in rows]


def _lot(row: Any, *, expired: bool = False) -> Lot:
    return Lot(
        lot_no=row["lot_no"],
        funding_account_id=row["funding_account_id"],
        expire_time=row["expire_time"],
        create_time=row["create_time"],
        earned=row["earned"],
        consumed=row["consumed"],
        reserved=row["reserved"],
        expired=expired,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTotal:
    """What one of the program's own accounts has of one asset, over all shards."""

    asset_id: str
    kind: AccountKind
    account_id: str
    posted: int


async def own_totals(connection: Connection, program_id: str, *, shards: int) -> Sequence[OwnTotal]:
    """The totals of the program's own accounts that were ever used."""
    rows = await connection.fetch(TOTALS, list(range(shards)), program_id)
    return [
        OwnTotal(
            asset_id=row["asset_id"],
            kind=AccountKind(row["kind"]),
            account_id=row["holder_id"],
            posted=row["posted"],
        )
        for row in rows
    ]


async def next_due_time(connection: Connection) -> datetime | None:
    """When points of any member become void next."""
    found: datetime | None = await connection.fetchval(NEXT_DUE)
    return found


async def list_due(
    connection: Connection, now: datetime, *, limit: int
) -> list[tuple[int, AccountKey]]:
    """Accounts in which points are void by `now`, each with its shard, the longest due first."""
    rows = await connection.fetch(DUE, now, limit)
    return [
        (row["shard_id"], AccountKey(row["program_id"], row["holder_id"], row["asset_id"]))
        for row in rows
    ]
