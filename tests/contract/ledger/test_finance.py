"""Totals, liability and closed periods over gRPC."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.ledger.v1 import balances_pb2, lots_pb2, transactions_pb2
from laurel.ledger.v1 import finance_pb2 as pb
from laurel.ledger.v1.finance_pb2_grpc import FinanceServiceStub
from laurel_kit.money import write_money

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of, spend

END_OF_2027 = datetime(2027, 12, 31, 16, tzinfo=UTC)
END_OF_MARCH = datetime(2026, 3, 31, 16, tzinfo=UTC)
MEMBER = transactions_pb2.ACCOUNT_KIND_MEMBER


def instant(moment: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(moment)
    return found


@pytest.fixture
def finance(ledger: LedgerStubs) -> FinanceServiceStub:
    return FinanceServiceStub(ledger.channel)


async def lines_of(finance: FinanceServiceStub, **fields) -> dict[tuple[str, str], int]:
    """What each account has; every asset sums to zero."""
    request = pb.GetTrialBalanceRequest(program_id="jd", **fields)
    found = (await finance.GetTrialBalance(request, timeout=DEADLINE)).trial_balance
    assert all(asset.difference == 0 for asset in found.assets)
    return {
        (asset.asset_id, line.account_id): line.posted
        for asset in found.assets
        for line in asset.lines
        if line.posted
    }


async def test_get_trial_balance_sums_to_zero_now_and_then(
    ledger: LedgerStubs, finance: FinanceServiceStub, clock
) -> None:
    start = clock.now()
    for number in range(20):
        await ledger.post(earn("e", 10, member_id=f"m-{number}"))
    clock.set(start + timedelta(days=1))
    await ledger.post(spend("s", 4, member_id="m-3"))
    clock.set(END_OF_2027 + timedelta(days=1))
    await ledger.post(earn("new", 1, member_id="m-3"))
    assert await lines_of(finance) == {
        ("bean", ""): 191,
        ("bean", "platform"): -201,
        ("bean", "order-payment"): 4,
        ("bean", "breakage"): 6,
    }
    assert await lines_of(finance, as_of_time=instant(start + timedelta(hours=1))) == {
        ("bean", ""): 200,
        ("bean", "platform"): -200,
    }
    assert await lines_of(finance, as_of_time=instant(start - timedelta(days=1))) == {}
    next_day = instant(start + timedelta(days=1, hours=1))
    assert (await lines_of(finance, as_of_time=next_day))["bean", "order-payment"] == 4


async def test_get_trial_balance_refuses_what_has_not_come(
    finance: FinanceServiceStub, clock
) -> None:
    later = lines_of(finance, as_of_time=instant(clock.now() + timedelta(seconds=1)))
    refused = await refusal_of(later)
    assert (refused.code.name, refused.reason) == ("OUT_OF_RANGE", "AS_OF_IN_FUTURE")
    unknown = pb.GetTrialBalanceRequest(program_id="none")
    refused = await refusal_of(finance.GetTrialBalance(unknown, timeout=DEADLINE))
    assert refused.reason == "PROGRAM_NOT_FOUND"


async def report_of(finance: FinanceServiceStub, **fields) -> pb.GetLiabilityReportResponse:
    names = {"program_id": "jd", "asset_id": "bean"} | fields
    request = pb.GetLiabilityReportRequest(**names)
    return await finance.GetLiabilityReport(request, timeout=DEADLINE)


def months(cohort: pb.LiabilityCohort) -> tuple[int, int]:
    return cohort.issue_month.month, cohort.expire_month.month


async def test_get_liability_report_knows_the_months_of_what_was_spent(
    ledger: LedgerStubs, finance: FinanceServiceStub, clock
) -> None:
    """Beans of one year share a lot; which month's beans a spending takes shows in positions."""
    await ledger.post(earn("march", 100))
    clock.set(clock.now() + timedelta(days=31))
    await ledger.post(earn("april", 50))
    await ledger.post(spend("s", 120))
    clock.set(clock.now() + timedelta(days=31))
    await ledger.post(earn("may", 7))
    report = await report_of(finance)
    assert [
        (months(each), each.issued, each.spent, each.outstanding) for each in report.cohorts
    ] == [((3, 12), 100, 100, 0), ((4, 12), 50, 20, 30), ((5, 12), 7, 0, 7)]
    assert report.total_outstanding == 37
    assert [write_money(fen) for fen in (0, 30, 7)] == [each.face_value for each in report.cohorts]
    assert report.total_face_value == report.total_provision == write_money(37)
    assert report.breakage_basis == pb.BREAKAGE_BASIS_NO_HISTORY
    assert report.total_estimated_breakage == 0


async def test_get_liability_report_estimates_breakage_from_what_expired(
    ledger: LedgerStubs, finance: FinanceServiceStub, clock
) -> None:
    await ledger.post(earn("a", 80))
    await ledger.post(spend("s", 60))
    clock.set(END_OF_2027 + timedelta(days=1))
    await ledger.post(earn("b", 101))
    report = await report_of(finance)
    assert [(each.issued, each.expired) for each in report.cohorts] == [(80, 20), (101, 0)]
    assert (report.breakage_basis, report.breakage_bps) == (pb.BREAKAGE_BASIS_HISTORY, 2500)
    assert report.total_estimated_breakage == 25
    assert (report.total_face_value, report.total_provision) == (write_money(101), write_money(76))
    given = await report_of(finance, breakage_bps=10_000)
    assert (given.breakage_basis, given.total_estimated_breakage) == (pb.BREAKAGE_BASIS_GIVEN, 101)
    assert (await report_of(finance, breakage_bps=0)).total_estimated_breakage == 0


async def test_get_liability_report_runs_through_pages(
    ledger: LedgerStubs, finance: FinanceServiceStub, clock
) -> None:
    for number in range(5):
        await ledger.post(earn(f"e-{number}", 10, member_id=f"m-{number}"))
        clock.set(clock.now() + timedelta(days=31))
    seen, token = [], ""
    while True:
        page = await report_of(finance, page_size=2, page_token=token)
        assert page.total_outstanding == 50
        seen += [each.issue_month.month for each in page.cohorts]
        token = page.next_page_token
        if not token:
            break
    assert seen == [3, 4, 5, 6, 7]
    other = await report_of(finance, funding_account_id="nobody")
    assert (len(other.cohorts), other.total_outstanding) == (0, 0)


async def test_get_liability_report_refuses_what_it_cannot_answer(
    finance: FinanceServiceStub,
) -> None:
    assert (await refusal_of(report_of(finance, asset_id="gold"))).reason == "ASSET_NOT_FOUND"
    assert (await refusal_of(report_of(finance, breakage_bps=10_001))).reason == "REQUEST_INVALID"
    assert (await refusal_of(report_of(finance, breakage_bps=-1))).reason == "REQUEST_INVALID"
    assert (await refusal_of(report_of(finance, page_token="x"))).reason == "PAGE_TOKEN_INVALID"


async def close(finance: FinanceServiceStub, end: datetime, request_id: str = "close"):
    request = pb.ClosePeriodRequest(program_id="jd", request_id=request_id, end_time=instant(end))
    return await finance.ClosePeriod(request, timeout=DEADLINE)


async def test_close_period_refuses_what_happened_in_it(
    ledger: LedgerStubs, finance: FinanceServiceStub, clock
) -> None:
    await ledger.post(earn("a", 10))
    clock.set(END_OF_MARCH + timedelta(days=3))
    inside = instant(END_OF_MARCH - timedelta(microseconds=1))
    await ledger.post(earn("b", 1, effective_time=inside))
    closed = await close(finance, END_OF_MARCH)
    assert not closed.replayed
    refused = await refusal_of(ledger.post(earn("late", 1, effective_time=inside)))
    assert (refused.code.name, refused.reason) == ("FAILED_PRECONDITION", "PERIOD_CLOSED")
    assert refused.metadata["closed_until"] == "2026-03-31T16:00:00+00:00"
    again = await refusal_of(ledger.post(earn("late", 1, effective_time=inside)))
    assert again.reason == "PERIOD_CLOSED"
    await ledger.post(earn("first", 1, effective_time=instant(END_OF_MARCH)))
    await ledger.post(earn("now", 1))
    trial = ledger.post(earn("try", 1, effective_time=inside), validate_only=True)
    assert (await refusal_of(trial)).reason == "PERIOD_CLOSED"


async def test_close_period_answers_a_repeat_and_refuses_another_close(
    ledger: LedgerStubs, finance: FinanceServiceStub, clock
) -> None:
    await ledger.post(earn("a", 10))
    clock.set(END_OF_MARCH + timedelta(days=3))
    first = await close(finance, END_OF_MARCH)
    await ledger.post(earn("b", 10))
    again = await close(finance, END_OF_MARCH)
    assert again.replayed
    assert again.period == first.period
    other = END_OF_MARCH + timedelta(days=1)
    assert (await refusal_of(close(finance, other))).reason == "REQUEST_ID_REUSED"
    refused = await refusal_of(close(finance, END_OF_MARCH, "twice"))
    assert refused.reason == "PERIOD_CLOSED"
    refused = await refusal_of(close(finance, clock.now() + timedelta(seconds=1), "soon"))
    assert (refused.reason, refused.metadata["field"]) == ("TIME_IN_FUTURE", "end_time")
    second = await close(finance, other, "second")
    assert second.period.start_time == first.period.end_time
    assert second.period.seal != first.period.seal


async def test_close_period_seals_what_is_kept(
    ledger: LedgerStubs, finance: FinanceServiceStub, clock
) -> None:
    await ledger.post(earn("a", 10))
    clock.set(END_OF_MARCH)
    period = (await close(finance, END_OF_MARCH)).period
    books = await asyncpg.connect(ledger.database.owner_url)
    try:
        kept = await books.fetchrow("select seal, content from period")
        assert kept["seal"] == period.seal
        assert '["bean","MEMBER","",10]' in kept["content"]
        assert '["bean","platform","2026-03-01","2027-12-01",10,0,0,0,0,0,0]' in kept["content"]
        with pytest.raises(asyncpg.CheckViolationError):
            await books.execute("update period set content = replace(content, '10', '11')")
    finally:
        await books.close()


async def test_close_period_posts_the_expiries_that_fell_due_in_it(
    ledger: LedgerStubs, finance: FinanceServiceStub, clock
) -> None:
    soon = clock.now() + timedelta(days=2)
    await ledger.post(earn("a", 10, expire_time=instant(soon)))
    clock.set(END_OF_MARCH)
    await close(finance, END_OF_MARCH)
    request = lots_pb2.ListLotsRequest(
        program_id="jd", member_id="m-1", asset_id="bean", include_closed=True
    )
    (lot,) = (await ledger.lots.ListLots(request, timeout=DEADLINE)).lots
    assert lot.state == lots_pb2.LOT_STATE_EXPIRED
    balance = balances_pb2.GetBalanceRequest(
        program_id="jd", member_id="m-1", asset_id="bean", version=2
    )
    assert (await ledger.balances.GetBalance(balance, timeout=DEADLINE)).balance.posted == 0


async def test_close_period_races_with_posting_and_either_comes_first(
    ledger: LedgerStubs, finance: FinanceServiceStub, clock
) -> None:
    """Whatever was posted in the period is sealed with it; whatever comes later is refused."""
    clock.set(END_OF_MARCH)
    inside = instant(END_OF_MARCH - timedelta(hours=1))

    async def post(number: int) -> str:
        draft = earn("e", 1, member_id=f"m-{number}", effective_time=inside)
        try:
            await ledger.post(draft)
        except grpc.aio.AioRpcError as error:
            return error.details()
        return "posted"

    posts = [asyncio.create_task(post(number)) for number in range(100)]
    await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
    await close(finance, END_OF_MARCH)
    outcomes = await asyncio.gather(*posts)
    late = await asyncio.gather(*(post(number) for number in range(100, 110)))
    assert all("closed period" in outcome for outcome in late)
    books = await asyncpg.connect(ledger.database.owner_url)
    try:
        content = await books.fetchval("select content from period")
    finally:
        await books.close()
    posted = outcomes.count("posted")
    assert not posted or f'["bean","MEMBER","",{posted}]' in content


async def test_list_periods_shows_the_latest_first(finance: FinanceServiceStub, clock) -> None:
    clock.set(END_OF_MARCH + timedelta(days=10))
    for day in range(3):
        await close(finance, END_OF_MARCH + timedelta(days=day), f"r-{day}")
    seen, token = [], ""
    while True:
        request = pb.ListPeriodsRequest(program_id="jd", page_size=2, page_token=token)
        page = await finance.ListPeriods(request, timeout=DEADLINE)
        seen += page.periods
        token = page.next_page_token
        if not token:
            break
    assert [each.end_time for each in seen] == [
        instant(END_OF_MARCH + timedelta(days=day)) for day in (2, 1, 0)
    ]
    assert not seen[-1].HasField("start_time")
    assert seen[0].start_time == seen[1].end_time
    unknown = finance.ListPeriods(pb.ListPeriodsRequest(program_id="none"), timeout=DEADLINE)
    assert (await refusal_of(unknown)).reason == "PROGRAM_NOT_FOUND"
