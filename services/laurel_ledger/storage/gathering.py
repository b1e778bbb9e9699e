"""What a batch needs to know, read under the locks of its shards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from laurel_ledger.domain.accounts import Account, AccountKey, AccountKind, Lot
from laurel_ledger.domain.allowances import Purse
from laurel_ledger.domain.cohorts import LotKey, LotMonths
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.transactions import RequestKey
from laurel_ledger.storage.cohorts import read_months
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.hold_rows import hold_from
from laurel_ledger.storage.lot_rows import STATE, lot_of
from laurel_ledger.storage.request_keys import key_of
from laurel_ledger.storage.rows import AROUND_RECORD, RECORD, record_of
from laurel_ledger.storage.standing_rows import LAST_CHANGE, STANDING, standing_of

HEADS = """
select
    shard_id, next_account_id, next_position, next_batch, last_commit_time, chain_hash,
    periods_closed, changes
from shard_head
where shard_id = any($1::smallint[])
order by shard_id
"""

BATCHES = "select shard_id, next_batch from shard_head where shard_id = any($1::smallint[])"

ACCOUNTS = f"""
select
    a.shard_id, a.kind, a.account_id, a.holder_no, a.lots_opened,
    a.program_id, a.holder_id, a.asset_id, a.posted, a.version, a.held, {STANDING}
from unnest($1::smallint[], $2::text[], $3::smallint[], $4::text[])
    as wanted (shard_id, program_id, kind, holder_id)
join account a using (shard_id, program_id, kind, holder_id)
{LAST_CHANGE}
"""  # noqa: S608  # No value of a caller is in the text.

OPEN_LOTS = f"""
select
    l.shard_id, l.account_id, l.lot_no, f.holder_id as funding_account_id,
    l.expire_time, l.create_time, l.earned, l.consumed, l.months, l.reserved, {STATE}
from unnest($1::smallint[], $2::integer[]) as wanted (shard_id, account_id)
join lot l using (shard_id, account_id)
join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
where not l.expired
order by l.shard_id, l.account_id, l.lot_no
"""  # noqa: S608  # No value of a caller is in the text.

HOLDERS = f"""
select
    w.shard_id, w.kind, w.program_id, w.holder_id,
    a.account_id, a.holder_no, a.lots_opened, a.asset_id, a.posted, a.version, a.held,
    case when a.held > 0 then (
        select jsonb_agg(to_jsonb(h) order by h.position)::text
        from hold h
        where h.shard_id = a.shard_id and h.account_id = a.account_id and h.state = 1
    ) end as holds,
    l.lot_no, f.holder_id as funding_account_id, l.expire_time, l.create_time, l.earned, l.consumed,
    l.months, l.reserved, {STATE}, {STANDING}
from unnest($1::account[]) w
join account a using (shard_id, program_id, kind, holder_id)
{LAST_CHANGE}
left join lot l on l.shard_id = a.shard_id and l.account_id = a.account_id and not l.expired
left join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
"""  # noqa: S608  # No value of a caller is in the text.
"""Accounts, their open holds and lots as of one instant: a row for each lot, one without any."""

EARLIER = f"""
{RECORD}
from unnest($1::smallint[], $2::integer[], $3::uuid[]) as wanted (shard_id, holder_no, request_key)
join transaction t using (shard_id, holder_no, request_key)
{AROUND_RECORD}
"""


PROGRAM_SHARDS_MAX = 4096
"""Names of the programs' accounts that are kept, one for each shard."""


class StripeKey(NamedTuple):
    """The name of an account in a shard: a member's, or the shard's stripe of the program's own."""

    shard_id: int
    program_id: str
    kind: AccountKind
    holder_id: str
    asset_id: str


class HolderKey(NamedTuple):
    """Whoever has accounts in a shard."""

    shard_id: int
    program_id: str
    kind: AccountKind
    holder_id: str


@dataclass(slots=True, kw_only=True)
class Head:
    """Where a shard stands; changed as a batch is written."""

    next_account_id: int
    next_position: int
    next_batch: int
    last_commit_time: datetime
    chain_hash: bytes
    periods_closed: int
    changes: int
    """How often an account of the shard was suspended, resumed, limited or closed."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Whose books a batch needs and which request ids it carries, with the shard of each."""

    holders: frozenset[HolderKey]
    requests: frozenset[tuple[int, RequestKey]]
    reversals: frozenset[tuple[int, RequestKey]] = frozenset()
    """What is to be reversed; among the requests too."""
    holds: frozenset[tuple[int, RequestKey]] = frozenset()
    """Holds that are named."""
    carriers: frozenset[tuple[HolderKey, int]] = frozenset()
    """Members whose points may go on in other lots, and the shard in which those are."""

    budgets: Mapping[Purse, int] = field(default_factory=dict)
    """Those that the batch draws on, as the program has them."""

    @cached_property
    def shards(self) -> list[int]:
        """The shards to lock, in ascending order so that no two batches wait for each other."""
        return sorted({holder.shard_id for holder in self.holders})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What was read."""

    heads: dict[int, Head]
    books: Books
    lot_months: dict[LotKey, LotMonths]
    account_ids: dict[StripeKey, int]
    holder_nos: dict[HolderKey, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderBooks:
    """What is read of holders: members' accounts, the months of their lots, the numbers of all."""

    accounts: dict[AccountKey, Account] = field(default_factory=dict)
    lot_months: dict[LotKey, LotMonths] = field(default_factory=dict)
    account_ids: dict[StripeKey, int] = field(default_factory=dict)
    holder_nos: dict[HolderKey, int] = field(default_factory=dict)


async def read_holders(connection: Connection, holders: Iterable[HolderKey]) -> HolderBooks:
    """All accounts of some holders, as of one time.

    Takes no lock: what is decided upon it is stored only if the heads have not moved since before.
    """
    found = HolderBooks()
    lots: dict[AccountKey, list[Lot]] = {}
    rows: dict[AccountKey, Any] = {}
    for row in await connection.fetch(HOLDERS, [_named(holder) for holder in holders]):
        shard_id, kind, program_id, holder_id, account_id, holder_no, _, asset_id, *_ = row
        holder = HolderKey(shard_id, program_id, AccountKind(kind), holder_id)
        found.account_ids[StripeKey(*holder, asset_id)] = account_id
        found.holder_nos[holder] = holder_no
        if holder.kind is AccountKind.MEMBER:
            key = AccountKey(program_id, holder_id, asset_id)
            rows[key] = row
            opened = lots.setdefault(key, [])
            if row["lot_no"] is not None:
                opened.append(lot_of(row))
                found.lot_months[key, row["lot_no"]] = read_months(row["months"])
    for key, row in rows.items():
        account = account_of(row, sorted(lots[key], key=_lot_no))
        if row["holds"]:
            holds = tuple(hold_from(each, key) for each in json.loads(row["holds"]))
            account = replace(account, holds=holds)
        found.accounts[key] = account
    return found


def _named(holder: HolderKey) -> tuple[Any, ...]:
    """A row of `account` that says no more than whose it is."""
    shard_id, program_id, kind, holder_id = holder
    return (shard_id, kind, *(None,) * 4, program_id, holder_id, *(None,) * 6)


def _lot_no(lot: Lot) -> int:
    return lot.lot_no


@lru_cache(PROGRAM_SHARDS_MAX)
def own_of(shard_id: int, program_id: str, kind: AccountKind, name: str) -> HolderKey:
    """One of a program's own accounts in a shard, such as the one that takes expired points."""
    return HolderKey(shard_id, program_id, kind, name)


async def lock_heads(connection: Connection, shards: Sequence[int]) -> dict[int, Head]:
    """Lock the shards until the end of the transaction. Nobody else posts in them meanwhile."""
    return _heads(await connection.fetch(f"{HEADS} for no key update", shards))


async def read_heads(connection: Connection, shards: Sequence[int]) -> dict[int, Head]:
    """Where the shards stand, without a lock."""
    return _heads(await connection.fetch(HEADS, shards))


async def read_batches(connection: Connection, shards: Sequence[int]) -> dict[int, int]:
    """The number that the next batch of each shard will have."""
    return dict(await connection.fetch(BATCHES, shards))


def _heads(rows: Iterable[Any]) -> dict[int, Head]:
    return {
        row["shard_id"]: Head(
            next_account_id=row["next_account_id"],
            next_position=row["next_position"],
            next_batch=row["next_batch"],
            last_commit_time=row["last_commit_time"],
            chain_hash=row["chain_hash"],
            periods_closed=row["periods_closed"],
            changes=row["changes"],
        )
        for row in rows
    }


async def gather(
    connection: Connection,
    wanted: Wanted,
    heads: dict[int, Head],
    closed_until: Mapping[str, datetime],
) -> Gathered:
    """Read the accounts, their open lots and the outcomes of request ids that exist already."""
    account_ids: dict[StripeKey, int] = {}
    holder_nos: dict[HolderKey, int] = {}
    rows = await connection.fetch(ACCOUNTS, *columns(wanted.holders, 4))
    members = add_accounts(rows, account_ids, holder_nos)
    lot_months: dict[LotKey, LotMonths] = {}
    books = Books(
        accounts=await _accounts(connection, members, lot_months),
        records=await _records(connection, wanted, holder_nos),
        closed_until=closed_until,
    )
    return Gathered(
        heads=heads,
        books=books,
        lot_months=lot_months,
        account_ids=account_ids,
        holder_nos=holder_nos,
    )


def add_accounts(
    rows: Iterable[Any],
    account_ids: dict[StripeKey, int],
    holder_nos: dict[HolderKey, int],
) -> list[Any]:
    """Number the accounts and their holders; the rows of members."""
    members = []
    for row in rows:
        kind = AccountKind(row["kind"])
        holder = HolderKey(row["shard_id"], row["program_id"], kind, row["holder_id"])
        account_ids[StripeKey(*holder, row["asset_id"])] = row["account_id"]
        holder_nos[holder] = row["holder_no"]
        if kind is AccountKind.MEMBER:
            members.append(row)
    return members


async def _accounts(
    connection: Connection, members: list[Any], lot_months: dict[LotKey, LotMonths]
) -> dict[AccountKey, Account]:
    """Members' accounts with their open lots, and beside them the months of the lots' points."""
    if not members:
        return {}
    keys = [(row["shard_id"], row["account_id"]) for row in members]
    lots: dict[tuple[int, int], list[Lot]] = {key: [] for key in keys}
    names = {
        (row["shard_id"], row["account_id"]): AccountKey(
            row["program_id"], row["holder_id"], row["asset_id"]
        )
        for row in members
    }
    for row in await connection.fetch(OPEN_LOTS, *columns(keys, 2)):
        place = (row["shard_id"], row["account_id"])
        lots[place].append(lot_of(row))
        lot_months[names[place], row["lot_no"]] = read_months(row["months"])
    accounts = (account_of(row, lots[key]) for row, key in zip(members, keys, strict=True))
    return {account.key: account for account in accounts}


def account_of(row: Any, lots: Iterable[Lot]) -> Account:
    """A member's account from its row and its open lots."""
    return Account(
        key=AccountKey(row["program_id"], row["holder_id"], row["asset_id"]),
        posted=row["posted"],
        held=row["held"],
        version=row["version"],
        lots_opened=row["lots_opened"],
        lots=tuple(lots),
        standing=standing_of(row),
    )


async def _records(
    connection: Connection, wanted: Wanted, holder_nos: dict[HolderKey, int]
) -> dict[RequestKey, Any]:
    """What the request ids of the batch stand for already. A member without account has none."""
    keys = []
    for shard_id, key in wanted.requests:
        holder = HolderKey(shard_id, key.program_id, AccountKind.MEMBER, key.member_id)
        if (holder_no := holder_nos.get(holder)) is not None:
            keys.append((shard_id, holder_no, key_of(key.request_id)[0]))
    if not keys:
        return {}
    rows = await connection.fetch(EARLIER, *columns(keys, 3))
    records = (record_of(row) for row in rows)
    return {record.request_key: record for record in records}


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    """Rows turned into the arrays that `unnest` takes."""
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    return columns or [[] for _ in range(width)]
