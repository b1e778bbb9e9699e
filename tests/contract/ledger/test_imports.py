"""ImportLots: opening balances with their history, tried, imported once, and taken back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.longrunning import operations_pb2
from laurel.ledger.v1 import bulk_pb2 as pb
from laurel.ledger.v1.balances_pb2 import BatchGetBalancesRequest
from laurel.ledger.v1.bulk_pb2_grpc import BulkServiceStub
from laurel.ledger.v1.finance_pb2 import GetLiabilityReportRequest
from laurel.ledger.v1.finance_pb2_grpc import FinanceServiceStub
from laurel_kit.database import DatabaseUnavailable
from laurel_kit.operations import OperationLimits, Progress
from laurel_ledger.handlers import imports

from .conftest import DEADLINE, LedgerStubs, agree, came_to, refusal_of, spend

LAST_YEAR = datetime(2025, 6, 3, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "STEP", 7)


def lot(member_id: str, amount: int = 10, **fields) -> pb.ImportedLot:
    """Beans of last year."""
    instants = {"issue_time": LAST_YEAR, "expire_time": LATER} | {
        name: fields.pop(name) for name in ("issue_time", "expire_time") if name in fields
    }
    message = pb.ImportedLot(
        member_id=member_id, amount=amount, **({"funding_account_id": "platform"} | fields)
    )
    for name, instant in instants.items():
        if instant is not None:
            getattr(message, name).FromDatetime(instant)
    return message


def many(count: int = 20) -> list[pb.ImportedLot]:
    return [lot(f"m-{number}", number + 1) for number in range(count)]


async def begin(ledger: LedgerStubs, lots=(), **fields) -> operations_pb2.Operation:
    usual = {"request_id": "import-1", "program_id": "jd"} | ({"asset_id": "bean"} if lots else {})
    request = pb.ImportLotsRequest(lots=lots, **(usual | fields))
    return await BulkServiceStub(ledger.channel).ImportLots(request, timeout=DEADLINE)


async def imported(ledger: LedgerStubs, lots=(), **fields) -> pb.ImportLotsResponse:
    return await came_to(ledger, await begin(ledger, lots, **fields), pb.ImportLotsResponse())


async def posted(ledger: LedgerStubs, count: int = 20) -> list[int]:
    members = [f"m-{number}" for number in range(count)]
    request = BatchGetBalancesRequest(program_id="jd", asset_id="bean", member_ids=members)
    answer = await ledger.balances.BatchGetBalances(request, timeout=DEADLINE)
    return [each.posted for each in answer.balances]


async def test_import_lots_keeps_funder_expiry_and_month_of_issue(ledger: LedgerStubs) -> None:
    lots = [*many(18), lot("m-18", 19, funding_account_id="xinhua-books", expire_time=None)]
    tried = await imported(ledger, lots, request_id="try", validate_only=True)
    assert (tried.lot_count, tried.points, await posted(ledger, 19)) == (19, 190, [0] * 19)
    answer = await imported(ledger, lots)
    assert (answer.lot_count, answer.points, answer.refused_count) == (19, 190, 0)
    assert await posted(ledger, 19) == list(range(1, 20))
    request = GetLiabilityReportRequest(program_id="jd", asset_id="bean")
    finance = FinanceServiceStub(ledger.channel)
    report = await finance.GetLiabilityReport(request, timeout=DEADLINE)
    rows = {
        (row.funding_account_id, row.issue_month.year, row.outstanding) for row in report.cohorts
    }
    assert rows == {("platform", 2025, 171), ("xinhua-books", 2025, 19)}
    await agree(ledger)


async def test_import_lots_repeated_is_the_same_operation(ledger: LedgerStubs) -> None:
    first, second = await asyncio.gather(begin(ledger, many()), begin(ledger, many()))
    assert first.name == second.name
    await came_to(ledger, first, pb.ImportLotsResponse())
    refused = await refusal_of(begin(ledger, many(19)))
    assert (refused.reason, refused.metadata["mismatched_fields"]) == ("REQUEST_ID_REUSED", "lots")
    assert await posted(ledger) == list(range(1, 21))


async def test_import_lots_names_every_lot_it_refuses(ledger: LedgerStubs) -> None:
    soon = datetime(2026, 1, 1, tzinfo=UTC)
    lots = [
        *many(8),
        lot("a", funding_account_id="none"),
        lot("b", expire_time=soon),
        lot("c", issue_time=LATER, expire_time=None),
        lot("d", 10**15),
        lot("d", 1),
    ]
    for fields in ({"validate_only": True, "request_id": "try"}, {}):
        answer = await imported(ledger, lots, **fields)
        refused = [(each.position, each.member_id, each.reason) for each in answer.refused_lots]
        assert refused == [
            (8, "a", "ACCOUNT_NOT_FOUND"),
            (9, "b", "EXPIRY_NOT_AFTER_ACTIVE"),
            (10, "c", "TIME_IN_FUTURE"),
            (12, "d", "BALANCE_LIMIT_EXCEEDED"),
        ]
        assert (answer.lot_count, answer.refused_count) == (9, 4)


async def test_import_lots_goes_on_after_a_crash_and_imports_nothing_twice(
    ledger: LedgerStubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off after a step was posted and before it was recorded, again and again."""
    record, begun = Progress.record, 0

    async def break_off(self: Progress, *arguments, **fields) -> None:
        nonlocal begun
        begun += 1
        if begun % 2:
            raise DatabaseUnavailable
        await record(self, *arguments, **fields)

    operations = ledger.running.foundation.operations
    monkeypatch.setattr(operations, "_limits", OperationLimits(lease=timedelta(milliseconds=10)))
    monkeypatch.setattr(Progress, "record", break_off)
    answer = await imported(ledger, many())
    assert begun == 6
    assert (answer.lot_count, answer.points) == (20, 210)
    assert await posted(ledger) == list(range(1, 21))


async def test_import_lots_takes_an_import_back(ledger: LedgerStubs) -> None:
    """But for the lot of which something was spent, and the one that was never imported."""
    first = await begin(ledger, [*many(), lot("x", funding_account_id="none")])
    await came_to(ledger, first, pb.ImportLotsResponse())
    await ledger.post(spend("s", 1, member_id="m-3"))
    undo = {"request_id": "undo-1", "undo_operation": first.name}
    second = await begin(ledger, **undo)
    answer = await came_to(ledger, second, pb.ImportLotsResponse())
    assert (answer.lot_count, answer.points, answer.absent_count) == (19, 206, 1)
    (refused,) = answer.refused_lots
    assert (refused.position, refused.reason) == (3, "INSUFFICIENT_POINTS")
    assert await posted(ledger) == [0, 0, 0, 3] + [0] * 16
    assert (await begin(ledger, **undo)).name == second.name
    for name in (second.name, "operations/00000000-0000-7000-8000-000000000000"):
        again = await refusal_of(begin(ledger, request_id="undo-2", undo_operation=name))
        assert again.reason == "OPERATION_NOT_FOUND"
    await agree(ledger)


@pytest.mark.parametrize(
    ("lots", "fields", "code", "reason"),
    [
        (many(1), {"program_id": "none"}, grpc.StatusCode.NOT_FOUND, "PROGRAM_NOT_FOUND"),
        (many(1), {"asset_id": "none"}, grpc.StatusCode.NOT_FOUND, "ASSET_NOT_FOUND"),
        ([], {}, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"),
        ([lot("m", 0)], {}, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"),
        ([lot("m", issue_time=None)], {}, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"),
        (
            many(1),
            {"undo_operation": "operations/00000000-0000-7000-8000-000000000000"},
            grpc.StatusCode.INVALID_ARGUMENT,
            "REQUEST_INVALID",
        ),
    ],
)
async def test_import_lots_refuses_what_it_cannot_do(
    ledger: LedgerStubs, lots: list, fields: dict, code: grpc.StatusCode, reason: str
) -> None:
    refused = await refusal_of(begin(ledger, lots, **fields))
    assert (refused.code, refused.reason) == (code, reason)
