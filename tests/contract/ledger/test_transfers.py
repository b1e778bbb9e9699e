"""Transfers over gRPC: both members have a transaction, whatever shards they are in."""

from __future__ import annotations

import asyncio

import asyncpg
import grpc
import pytest
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest, ListEntriesRequest
from laurel.ledger.v1.finance_pb2 import GetTrialBalanceRequest
from laurel.ledger.v1.finance_pb2_grpc import FinanceServiceStub
from laurel.program.v1.program_service_pb2 import ApplyRevisionRequest

from tests.support.audit import assert_books_agree
from tests.support.programs import program_text

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of


def give(request_id: str, amount: int, to: str = "m-2", **fields) -> pb.TransactionDraft:
    """A transfer of beans."""
    names = {"member_id": "m-1", "asset_id": "bean", "to_member_id": to} | fields
    return pb.TransactionDraft(request_id=request_id, transfer=pb.Transfer(amount=amount, **names))


@pytest.fixture
async def open_hands(ledger: LedgerStubs, clock) -> LedgerStubs:
    """A program whose beans can be given away, and a member who has some."""
    source = program_text().replace(
        "asset_id: bean\n", "asset_id: bean\n      transferable: true\n", 1
    )
    request = ApplyRevisionRequest(request_id="program-2", source=source)
    request.effective_time.FromDatetime(clock.now())
    await ledger.programs.ApplyRevision(request, timeout=DEADLINE)
    await ledger.post(earn("e", 100))
    return ledger


async def balance(ledger: LedgerStubs, member_id: str) -> int:
    request = GetBalanceRequest(program_id="jd", member_id=member_id, asset_id="bean")
    return (await ledger.balances.GetBalance(request, timeout=DEADLINE)).balance.posted


async def agree(ledger: LedgerStubs) -> None:
    """The books hold together, and nothing is on its way (I18)."""
    books = await asyncpg.connect(ledger.database.owner_url)
    try:
        await assert_books_agree(books)
        assert not await books.fetchval("select sum(posted) from account where kind = 5")
    finally:
        await books.close()


async def test_post_transaction_gives_points_to_another_member(open_hands: LedgerStubs) -> None:
    ledger = open_hands
    answer = await ledger.post(give("t", 30))
    given = answer.transaction
    assert [(each.account_id, each.amount) for each in given.entries] == [
        ("m-1", -30),
        ("clearing", 30),
    ]
    assert given.transfer.member_id == "m-2"
    name = pb.GetTransactionRequest(
        program_id="jd", member_id="m-2", request_id=given.transfer.request_id
    )
    found = await ledger.transactions.GetTransaction(name, timeout=DEADLINE)
    received = found.transaction
    assert received.transfer == pb.TransferSide(member_id="m-1", request_id="t")
    assert received.type == pb.TRANSACTION_TYPE_TRANSFER_IN
    (left,), (came,) = given.lot_movements, received.lot_movements
    assert (came.amount, came.funding_account_id) == (30, left.funding_account_id)
    assert came.expire_time == left.expire_time
    entries = ListEntriesRequest(program_id="jd", member_id="m-2", asset_id="bean")
    (entry,) = (await ledger.balances.ListEntries(entries, timeout=DEADLINE)).entries
    assert (entry.amount, entry.posted_after) == (30, 30)
    assert (await ledger.post(give("t", 30))).replayed
    reused = await refusal_of(ledger.post(give("t", 30, "m-3")))
    assert reused.metadata["mismatched_fields"] == "to_member_id"
    await agree(ledger)


async def test_post_transaction_gives_points_on_in_circles(open_hands: LedgerStubs) -> None:
    """At once and in opposite directions over all shards: nothing comes about or gets lost."""
    ledger = open_hands
    members = [f"m-{number}" for number in range(1, 9)]
    await asyncio.gather(*(ledger.post(earn(f"e-{who}", 50, member_id=who)) for who in members))
    calls = (
        ledger.post(give(f"t-{number}", 5, members[(number * 3 + 1) % 8], member_id=who))
        for number in range(8)
        for who in members
        if members[(number * 3 + 1) % 8] != who
    )
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert {each.code() for each in refused} <= {grpc.StatusCode.FAILED_PRECONDITION}
    assert sum([await balance(ledger, who) for who in members]) == 500
    await agree(ledger)


async def test_batch_post_transactions_gives_and_earns_together(open_hands: LedgerStubs) -> None:
    drafts = [give("t-1", 60), give("t-2", 60), earn("e-2", 20), give("t-3", 60)]
    request = pb.BatchPostTransactionsRequest(program_id="jd", transactions=drafts)
    answer = await open_hands.transactions.BatchPostTransactions(request, timeout=DEADLINE)
    assert [each.WhichOneof("outcome") for each in answer.results] == [
        *("transaction", "error", "transaction", "transaction"),
    ]
    assert (await balance(open_hands, "m-1"), await balance(open_hands, "m-2")) == (0, 120)
    await agree(open_hands)


async def test_get_trial_balance_has_nothing_in_clearing(open_hands: LedgerStubs) -> None:
    """I18."""
    await open_hands.post(give("t", 30))
    finance = FinanceServiceStub(open_hands.channel)
    request = GetTrialBalanceRequest(program_id="jd")
    found = (await finance.GetTrialBalance(request, timeout=DEADLINE)).trial_balance
    (beans,) = found.assets
    posted = {each.account_id: each.posted for each in beans.lines}
    assert (beans.difference, posted) == (0, {"": 100, "platform": -100, "clearing": 0})


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (give("t", 101), "INSUFFICIENT_POINTS"),
        (give("t", 1, "m-1"), "SAME_ACCOUNT"),
        (give("t", 0), "AMOUNT_NOT_POSITIVE"),
        (give("t", 1, asset_id="none"), "ASSET_NOT_FOUND"),
        (give("t", 1, ""), "REQUEST_INVALID"),
    ],
)
async def test_post_transaction_refuses_a_transfer(
    open_hands: LedgerStubs, draft: pb.TransactionDraft, reason: str
) -> None:
    refused = await refusal_of(open_hands.post(draft))
    assert refused.reason == reason
    assert await refusal_of(open_hands.post(draft)) == refused
    assert await balance(open_hands, "m-1") == 100


async def test_post_transaction_gives_nothing_where_the_program_does_not_allow_it(
    ledger: LedgerStubs,
) -> None:
    """E27."""
    await ledger.post(earn("e", 100))
    assert (await refusal_of(ledger.post(give("t", 1)))).reason == "TRANSFER_NOT_ALLOWED"


async def test_reverse_transaction_refuses_a_transfer(open_hands: LedgerStubs) -> None:
    await open_hands.post(give("t", 30))
    request = pb.ReverseTransactionRequest(
        program_id="jd", member_id="m-1", request_id="r", reversed_request_id="t"
    )
    refused = await refusal_of(
        open_hands.transactions.ReverseTransaction(request, timeout=DEADLINE)
    )
    assert (refused.reason, refused.metadata["type"]) == (
        "TRANSACTION_NOT_REVERSIBLE",
        "TRANSFER_OUT",
    )
