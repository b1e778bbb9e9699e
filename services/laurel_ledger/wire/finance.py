"""Totals and periods between messages and values."""

from __future__ import annotations

from datetime import date, datetime

from google.type import date_pb2
from google.type.money_pb2 import Money
from laurel.ledger.v1 import finance_pb2 as pb
from laurel_kit.fingerprint import fingerprint
from laurel_kit.money import write_money
from laurel_kit.pages import PageTokenInvalid, PageTokens, page_size

from laurel_ledger.domain.liability import Cohort, Liability
from laurel_ledger.domain.periods import Period
from laurel_ledger.domain.trial_balance import AssetBalance, TrialBalance
from laurel_ledger.handlers.finance import (
    ClosedPeriod,
    ClosePeriod,
    GetLiabilityReport,
    GetTrialBalance,
    LiabilityPage,
    ListPeriods,
    PeriodPage,
)
from laurel_ledger.wire.instants import read_instant, write_instant


def read_get_trial_balance(request: pb.GetTrialBalanceRequest) -> GetTrialBalance:
    """The totals asked for."""
    return GetTrialBalance(
        program_id=request.program_id,
        as_of_time=read_instant(request.as_of_time) if request.HasField("as_of_time") else None,
    )


def write_get_trial_balance(found: TrialBalance) -> pb.GetTrialBalanceResponse:
    """The totals."""
    return pb.GetTrialBalanceResponse(
        trial_balance=pb.TrialBalance(
            program_id=found.program_id,
            as_of_time=write_instant(found.as_of_time),
            assets=[write_asset_balance(each) for each in found.assets],
        )
    )


def write_asset_balance(balance: AssetBalance) -> pb.AssetTrialBalance:
    """The lines of one asset."""
    return pb.AssetTrialBalance(
        asset_id=balance.asset_id,
        lines=[
            pb.TrialBalanceLine(
                account_kind=line.kind.value,  # type: ignore[arg-type]  # Same numbers, by a test.
                account_id=line.account_id,
                posted=line.posted,
            )
            for line in balance.lines
        ],
        difference=balance.difference,
    )


def read_get_liability_report(request: pb.GetLiabilityReportRequest) -> GetLiabilityReport:
    """The report asked for. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, int)
    return GetLiabilityReport(
        program_id=request.program_id,
        asset_id=request.asset_id,
        funding_account_id=request.funding_account_id,
        rate_bps=request.breakage_bps if request.HasField("breakage_bps") else None,
        page_size=page_size(request.page_size),
        offset=int(cursor[0] or 0) if cursor else 0,
    )


def write_get_liability_report(
    page: LiabilityPage, request: pb.GetLiabilityReportRequest
) -> pb.GetLiabilityReportResponse:
    """A page of the report."""
    liability = page.liability
    cursor = None if page.next_offset is None else (page.next_offset,)
    return pb.GetLiabilityReportResponse(
        cohorts=[write_cohort(each, liability) for each in page.cohorts],
        total_outstanding=liability.outstanding,
        total_estimated_breakage=liability.breakage,
        breakage_bps=liability.rate_bps,
        breakage_basis=liability.basis.value,  # type: ignore[arg-type]  # Same numbers, by a test.
        as_of_time=write_instant(page.as_of_time),
        next_page_token=PageTokens.of(request).encode(cursor),
        total_face_value=write_worth(liability.face_value),
        total_provision=write_worth(liability.provision),
    )


def write_worth(fen: int | None) -> Money | None:
    """An amount of fen, if a worth is stated."""
    return None if fen is None else write_money(fen)


def write_cohort(cohort: Cohort, liability: Liability) -> pb.LiabilityCohort:
    """One cohort of a liability."""
    message = pb.LiabilityCohort(
        funding_account_id=cohort.funding_account_id,
        issue_month=write_month(cohort.issue_month),
        issued=cohort.issued,
        spent=cohort.spent,
        expired=cohort.expired,
        restored=cohort.restored,
        reversed=cohort.reversed,
        carried_in=cohort.carried_in,
        carried_out=cohort.carried_out,
        outstanding=cohort.outstanding,
        estimated_breakage=cohort.breakage_at(liability.rate_bps),
        face_value=write_worth(liability.face_value_of(cohort.outstanding)),
    )
    if cohort.expire_month is not None:
        message.expire_month.CopyFrom(write_month(cohort.expire_month))
    return message


def write_month(day: date) -> date_pb2.Date:
    """The month of a day."""
    return date_pb2.Date(year=day.year, month=day.month)


def read_close_period(request: pb.ClosePeriodRequest) -> ClosePeriod:
    """The period to close."""
    return ClosePeriod(
        program_id=request.program_id,
        request_id=request.request_id,
        end_time=read_instant(request.end_time),
        fingerprint=fingerprint(request).encoded,
    )


def write_close_period(closed: ClosedPeriod) -> pb.ClosePeriodResponse:
    """The period that was closed."""
    return pb.ClosePeriodResponse(period=write_period(closed.period), replayed=closed.replayed)


def write_period(period: Period) -> pb.Period:
    """A closed period."""
    message = pb.Period(
        program_id=period.program_id,
        end_time=write_instant(period.end_time),
        close_time=write_instant(period.close_time),
        seal=bytes.fromhex(period.seal),
    )
    if period.start_time is not None:
        message.start_time.CopyFrom(write_instant(period.start_time))
    return message


def read_list_periods(request: pb.ListPeriodsRequest) -> ListPeriods:
    """The page asked for. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, str)
    return ListPeriods(
        program_id=request.program_id,
        page_size=page_size(request.page_size),
        before=_read_cursor(str(cursor[0])) if cursor else None,
    )


def _read_cursor(instant: str) -> datetime:
    try:
        return datetime.fromisoformat(instant)
    except ValueError as damage:
        raise PageTokenInvalid from damage


def write_list_periods(page: PeriodPage, request: pb.ListPeriodsRequest) -> pb.ListPeriodsResponse:
    """A page of periods."""
    cursor = (page.periods[-1].end_time.isoformat(),) if page.more else None
    return pb.ListPeriodsResponse(
        periods=[write_period(each) for each in page.periods],
        next_page_token=PageTokens.of(request).encode(cursor),
    )
