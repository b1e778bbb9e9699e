"""The settable clock of a server in sandbox mode: kept in the database, moved by ClockService."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.sandbox.v1 import clock_pb2, clock_pb2_grpc
from sqlalchemy import text

from laurel_kit.clock import Clock, SettableClock
from laurel_kit.database import Database
from laurel_kit.refusals import KitError
from laurel_kit.timers import Scheduler

Context = grpc.aio.ServicerContext[Any, Any]

ONE_MICROSECOND = timedelta(microseconds=1)

_LOAD = text("select offset_microseconds from sandbox_clock")

_SAVE = text("""
    insert into sandbox_clock (offset_microseconds) values (:offset)
    on conflict (id) do update set offset_microseconds = excluded.offset_microseconds
""")


@dataclass(eq=False, kw_only=True)
class NotSandbox(KitError):
    """The RPC is served in sandbox mode only."""


async def load_clock(database: Database, base: Clock | None = None) -> SettableClock:
    """The clock as it was left: as far ahead of the machine's as it was set."""
    async with database.read() as connection:
        offset = (await connection.execute(_LOAD)).scalar_one_or_none()
    return SettableClock(base, offset=timedelta(microseconds=offset or 0))


class Sandbox:
    """Moves the clock, runs what falls due, and keeps where the clock stands."""

    def __init__(self, database: Database, clock: SettableClock, scheduler: Scheduler) -> None:
        self._database = database
        self._clock = clock
        self._scheduler = scheduler

    def now(self) -> datetime:
        """Where the clock stands."""
        return self._clock.now()

    async def set(self, instant: datetime) -> None:
        """Put the clock to an instant; what falls due between is not run on the way."""

        async def put() -> None:
            self._clock.set(instant)
            await self._save()

        await self._scheduler.exclusively(put)

    async def advance(self, until: datetime) -> int:
        """Move the clock to an instant and run what falls due on the way; how much that was."""
        return await self._scheduler.advance(until, moved=self._save)

    async def _save(self) -> None:
        """Keep where the clock stands; a caller who gives up must not leave it half kept."""
        await asyncio.shield(self._write(self._clock.offset // ONE_MICROSECOND))

    async def _write(self, offset: int) -> None:
        async with self._database.begin() as connection:
            await connection.execute(_SAVE, {"offset": offset})


class ClockServicer(clock_pb2_grpc.ClockServiceServicer):
    """Serves ClockService; without a sandbox every RPC is refused with NotSandbox."""

    def __init__(self, sandbox: Sandbox | None) -> None:
        self._given = sandbox

    @property
    def _sandbox(self) -> Sandbox:
        if self._given is None:
            raise NotSandbox
        return self._given

    async def GetClock(  # noqa: N802  # Named by the contract.
        self, _request: clock_pb2.GetClockRequest, _: Context
    ) -> clock_pb2.GetClockResponse:
        """Answer the server's present time."""
        return clock_pb2.GetClockResponse(current_time=timestamp(self._sandbox.now()))

    async def SetClock(  # noqa: N802  # Named by the contract.
        self, request: clock_pb2.SetClockRequest, _: Context
    ) -> clock_pb2.SetClockResponse:
        """Set the clock to an instant."""
        await self._sandbox.set(request.current_time.ToDatetime(UTC))
        return clock_pb2.SetClockResponse(current_time=timestamp(self._sandbox.now()))

    async def AdvanceClock(  # noqa: N802  # Named by the contract.
        self, request: clock_pb2.AdvanceClockRequest, _: Context
    ) -> clock_pb2.AdvanceClockResponse:
        """Move the clock and run what falls due."""
        sandbox = self._sandbox
        timers_run = await sandbox.advance(destination(request, sandbox.now()))
        return clock_pb2.AdvanceClockResponse(
            current_time=timestamp(sandbox.now()), timers_run=timers_run
        )


def destination(request: clock_pb2.AdvanceClockRequest, now: datetime) -> datetime:
    """The instant to which the request wants the clock moved."""
    if request.WhichOneof("destination") == "duration":
        return now + request.duration.ToTimedelta()
    return request.until_time.ToDatetime(UTC)


def timestamp(instant: datetime) -> Timestamp:
    """An instant as a message."""
    message = Timestamp()
    message.FromDatetime(instant)
    return message
