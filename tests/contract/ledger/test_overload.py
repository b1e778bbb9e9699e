"""More postings than may wait: further ones are refused before they cost memory, and come again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import grpc
import pytest
from laurel.ledger.v1 import transactions_pb2 as pb

from tests.support.patience import PATIENCE

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of

QUEUE_MAX = BATCH_MAX = 5000
WAITING = """
select count(*) from pg_locks join pg_database d on d.oid = database
where not granted and datname = current_database()
"""


@pytest.fixture
def limits() -> dict[str, int]:
    """One batch of the largest size fills the queue of the only lane."""
    return {"queue_max": QUEUE_MAX, "lanes": 1}


@asynccontextmanager
async def posting_stopped(ledger: LedgerStubs) -> AsyncIterator[asyncpg.Connection]:
    """Nothing is committed while somebody else has the ends of the chains."""
    connection = await asyncpg.connect(ledger.database.owner_url)
    try:
        async with connection.transaction():
            await connection.execute("lock table shard_head in exclusive mode")
            yield connection
    finally:
        await connection.close()


async def until_one_waits(connection: asyncpg.Connection) -> None:
    """Return once a batch has come as far as it can."""
    async with asyncio.timeout(PATIENCE):
        while not await connection.fetchval(WAITING):
            pass


def batch_of(name: str) -> pb.BatchPostTransactionsRequest:
    """As many earnings as fit into a batch, each of another member."""
    drafts = [earn(f"{name}-{place}", 1, member_id=f"m-{place}") for place in range(BATCH_MAX)]
    return pb.BatchPostTransactionsRequest(program_id="jd", transactions=drafts)


async def test_postings_beyond_the_queue_are_refused_as_exhausted_and_come_again(
    ledger: LedgerStubs,
) -> None:
    """One batch is on its way to the database, one waits, and for a third there is no room."""
    batches = {name: batch_of(name) for name in "abc"}

    def post(name: str) -> asyncio.Future[pb.BatchPostTransactionsResponse]:
        call = ledger.transactions.BatchPostTransactions(batches[name], timeout=DEADLINE)
        return asyncio.ensure_future(call)

    async with posting_stopped(ledger) as connection:
        sent = [post("a")]
        await until_one_waits(connection)  # Two that came at once would be one batch.
        sent += [post("b"), post("c")]
        (refused,), begun = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
    found = await refusal_of(refused)
    assert (found.code, found.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
    assert found.metadata == {"limit": str(QUEUE_MAX)}
    assert "RetryInfo" in found.details
    for each in await asyncio.gather(*begun):
        assert not any(result.HasField("error") for result in each.results)
    # What was refused was not begun: one of each batch, and two are told what they were told.
    replayed = [(await ledger.post(each.transactions[7])).replayed for each in batches.values()]
    assert sorted(replayed) == [False, True, True]
