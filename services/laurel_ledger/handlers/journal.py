"""Watching what is posted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from laurel_ledger.domain.errors import ResumeTokenInvalid
from laurel_ledger.domain.transactions import Transaction
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.journal import Stretch, journal_ends, read_journal

TRANSACTIONS_MAX = 1000
"""Transactions of one message: about half a mebibyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTransactions:
    """What to watch, from where on."""

    program_id: str
    positions: tuple[int, ...] | None
    """Where each shard was read up to; None to begin at an end."""
    only_new: bool
    heartbeat_interval: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedTransactions:
    """The next transactions, or none as a sign of life; and where to go on."""

    transactions: tuple[Transaction, ...]
    positions: tuple[int, ...]
    read_time: datetime


async def watch_transactions(
    query: WatchTransactions, *, ledger: Ledger
) -> AsyncIterator[WatchedTransactions]:
    """Everything the program posts, those of each member in order, until the caller ends it.

    Raises ResumeTokenInvalid for positions of another ledger.
    """
    await ledger.terms_at(query.program_id, ledger.clock.now())
    positions = await _begin(query, ledger)
    loop = asyncio.get_running_loop()
    spoken = loop.time()
    while True:
        stretch = await _read(query.program_id, positions, ledger)
        moved, positions = stretch.positions != positions, stretch.positions
        silent = loop.time() - spoken >= query.heartbeat_interval.total_seconds()
        if stretch.transactions or silent:
            spoken = loop.time()
            yield WatchedTransactions(
                transactions=stretch.transactions,
                positions=positions,
                read_time=ledger.clock.now(),
            )
        if not moved:
            await asyncio.sleep(ledger.settings.feed_poll_interval.total_seconds())


async def _begin(query: WatchTransactions, ledger: Ledger) -> tuple[int, ...]:
    """Where the stream begins: after a token, at the end, or at the very first transaction."""
    async with ledger.connections.use() as connection:
        ends = await journal_ends(connection)
    if query.positions is None:
        return ends if query.only_new else (0,) * len(ends)
    if len(query.positions) != len(ends):
        raise ResumeTokenInvalid
    if any(seen > end for seen, end in zip(query.positions, ends, strict=True)):
        raise ResumeTokenInvalid
    return query.positions


async def _read(program_id: str, positions: tuple[int, ...], ledger: Ledger) -> Stretch:
    async with ledger.connections.use() as connection:
        return await read_journal(connection, positions, program_id, limit=TRANSACTIONS_MAX)
