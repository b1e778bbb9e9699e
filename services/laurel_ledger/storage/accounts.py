"""Reading members' accounts and lots, and the totals of the program's own accounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laurel_ledger.domain.accounts import Account, AccountKey, AccountKind, Hold, Lot
from laurel_ledger.domain.balances import MemberBalance, member_balance_at
from laurel_ledger.domain.shards import shard_of, shards_of
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.hold_rows import hold_of
from laurel_ledger.storage.holds import OPEN as OPEN_HOLDS
from laurel_ledger.storage.lot_rows import STATE, lot_of

ACCOUNTS = f"""
select
    w.ordinality::integer as place, a.shard_id, a.account_id, a.posted, a.held, a.version,
    a.lots_opened, l.lot_no, f.holder_id as funding_account_id, l.expire_time, l.create_time,
    l.earned, l.consumed, l.reserved, {STATE}
from unnest($1::smallint[], $2::text[], $3::text[], $4::text[]) with ordinality
    as w (shard_id, program_id, holder_id, asset_id)
join account a on a.shard_id = w.shard_id and a.program_id = w.program_id
    and a.kind = 1 /* a member's */ and a.holder_id = w.holder_id and a.asset_id = w.asset_id
left join lot l on l.shard_id = a.shard_id and l.account_id = a.account_id and not l.expired
left join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
"""  # noqa: S608  # No value of a caller is in the text.

BALANCES = """
select
    coalesce(a.posted - coalesce(void.points, 0), 0) as posted,
    greatest(coalesce(a.posted - a.held - coalesce(void.points, 0), 0), 0) as available,
    coalesce(a.version, 0) as version,
    coalesce(a.withheld or (a.held > 0 and a.next_due_time <= $5), false) as intricate
from unnest($1::smallint[], $2::text[]) with ordinality as w (shard_id, holder_id)
left join account a on a.shard_id = w.shard_id and a.program_id = $3
    and a.kind = 1 /* a member's */ and a.holder_id = w.holder_id and a.asset_id = $4
left join lateral (
    select sum(l.earned - l.consumed)::bigint as points
    from lot l
    where l.shard_id = a.shard_id and l.account_id = a.account_id and not l.expired
        and l.expire_time <= $5
) void on a.next_due_time <= $5
order by w.ordinality
"""

LOTS = f"""
select
    l.lot_no, f.holder_id as funding_account_id, l.expire_time, l.create_time, l.earned,
    l.consumed, l.reserved, l.expired, {STATE}
from account a
join lot l on l.shard_id = a.shard_id and l.account_id = a.account_id
join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
where a.shard_id = $1 and a.program_id = $2 and a.kind = 1 /* a member's */
    and a.holder_id = $3 and a.asset_id = $4
    and (
        $5
        or l.reserved > 0
        or (l.consumed < l.earned and l.freeze_key is not null)
        or (l.consumed < l.earned and (l.expire_time > $6 or l.expire_time is null))
    )
    and (
        $8::integer = 0
        or (coalesce(l.expire_time, 'infinity'), l.lot_no)
            > (coalesce($7::timestamptz, 'infinity'), $8)
    )
order by coalesce(l.expire_time, 'infinity'), l.lot_no
limit $9
"""  # noqa: S608  # No value of a caller is in the text.

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

DUE_OF_PROGRAM = """
select a.account_id, a.program_id, a.holder_id, a.asset_id, a.next_due_time
from account a
where a.shard_id = $1 and a.next_due_time <= $2 and a.program_id = $3
    and ($4 = '' or a.asset_id = $4)
    and (a.next_due_time, a.account_id) > ($5, $6)
order by a.next_due_time, a.account_id
limit $7
"""

COUNT_DUE = """
select count(*)
from shard_head h
join account a on a.shard_id = h.shard_id
where a.next_due_time <= $1 and a.program_id = $2 and ($3 = '' or a.asset_id = $3)
"""


async def find_accounts(
    connection: Connection, keys: Sequence[AccountKey], *, shards: int
) -> list[Account]:
    """Members' accounts with their open lots, one for each key; one that never was is empty."""
    wanted = [(shard_of(key.program_id, key.member_id, shards=shards), *key) for key in keys]
    rows: dict[int, list[Any]] = {}
    for row in await connection.fetch(ACCOUNTS, *zip(*wanted, strict=True)):
        rows.setdefault(row["place"], []).append(row)
    holds = await _open_holds(connection, rows.values())
    return [
        _account(key, rows.get(place), holds.get(key, ()))
        for place, key in enumerate(keys, start=1)
    ]


async def _open_holds(
    connection: Connection, rows: Iterable[list[Any]]
) -> dict[AccountKey, list[Hold]]:
    """The open holds of those accounts that hold something."""
    holding = [(each[0]["shard_id"], each[0]["account_id"]) for each in rows if each[0]["held"]]
    holds: dict[AccountKey, list[Hold]] = {}
    if holding:
        for row in await connection.fetch(OPEN_HOLDS, *zip(*holding, strict=True)):
            hold = hold_of(row)
            holds.setdefault(hold.key, []).append(hold)
    return holds


def _account(key: AccountKey, rows: list[Any] | None, holds: Iterable[Hold]) -> Account:
    if not rows:
        return Account(key=key)
    return Account(
        key=key,
        posted=rows[0]["posted"],
        held=rows[0]["held"],
        holds=tuple(holds),
        version=rows[0]["version"],
        lots_opened=rows[0]["lots_opened"],
        lots=tuple(lot_of(row) for row in rows if row["lot_no"] is not None),
    )


async def list_member_balances(
    connection: Connection,
    program_id: str,
    asset_id: str,
    member_ids: Sequence[str],
    *,
    now: datetime,
    shards: int,
) -> list[MemberBalance]:
    """What each of many members has at `now`, in their order."""
    homes = shards_of(program_id, member_ids, shards=shards)
    rows = await connection.fetch(BALANCES, homes, member_ids, program_id, asset_id, now)
    balances = [MemberBalance(posted, available, version) for posted, available, version, _ in rows]
    # What is due of an account with holds depends on which of them lapsed and what they pinned;
    # what waits or is frozen shows in lots only.
    if intricate := [place for place, row in enumerate(rows) if row["intricate"]]:
        keys = [AccountKey(program_id, member_ids[place], asset_id) for place in intricate]
        accounts = await find_accounts(connection, keys, shards=shards)
        for place, account in zip(intricate, accounts, strict=True):
            balances[place] = member_balance_at(account, now)
    return balances


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
    return [lot_of(row, expired=row["expired"]) for row in rows]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePlace:
    """Up to which account of a shard what is due was seen to, in the order in which it fell due."""

    shard_id: int
    due_time: datetime
    account_id: int = 0


async def list_due_after(
    connection: Connection,
    place: DuePlace,
    program_id: str,
    asset_id: str,
    *,
    until: datetime,
    limit: int,
) -> list[tuple[DuePlace, AccountKey]]:
    """The next accounts of a shard in which something is due by then; of any asset when empty."""
    rows = await connection.fetch(
        DUE_OF_PROGRAM,
        *(place.shard_id, until, program_id, asset_id),
        *(place.due_time, place.account_id, limit),
    )
    return [
        (
            DuePlace(
                shard_id=place.shard_id,
                due_time=row["next_due_time"],
                account_id=row["account_id"],
            ),
            AccountKey(row["program_id"], row["holder_id"], row["asset_id"]),
        )
        for row in rows
    ]


async def count_due(
    connection: Connection, program_id: str, asset_id: str, *, until: datetime
) -> int:
    """How many accounts something is due in by then."""
    found: int = await connection.fetchval(COUNT_DUE, until, program_id, asset_id)
    return found
