"""What a member has, and the statement of how it came to that."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.balances import Balance, balance_at
from laurel_ledger.domain.transactions import Transaction
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.accounts import find_account
from laurel_ledger.storage.transactions import list_statement

NO_VERSION_YET = 2**63 - 1
"""Above every version: where a statement begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntries:
    """A page of a statement: the entries before a version."""

    key: AccountKey
    page_size: int
    before_version: int = NO_VERSION_YET


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    """Transactions of an account, the latest first; a version when there are more below it."""

    transactions: tuple[Transaction, ...]
    next_version: int | None


async def get_balance(key: AccountKey, *, ledger: Ledger) -> Balance:
    """A member's balance, exact at the clock's present. Raises AssetNotFound."""
    await ledger.require_asset(key.program_id, key.asset_id)
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        account = await find_account(connection, key, shards=shards)
    return balance_at(account, ledger.clock.now())


async def list_entries(query: ListEntries, *, ledger: Ledger) -> EntryPage:
    """A page of a member's statement. Raises AssetNotFound."""
    await ledger.require_asset(query.key.program_id, query.key.asset_id)
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        found = await list_statement(
            connection,
            query.key,
            before_version=query.before_version,
            limit=query.page_size + 1,
            shards=shards,
        )
    page = tuple(found[: query.page_size])
    more = len(found) > query.page_size
    return EntryPage(transactions=page, next_version=page[-1].version if more else None)
