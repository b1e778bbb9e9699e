"""A service put together: its foundation, itself, what the kit serves beside it, its loops.

`running` is the whole of it; `process` calls it for a process of its own, tests within theirs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import grpc
import structlog
from google.longrunning import operations_pb2_grpc
from laurel.program.v1 import program_service_pb2_grpc
from laurel.sandbox.v1 import clock_pb2_grpc

from laurel_kit.clock import Clock, SettableClock, SystemClock
from laurel_kit.database import Database, DatabaseUnavailable
from laurel_kit.interceptors.ending import described
from laurel_kit.interceptors.policy import OPERATIONS
from laurel_kit.operations import Operations
from laurel_kit.operations_servicer import OperationsServicer
from laurel_kit.programs.revisions import Revisions
from laurel_kit.programs.servicer import SERVICE_NAME as PROGRAMS
from laurel_kit.programs.servicer import ProgramServicer
from laurel_kit.sandbox import ClockServicer, Sandbox, load_clock
from laurel_kit.server import Server, build_server, faults_of_service
from laurel_kit.service import Build, Foundation, Service
from laurel_kit.settings import ServiceSettings
from laurel_kit.tasks import end, heed_cancellation
from laurel_kit.telemetry_start import start_telemetry
from laurel_kit.timers import Scheduler, TimerTable

CLOCKS = "laurel.sandbox.v1.ClockService"

FIRST_PAUSE = timedelta(milliseconds=200)
"""How long a loop that failed waits before it begins again; doubled each time."""

PAUSE_MAX = timedelta(seconds=30)
"""Longest such wait; a loop that ran longer than this begins with the first one again."""

_LOG = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A service that answers."""

    server: Server
    service: Service
    foundation: Foundation
    scheduler: Scheduler


@asynccontextmanager
async def running(
    build: Build, settings: ServiceSettings, *, clock: Clock | None = None
) -> AsyncIterator[Running]:
    """The service, answering for the length of the block, and drained at its end.

    `clock` takes the place of the machine's or the sandbox's, for tests.
    """
    async with open_foundation(settings, clock) as foundation:
        service = await build(foundation)
        foundation.operations.describe = partial(
            described, faults=faults_of_service(service), domain=f"{service.name}.laurel"
        )
        sources = (foundation.timers, *service.due_sources)
        scheduler = Scheduler(foundation.clock, sources, settings.timer_interval)
        served = with_common(service, foundation, scheduler)
        server = build_server(served, settings, telemetry=foundation.telemetry)
        async with looping(loops_of(service, foundation, scheduler)):
            await server.start()
            try:
                yield Running(
                    server=server, service=service, foundation=foundation, scheduler=scheduler
                )
            finally:
                await server.drain()


@asynccontextmanager
async def open_foundation(
    settings: ServiceSettings, clock: Clock | None = None
) -> AsyncIterator[Foundation]:
    """Database, clock, timers and the like for one service, closed at the end of the block."""
    async with AsyncExitStack() as stack:
        telemetry = start_telemetry(settings)
        stack.callback(telemetry.close)
        database = Database.open(
            settings.database_url,
            pool_size=settings.database_pool_size,
            statement_timeout=settings.statement_timeout,
            application_name=f"laurel-{settings.service}",
        )
        stack.push_async_callback(database.close)
        clock = clock or await clock_of(settings, database)
        foundation = Foundation(
            settings=settings,
            database=database,
            clock=clock,
            timers=TimerTable(database),
            operations=Operations(database, clock),
            telemetry=telemetry,
        )
        stack.push_async_callback(foundation.close_channels)
        yield foundation


async def clock_of(settings: ServiceSettings, database: Database) -> Clock:
    """The machine's clock; in sandbox mode the one that can be set, as it was left."""
    return await load_clock(database) if settings.sandbox else SystemClock()


def with_common(service: Service, foundation: Foundation, scheduler: Scheduler) -> Service:
    """The service with what the kit serves beside it: programs, operations, the sandbox's clock."""
    names = [*service.service_names, CLOCKS]
    if service.programs:
        names.append(PROGRAMS)
    if service.operations:
        names.append(OPERATIONS)

    def register(server: grpc.aio.Server) -> None:
        service.register(server)
        clocks = ClockServicer(sandbox_of(foundation, scheduler))
        clock_pb2_grpc.add_ClockServiceServicer_to_server(clocks, server)
        if service.programs:
            programs = ProgramServicer(revisions_of(service, foundation))
            program_service_pb2_grpc.add_ProgramServiceServicer_to_server(programs, server)
        if service.operations:
            operations = OperationsServicer(service.operations)
            operations_pb2_grpc.add_OperationsServicer_to_server(operations, server)

    return replace(service, register=register, service_names=tuple(names))


def sandbox_of(foundation: Foundation, scheduler: Scheduler) -> Sandbox | None:
    """What moves the clock, None where it cannot be moved."""
    if not foundation.settings.sandbox or not isinstance(foundation.clock, SettableClock):
        return None
    return Sandbox(foundation.database, foundation.clock, scheduler)


def revisions_of(service: Service, foundation: Foundation) -> Revisions:
    """The program service upon the registry that the service itself uses."""
    assert service.programs is not None, "asked only for a service with programs"
    return Revisions(
        database=foundation.database,
        clock=foundation.clock,
        registry=foundation.programs(service.programs),
    )


Loop = Callable[[], Awaitable[None]]


def loops_of(service: Service, foundation: Foundation, scheduler: Scheduler) -> Sequence[Loop]:
    """Everything that goes on as long as the server."""
    loops = [scheduler.run, *service.background]
    if service.programs:
        registry = foundation.programs(service.programs)
        loops.append(lambda: registry.watch(foundation.database))
    if service.operations:
        loops.append(service.operations.run)
    return loops


@asynccontextmanager
async def looping(loops: Sequence[Loop]) -> AsyncIterator[None]:
    """Run the loops for the length of the block."""
    # In a context of their own: what goes on for ever must not inherit a caller's deadline.
    tasks = [asyncio.create_task(supervise(loop), context=Context()) for loop in loops]
    try:
        yield
    finally:
        await end(tasks)


async def supervise(loop: Loop) -> None:
    """Run a loop, again and again when it fails, with growing pauses; ends when the loop
    returns.
    """
    pause = FIRST_PAUSE
    while True:
        begun = time.monotonic()
        try:
            await loop()
        except DatabaseUnavailable:
            _LOG.warning("a loop waits for the database", loop=name_of(loop))
        except Exception:  # noqa: BLE001  # A loop goes on whatever happens.
            _LOG.exception("a loop failed and begins again", loop=name_of(loop))
        else:
            return
        heed_cancellation()
        if time.monotonic() - begun > PAUSE_MAX.total_seconds():
            pause = FIRST_PAUSE
        await asyncio.sleep(pause.total_seconds())
        pause = min(pause * 2, PAUSE_MAX)


def name_of(loop: Loop) -> str:
    """A loop's name for the log."""
    return getattr(loop, "__qualname__", repr(loop))
