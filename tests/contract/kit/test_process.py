"""A service put together upon a real database, in the test and as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from laurel.program.v1 import program_service_pb2 as programs_pb
from laurel.program.v1 import program_service_pb2_grpc as programs_grpc
from laurel.sandbox.v1 import clock_pb2, clock_pb2_grpc
from laurel_kit.assembly import Running, supervise
from laurel_kit.database import DatabaseUnavailable
from laurel_kit.kit_faults import KIT_FAULTS
from laurel_kit.service import Foundation, Service
from laurel_kit.settings import ServiceSettings

from tests.contract.kit.echo import SERVICE, Echo, EchoRequest, EchoSettings, Stub, refusal
from tests.support.databases import DatabaseOf, migrations_of
from tests.support.postgres import ROOT
from tests.support.servers import Served, served

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Anything:
    """A section that takes every program file."""

    name = "ledger"

    def compile(self, program: Any) -> str:
        return str(program.program_id)


async def build(foundation: Foundation) -> Service:
    """The echo with everything the kit can serve beside it."""
    return Service(
        name="echo",
        faults={},
        register=Echo().register,
        service_names=(SERVICE,),
        programs=Anything(),
        operations=foundation.operations,
    )


@pytest.fixture
async def settings(database_of: DatabaseOf) -> ServiceSettings:
    access = await database_of.access("kit")
    return EchoSettings(database_url=access.url)


@pytest.fixture
async def echo(settings: ServiceSettings) -> AsyncIterator[Served]:
    async with served(build, settings) as whole:
        yield whole


async def test_the_clock_of_a_sandbox_is_moved_and_kept(settings: ServiceSettings) -> None:
    async with served(build, settings) as echo:
        clocks = clock_pb2_grpc.ClockServiceStub(echo.channel)
        await clocks.SetClock(clock_pb2.SetClockRequest(current_time=NOON), timeout=30)
        day = timedelta(days=1)
        await clocks.AdvanceClock(clock_pb2.AdvanceClockRequest(duration=day), timeout=30)
    async with served(build, settings) as echo:
        clocks = clock_pb2_grpc.ClockServiceStub(echo.channel)
        answer = await clocks.GetClock(clock_pb2.GetClockRequest(), timeout=30)
    now = answer.current_time.ToDatetime(UTC)
    assert NOON + day <= now < NOON + day + timedelta(minutes=1)


async def test_the_clock_stays_the_machines_outside_a_sandbox(settings: ServiceSettings) -> None:
    real = settings.model_copy(update={"sandbox": False})
    async with served(build, real) as echo:
        clocks = clock_pb2_grpc.ClockServiceStub(echo.channel)
        refused = await refusal(clocks.GetClock(clock_pb2.GetClockRequest(), timeout=30))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOT_SANDBOX")


async def test_programs_and_operations_are_served_beside_the_service(echo: Served) -> None:
    programs = programs_grpc.ProgramServiceStub(echo.channel)
    answer = await programs.ValidateRevision(
        programs_pb.ValidateRevisionRequest(source="program_id: [1]\n"), timeout=5
    )
    assert answer.faults
    operations = operations_pb2_grpc.OperationsStub(echo.channel)
    unknown = operations_pb2.GetOperationRequest(name="operations/unknown")
    refused = await refusal(operations.GetOperation(unknown, timeout=30))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "OPERATION_NOT_FOUND")
    listed = operations_pb2.ListOperationsRequest(name="operations")
    assert not (await operations.ListOperations(listed, timeout=30)).operations


async def test_a_database_that_is_away_is_named_and_comes_back(
    echo: Served, database_of: DatabaseOf
) -> None:
    programs = programs_grpc.ProgramServiceStub(echo.channel)
    request = programs_pb.ListRevisionsRequest(program_id="p")
    await programs.ListRevisions(request, timeout=30)
    access = await database_of.access("kit")
    async with refusing_connections(access.name, database_of):
        refused = await refusal(programs.ListRevisions(request, timeout=50))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.UNAVAILABLE,
        "DATABASE_UNAVAILABLE",
    )
    assert "google.rpc.RetryInfo" in refused.kinds
    assert not (await programs.ListRevisions(request, timeout=30)).revisions


@asynccontextmanager
async def refusing_connections(name: str, database_of: DatabaseOf) -> AsyncIterator[None]:
    """A database that drops its connections and takes no new ones."""
    connection = await asyncpg.connect(database_of._databases._server.url())
    try:
        await connection.execute(f"alter database {name} connection limit 0")
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name
        )
        yield
    finally:
        await connection.execute(f"alter database {name} connection limit -1")
        await connection.close()


async def test_a_loop_that_fails_begins_again() -> None:
    runs = 0

    async def shaky() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise DatabaseUnavailable
        if runs == 2:
            raise ValueError("a bug")

    await asyncio.wait_for(supervise(shaky), 10)
    assert runs == 3


async def test_channels_are_closed_with_the_service(settings: ServiceSettings) -> None:
    channels: list[grpc.aio.Channel] = []

    async def building(foundation: Foundation) -> Service:
        channels.append(foundation.open_channel("localhost:1"))
        return await build(foundation)

    async with served(building, settings) as echo:
        assert isinstance(echo.running, Running)
    with pytest.raises(grpc.aio.UsageError):
        await Stub(channels[0]).Read(EchoRequest())


def test_the_kit_maps_every_refusal_it_knows() -> None:
    assert len(KIT_FAULTS) == len({fault.reason for fault in KIT_FAULTS.values()})


PROGRAM = """
import sys
from pathlib import Path
from laurel_kit.process import run
from tests.contract.kit.test_process import build
from tests.contract.kit.echo import EchoSettings
run(build, EchoSettings, migrations=Path(sys.argv.pop(1)))
"""


async def launch(*arguments: str, **variables: str) -> asyncio.subprocess.Process:
    """The echo as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LAUREL_ECHO_LOG_FORMAT": "json"}
    for name, value in variables.items():
        environment[f"LAUREL_ECHO_{name}"] = value
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(migrations_of("kit")),
        *arguments,
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )


async def line_with(process: asyncio.subprocess.Process, text: str) -> str:
    """The first line of its log that says `text`."""
    assert process.stderr is not None
    async for line in process.stderr:
        if text.encode() in line:
            return line.decode()
    raise AssertionError(f"no line says {text}")


async def test_a_process_migrates_serves_and_drains(database_of: DatabaseOf) -> None:
    access = await database_of.access("kit")
    process = await launch(
        "serve", "--migrate", DATABASE_URL=access.url, MIGRATION_URL=access.owner_url
    )
    line = await asyncio.wait_for(line_with(process, '"serving"'), 100)
    assert '"service": "echo"' in line
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(line_with(process, '"drained"'), 60)
    assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_a_process_names_the_setting_that_is_wrong() -> None:
    process = await launch(SANDBOX="perhaps")
    _, errors = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode == 2
    assert errors.decode().startswith("LAUREL_ECHO_SANDBOX: ")


async def test_a_process_that_cannot_start_says_why_in_a_line() -> None:
    process = await launch(DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    _, errors = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode == 1
    assert "DatabaseUnavailable" in errors.decode()
    assert "LAUREL_ECHO_DATABASE_URL" in errors.decode()
    assert "Traceback" not in errors.decode()
