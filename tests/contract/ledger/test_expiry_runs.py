"""RunExpiry: what is due is posted at once, and nothing twice, whatever breaks off."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from laurel.ledger.v1 import bulk_pb2 as pb
from laurel.ledger.v1.assets_pb2 import GetAssetRequest
from laurel.ledger.v1.bulk_pb2_grpc import BulkServiceStub
from laurel.ledger.v1.holds_pb2 import PlaceHoldRequest
from laurel.ledger.v1.transactions_pb2 import BatchPostTransactionsRequest
from laurel.type.v1.operation_pb2 import OperationProgress
from laurel_kit.clock import SettableClock
from laurel_kit.database import DatabaseUnavailable
from laurel_kit.operations import OperationLimits, Progress
from laurel_ledger.handlers import expiry_runs

from tests.support.audit import assert_books_agree

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of, spend

MEMBERS = 20


@pytest.fixture
def timer_interval() -> timedelta:
    """Nobody else posts what is due."""
    return timedelta(hours=1)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry_runs, "STEP", 3)


async def run(ledger: LedgerStubs, **fields) -> operations_pb2.Operation:
    request = pb.RunExpiryRequest(**({"request_id": "run-1", "program_id": "jd"} | fields))
    return await BulkServiceStub(ledger.channel).RunExpiry(request, timeout=DEADLINE)


async def came_to(
    ledger: LedgerStubs, operation: operations_pb2.Operation
) -> tuple[pb.RunExpiryResponse, OperationProgress]:
    """What the run came to, and how far it says it has come."""
    request = operations_pb2.WaitOperationRequest(
        name=operation.name, timeout=Duration(seconds=DEADLINE - 1)
    )
    stub = operations_pb2_grpc.OperationsStub(ledger.channel)
    ended = await stub.WaitOperation(request, timeout=DEADLINE)
    answer, progress = pb.RunExpiryResponse(), OperationProgress()
    assert ended.response.Unpack(answer), ended
    assert ended.metadata.Unpack(progress)
    return answer, progress


@pytest.fixture
async def void(ledger: LedgerStubs, clock: SettableClock) -> LedgerStubs:
    """Members whose beans are void and not posted as such; one of them had some on hold."""
    drafts = [earn(f"e-{number}", 10, member_id=f"m-{number}") for number in range(MEMBERS)]
    batch = BatchPostTransactionsRequest(program_id="jd", transactions=drafts)
    await ledger.transactions.BatchPostTransactions(batch, timeout=DEADLINE)
    await ledger.post(spend("s", 4, member_id="m-3"))
    hold = PlaceHoldRequest(
        request_id="h",
        program_id="jd",
        member_id="m-5",
        asset_id="bean",
        amount=6,
        lifetime=Duration(seconds=600),
    )
    await ledger.holds.PlaceHold(hold, timeout=DEADLINE)
    clock.set(clock.now() + timedelta(days=800))
    return ledger


async def own_totals(ledger: LedgerStubs) -> dict[str, int]:
    request = GetAssetRequest(program_id="jd", asset_id="bean")
    asset = (await ledger.assets.GetAsset(request, timeout=DEADLINE)).asset
    return {each.account_id: each.posted for each in asset.accounts if each.posted}


async def agree(ledger: LedgerStubs) -> None:
    books = await asyncpg.connect(ledger.database.owner_url)
    try:
        await assert_books_agree(books)
    finally:
        await books.close()


async def test_run_expiry_posts_what_is_due_in_the_whole_program(void: LedgerStubs) -> None:
    """E21: the points are breakage; the hold lapses first, in one account."""
    answer, progress = await came_to(void, await run(void))
    assert answer.until_time.ToSeconds() == void.running.foundation.clock.now().timestamp() // 1
    assert (answer.account_count, answer.expired_points) == (MEMBERS, 196)
    assert answer.transaction_count >= MEMBERS + 1
    assert (progress.done, progress.total) == (MEMBERS, MEMBERS)
    assert await own_totals(void) == {"platform": -200, "order-payment": 4, "breakage": 196}
    await agree(void)
    again, _ = await came_to(void, await run(void, request_id="run-2"))
    assert (again.account_count, again.transaction_count, again.expired_points) == (0, 0, 0)


async def test_run_expiry_repeated_is_the_same_operation(void: LedgerStubs) -> None:
    first, second = await asyncio.gather(run(void), run(void))
    assert first.name == second.name
    await came_to(void, first)
    assert (await run(void)).name == first.name
    refused = await refusal_of(run(void, asset_id="bean"))
    assert (refused.reason, refused.metadata["mismatched_fields"]) == (
        "REQUEST_ID_REUSED",
        "asset_id",
    )


async def test_run_expiry_races_with_callers_and_other_runs(void: LedgerStubs) -> None:
    """Whoever touches an account posts what is due there; each is posted once."""
    operations = [await run(void, request_id=f"run-{number}") for number in range(2)]
    await asyncio.gather(
        *(void.post(earn(f"n-{number}", 1, member_id=f"m-{number}")) for number in range(MEMBERS))
    )
    for each in operations:
        await came_to(void, each)
    totals = await own_totals(void)
    assert (totals["breakage"], totals["platform"]) == (196, -220)
    await agree(void)


async def test_run_expiry_goes_on_after_a_crash(
    void: LedgerStubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off after a step was posted and before it was recorded, every other time."""
    record, begun = Progress.record, 0

    async def break_off(self: Progress, *arguments, **fields) -> None:
        nonlocal begun
        begun += 1
        if begun % 2 and begun < 10:
            raise DatabaseUnavailable
        await record(self, *arguments, **fields)

    operations = void.running.foundation.operations
    monkeypatch.setattr(operations, "_limits", OperationLimits(lease=timedelta(milliseconds=10)))
    monkeypatch.setattr(Progress, "record", break_off)
    answer, _ = await came_to(void, await run(void))
    assert begun > 10
    assert answer.account_count <= MEMBERS
    assert (await own_totals(void))["breakage"] == 196
    await agree(void)


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        ({"program_id": "none"}, grpc.StatusCode.NOT_FOUND, "PROGRAM_NOT_FOUND"),
        ({"asset_id": "none"}, grpc.StatusCode.NOT_FOUND, "ASSET_NOT_FOUND"),
        ({"program_id": ""}, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"),
        (
            {"request_id": "a b", "asset_id": "bean"},
            grpc.StatusCode.INVALID_ARGUMENT,
            "REQUEST_INVALID",
        ),
    ],
)
async def test_run_expiry_refuses_what_it_cannot_do(
    ledger: LedgerStubs, fields: dict, code: grpc.StatusCode, reason: str
) -> None:
    refused = await refusal_of(run(ledger, **fields))
    assert (refused.code, refused.reason) == (code, reason)
