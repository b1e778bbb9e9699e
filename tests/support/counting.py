"""A long-running job for tests: it counts, and can be made to hang or to fail at a step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from laurel.sandbox.v1.clock_pb2 import AdvanceClockResponse, GetClockRequest
from laurel_kit.clock import Clock
from laurel_kit.database import Connection, Database
from laurel_kit.fingerprint import fingerprint
from laurel_kit.operations import Operation, OperationLimits, Operations, Progress
from laurel_kit.outbox import append
from sqlalchemy import text

QUICK = OperationLimits(lease=timedelta(milliseconds=300), poll_interval=timedelta(milliseconds=10))
PATIENCE = timedelta(seconds=120)
CONTENT = fingerprint(GetClockRequest()).encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    steps: int


class Counting:
    """A job that leaves an event at each step; it can be made to hang or to fail at one."""

    def __init__(
        self, database: Database, clock: Clock, operations: Operations | None = None
    ) -> None:
        self.database = database
        self.clock = clock
        self.hang_at: int | None = None
        self.fail_at: int | None = None
        self.hanging = asyncio.Event()
        self.go_on = asyncio.Event()
        self.operations = operations or Operations(database, clock, limits=QUICK)
        self.operations.register(
            "count", self.run, request=Count, response=Counted, write=write_counted
        )

    async def run(self, request: Count, progress: Progress) -> Counted:
        for step in range(progress.checkpoint or 0, request.steps):
            await self.database.transact(
                lambda connection, step=step: self.step(connection, progress, request, step)
            )
        return Counted(steps=request.steps)

    async def step(
        self, connection: Connection, progress: Progress, request: Count, step: int
    ) -> None:
        await append(
            connection,
            topic="step",
            program_id="jd",
            key=f"{step}",
            payload=step,
            create_time=self.clock.now(),
        )
        await progress.record(connection, done=step + 1, total=request.steps, checkpoint=step + 1)
        if step == self.fail_at:
            raise RuntimeError("a secret of ours")
        if step == self.hang_at:
            self.hanging.set()
            await self.go_on.wait()

    async def start(
        self, request_id: str = "r-1", content: bytes = CONTENT, steps: int = 5
    ) -> Operation:
        async def work(connection: Connection) -> Operation:
            return await self.operations.start(
                connection,
                kind="count",
                program_id="jd",
                request=Count(steps=steps),
                request_id=request_id,
                fingerprint=content,
            )

        return await self.database.transact(work)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.operations.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def steps(self) -> list[int]:
        async with self.database.read() as connection:
            rows = await connection.execute(text("select key from outbox order by event_id"))
            return [int(key) for (key,) in rows]


def write_counted(counted: Counted) -> AdvanceClockResponse:
    return AdvanceClockResponse(timers_run=counted.steps)
