"""What is measured once over many lots, after the rounds: their expiry, and what is owed of them.

The lots are made by IssuePoints, as an operator's would be, so a large number takes its time.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.ledger.v1.bulk_pb2 import IssuePointsRequest
from laurel.ledger.v1.finance_pb2 import GetLiabilityReportRequest
from laurel.ledger.v1.finance_pb2_grpc import FinanceServiceStub
from laurel.sandbox.v1.clock_pb2 import AdvanceClockRequest, GetClockRequest
from laurel.sandbox.v1.clock_pb2_grpc import ClockServiceStub

from laurel_cli.bench.load import ASSET, EARNED, FUNDING, PROGRAM, Callers
from laurel_cli.bench.measuring import Case, Figures
from laurel_cli.bench.processor import Window
from laurel_cli.bench.stand import DEADLINE, Stand

if TYPE_CHECKING:
    from laurel.ledger.v1.finance_pb2_grpc import FinanceServiceAsyncStub
    from laurel.sandbox.v1.clock_pb2_grpc import ClockServiceAsyncStub

JOB = 20_000
"""Members of one job."""
EXPIRING_MAX = 100_000
"""Lots that expire at once at most: half a minute at a few thousand a second."""
LIFETIME = timedelta(days=1)
"""Of the lots that are to expire, well before any other ones do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyLots:
    """The stand with lots, and whom to ask."""

    whole: Stand
    callers: Callers
    finance: FinanceServiceAsyncStub
    clock: ClockServiceAsyncStub

    @classmethod
    def over(cls, whole: Stand, channel: grpc.aio.Channel, callers: Callers) -> ManyLots:
        """The services of a channel."""
        return cls(
            whole=whole,
            callers=callers,
            finance=FinanceServiceStub(channel),
            clock=ClockServiceStub(channel),
        )

    async def measure(self, lots: int) -> dict[str, Figures]:
        """Give so many members a lot, ask what is owed, then have the first of them expire."""
        expiring = min(lots, EXPIRING_MAX)
        now = (await self.clock.GetClock(GetClockRequest(), timeout=DEADLINE)).current_time
        end = Timestamp(seconds=now.seconds + int(LIFETIME.total_seconds()))
        for first in range(0, lots, JOB):
            await self._issue(first, min(first + JOB, lots), end if first < expiring else None)
        case = Case(name="", call=self._report, in_flight=1)
        return {
            f"GetLiabilityReport over {lots:,} lots": await case.measure(self.whole),
            f"expiry of {expiring:,} lots": await self._expire(expiring),
        }

    async def _issue(self, first: int, last: int, expire_time: Timestamp | None) -> None:
        request = IssuePointsRequest(
            request_id=str(uuid.uuid4()),
            program_id=PROGRAM,
            asset_id=ASSET,
            funding_account_id=FUNDING,
            member_ids=[f"m-lot-{number}" for number in range(first, last)],
            amounts=[EARNED],
            expire_time=expire_time,
        )
        await self.callers.issue(request)

    async def _report(self) -> int:
        """Ask what is owed."""
        request = GetLiabilityReportRequest(program_id=PROGRAM, asset_id=ASSET)
        await self.finance.GetLiabilityReport(request, timeout=DEADLINE)
        return 1

    async def _expire(self, lots: int) -> Figures:
        """Move the clock over the end of the lots: it arrives once all of them are expired."""
        size, before = await self.whole.sizes(), self.whole.processor()
        window = Window(items=lots)
        began = time.perf_counter()
        way = Duration(seconds=2 * int(LIFETIME.total_seconds()))
        await self.clock.AdvanceClock(AdvanceClockRequest(duration=way), timeout=2 * DEADLINE)
        window.seconds = time.perf_counter() - began
        after, grown = self.whole.processor(), await self.whole.sizes()
        window.processor = {part: after[part] - before[part] for part in after}
        return Figures(
            per_second=window.per_second,
            p50_ms=1000 * window.seconds,
            client_us=window.microseconds("client"),
            service_us=window.microseconds("service"),
            postgres_us=window.microseconds("postgres"),
            wal_bytes=(grown.wal - size.wal) / lots,
            stored_bytes=(grown.stored - size.stored) / lots,
        )
