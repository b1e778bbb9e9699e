"""Exchanges over gRPC: both accounts have a transaction, and nothing comes about or gets lost."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest
from laurel.ledger.v1.finance_pb2 import GetTrialBalanceRequest
from laurel.ledger.v1.finance_pb2_grpc import FinanceServiceStub
from laurel.program.v1.program_service_pb2 import ApplyRevisionRequest

from tests.support.programs import program_text

from .conftest import DEADLINE, LedgerStubs, agree, earn, refusal_of

COINS = """ledger:
  exchanges:
    - asset_id: bean
      to_asset_id: coin
      amount: 10
      to_amount: 3
  assets:
    - asset_id: coin
      display_name: Coins
      amount_max: 100
      balance_max: 100
"""


def swap(request_id: str, amount: int, **fields) -> pb.TransactionDraft:
    """Beans for coins."""
    names = {"member_id": "m-1", "asset_id": "bean", "to_asset_id": "coin"} | fields
    return pb.TransactionDraft(request_id=request_id, exchange=pb.Exchange(amount=amount, **names))


@pytest.fixture
async def market(ledger: LedgerStubs, clock) -> LedgerStubs:
    """A program where three coins are given for ten beans, and a member who has some."""
    source = program_text().replace("ledger:\n  assets:\n", COINS, 1)
    request = ApplyRevisionRequest(request_id="program-2", source=source)
    request.effective_time.FromDatetime(clock.now())
    await ledger.programs.ApplyRevision(request, timeout=DEADLINE)
    await ledger.post(earn("e", 100))
    return ledger


async def balance(ledger: LedgerStubs, asset_id: str) -> int:
    request = GetBalanceRequest(program_id="jd", member_id="m-1", asset_id=asset_id)
    return (await ledger.balances.GetBalance(request, timeout=DEADLINE)).balance.posted


async def test_post_transaction_exchanges_points_for_those_of_another_asset(
    market: LedgerStubs,
) -> None:
    given = (await market.post(swap("x", 30))).transaction
    assert given.type == pb.TRANSACTION_TYPE_EXCHANGE_OUT
    assert [(each.account_kind, each.account_id, each.amount) for each in given.entries] == [
        (pb.ACCOUNT_KIND_MEMBER, "m-1", -30),
        (pb.ACCOUNT_KIND_CONVERSION, "conversion", 30),
    ]
    assert (given.exchange.asset_id, given.exchange.amount) == ("coin", 9)
    name = pb.GetTransactionRequest(
        program_id="jd", member_id="m-1", request_id=given.exchange.request_id
    )
    found = await market.transactions.GetTransaction(name, timeout=DEADLINE)
    received = found.transaction
    assert received.exchange == pb.ExchangeSide(asset_id="bean", request_id="x", amount=30)
    assert (received.asset_id, received.entries[0].amount) == ("coin", 9)
    (left,), (came,) = given.lot_movements, received.lot_movements
    assert came.funding_account_id == left.funding_account_id
    assert came.expire_time == left.expire_time
    again = await market.post(swap("x", 30))
    assert (again.replayed, again.transaction) == (True, given)
    reused = await refusal_of(market.post(swap("x", 20)))
    assert reused.metadata["mismatched_fields"] == "amount"
    finance = FinanceServiceStub(market.channel)
    request = GetTrialBalanceRequest(program_id="jd")
    found = (await finance.GetTrialBalance(request, timeout=DEADLINE)).trial_balance
    assert [each.difference for each in found.assets] == [0, 0]
    await agree(market)


async def test_post_transaction_exchanges_no_more_than_there_is_whoever_comes_first(
    market: LedgerStubs,
) -> None:
    """Many at once, each of them twice: ten of a hundred beans can be exchanged ten times."""
    calls = [market.post(swap(f"x-{number % 15}", 10)) for number in range(30)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert {each.code() for each in refused} == {grpc.StatusCode.FAILED_PRECONDITION}
    assert (await balance(market, "bean"), await balance(market, "coin")) == (0, 30)
    await agree(market)


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (swap("x", 110), "INSUFFICIENT_POINTS"),
        (swap("x", 15), "EXCHANGE_NOT_WHOLE"),
        (swap("x", 10, asset_id="coin", to_asset_id="bean"), "EXCHANGE_NOT_ALLOWED"),
        (swap("x", 10, to_asset_id="bean"), "SAME_ACCOUNT"),
        (swap("x", 10, to_asset_id="none"), "ASSET_NOT_FOUND"),
        (swap("x", 0), "AMOUNT_NOT_POSITIVE"),
        (swap("x", -1), "AMOUNT_NOT_POSITIVE"),
        (swap("x", 10**15 + 1), "AMOUNT_TOO_LARGE"),
    ],
)
async def test_post_transaction_refuses_an_exchange(
    market: LedgerStubs, draft: pb.TransactionDraft, reason: str
) -> None:
    refused = await refusal_of(market.post(draft))
    assert refused.reason == reason
    assert await refusal_of(market.post(draft)) == refused
    assert (await balance(market, "bean"), await balance(market, "coin")) == (100, 0)
