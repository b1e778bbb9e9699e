"""What members have, now or as of an earlier moment, and the entries that brought them there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.balances import Balance, MemberBalance, balance_after, balance_at
from laurel_ledger.domain.errors import AsOfInFuture
from laurel_ledger.domain.history import Moment, check_not_after, present_after
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.transactions import Transaction
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.accounts import list_member_balances
from laurel_ledger.storage.history import find_account_as_of, last_commit_time
from laurel_ledger.storage.transactions import list_statement

NO_VERSION_YET = 2**63 - 1
"""Above every version: where a statement begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetBalance:
    """Whose balance, and as of when; the present when there is no moment."""

    key: AccountKey
    as_of: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchGetBalances:
    """Whose balances of one asset."""

    program_id: str
    asset_id: str
    member_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberBalances:
    """What each of the members has, in their order, exact at one instant."""

    balances: tuple[MemberBalance, ...]
    as_of_time: datetime


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


async def get_balance(query: GetBalance, *, ledger: Ledger) -> Balance:
    """A member's balance, exact at the clock's present or as of an earlier moment.

    Raises AssetNotFound, AsOfInFuture.
    """
    await ledger.require_asset(query.key.program_id, query.key.asset_id)
    if query.as_of is not None:
        return await _earlier_balance(query.key, query.as_of, ledger)
    return balance_at(await ledger.reader.find(query.key), ledger.clock.now())


async def _earlier_balance(key: AccountKey, moment: Moment, ledger: Ledger) -> Balance:
    shards = await ledger.store.shard_count()
    home = shard_of(key.program_id, key.member_id, shards=shards)
    async with ledger.connections.use() as connection:
        present = present_after(await last_commit_time(connection, [home]), now=ledger.clock.now())
        check_not_after(
            present, commit_time=moment.commit_time, effective_time=moment.effective_time
        )
    async with ledger.connections.snapshot() as connection:
        account, commit_time = await find_account_as_of(connection, key, moment, shards=shards)
    if moment.version is None:
        return balance_at(account, moment.commit_time or moment.effective_time or present)
    if commit_time is None or account.version < moment.version:
        raise AsOfInFuture(field="version", as_of=moment.version, latest=account.version)
    return balance_after(account, commit_time)


async def batch_get_balances(query: BatchGetBalances, *, ledger: Ledger) -> MemberBalances:
    """What many members have, exact at the clock's present. Raises AssetNotFound."""
    await ledger.require_asset(query.program_id, query.asset_id)
    shards = await ledger.store.shard_count()
    now = ledger.clock.now()
    async with ledger.connections.use() as connection:
        balances = await list_member_balances(
            connection, query.program_id, query.asset_id, query.member_ids, now=now, shards=shards
        )
    return MemberBalances(balances=tuple(balances), as_of_time=now)


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
