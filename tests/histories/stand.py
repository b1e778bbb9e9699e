"""A PostgreSQL and a ledger of their own, in processes that can be killed, behind wires that can be
cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest
from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceStub
from laurel.program.v1.program_service_pb2 import ApplyRevisionRequest
from laurel.program.v1.program_service_pb2_grpc import ProgramServiceStub
from laurel_kit.postgres import DatabaseAccess, PostgresServer, PostgresSettings

from tests.histories.clients import CHANNEL, DEADLINE
from tests.support.checkpoint_keys import write_key
from tests.support.nursery import Born, Nursery, nursery
from tests.support.outages import Wire, wire_to
from tests.support.processes import wait_serving
from tests.support.programs import program_text
from tests.support.suites import free_ports, suite_folder

POLL_INTERVAL = 0.05
PATIENCE = 180.0
"""Seconds within which a process must be up again before the run is given up."""


@dataclass(kw_only=True)
class Stand:
    """What is hurt in a run."""

    folder: Path
    settings: PostgresSettings
    postgres: PostgresServer
    access: DatabaseAccess
    port: int
    to_database: Wire
    to_service: Wire
    births: Nursery
    service: Born | None = None
    recoveries: list[float] = field(default_factory=list)
    """Seconds from a database that was ready again to a ledger that was, without those in which the
    machine was late to run whoever looked.
    """

    @property
    def log(self) -> Path:
        """What the ledger has said in all its lives."""
        return self.folder / "ledger.log"

    @property
    def key_file(self) -> Path:
        """What signs its checkpoints."""
        return self.folder / "checkpoint-key.pem"

    async def start_service(self) -> None:
        """Start the ledger and wait until it serves."""
        environment = {
            **os.environ,
            "LAUREL_LEDGER_DATABASE_URL": self.to_database.through(self.access.url),
            "LAUREL_LEDGER_MIGRATION_URL": self.access.migration_url,
            "LAUREL_LEDGER_ADDRESS": f"127.0.0.1:{self.port}",
            "LAUREL_LEDGER_SANDBOX": "true",
            "LAUREL_LEDGER_CHECKPOINT_KEY_FILE": str(self.key_file),
        }
        self.service = await self.births.start(
            "laurel_ledger", "serve", "--migrate", environment=environment, log=self.log
        )
        await wait_serving(self.service, f"127.0.0.1:{self.port}", self.log, PATIENCE)

    async def kill_service(self) -> None:
        """SIGKILL, and another life."""
        assert self.service is not None
        self.service.kill()
        await self.service.wait()
        await self.start_service()

    async def kill_database(self) -> None:
        """SIGKILL of the postmaster, recovery; how long the ledger then takes is noted."""
        os.kill(self.postgres.process_id, signal.SIGKILL)
        await asyncio.to_thread(self.postgres.stop)  # Only waits for its end.
        self.postgres = await asyncio.to_thread(PostgresServer.start, self.settings)
        ready = time.monotonic()
        late = await asyncio.wait_for(self.wait_answering(), PATIENCE)
        self.recoveries.append(time.monotonic() - ready - late)

    def channel(self) -> grpc.aio.Channel:
        """A channel to the ledger over the wire."""
        return grpc.aio.insecure_channel(self.to_service.address, options=CHANNEL)

    async def wait_answering(self) -> float:
        """Return once balances can be read again: by how many seconds pauses were too long
        meanwhile. A machine that leaves one process waiting leaves all of them.
        """
        late = 0.0
        wanted = GetBalanceRequest(program_id="jd", member_id="m-0", asset_id="bean")
        address = f"127.0.0.1:{self.port}"
        async with grpc.aio.insecure_channel(address, options=CHANNEL) as channel:
            while True:
                with contextlib.suppress(grpc.aio.AioRpcError):
                    await BalanceServiceStub(channel).GetBalance(wanted, timeout=DEADLINE)
                    return late
                paused = time.monotonic()
                await asyncio.sleep(POLL_INTERVAL)
                late += max(0.0, time.monotonic() - paused - POLL_INTERVAL)


@asynccontextmanager
async def stand() -> AsyncIterator[Stand]:
    """A stand with JD's program applied, taken down at the end."""
    with suite_folder() as folder:
        settings = PostgresSettings(folder=folder / "postgres", settings={"autovacuum": "on"})
        postgres = await asyncio.to_thread(PostgresServer.start, settings)
        port = free_ports(("ledger",))["ledger"]
        try:
            access = (await postgres.ensure_databases(["laurel_ledger"]))["laurel_ledger"]
            async with (
                wire_to(access.url) as there,
                wire_to(f"http://127.0.0.1:{port}") as here,
                nursery("laurel_ledger") as births,
            ):
                whole = Stand(
                    births=births,
                    folder=folder,
                    settings=settings,
                    postgres=postgres,
                    access=access,
                    port=port,
                    to_database=there,
                    to_service=here,
                )
                write_key(whole.key_file)
                try:
                    await whole.start_service()
                    await apply_program(f"127.0.0.1:{port}")
                    yield whole
                finally:
                    postgres = whole.postgres
                    await end_service(whole)
        finally:
            await asyncio.to_thread(postgres.stop)


async def end_service(whole: Stand) -> None:
    """End the ledger's process, however far it came."""
    if whole.service is not None and whole.service.returncode is None:
        whole.service.kill()
        await whole.service.wait()


async def apply_program(address: str) -> None:
    """The program whose points move."""
    async with grpc.aio.insecure_channel(address) as channel:
        request = ApplyRevisionRequest(request_id="program-1", source=program_text())
        await ProgramServiceStub(channel).ApplyRevision(request, timeout=10 * DEADLINE)
