"""Reading accounts for many callers at once: whoever waits while a query runs shares the next one.

A single balance costs a round trip and some bookkeeping of the pool; with hundreds of callers that
is most of it. A caller never gets an answer that was read before he asked.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import Context
from dataclasses import dataclass, field
from datetime import timedelta

from laurel_kit.refusals import QueueFull, ShuttingDown

from laurel_ledger.domain.accounts import Account, AccountKey
from laurel_ledger.storage.books import BooksStore

LINGERS_MAX = 4
"""How often readers wait again because more callers have come."""


@dataclass(slots=True, kw_only=True)
class AccountReader:
    """Accounts with their open lots, read in batches."""

    store: BooksStore
    readers_max: int
    batch_max: int
    queue_max: int
    linger: timedelta
    waiting: deque[tuple[AccountKey, asyncio.Future[Account]]] = field(default_factory=deque)
    reading: set[asyncio.Task[None]] = field(default_factory=set)
    lingering: int = 0
    """Readers that let callers gather; whoever comes now is theirs."""

    async def find(self, key: AccountKey) -> Account:
        """A member's account; one that never was is empty.

        Raises QueueFull, DatabaseUnavailable.
        """
        if len(self.waiting) >= self.queue_max:
            raise QueueFull(limit=self.queue_max)
        answer: asyncio.Future[Account] = asyncio.get_running_loop().create_future()
        self.waiting.append((key, answer))
        if len(self.reading) < self.readers_max and not self.lingering:
            # In a context of its own: it works for others, too, when its first caller has gone.
            task = asyncio.create_task(self._read(), context=Context())
            self.reading.add(task)
            task.add_done_callback(self.reading.discard)
        return await answer

    async def _read(self) -> None:
        """Read batch after batch until nobody waits."""
        while batch := self._take():
            crowded = len(batch) > 1 or bool(self.waiting)
            try:
                accounts = await self.store.find_present([key for key, _ in batch])
            except asyncio.CancelledError:
                _fail(batch, ShuttingDown())
                raise
            except Exception as error:  # noqa: BLE001  # Whatever it is, the callers are told.
                _fail(batch, error)
            else:
                for (_, answer), account in zip(batch, accounts, strict=True):
                    if not answer.done():
                        answer.set_result(account)
            if crowded:
                await self._linger()

    async def _linger(self) -> None:
        """Let callers gather: those just answered are about to ask again, one by one.

        As long as more of them come it goes on, but not for long.
        """
        self.lingering += 1
        try:
            for _ in range(LINGERS_MAX):
                before = len(self.waiting)
                await asyncio.sleep(self.linger.total_seconds())
                if len(self.waiting) == before:
                    return
        finally:
            self.lingering -= 1

    def _take(self) -> list[tuple[AccountKey, asyncio.Future[Account]]]:
        """Those who wait, up to the limit, without those whose callers have gone."""
        batch: list[tuple[AccountKey, asyncio.Future[Account]]] = []
        while self.waiting and len(batch) < self.batch_max:
            key, answer = self.waiting.popleft()
            if not answer.done():
                batch.append((key, answer))
        return batch


def _fail(batch: list[tuple[AccountKey, asyncio.Future[Account]]], error: Exception) -> None:
    for _, answer in batch:
        if not answer.done():
            answer.set_exception(error)
