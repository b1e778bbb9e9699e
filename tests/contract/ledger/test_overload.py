"""More postings than may wait: further ones are refused before they cost memory, and come again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import grpc
import pytest
from laurel.ledger.v1 import transactions_pb2 as pb

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of

QUEUE_MAX = BATCH_MAX = 5000


@pytest.fixture
def limits() -> dict[str, int]:
    """One batch of the largest size fills the queue."""
    return {"queue_max": QUEUE_MAX}


@asynccontextmanager
async def posting_stopped(ledger: LedgerStubs) -> AsyncIterator[None]:
    """Nothing is committed while somebody else has the ends of the chains."""
    connection = await asyncpg.connect(ledger.database.owner_url)
    try:
        async with connection.transaction():
            await connection.execute("lock table shard_head in exclusive mode")
            yield
    finally:
        await connection.close()


def batch_of(name: str) -> pb.BatchPostTransactionsRequest:
    """As many earnings as fit into a batch, each of another member."""
    drafts = [earn(f"{name}-{place}", 1, member_id=f"m-{place}") for place in range(BATCH_MAX)]
    return pb.BatchPostTransactionsRequest(program_id="jd", transactions=drafts)


async def test_postings_beyond_the_queue_are_refused_as_exhausted_and_come_again(
    ledger: LedgerStubs,
) -> None:
    """One batch is on its way to the database, one waits, and for a third there is no room."""
    async with posting_stopped(ledger):
        sent = [
            asyncio.ensure_future(
                ledger.transactions.BatchPostTransactions(batch_of(name), timeout=DEADLINE)
            )
            for name in "abc"
        ]
        (refused,), begun = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
    found = await refusal_of(refused)
    assert (found.code, found.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
    assert found.metadata == {"limit": str(QUEUE_MAX)}
    assert "RetryInfo" in found.details
    for each in await asyncio.gather(*begun):
        assert not any(result.HasField("error") for result in each.results)
    # What was refused was not begun: one of each batch, and two are told what they were told.
    replayed = [(await ledger.post(batch_of(name).transactions[7])).replayed for name in "abc"]
    assert sorted(replayed) == [False, True, True]
