"""Which accounts members have."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_ledger.domain.accounts import AccountKey, AccountKind
from laurel_ledger.domain.directory import AccountEntry, AccountPlace
from laurel_ledger.domain.errors import AccountNotFound
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.account_lists import list_of_member, list_of_program

BEFORE_ALL = AccountPlace(0, 0)
"""Where a list begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccounts:
    """A page of accounts: those after a place, of one member and one asset where they are named."""

    program_id: str
    member_id: str
    asset_id: str
    page_size: int
    after: AccountPlace = BEFORE_ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """Accounts, and whether there are more."""

    accounts: tuple[AccountEntry, ...]
    more: bool


async def get_account(key: AccountKey, *, ledger: Ledger) -> AccountEntry:
    """A member's account. Raises AssetNotFound, AccountNotFound."""
    await ledger.require_asset(key.program_id, key.asset_id)
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        found = await list_of_member(connection, *key, after=BEFORE_ALL, limit=1, shards=shards)
    if not found:
        raise AccountNotFound(
            program_id=key.program_id, account_id=key.member_id, kind=AccountKind.MEMBER.name
        )
    return found[0]


async def list_accounts(query: ListAccounts, *, ledger: Ledger) -> AccountPage:
    """A page of accounts. Raises ProgramNotFound."""
    await ledger.terms_at(query.program_id, ledger.clock.now())
    found = await _find(query, ledger)
    return AccountPage(accounts=tuple(found[: query.page_size]), more=len(found) > query.page_size)


async def _find(query: ListAccounts, ledger: Ledger) -> list[AccountEntry]:
    shards = await ledger.store.shard_count()
    limit = query.page_size + 1
    async with ledger.connections.use() as connection:
        if not query.member_id:
            return await list_of_program(
                connection,
                query.program_id,
                query.asset_id,
                after=query.after,
                limit=limit,
                shards=shards,
            )
        return await list_of_member(
            connection,
            query.program_id,
            query.member_id,
            query.asset_id,
            after=query.after,
            limit=limit,
            shards=shards,
        )
