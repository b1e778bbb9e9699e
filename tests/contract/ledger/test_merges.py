"""MergeAccounts over gRPC: one commit for both members, whoever posts meanwhile."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from laurel.ledger.v1 import accounts_pb2 as pb
from laurel.ledger.v1 import transactions_pb2
from laurel.ledger.v1.accounts_pb2_grpc import AccountServiceStub
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest
from laurel.ledger.v1.holds_pb2 import PlaceHoldRequest

from .conftest import DEADLINE, LedgerStubs, agree, earn, refusal_of, spend


async def merge(
    ledger: LedgerStubs, source: str = "m-1", target: str = "m-2", **fields
) -> pb.MergeAccountsResponse:
    usual = {"request_id": "merge-1", "program_id": "jd", "asset_id": "bean"}
    request = pb.MergeAccountsRequest(member_id=source, to_member_id=target, **(usual | fields))
    return await AccountServiceStub(ledger.channel).MergeAccounts(request, timeout=DEADLINE)


async def posted(ledger: LedgerStubs, member_id: str) -> int:
    request = GetBalanceRequest(program_id="jd", member_id=member_id, asset_id="bean")
    return (await ledger.balances.GetBalance(request, timeout=DEADLINE)).balance.posted


async def test_merge_accounts_carries_points_and_closes_the_account(ledger: LedgerStubs) -> None:
    await ledger.post(earn("e-1", 30))
    await ledger.post(earn("e-2", 5, funding_account_id="xinhua-books"))
    await ledger.post(earn("e-3", 1, member_id="m-2"))
    waiting = earn("e-4", 7)
    waiting.earn.activation_key = "key"
    await ledger.post(waiting)
    answer = await merge(ledger, reason="one person")
    assert (answer.account.state, answer.account.posted) == (pb.ACCOUNT_STATE_CLOSED, 0)
    assert answer.given.type == transactions_pb2.TRANSACTION_TYPE_MERGE_OUT
    assert answer.received.type == transactions_pb2.TRANSACTION_TYPE_MERGE_IN
    assert (answer.given.request_id, answer.given.reason) == ("merge-1", "one person")
    assert answer.received.transfer.request_id == "merge-1"
    assert [each.amount for each in answer.received.lot_movements] == [30, 5, 7]
    assert answer.received.entries[0].posted_after == 43
    assert await posted(ledger, "m-2") == 43
    again = await merge(ledger, reason="one person")
    assert (again.replayed, again.given, again.received) == (True, answer.given, answer.received)
    reused = await refusal_of(merge(ledger, target="m-3", reason="one person"))
    assert reused.reason == "REQUEST_ID_REUSED"
    assert reused.metadata["mismatched_fields"] == "to_member_id"
    for draft in (earn("merge-1", 1), earn("e-5", 1)):
        refused = await refusal_of(ledger.post(draft))
        expected = "REQUEST_ID_REUSED" if draft.request_id == "merge-1" else "ACCOUNT_CLOSED"
        assert refused.reason == expected
    await ledger.post(earn("e-6", 1, member_id="m-2"))
    await agree(ledger)


async def test_merge_accounts_races_with_postings_and_with_itself(ledger: LedgerStubs) -> None:
    """What was posted before is carried, what comes later is refused; nothing is lost."""
    await asyncio.gather(
        *(ledger.post(earn(f"e-{who}", 50, member_id=who)) for who in ("m-1", "m-2"))
    )
    calls = [ledger.post(earn(f"n-{number}", 1)) for number in range(12)]
    calls += [ledger.post(spend(f"s-{number}", 2)) for number in range(4)]
    merges = [merge(ledger), merge(ledger)]
    answers = await asyncio.gather(*calls[:8], *merges, *calls[8:], return_exceptions=True)
    merged = [each for each in answers if isinstance(each, pb.MergeAccountsResponse)]
    assert sorted(each.replayed for each in merged) == [False, True]
    refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert {each.code() for each in refused} <= {grpc.StatusCode.FAILED_PRECONDITION}
    done = [each.transaction for each in answers if hasattr(each, "transaction")]
    change = sum(each.entries[0].amount for each in done)
    assert (await posted(ledger, "m-1"), await posted(ledger, "m-2")) == (0, 100 + change)
    await agree(ledger)


async def test_merge_accounts_in_both_directions_leaves_one_account(ledger: LedgerStubs) -> None:
    for who in ("m-1", "m-2"):
        await ledger.post(earn(f"e-{who}", 50, member_id=who))
    answers = await asyncio.gather(
        merge(ledger), merge(ledger, "m-2", "m-1", request_id="merge-2"), return_exceptions=True
    )
    assert sum(isinstance(each, pb.MergeAccountsResponse) for each in answers) == 1
    assert sorted([await posted(ledger, "m-1"), await posted(ledger, "m-2")]) == [0, 100]
    await agree(ledger)


async def test_merge_accounts_releases_holds_only_when_told(ledger: LedgerStubs) -> None:
    await ledger.post(earn("e", 30))
    hold = PlaceHoldRequest(
        request_id="h",
        program_id="jd",
        member_id="m-1",
        asset_id="bean",
        amount=6,
        lifetime=Duration(seconds=600),
    )
    await ledger.holds.PlaceHold(hold, timeout=DEADLINE)
    refused = await refusal_of(merge(ledger))
    assert (refused.reason, refused.metadata["held"]) == ("ACCOUNT_NOT_MERGEABLE", "6")
    answer = await merge(ledger, release_holds=True)
    assert answer.received.amount == 30
    await agree(ledger)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"target": "m-1"}, "SAME_ACCOUNT"),
        ({"target": ""}, "REQUEST_INVALID"),
        ({"source": "nobody"}, "ACCOUNT_NOT_FOUND"),
        ({"asset_id": "none"}, "ASSET_NOT_FOUND"),
        ({"program_id": "none"}, "PROGRAM_NOT_FOUND"),
        ({"etag": "c9"}, "ETAG_MISMATCH"),
        ({"request_id": "e"}, "REQUEST_ID_REUSED"),
    ],
)
async def test_merge_accounts_refuses_what_it_cannot_do(
    ledger: LedgerStubs, fields: dict, reason: str
) -> None:
    await ledger.post(earn("e", 30))
    assert (await refusal_of(merge(ledger, **fields))).reason == reason
    assert await posted(ledger, "m-1") == 30
