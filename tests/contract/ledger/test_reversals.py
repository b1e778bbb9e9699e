"""Reversing over gRPC: what comes back, what is taken, what is owed, as a caller sees it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest, ListEntriesRequest
from laurel.ledger.v1.finance_pb2 import ClosePeriodRequest, GetLiabilityReportRequest
from laurel.ledger.v1.finance_pb2_grpc import FinanceServiceStub

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of, spend

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)


def instant(moment: datetime) -> Timestamp:
    return Timestamp(seconds=int(moment.timestamp()))


def reverse(ledger: LedgerStubs, reversed_: str, amount: int | None = None, **fields):
    names = {"program_id": "jd", "member_id": "m-1", "request_id": f"back-{reversed_}"}
    request = pb.ReverseTransactionRequest(
        reversed_request_id=reversed_, amount=amount, **(names | fields)
    )
    return ledger.transactions.ReverseTransaction(request, timeout=DEADLINE)


async def balance(ledger: LedgerStubs):
    request = GetBalanceRequest(program_id="jd", member_id="m-1", asset_id="bean")
    return (await ledger.balances.GetBalance(request, timeout=DEADLINE)).balance


async def test_reverse_transaction_gives_back_the_last_consumed_first(ledger: LedgerStubs) -> None:
    """E15, as often as something is left (I10)."""
    await ledger.post(earn("long", 50))
    await ledger.post(earn("short", 30, expire_time=instant(NOON + timedelta(days=1))))
    await ledger.post(spend("bought", 60))
    first = await reverse(ledger, "bought", 40, request_id="b-1", labels={"line": "2"})
    transaction = first.transaction
    assert transaction.type == pb.TRANSACTION_TYPE_SPEND_REVERSAL
    assert [(each.lot_id, each.amount) for each in transaction.lot_movements] == [
        ("1", 30),
        ("2", 10),
    ]
    assert transaction.reversal == pb.Reversal(
        reversed_request_id="bought", requested=40, reversible_after=20, restored=40
    )
    member, checkout = transaction.entries
    assert (member.amount, member.posted_after, checkout.account_id) == (40, 60, "order-payment")
    assert (await reverse(ledger, "bought", request_id="b-2")).transaction.amount == 20
    refused = await refusal_of(reverse(ledger, "bought", request_id="b-3"))
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.reason == "REVERSAL_EXCEEDS_REMAINING"
    assert refused.metadata == {"request_id": "bought", "requested": "0", "reversible": "0"}
    assert await refusal_of(reverse(ledger, "bought", request_id="b-3")) == refused
    assert (await balance(ledger)).available == 80


async def test_reverse_transaction_repeated_answers_the_first_outcome(ledger: LedgerStubs) -> None:
    await ledger.post(earn("long", 50))
    await ledger.post(spend("bought", 50))
    first = await reverse(ledger, "bought", 20)
    again = await reverse(ledger, "bought", 20)
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.transaction, again.commit_token) == (first.transaction, first.commit_token)
    refused = await refusal_of(reverse(ledger, "bought", 21, shortfall=pb.SHORTFALL_DEBT))
    assert refused.reason == "REQUEST_ID_REUSED"
    assert refused.metadata["mismatched_fields"] == "amount,shortfall"
    other = await refusal_of(ledger.post(earn("back-bought", 20)))
    assert other.metadata["mismatched_fields"] == "effect"


LATE = [
    ({}, {"expired": 30}, 50),
    ({"late_restore": pb.LATE_RESTORE_EXPIRE}, {"expired": 30}, 50),
    ({"late_restore": pb.LATE_RESTORE_GRACE, "grace_days": 7}, {"graced": 30}, 80),
    ({"late_restore": pb.LATE_RESTORE_REISSUE}, {"reissued": 30}, 80),
]


@pytest.mark.parametrize(("terms", "split", "available"), LATE)
async def test_reverse_transaction_treats_void_lots_as_asked(
    ledger: LedgerStubs, clock, terms: dict, split: dict, available: int
) -> None:
    """The part whose lot has expired meanwhile is not returned unless the caller says so (E15)."""
    await ledger.post(earn("long", 50))
    await ledger.post(earn("short", 30, expire_time=instant(NOON + timedelta(days=1))))
    await ledger.post(spend("bought", 60))
    clock.set(NOON + timedelta(days=2))
    await ledger.post(spend("other", 1))
    back = (await reverse(ledger, "bought", **terms)).transaction
    assert back.reversal == pb.Reversal(
        reversed_request_id="bought", requested=60, restored=30, **split
    )
    assert (await reverse(ledger, "bought", **terms)).transaction == back
    assert (await balance(ledger)).available == available - 1


async def test_reverse_transaction_takes_back_what_is_there(ledger: LedgerStubs) -> None:
    """Without more being asked the rest is left, for a caller who cuts it in cash (E16, E17)."""
    await ledger.post(earn("gift", 50))
    await ledger.post(spend("bought", 30))
    back = (await reverse(ledger, "gift")).transaction
    assert (back.type, back.amount) == (pb.TRANSACTION_TYPE_EARN_REVERSAL, 20)
    assert back.reversal == pb.Reversal(
        reversed_request_id="gift", requested=50, reversible_after=30, shortfall=30
    )
    assert (back.entries[1].account_id, back.entries[1].amount) == ("platform", 20)
    refused = await refusal_of(reverse(ledger, "gift", request_id="b-2"))
    assert (refused.reason, refused.metadata["available"]) == ("INSUFFICIENT_POINTS", "0")


async def test_reverse_transaction_may_refuse_for_want_of_points(ledger: LedgerStubs) -> None:
    await ledger.post(earn("gift", 50))
    await ledger.post(spend("bought", 30))
    refused = await refusal_of(reverse(ledger, "gift", 21, shortfall=pb.SHORTFALL_REJECT))
    assert refused.metadata == {"asset_id": "bean", "available": "20", "requested": "21"}


async def test_reverse_transaction_may_leave_a_debt_that_is_repaid_first(
    ledger: LedgerStubs,
) -> None:
    """E17, E18: debt and points are never there together (I5)."""
    await ledger.post(earn("gift", 50))
    await ledger.post(spend("bought", 30))
    back = await reverse(ledger, "gift", shortfall=pb.SHORTFALL_DEBT)
    assert (back.transaction.amount, back.transaction.debt_change) == (50, 30)
    found = await balance(ledger)
    assert (found.posted, found.available, found.debt) == (-30, 0, 30)
    assert (await refusal_of(ledger.post(spend("more", 1)))).metadata["available"] == "0"
    repaying = (await ledger.post(earn("next", 40))).transaction
    assert repaying.debt_change == -30
    assert sum(each.amount for each in repaying.lot_movements) == 10
    found = await balance(ledger)
    assert (found.posted, found.available, found.debt) == (10, 10, 0)
    request = ListEntriesRequest(program_id="jd", member_id="m-1", asset_id="bean")
    entries = (await ledger.balances.ListEntries(request, timeout=DEADLINE)).entries
    assert [each.posted_after for each in entries] == [10, -30, 20, 50]
    assert [each.debt_change for each in entries] == [-30, 30, 0, 0]
    assert entries[1].reversed_request_id == "gift"


async def test_reverse_transaction_reverses_earnings_and_spendings_only(
    ledger: LedgerStubs,
) -> None:
    await ledger.post(earn("gift", 50))
    await reverse(ledger, "gift", 10)
    refused = await refusal_of(reverse(ledger, "back-gift"))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "TRANSACTION_NOT_REVERSIBLE",
    )
    assert refused.metadata == {"request_id": "back-gift", "type": "EARN_REVERSAL"}
    refused = await refusal_of(reverse(ledger, "none"))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.NOT_FOUND,
        "TRANSACTION_NOT_FOUND",
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount": 0}, "AMOUNT_NOT_POSITIVE"),
        ({"amount": -1}, "AMOUNT_NOT_POSITIVE"),
        ({"amount": 10**15 + 1}, "AMOUNT_TOO_LARGE"),
        ({"late_restore": pb.LATE_RESTORE_GRACE}, "REQUEST_INVALID"),
        ({"grace_days": 3}, "REQUEST_INVALID"),
        ({"late_restore": 4}, "REQUEST_INVALID"),
        ({"request_id": ""}, "REQUEST_INVALID"),
        ({"effective_time": instant(NOON + timedelta(minutes=6))}, "TIME_IN_FUTURE"),
        ({"program_id": "none"}, "PROGRAM_NOT_FOUND"),
    ],
)
async def test_reverse_transaction_refused_changes_nothing(
    ledger: LedgerStubs, fields: dict, reason: str
) -> None:
    await ledger.post(earn("gift", 50))
    refused = await refusal_of(reverse(ledger, "gift", **fields))
    assert refused.reason == reason
    assert not (await reverse(ledger, "gift")).replayed


async def test_reverse_transaction_validated_only_stores_nothing(ledger: LedgerStubs) -> None:
    await ledger.post(earn("gift", 50))
    tried = await reverse(ledger, "gift", validate_only=True)
    assert (tried.transaction.amount, tried.commit_token) == (50, "")
    assert (await balance(ledger)).available == 50


async def test_reverse_transaction_at_once_reverses_once(ledger: LedgerStubs) -> None:
    await ledger.post(earn("gift", 50))
    await ledger.post(spend("bought", 50))
    calls = (reverse(ledger, "bought", request_id=f"b-{n}") for n in range(10))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(each, pb.ReverseTransactionResponse) for each in answers) == 1
    assert (await balance(ledger)).available == 50


async def test_reverse_transaction_is_answered_again_by_its_name(ledger: LedgerStubs) -> None:
    await ledger.post(earn("gift", 50))
    posted = await reverse(ledger, "gift", 10, reason="returned")
    request = pb.GetTransactionRequest(program_id="jd", member_id="m-1", request_id="back-gift")
    found = await ledger.transactions.GetTransaction(request, timeout=DEADLINE)
    assert found.transaction == posted.transaction


async def test_reverse_transaction_says_nothing_of_a_closed_period(
    ledger: LedgerStubs, clock
) -> None:
    await ledger.post(earn("gift", 50))
    finance = FinanceServiceStub(ledger.channel)
    clock.set(NOON + timedelta(days=1))
    end = instant(NOON + timedelta(hours=1))
    closing = ClosePeriodRequest(program_id="jd", request_id="close", end_time=end)
    await finance.ClosePeriod(closing, timeout=DEADLINE)
    refused = await refusal_of(reverse(ledger, "gift", effective_time=instant(NOON)))
    assert refused.reason == "PERIOD_CLOSED"
    back = await reverse(ledger, "gift", effective_time=end, request_id="later")
    assert back.transaction.amount == 50


async def test_reverse_transaction_shows_in_the_liability_report(ledger: LedgerStubs) -> None:
    await ledger.post(earn("gift", 50))
    await ledger.post(spend("bought", 30))
    await reverse(ledger, "bought", 10, request_id="back")
    await reverse(ledger, "gift", 25, request_id="taken")
    request = GetLiabilityReportRequest(program_id="jd", asset_id="bean")
    report = await FinanceServiceStub(ledger.channel).GetLiabilityReport(request, timeout=DEADLINE)
    (cohort,) = report.cohorts
    assert (cohort.issued, cohort.spent, cohort.restored, cohort.reversed) == (50, 30, 10, 25)
    assert cohort.outstanding == report.total_outstanding == 5
