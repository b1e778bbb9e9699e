"""The test stand: a PostgreSQL, a service and an echo of their own, in a folder that goes away."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
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

PEERS = "pgbench"
"""The database of what is measured beside the service."""
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

    database: str
    postgres: PostgresServer
    service: asyncio.subprocess.Process
    echo: asyncio.subprocess.Process
    address: str
    echo_address: str

    def processor(self) -> dict[str, float]:
        """Processor seconds used so far."""
        return {
            "client": sum(os.times()[:2]),
            "service": seconds_of([self.service.pid, self.echo.pid]),
            "postgres": seconds_of([self.postgres.process_id]),
        }

    async def sizes(self) -> Sizes:
        """How much WAL was written so far, and how large the tables are with their indexes."""
        connection = await asyncpg.connect(self.postgres.url(self.database))
        try:
            ((wal, stored),) = await connection.fetch(SIZES)
        finally:
            await connection.close()
        return Sizes(wal=int(wal), stored=int(stored))

    def run_pgbench(self, *arguments: str, script: str | None = None) -> str:
        """Run pgbench against the same server, its own transactions or a script's; its words."""
        place = self.postgres.place
        if script is None:
            return place.run("pgbench", *arguments, self.postgres.url(PEERS))
        file = place.home / "bench.sql"
        place.write_secret(file, script)  # The server's user may be another one than ours.
        return place.run("pgbench", *arguments, f"--file={file}", self.postgres.url(PEERS))

    async def run_sql(self, text: str) -> None:
        """Run statements in the database in which peers are measured."""
        connection = await asyncpg.connect(self.postgres.url(PEERS))
        try:
            await connection.execute(text)
        finally:
            await connection.close()


@asynccontextmanager
async def stand(
    name: str, programs: Sequence[str] = (), settings: Mapping[str, str] | None = None
) -> AsyncIterator[Stand]:
    """A stand with a service (`ledger`, ...), taken down at the end.

    JD's program is applied, and the sources of further programs. `settings` are variables of the
    environment that the service has beside those every stand sets.
    """
    with tempfile.TemporaryDirectory(prefix="laurel-bench-") as folder:
        served = PostgresSettings(
            folder=Path(folder), shared_buffers="1GB", max_connections=200, settings=SETTINGS
        )
        postgres = await asyncio.to_thread(PostgresServer.start, served)
        try:
            async with _processes(name, postgres, settings or {}) as whole:
                await _apply_programs(whole.address, [shipped_program("jd").read_text(), *programs])
                yield whole
        finally:
            await asyncio.to_thread(postgres.stop)


@asynccontextmanager
async def _processes(
    name: str, postgres: PostgresServer, settings: Mapping[str, str]
) -> AsyncIterator[Stand]:
    package, prefix = f"laurel_{name}", f"LAUREL_{name.upper()}"
    databases = await postgres.ensure_databases([package, PEERS])
    environment = {
        **os.environ,
        f"{prefix}_DATABASE_URL": databases[package].url,
        f"{prefix}_MIGRATION_URL": databases[package].migration_url,
        f"{prefix}_ADDRESS": f"{HOST}:0",
        f"{prefix}_SANDBOX": "true",
        f"{prefix}_LOG_FORMAT": "json",
        **settings,
    }
    service = await _start([package, "serve", "--migrate"], environment)
    echo = await _start(["laurel_cli.bench.echo"], environment)
    try:
        whole = Stand(
            database=package,
            postgres=postgres,
            service=service,
            echo=echo,
            address=await _address_of(service, r'"port": ?(\d+)'),
            echo_address=await _address_of(echo, r"^(\d+)$"),
        )
        reading = [asyncio.create_task(_discard(each)) for each in (service, echo)]
        await wait_healthy(whole.address)
        yield whole
        for task in reading:
            task.cancel()
    finally:
        for process in (service, echo):
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


async def _apply_programs(address: str, sources: Sequence[str]) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        for number, source in enumerate(sources):
            request = ApplyRevisionRequest(request_id=f"bench-{number}", source=source)
            await ProgramServiceStub(channel).ApplyRevision(request, timeout=DEADLINE)
