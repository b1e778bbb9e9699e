"""StreamTransactions: answers in order, effects in order, refusals of messages, repeats."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing

import grpc
import pytest
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest
from laurel_ledger.domain.posting import Group
from laurel_ledger.engine.posting import PostingEngine
from laurel_ledger.handlers.transaction_streams import stream_transactions
from laurel_ledger.handlers.transactions import BatchPostTransactions
from laurel_ledger.service import build_ledger
from laurel_ledger.wire.transactions import read_stream

from .conftest import DEADLINE, LedgerStubs, earn, refusal_in, refusal_of, spend


def message(*drafts: pb.TransactionDraft, program_id: str = "jd") -> pb.StreamTransactionsRequest:
    return pb.StreamTransactionsRequest(program_id=program_id, transactions=drafts)


async def answers(
    ledger: LedgerStubs, *messages: pb.StreamTransactionsRequest
) -> list[pb.StreamTransactionsResponse]:
    call = ledger.transactions.StreamTransactions(iter(messages), timeout=DEADLINE)
    return [answer async for answer in call]


async def test_stream_transactions_answers_in_order_and_sees_what_came_before(
    ledger: LedgerStubs,
) -> None:
    """Messages of one and of many drafts, which go through the lanes in different ways."""
    messages = []
    for number in range(20):
        earnings = [earn(f"e-{number}-{n}", 1, member_id=f"m-{n}") for n in range(1 + number % 5)]
        messages += [message(*earnings), message(spend(f"s-{number}", 1, member_id="m-0"))]
    found = await answers(ledger, *messages)
    assert [each.messages_done for each in found] == list(range(1, 41))
    for sent, answer in zip(messages, found, strict=True):
        posted = [each.transaction.request_id for each in answer.results]
        assert posted == [each.request_id for each in sent.transactions]
        assert answer.commit_token
    versions = [each.results[0].transaction.entries[0].version for each in found]
    assert versions == list(range(1, 41))


async def test_stream_transactions_answers_refusals_and_goes_on(ledger: LedgerStubs) -> None:
    found = await answers(
        ledger,
        message(earn("a", 5), spend("b", 9)),
        message(earn("c", 5), program_id="unknown"),
        message(spend("d", 5)),
    )
    assert refusal_in(found[0].results[1].error).reason == "INSUFFICIENT_POINTS"
    assert refusal_in(found[1].error).reason == "PROGRAM_NOT_FOUND"
    assert not found[1].results
    assert found[2].results[0].transaction.entries[0].posted_after == 0


async def test_stream_transactions_ends_at_a_message_that_breaks_the_contract(
    ledger: LedgerStubs,
) -> None:
    for number, bad in enumerate((message(), message(earn("x", 0)))):
        first = message(earn(f"right-{number}", 5))
        call = ledger.transactions.StreamTransactions(iter([first, bad]), timeout=DEADLINE)
        assert (await call.read()).results[0].transaction.amount == 5
        assert (await refusal_of(call.read())).code is grpc.StatusCode.INVALID_ARGUMENT
    balance = GetBalanceRequest(program_id="jd", member_id="m-1", asset_id="bean")
    assert (await ledger.balances.GetBalance(balance, timeout=DEADLINE)).balance.posted == 10


async def test_stream_transactions_needs_a_deadline(ledger: LedgerStubs) -> None:
    call = ledger.transactions.StreamTransactions(iter([]))
    assert (await refusal_of(call.read())).reason == "DEADLINE_REQUIRED"
    assert not await answers(ledger)


async def test_stream_transactions_cut_off_and_sent_again_posts_everything_once(
    ledger: LedgerStubs,
) -> None:
    messages = [message(*(earn(f"e-{n}-{m}", 1) for m in range(10))) for n in range(30)]
    call = ledger.transactions.StreamTransactions(iter(messages), timeout=DEADLINE)
    await call.read()
    call.cancel()
    found = await answers(ledger, *messages)
    results = [each for answer in found for each in answer.results]
    assert results[0].replayed
    versions = {each.transaction.entries[0].version for each in results}
    assert versions == set(range(1, 301))
    assert max(each.transaction.entries[0].posted_after for each in results) == 300


async def test_stream_transactions_beside_another_with_the_same_content(
    ledger: LedgerStubs,
) -> None:
    messages = [message(*(earn(f"e-{n}-{m}", 1) for m in range(4))) for n in range(10)]
    found = await asyncio.gather(answers(ledger, *messages), answers(ledger, *messages))
    for one, other in zip(*found, strict=True):
        for first, second in zip(one.results, other.results, strict=True):
            assert first.transaction == second.transaction
            assert first.replayed != second.replayed


async def test_stream_transactions_comes_to_the_same_as_batches(ledger: LedgerStubs) -> None:
    """Members with the same history, one told in a stream and the other in batches."""
    chance = random.Random(5)
    plan = [[what(chance) for _ in range(chance.randrange(1, 12))] for _ in range(12)]
    streamed = await answers(
        ledger, *(message(*(make("s", *each) for each in drafts)) for drafts in plan)
    )
    for drafts, answer in zip(plan, streamed, strict=True):
        request = pb.BatchPostTransactionsRequest(
            program_id="jd", transactions=[make("b", *each) for each in drafts]
        )
        batch = await ledger.transactions.BatchPostTransactions(request, timeout=DEADLINE)
        assert [plain(each) for each in batch.results] == [plain(each) for each in answer.results]


def what(chance: random.Random) -> tuple[bool, int, int, int]:
    return chance.random() < 0.5, chance.randrange(40), chance.randrange(1, 30), chance.randrange(4)


def make(prefix: str, spends: bool, name: int, amount: int, member: int) -> pb.TransactionDraft:
    draft = spend if spends else earn
    return draft(f"r-{name}", amount, member_id=f"{prefix}-{member}")


def plain(result: pb.BatchPostTransactionsResult) -> tuple:
    """A result without the names and the instants."""
    if result.HasField("error"):
        return refusal_in(result.error).reason, result.replayed
    entry = result.transaction.entries[0]
    moves = [(each.lot_id, each.amount, each.position) for each in result.transaction.lot_movements]
    return entry.amount, entry.version, entry.posted_after, moves, result.replayed


async def test_stream_transactions_reads_only_a_few_messages_ahead(
    ledger: LedgerStubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller that sends faster than answers are taken is held up by the transport."""
    books = build_ledger(ledger.running.foundation)
    read = 0

    async def endless() -> AsyncIterator[pb.StreamTransactionsRequest]:
        nonlocal read
        while True:
            read += 1
            yield message(earn(f"e-{read}", 1))

    async def at_once(_: PostingEngine, group: Group, *, time_left: float) -> tuple:
        return ()

    monkeypatch.setattr(PostingEngine, "post", at_once)
    messages: AsyncIterator[BatchPostTransactions] = read_stream(endless())
    async with aclosing(stream_transactions(messages, ledger=books)) as answered:
        async for each in answered:
            # Begun and not answered, one that waits to be begun, one that was answered just now.
            assert read <= each.messages_done + books.settings.stream_messages_max + 1
            if each.messages_done == 20:
                break
    assert read >= 20
