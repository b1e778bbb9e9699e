"""Budgets of funding accounts over gRPC: many at once get exactly the budget."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import grpc
import pytest
from google.longrunning import operations_pb2
from laurel.ledger.v1 import bulk_pb2
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1.assets_pb2 import GetAssetRequest, ProgramAccount
from laurel.ledger.v1.bulk_pb2_grpc import BulkServiceStub
from laurel.program.v1.program_service_pb2 import ApplyRevisionRequest
from laurel_kit.clock import SettableClock

from tests.support.programs import program_text

from .conftest import DEADLINE, LedgerStubs, agree, came_to, earn, refusal_of

SHOP = "purpose: funding, display_name: 新华书店}"


async def allow(ledger: LedgerStubs, clock: SettableClock, budget: int) -> None:
    """The book shop may issue so many beans from now on."""
    limited = SHOP.replace("}", f", budgets: [{{asset_id: bean, amount: {budget}}}]}}")
    source = program_text().replace(SHOP, limited, 1)
    assert source != program_text()
    request = ApplyRevisionRequest(request_id=f"budget-{budget}", source=source)
    clock.set(clock.now() + timedelta(seconds=1))
    request.effective_time.FromDatetime(clock.now())
    await ledger.programs.ApplyRevision(request, timeout=DEADLINE)


def grant(number: int, amount: int) -> pb.TransactionDraft:
    """Beans of the book shop for one of many members, in whatever shard."""
    return earn(f"g-{number}", amount, member_id=f"m-{number}", funding_account_id="xinhua-books")


async def shop(ledger: LedgerStubs) -> ProgramAccount:
    request = GetAssetRequest(program_id="jd", asset_id="bean")
    accounts = (await ledger.assets.GetAsset(request, timeout=DEADLINE)).asset.accounts
    return next(each for each in accounts if each.account_id == "xinhua-books")


async def test_post_transaction_issues_exactly_the_budget_however_many_ask_at_once(
    ledger: LedgerStubs, clock: SettableClock
) -> None:
    await ledger.post(grant(999, 10))  # Before there was a budget: it counts.
    assert not (await shop(ledger)).HasField("budget")
    await allow(ledger, clock, 110)
    calls = [ledger.post(grant(number, 3)) for number in range(50)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert len(refused) == 50 - 33
    left = await shop(ledger)
    assert (left.posted, left.budget, left.budget_left) == (-109, 110, 1)
    number = next(n for n, each in enumerate(answers) if isinstance(each, grpc.aio.AioRpcError))
    again = await refusal_of(ledger.post(grant(number, 3)))
    assert again.reason == "FUNDING_BUDGET_EXHAUSTED"
    assert again.code is grpc.StatusCode.FAILED_PRECONDITION
    assert "QuotaFailure" in again.details
    assert again.metadata["left"] == "1"
    await ledger.post(grant(100, 1))
    tried = pb.PostTransactionRequest(
        program_id="jd", transaction=grant(101, 1), validate_only=True
    )
    refused_try = await refusal_of(ledger.transactions.PostTransaction(tried, timeout=DEADLINE))
    assert (refused_try.reason, refused_try.metadata["left"]) == ("FUNDING_BUDGET_EXHAUSTED", "0")
    await agree(ledger)


async def test_a_budget_is_raised_lowered_and_refilled_by_reversals(
    ledger: LedgerStubs, clock: SettableClock
) -> None:
    await allow(ledger, clock, 100)
    await ledger.post(grant(1, 100))
    assert (await refusal_of(ledger.post(grant(2, 1)))).reason == "FUNDING_BUDGET_EXHAUSTED"
    await allow(ledger, clock, 150)
    await ledger.post(grant(3, 50))
    await allow(ledger, clock, 120)
    assert (await shop(ledger)).budget_left == 0
    assert (await refusal_of(ledger.post(grant(4, 1)))).reason == "FUNDING_BUDGET_EXHAUSTED"
    back = pb.ReverseTransactionRequest(
        program_id="jd", member_id="m-1", request_id="r", reversed_request_id="g-1", amount=40
    )
    await ledger.transactions.ReverseTransaction(back, timeout=DEADLINE)
    assert (await shop(ledger)).budget_left == 10
    assert (await refusal_of(ledger.post(grant(5, 11)))).metadata["left"] == "10"
    await ledger.post(grant(6, 10))
    await agree(ledger)


@pytest.mark.parametrize("size", [40])
async def test_issue_points_keeps_to_the_budget(
    ledger: LedgerStubs, clock: SettableClock, size: int
) -> None:
    await allow(ledger, clock, 100)
    request = bulk_pb2.IssuePointsRequest(
        request_id="bulk",
        program_id="jd",
        asset_id="bean",
        funding_account_id="xinhua-books",
        member_ids=[f"m-{number}" for number in range(size)],
        amounts=[7],
    )
    operation: operations_pb2.Operation = await BulkServiceStub(ledger.channel).IssuePoints(
        request, timeout=DEADLINE
    )
    answer = await came_to(ledger, operation, bulk_pb2.IssuePointsResponse())
    assert (answer.issued_count, answer.refused_count) == (14, size - 14)
    assert {each.reason for each in answer.refused_members} == {"FUNDING_BUDGET_EXHAUSTED"}
    assert (await shop(ledger)).budget_left == 2
