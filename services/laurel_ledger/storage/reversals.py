"""What a batch with reversals needs to know beyond others; nobody else pays for these reads."""

from __future__ import annotations

from dataclasses import replace

from laurel_ledger.domain.accounts import Account, AccountKey, AccountKind
from laurel_ledger.domain.transactions import COUNTER_KIND, RequestKey, Transaction
from laurel_ledger.storage.cohorts import read_months
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.gathering import (
    ACCOUNTS,
    Gathered,
    HolderKey,
    StripeKey,
    Wanted,
    add_accounts,
    columns,
)
from laurel_ledger.storage.lot_rows import STATE, lot_of
from laurel_ledger.storage.request_keys import key_of
from laurel_ledger.storage.spend_rows import line_reversals_of

VOID_LOTS = f"""
with recursive line as (
    select shard_id, account_id, lot_no, earned
    from unnest($1::smallint[], $2::integer[], $3::integer[], $4::boolean[])
        as wanted (shard_id, account_id, lot_no, earned)
    union
    select l.shard_id, l.account_id, l.lot_no, true
    from line p
    join lot l on l.shard_id = p.shard_id and l.account_id = p.account_id
        and l.parent_lot_no = p.lot_no
    where p.earned
)
select
    l.shard_id, l.account_id, l.lot_no, f.holder_id as funding_account_id,
    l.expire_time, l.create_time, l.earned, l.consumed, l.reserved, l.months,
    {STATE}
from (select distinct shard_id, account_id, lot_no from line) named
join lot l using (shard_id, account_id, lot_no)
join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
where l.expired
"""  # noqa: S608  # No value of a caller is in the text.
"""Those that are named, and for an earning all that its points were carried into: where one of them
is void, what came after it is known by it only.
"""

REVERSED_BEFORE = """
select wanted.shard_id, wanted.holder_no, wanted.reversed_key, last.amount, e.content
from unnest($1::smallint[], $2::integer[], $3::uuid[])
    as wanted (shard_id, holder_no, reversed_key)
cross join lateral (
    select r.reversed_before + r.amount as amount, r.position
    from reversal r
    where r.shard_id = wanted.shard_id and r.holder_no = wanted.holder_no
        and r.reversed_key = wanted.reversed_key
    order by r.reversed_before desc
    limit 1
) last
left join spend_event e on e.shard_id = wanted.shard_id and e.position = last.position
"""


async def gather_reversed(connection: Connection, gathered: Gathered, wanted: Wanted) -> Gathered:
    """Add the other sides, the void lots and the earlier reversals of what is to be reversed."""
    originals = [
        (shard_id, record)
        for shard_id, key in wanted.reversals
        if isinstance(record := gathered.books.record(key), Transaction)
    ]
    accounts = dict(gathered.books.accounts)
    for row in await connection.fetch(VOID_LOTS, *columns(_lots_of(originals, gathered), 4)):
        key = _key_of(row["shard_id"], row["account_id"], gathered)
        lot = lot_of(row, expired=True)
        accounts[key] = replace(accounts[key], lots=(*accounts[key].lots, lot))
        gathered.lot_months[key, lot.lot_no] = read_months(row["months"])
    await _add_own_accounts(connection, gathered, originals, accounts, wanted)
    amounts, lines = await _reversed_before(connection, gathered, originals)
    books = replace(
        gathered.books, accounts=accounts, reversed_amounts=amounts, reversed_lines=lines
    )
    return replace(gathered, books=books)


def _lots_of(
    originals: list[tuple[int, Transaction]], gathered: Gathered
) -> set[tuple[int, int, int, bool]]:
    """The lots that what is reversed took from or filled, and whether it filled them."""
    lots = set()
    for shard_id, original in originals:
        account_id = gathered.account_ids[_stripe_of(shard_id, original.key)]
        lots |= {
            (shard_id, account_id, movement.lot_no, movement.amount > 0)
            for movement in original.movements
        }
    return lots


def _key_of(shard_id: int, account_id: int, gathered: Gathered) -> AccountKey:
    """The member's account of that number."""
    return next(
        AccountKey(stripe.program_id, stripe.holder_id, stripe.asset_id)
        for stripe, number in gathered.account_ids.items()
        if (stripe.shard_id, number) == (shard_id, account_id)
    )


def _stripe_of(shard_id: int, key: AccountKey) -> StripeKey:
    return StripeKey(shard_id, key.program_id, AccountKind.MEMBER, key.member_id, key.asset_id)


async def _add_own_accounts(
    connection: Connection,
    gathered: Gathered,
    originals: list[tuple[int, Transaction]],
    accounts: dict[AccountKey, Account],
    wanted: Wanted,
) -> None:
    """Number the program's own accounts that reversals post to, and those that paid for the lots.

    A lot that opens anew names who paid for the one that was.
    """
    holders = {
        HolderKey(
            shard_id,
            original.key.program_id,
            COUNTER_KIND[original.type],
            original.counter_account_id,
        )
        for shard_id, original in originals
    }
    members = {(key.program_id, key.member_id): shard_id for shard_id, key in wanted.reversals}
    for key, account in accounts.items():
        if (shard_id := members.get((key.program_id, key.member_id))) is not None:
            holders |= {
                HolderKey(shard_id, key.program_id, AccountKind.FUNDING, lot.funding_account_id)
                for lot in account.lots
            }
    add_accounts(
        await connection.fetch(ACCOUNTS, *columns(holders, 4)),
        gathered.account_ids,
        gathered.holder_nos,
    )


async def _reversed_before(
    connection: Connection, gathered: Gathered, originals: list[tuple[int, Transaction]]
) -> tuple[dict[RequestKey, int], dict[RequestKey, dict[str, int]]]:
    """How much of each and of its lines was reversed, which its last reversal says (I10)."""
    names = {}
    for shard_id, original in originals:
        holder = HolderKey(*_stripe_of(shard_id, original.key)[:4])
        key, _ = key_of(original.request_id)
        names[shard_id, gathered.holder_nos[holder], key] = original.request_key
    rows = await connection.fetch(REVERSED_BEFORE, *columns(names, 3))
    amounts, lines = {}, {}
    for row in rows:
        name = names[row["shard_id"], row["holder_no"], str(row["reversed_key"])]
        amounts[name] = row["amount"]
        if done := line_reversals_of(row["content"]):
            lines[name] = {each.line_id: each.before + each.amount for each in done.lines}
    return amounts, lines
