"""Reading holds: those a batch needs, and those somebody asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from laurel_ledger.domain.accounts import Account, AccountKey, AccountKind, Hold
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.transactions import RequestKey
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.gathering import Gathered, HolderKey, StripeKey, Wanted, columns
from laurel_ledger.storage.hold_rows import hold_of
from laurel_ledger.storage.request_keys import key_of

HOLD = """
select
    h.position, h.state, h.hold_key, h.hold_id, h.amount, h.captured, h.released, h.create_time,
    h.expire_time, h.pins::text as pins, a.program_id, a.holder_id as member_id, a.asset_id
"""

NAMED = f"""
{HOLD}
from unnest($1::smallint[], $2::integer[], $3::uuid[]) as wanted (shard_id, holder_no, hold_key)
join hold h using (shard_id, holder_no, hold_key)
join account a on a.shard_id = h.shard_id and a.account_id = h.account_id
"""  # No value of a caller is in the text.

OPEN = f"""
{HOLD}
from unnest($1::smallint[], $2::integer[]) as wanted (shard_id, account_id)
join hold h on h.shard_id = wanted.shard_id and h.account_id = wanted.account_id and h.state = 1
join account a on a.shard_id = h.shard_id and a.account_id = h.account_id
order by h.position
"""  # No value of a caller is in the text.

BY_NAME = f"""
{HOLD}
from account o
join hold h on h.shard_id = o.shard_id and h.holder_no = o.holder_no and h.hold_key = $4
join account a on a.shard_id = h.shard_id and a.account_id = h.account_id
where o.shard_id = $1 and o.program_id = $2 and o.kind = 1 and o.holder_id = $3
limit 1
"""  # No value of a caller is in the text.

OF_ACCOUNT = f"""
{HOLD}
from account a
join hold h on h.shard_id = a.shard_id and h.account_id = a.account_id
where a.shard_id = $1 and a.program_id = $2 and a.kind = 1
    and a.holder_id = $3 and a.asset_id = $4 and h.position < $5
    and ($6 or (h.state = 1 and h.expire_time > $7))
order by h.position desc
limit $8
"""  # No value of a caller is in the text.


async def gather_holds(connection: Connection, gathered: Gathered, wanted: Wanted) -> Gathered:
    """Add the holds that are named, and the open ones of accounts that have some."""
    accounts = dict(gathered.books.accounts)
    holding = [
        (stripe.shard_id, gathered.account_ids[stripe])
        for stripe, account in _stripes(gathered, accounts)
        if account.held
    ]
    found: dict[RequestKey, Hold] = {}
    if holding:
        for row in await connection.fetch(OPEN, *columns(holding, 2)):
            hold = hold_of(row)
            found[name_of(hold)] = hold
            account = accounts[hold.key]
            accounts[hold.key] = replace(account, holds=(*account.holds, hold))
    if keys := list(_keys(gathered, wanted)):
        for row in await connection.fetch(NAMED, *columns(keys, 3)):
            hold = hold_of(row)
            found.setdefault(name_of(hold), hold)
    books = replace(gathered.books, accounts=accounts, holds=found)
    return replace(gathered, books=books)


def name_of(hold: Hold) -> RequestKey:
    """The name of a hold among all."""
    return RequestKey(hold.key.program_id, hold.key.member_id, hold.hold_id)


def _stripes(
    gathered: Gathered, accounts: dict[AccountKey, Account]
) -> Iterable[tuple[StripeKey, Account]]:
    for stripe in gathered.account_ids:
        key = AccountKey(stripe.program_id, stripe.holder_id, stripe.asset_id)
        if stripe.kind is AccountKind.MEMBER and key in accounts:
            yield stripe, accounts[key]


def _keys(gathered: Gathered, wanted: Wanted) -> Iterable[tuple[int, int, str]]:
    for shard_id, key in wanted.holds:
        holder = HolderKey(shard_id, key.program_id, AccountKind.MEMBER, key.member_id)
        if (holder_no := gathered.holder_nos.get(holder)) is not None:
            yield shard_id, holder_no, key_of(key.request_id)[0]


async def list_account_holds(
    connection: Connection,
    key: AccountKey,
    *,
    include_ended: bool,
    now: datetime,
    before: int,
    limit: int,
    shards: int,
) -> list[tuple[int, Hold]]:
    """Holds of an account with their places, the latest first, from below a place on."""
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    rows = await connection.fetch(OF_ACCOUNT, shard_id, *key, before, include_ended, now, limit)
    return [(row["position"], hold_of(row)) for row in rows]


async def find_hold(connection: Connection, key: RequestKey, *, shards: int) -> Hold | None:
    """The hold of that name."""
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    hold_key, _ = key_of(key.request_id)
    row = await connection.fetchrow(BY_NAME, shard_id, key.program_id, key.member_id, hold_key)
    return None if row is None else hold_of(row)
