"""Placing, changing and reading holds."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_ledger.domain.accounts import AccountKey, Hold
from laurel_ledger.domain.errors import HoldNotFound
from laurel_ledger.domain.holds import hold_at
from laurel_ledger.domain.transactions import HoldDraft, RequestKey
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.transactions import (
    PostedTransaction,
    PostTransaction,
    post_transaction,
)
from laurel_ledger.storage.holds import find_hold, list_account_holds

NO_PLACE_YET = 2**63 - 1
"""Above every place: where a list of holds begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListHolds:
    """A page of holds: those placed before one."""

    key: AccountKey
    include_ended: bool
    page_size: int
    before: int = NO_PLACE_YET


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPage:
    """Holds as they are now, the latest first; a place when there are more before it."""

    holds: tuple[Hold, ...]
    next_place: int | None


async def place_hold(draft: HoldDraft, *, ledger: Ledger) -> PostedTransaction:
    """Set points aside. Raises the refusal if it is refused."""
    return await _change_hold(draft, ledger)


async def capture_hold(draft: HoldDraft, *, ledger: Ledger) -> PostedTransaction:
    """Spend points of a hold. Raises the refusal if it is refused."""
    return await _change_hold(draft, ledger)


async def release_hold(draft: HoldDraft, *, ledger: Ledger) -> PostedTransaction:
    """End a hold. Raises the refusal if it is refused."""
    return await _change_hold(draft, ledger)


async def extend_hold(draft: HoldDraft, *, ledger: Ledger) -> PostedTransaction:
    """Let a hold live longer. Raises the refusal if it is refused."""
    return await _change_hold(draft, ledger)


async def _change_hold(draft: HoldDraft, ledger: Ledger) -> PostedTransaction:
    """Whatever is done to a hold is a draft, posted as all are."""
    return await post_transaction(PostTransaction(draft=draft, validate_only=False), ledger=ledger)


async def get_hold(key: RequestKey, *, ledger: Ledger) -> Hold:
    """A hold as it is now. Raises HoldNotFound."""
    await ledger.terms_at(key.program_id, ledger.clock.now())
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        found = await find_hold(connection, key, shards=shards)
    if found is None:
        raise HoldNotFound(
            program_id=key.program_id, member_id=key.member_id, hold_id=key.request_id
        )
    return hold_at(found, ledger.clock.now())


async def list_holds(query: ListHolds, *, ledger: Ledger) -> HoldPage:
    """A page of a member's holds. Raises AssetNotFound."""
    await ledger.require_asset(query.key.program_id, query.key.asset_id)
    now = ledger.clock.now()
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        found = await list_account_holds(
            connection,
            query.key,
            include_ended=query.include_ended,
            now=now,
            before=query.before,
            limit=query.page_size + 1,
            shards=shards,
        )
    page = found[: query.page_size]
    return HoldPage(
        holds=tuple(hold_at(hold, now) for _, hold in page),
        next_place=page[-1][0] if len(found) > query.page_size else None,
    )
