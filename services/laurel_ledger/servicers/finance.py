"""The door for finance."""

from __future__ import annotations

from typing import Any

from laurel.ledger.v1 import finance_pb2 as pb
from laurel.ledger.v1 import finance_pb2_grpc

from laurel_ledger.handlers.finance import (
    close_period,
    get_liability_report,
    get_trial_balance,
    list_periods,
)
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.wire import finance as wire

Context = Any


class FinanceServicer(finance_pb2_grpc.FinanceServiceServicer):
    """Answers totals over a whole program, and closes its periods."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def GetTrialBalance(
        self, request: pb.GetTrialBalanceRequest, context: Context
    ) -> pb.GetTrialBalanceResponse:
        """Answers every account's total."""
        found = await get_trial_balance(wire.read_get_trial_balance(request), ledger=self._ledger)
        return wire.write_get_trial_balance(found)

    async def GetLiabilityReport(
        self, request: pb.GetLiabilityReportRequest, context: Context
    ) -> pb.GetLiabilityReportResponse:
        """Answers what is owed, by cohort."""
        query = wire.read_get_liability_report(request)
        page = await get_liability_report(query, ledger=self._ledger)
        return wire.write_get_liability_report(page, request)

    async def ClosePeriod(
        self, request: pb.ClosePeriodRequest, context: Context
    ) -> pb.ClosePeriodResponse:
        """Closes a period."""
        command = wire.read_close_period(request)
        return wire.write_close_period(await close_period(command, ledger=self._ledger))

    async def ListPeriods(
        self, request: pb.ListPeriodsRequest, context: Context
    ) -> pb.ListPeriodsResponse:
        """Lists the closed periods."""
        page = await list_periods(wire.read_list_periods(request), ledger=self._ledger)
        return wire.write_list_periods(page, request)
