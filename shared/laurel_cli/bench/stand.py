"""The test stand: a PostgreSQL, a ledger and an echo of their own, in a folder that goes away."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import grpc
from laurel.program.v1.program_service_pb2 import ApplyRevisionRequest
from laurel.program.v1.program_service_pb2_grpc import ProgramServiceStub
from laurel_kit.postgres import PostgresServer, PostgresSettings
from laurel_kit.schema import SIZES

from laurel_cli.bench.processor import seconds_of
from laurel_cli.programs import shipped_program
from laurel_cli.service_process import wait_healthy
from laurel_cli.suite import HOST

DATABASE = "laurel_ledger"
PROGRAM, MANY_FUNDERS = "jd", "jd-many-funders"
FUNDERS = [f"funder-{number}" for number in range(995)]
"""Who pays in the second program, which is the first one otherwise: as many as a program holds."""
DEADLINE = 30.0
SETTINGS = {
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "wal_recycle": "on",
}
"""What an operated server would have: no checkpoint falls into a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What the database has written, in bytes."""

    wal: int
    stored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Everything that is measured, and whose processor time counts as whose."""

    postgres: PostgresServer
    ledger: asyncio.subprocess.Process
    echo: asyncio.subprocess.Process
    ledger_address: str
    echo_address: str

    def processor(self) -> dict[str, float]:
        """Processor seconds used so far."""
        return {
            "client": sum(os.times()[:2]),
            "service": seconds_of([self.ledger.pid, self.echo.pid]),
            "postgres": seconds_of([self.postgres.process_id]),
        }

    async def sizes(self) -> Sizes:
        """How much WAL was written so far, and how large the tables are with their indexes."""
        connection = await asyncpg.connect(self.postgres.url(DATABASE))
        try:
            ((wal, stored),) = await connection.fetch(SIZES)
        finally:
            await connection.close()
        return Sizes(wal=int(wal), stored=int(stored))

    def run_pgbench(self, *arguments: str) -> str:
        """Run pgbench against the same server; what it printed."""
        return self.postgres.place.run("pgbench", *arguments, self.postgres.url("pgbench"))


@asynccontextmanager
async def stand() -> AsyncIterator[Stand]:
    """A stand with the program of JD applied, taken down at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="laurel-bench-") as folder:
        settings = PostgresSettings(
            folder=Path(folder), shared_buffers="1GB", max_connections=200, settings=SETTINGS
        )
        postgres = await asyncio.to_thread(PostgresServer.start, settings)
        try:
            async with _processes(postgres) as whole:
                yield whole
        finally:
            await asyncio.to_thread(postgres.stop)


@asynccontextmanager
async def _processes(postgres: PostgresServer) -> AsyncIterator[Stand]:
    databases = await postgres.ensure_databases([DATABASE, "pgbench"])
    environment = {
        **os.environ,
        "LAUREL_LEDGER_DATABASE_URL": databases[DATABASE].url,
        "LAUREL_LEDGER_MIGRATION_URL": databases[DATABASE].migration_url,
        "LAUREL_LEDGER_ADDRESS": f"{HOST}:0",
        "LAUREL_LEDGER_SANDBOX": "true",
        "LAUREL_LEDGER_LOG_FORMAT": "json",
    }
    ledger = await _start(["laurel_ledger", "serve", "--migrate"], environment)
    echo = await _start(["laurel_cli.bench.echo"], environment)
    try:
        whole = Stand(
            postgres=postgres,
            ledger=ledger,
            echo=echo,
            ledger_address=await _address_of(ledger, r'"port": ?(\d+)'),
            echo_address=await _address_of(echo, r"^(\d+)$"),
        )
        reading = [asyncio.create_task(_discard(each)) for each in (ledger, echo)]
        await wait_healthy(whole.ledger_address)
        await _apply_programs(whole.ledger_address)
        yield whole
        for task in reading:
            task.cancel()
    finally:
        for process in (ledger, echo):
            process.terminate()
            await process.wait()


async def _start(module: list[str], environment: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *module),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def _address_of(process: asyncio.subprocess.Process, shape: str) -> str:
    """Where a process says it listens."""
    assert process.stdout, "its output is a pipe"
    said = []
    async for line in process.stdout:
        said.append(line.decode())
        if found := re.search(shape, said[-1].strip()):
            return f"{HOST}:{found[1]}"
    raise RuntimeError(f"a process ended before it listened:\n{''.join(said)}")


async def _discard(process: asyncio.subprocess.Process) -> None:
    """Read what a process says so that it never waits for us."""
    assert process.stdout, "its output is a pipe"
    async for _ in process.stdout:
        pass


async def _apply_programs(address: str) -> None:
    """Apply the program of JD as it is, and once more with many funding accounts."""
    source = shipped_program("jd").read_text()
    lines = "".join(
        f"    - {{account_id: {name}, purpose: funding, display_name: {name}}}\n"
        for name in FUNDERS
    )
    many = source.replace(f"program_id: {PROGRAM}\n", f"program_id: {MANY_FUNDERS}\n", 1)
    many = many.replace("  accounts:\n", f"  accounts:\n{lines}", 1)
    async with grpc.aio.insecure_channel(address) as channel:
        for number, each in enumerate((source, many)):
            request = ApplyRevisionRequest(request_id=f"bench-{number}", source=each)
            await ProgramServiceStub(channel).ApplyRevision(request, timeout=DEADLINE)
