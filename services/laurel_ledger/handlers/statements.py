"""A member's statement for a span of time, which joins the one before it without a gap (I17)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.history import Mark, check_not_after, present_after
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.transactions import Transaction
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.history import find_mark, last_commit_time, list_entries_between

ENTRIES_MAX = 1000
"""Entries of one message: about half a mebibyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStatement:
    """A statement over the commit times from `start_time` to before `end_time`."""

    key: AccountKey
    start_time: datetime | None = None
    end_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Where a statement begins."""

    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Where a statement ends."""

    mark: Mark


StatementPart = Opening | tuple[Transaction, ...] | Closing


async def export_statement(
    query: ExportStatement, *, ledger: Ledger
) -> AsyncIterator[StatementPart]:
    """The opening, the entries in messages, the closing. Raises AssetNotFound, AsOfInFuture."""
    await ledger.require_asset(query.key.program_id, query.key.asset_id)
    opening, closing = await _ends(query, ledger)
    yield Opening(mark=opening)
    version = opening.version
    while version < closing.version:
        entries = await _entries(query.key, version, closing.version, ledger)
        assert entries, "the versions of an account have no gaps (I3)"
        yield entries
        version = entries[-1].version
    yield Closing(mark=closing)


async def _ends(query: ExportStatement, ledger: Ledger) -> tuple[Mark, Mark]:
    """Both ends. Nothing can be posted between them any more once they are known."""
    shards = await ledger.store.shard_count()
    home = shard_of(query.key.program_id, query.key.member_id, shards=shards)
    async with ledger.connections.use() as connection:
        present = present_after(await last_commit_time(connection, [home]), ledger.clock.now())
        check_not_after(present, start_time=query.start_time, end_time=query.end_time)
        opening = await find_mark(connection, query.key, query.start_time, shards=shards)
        end = query.end_time or present
        return opening, await find_mark(connection, query.key, end, shards=shards)


async def _entries(
    key: AccountKey, after: int, upto: int, ledger: Ledger
) -> tuple[Transaction, ...]:
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        found = await list_entries_between(
            connection, key, after, upto, limit=ENTRIES_MAX, shards=shards
        )
    return tuple(found)
