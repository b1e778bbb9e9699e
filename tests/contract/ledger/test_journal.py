"""The journal over gRPC: nothing is skipped, nothing is out of order, a stream can be resumed."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from laurel.ledger.v1 import journal_pb2 as pb

from .conftest import LedgerStubs, earn, refusal_of, spend


def watch(ledger: LedgerStubs, **fields):
    fields = {"program_id": "jd"} | fields
    return ledger.journal.WatchTransactions(pb.WatchTransactionsRequest(**fields), timeout=20)


async def take(stream, count: int) -> tuple[list, str]:
    """The next transactions of a stream, and the token after them."""
    seen, token = [], ""
    async for message in stream:
        seen += message.transactions
        token = message.resume_token
        if len(seen) >= count:
            break
    stream.cancel()
    return seen, token


async def test_watch_transactions_begins_with_the_first_and_goes_on(ledger: LedgerStubs) -> None:
    await ledger.post(earn("a", 10))
    stream = watch(ledger)
    first = await anext(aiter(stream))
    assert [each.request_id for each in first.transactions] == ["a"]
    await ledger.post(spend("b", 4))
    seen, _ = await take(stream, 1)
    assert [each.request_id for each in seen] == ["b"]
    assert seen[0].entries[0].posted_after == 6


async def test_watch_transactions_resumes_without_loss_under_load(ledger: LedgerStubs) -> None:
    async def post_some(member: str) -> None:
        for number in range(10):
            await ledger.post(earn(f"e-{number}", number + 1, member_id=member))

    members = [f"m-{number}" for number in range(12)]
    posting = asyncio.gather(*(post_some(member) for member in members))
    seen: list = []
    token = ""
    while len(seen) < 120:
        stream = watch(ledger, resume_token=token) if token else watch(ledger)
        more, token = await take(stream, min(7, 120 - len(seen)))
        seen += more
    await posting
    assert len(seen) == len({(each.member_id, each.request_id) for each in seen}) == 120
    for member in members:
        versions = [each.entries[0].version for each in seen if each.member_id == member]
        assert versions == list(range(1, 11))


async def test_watch_transactions_can_begin_with_what_is_new(ledger: LedgerStubs) -> None:
    await ledger.post(earn("old", 10))
    stream = watch(ledger, only_new=True, heartbeat_interval=Duration(seconds=1))
    alive = await anext(aiter(stream))
    assert not alive.transactions
    assert alive.resume_token
    await refusal_of(ledger.post(spend("refused", 11)))
    await ledger.post(earn("new", 10))
    seen, _ = await take(stream, 1)
    assert [each.request_id for each in seen] == ["new"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"program_id": "none"}, "PROGRAM_NOT_FOUND"),
        ({"resume_token": "x"}, "RESUME_TOKEN_INVALID"),
        ({"heartbeat_interval": Duration()}, "REQUEST_INVALID"),
    ],
)
async def test_watch_transactions_refuses_what_it_cannot_answer(
    ledger: LedgerStubs, fields: dict, reason: str
) -> None:
    async def first() -> None:
        await anext(aiter(watch(ledger, **fields)))

    refused = await refusal_of(first())
    assert refused.reason == reason
    assert refused.code in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT}


async def test_watch_transactions_refuses_the_token_of_another_program(
    ledger: LedgerStubs,
) -> None:
    await ledger.post(earn("a", 10))
    _, token = await take(watch(ledger), 1)

    async def first() -> None:
        await anext(aiter(watch(ledger, program_id="none", resume_token=token)))

    assert (await refusal_of(first())).reason == "RESUME_TOKEN_INVALID"
