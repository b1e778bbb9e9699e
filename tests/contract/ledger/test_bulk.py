"""IssuePoints: what becomes of the members, repeats, crashes, and that it posts as ever."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from laurel.ledger.v1 import bulk_pb2 as pb
from laurel.ledger.v1 import transactions_pb2
from laurel.ledger.v1.balances_pb2 import BatchGetBalancesRequest, ListEntriesRequest
from laurel.ledger.v1.bulk_pb2_grpc import BulkServiceStub
from laurel_kit.database import DatabaseUnavailable
from laurel_kit.operations import OperationLimits, Progress
from laurel_ledger.domain.issuing import Issuance
from laurel_ledger.engine.posting import PostingEngine
from laurel_ledger.handlers import bulk

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of

SOON = timedelta(milliseconds=50)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "STEP", 7)
    monkeypatch.setattr(bulk, "ROUND_MIN", 1)


async def issue(ledger: LedgerStubs, members: list[str], **fields) -> operations_pb2.Operation:
    usual = {
        "request_id": "bulk-1",
        "program_id": "jd",
        "asset_id": "bean",
        "funding_account_id": "platform",
        "amounts": [10],
    }
    request = pb.IssuePointsRequest(member_ids=members, **(usual | fields))
    return await BulkServiceStub(ledger.channel).IssuePoints(request, timeout=DEADLINE)


async def issued(
    ledger: LedgerStubs, operation: operations_pb2.Operation
) -> pb.IssuePointsResponse:
    """What the job came to."""
    stub = operations_pb2_grpc.OperationsStub(ledger.channel)
    request = operations_pb2.WaitOperationRequest(
        name=operation.name, timeout=Duration(seconds=DEADLINE - 1)
    )
    ended = await stub.WaitOperation(request, timeout=DEADLINE)
    assert ended.done
    answer = pb.IssuePointsResponse()
    assert ended.response.Unpack(answer), ended
    return answer


async def posted(ledger: LedgerStubs, members: list[str], asset_id: str = "bean") -> list[int]:
    request = BatchGetBalancesRequest(program_id="jd", asset_id=asset_id, member_ids=members)
    answer = await ledger.balances.BatchGetBalances(request, timeout=DEADLINE)
    return [each.posted for each in answer.balances]


async def test_issue_points_gives_every_member_its_amount(ledger: LedgerStubs) -> None:
    members = [f"m-{number}" for number in range(20)]
    amounts = list(range(1, 21))
    answer = await issued(ledger, await issue(ledger, members, amounts=amounts, reason="spring"))
    assert (answer.issued_count, answer.issued_points, answer.refused_count) == (20, 210, 0)
    assert await posted(ledger, members) == amounts
    request = ListEntriesRequest(program_id="jd", asset_id="bean", member_id="m-3")
    (entry,) = (await ledger.balances.ListEntries(request, timeout=DEADLINE)).entries
    assert (entry.amount, entry.reason) == (4, "spring")
    again = await issued(
        ledger, await issue(ledger, ["m-0", "m-0"], request_id="bulk-2", labels={"a": "b"})
    )
    assert (again.issued_count, again.issued_points) == (2, 20)
    assert await posted(ledger, ["m-0"]) == [21]


async def test_issue_points_repeated_is_the_same_operation(ledger: LedgerStubs) -> None:
    members = [f"m-{number}" for number in range(9)]
    first, second = await asyncio.gather(issue(ledger, members), issue(ledger, members))
    assert first.name == second.name
    await issued(ledger, first)
    assert (await issue(ledger, members)).name == first.name
    refused = await refusal_of(issue(ledger, members[1:]))
    assert refused.reason == "REQUEST_ID_REUSED"
    assert await posted(ledger, members) == [10] * 9


async def test_issue_points_names_whom_it_refused(ledger: LedgerStubs) -> None:
    """No account holds more than 10^15 points."""
    await ledger.post(earn("much", 10**15 - 5, member_id="m-3"))
    answer = await issued(ledger, await issue(ledger, [f"m-{number}" for number in range(9)]))
    assert (answer.issued_count, answer.refused_count, answer.issued_points) == (8, 1, 80)
    (refused,) = answer.refused_members
    assert (refused.position, refused.member_id) == (3, "m-3")
    assert refused.reason == "BALANCE_LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        ({"program_id": "none"}, grpc.StatusCode.NOT_FOUND, "PROGRAM_NOT_FOUND"),
        ({"asset_id": "none"}, grpc.StatusCode.NOT_FOUND, "ASSET_NOT_FOUND"),
        ({"funding_account_id": "none"}, grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND"),
        ({"funding_account_id": "order-payment"}, grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND"),
        ({"amounts": [1, 2]}, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"),
        ({"amounts": [0]}, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"),
        ({"member_ids": []}, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"),
    ],
)
async def test_issue_points_refuses_what_it_cannot_do(
    ledger: LedgerStubs, fields: dict, code: grpc.StatusCode, reason: str
) -> None:
    members = fields.pop("member_ids", ["m-1", "m-2", "m-3"])
    refused = await refusal_of(issue(ledger, members, **fields))
    assert (refused.code, refused.reason) == (code, reason)


async def test_issue_points_goes_on_after_a_crash_and_gives_nothing_twice(
    ledger: LedgerStubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off after a step was posted and before it was recorded, again and again."""
    record = Progress.record
    broken = 0

    async def break_off(self: Progress, *arguments, **fields) -> None:
        nonlocal broken
        broken += 1
        if broken % 2:
            raise DatabaseUnavailable
        await record(self, *arguments, **fields)

    operations = ledger.running.foundation.operations
    monkeypatch.setattr(operations, "_limits", OperationLimits(lease=SOON))
    monkeypatch.setattr(Progress, "record", break_off)
    members = [f"m-{number}" for number in range(30)]
    answer = await issued(ledger, await issue(ledger, members))
    assert broken >= 6
    assert (answer.issued_count, answer.issued_points) == (30, 300)
    assert await posted(ledger, members) == [10] * 30


async def test_issue_points_waits_while_the_queue_is_full(
    ledger: LedgerStubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_columns, refused = PostingEngine.issue, 0

    async def crowded(self: PostingEngine, issuance: Issuance, *, time_left: float):
        nonlocal refused
        if refused < 3:
            refused += 1
            raise bulk.QueueFull(limit=1)
        return await issue_columns(self, issuance, time_left=time_left)

    monkeypatch.setattr(PostingEngine, "issue", crowded)
    assert (await issued(ledger, await issue(ledger, ["m-1"]))).issued_count == 1
    assert refused == 3


async def test_issue_points_comes_to_the_same_as_a_batch(ledger: LedgerStubs) -> None:
    """Members with the same history get the same by columns and by a batch of drafts."""
    chance = random.Random(3)
    places = [chance.randrange(6) for _ in range(40)]
    amounts = [chance.choice((1, 7, 10**14, 9 * 10**14)) for _ in places]
    answer = await issued(
        ledger, await issue(ledger, [f"c-{place}" for place in places], amounts=amounts)
    )
    drafts = [
        earn(f"r-{number}", amount, member_id=f"b-{place}")
        for number, (place, amount) in enumerate(zip(places, amounts, strict=True))
    ]
    request = transactions_pb2.BatchPostTransactionsRequest(program_id="jd", transactions=drafts)
    batch = await ledger.transactions.BatchPostTransactions(request, timeout=DEADLINE)
    refused = [n for n, each in enumerate(batch.results) if each.HasField("error")]
    assert refused
    assert [each.position for each in answer.refused_members] == refused
    assert answer.issued_count == len(places) - len(refused)
    for place in range(6):
        assert await history(ledger, f"c-{place}") == await history(ledger, f"b-{place}")


async def history(ledger: LedgerStubs, member_id: str) -> list[tuple]:
    """What an account went through."""
    request = ListEntriesRequest(
        program_id="jd", asset_id="bean", member_id=member_id, page_size=100
    )
    answer = await ledger.balances.ListEntries(request, timeout=DEADLINE)
    return [
        (each.version, each.amount, each.posted_after, each.counter_account_id)
        for each in answer.entries
    ]
