"""Posting streams of transactions: messages on their way at once, answered in their order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass
from typing import Any

from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.transactions import (
    BatchPostTransactions,
    PostedBatch,
    post_group,
    prepare_batch,
)

Posting = asyncio.Task[PostedBatch]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredMessage:
    """What became of a message, or why it was refused; how many are answered with it."""

    outcome: PostedBatch | Exception
    messages_done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """There are no more messages, or what came instead of one."""

    error: Exception | None = None


Begun = asyncio.Queue[Posting | Exception | End]


async def stream_transactions(
    messages: AsyncIterable[BatchPostTransactions], *, ledger: Ledger
) -> AsyncGenerator[AnsweredMessage, None]:
    """Post each message; no more than a few are begun before the first of them is answered."""
    begun: Begun = asyncio.Queue(ledger.settings.stream_messages_max)
    reading = asyncio.create_task(_begin_each(messages, begun, ledger))
    done = 0
    try:
        while not isinstance(message := await begun.get(), End):
            done += 1
            yield AnsweredMessage(outcome=await _outcome_of(message), messages_done=done)
    finally:
        await _give_up(reading, begun)
    if message.error is not None:
        raise message.error


async def _begin_each(
    messages: AsyncIterable[BatchPostTransactions], begun: Begun, ledger: Ledger
) -> None:
    """Begin the messages in order; waits while enough of them are on their way.

    Whatever must be waited for comes before a posting begins: from there on it goes straight into
    the lanes, so that no message overtakes another.
    """
    end = End()
    try:
        await ledger.store.shard_count()
        async for message in messages:
            try:
                group = await prepare_batch(message, ledger)
            except Exception as refusal:  # noqa: BLE001  # The message's, not the stream's.
                await begun.put(refusal)
            else:
                await begun.put(asyncio.create_task(post_group(group, ledger)))
    except Exception as error:  # noqa: BLE001  # Whatever it is, it ends the stream.
        end = End(error=error)
    await begun.put(end)


async def _outcome_of(message: Posting | Exception) -> PostedBatch | Exception:
    if not isinstance(message, asyncio.Task):
        return message
    try:
        return await message
    except Exception as refusal:  # noqa: BLE001  # As above.
        return refusal


async def _give_up(reading: asyncio.Task[None], begun: Begun) -> None:
    """Wait for nothing more; what is in a lane already is posted or not, as it happens."""
    left: list[asyncio.Task[Any]] = [reading]
    while not begun.empty():
        if isinstance(message := begun.get_nowait(), asyncio.Task):
            left.append(message)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
