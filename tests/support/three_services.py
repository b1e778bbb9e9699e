"""The three services in processes of their own over one PostgreSQL, each of which can be killed at
the very moment when something is said between them.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from laurel.program.v1.program_service_pb2 import ApplyRevisionRequest
from laurel.program.v1.program_service_pb2_grpc import ProgramServiceStub
from laurel_kit.postgres import PostgresServer, PostgresSettings

from tests.support.nursery import Born, Nursery, nursery
from tests.support.outages import Wire
from tests.support.processes import wait_serving
from tests.support.suites import SERVICES, free_ports, suite_folder

PATIENCE = 180.0
"""Seconds within which a process must be up again before a run is given up."""

CHANNEL = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
)

Kill = Callable[[], Awaitable[None]]


@dataclass(kw_only=True)
class Ambush(Wire):
    """A wire that has something killed when certain bytes are said on it, once.

    `answered` waits until they are said back: then the far side has done what it was asked, and the
    near one is never told.
    """

    words: bytes = b""
    answered: bool = False
    kill: Kill | None = None
    sprung: bool = False

    def lay(self, words: bytes, kill: Kill, *, answered: bool) -> None:
        """Wait for these bytes."""
        self.words, self.kill, self.answered, self.sprung = words, kill, answered, False

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, losing: bool
    ) -> None:
        try:
            while chunk := await reader.read(65536):
                if losing is not self.answered and self.words and self.words in chunk:
                    await self._spring()
                    break
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        writer.transport.abort()

    async def _spring(self) -> None:
        assert self.kill, "it was laid"
        self.words, self.sprung = b"", True
        await self.kill()
        for other in self._open:
            other.transport.abort()


@dataclass(kw_only=True)
class Service:
    """One of the three."""

    name: str
    port: int
    settings: dict[str, str]
    log: Path
    nursery: Nursery
    process: Born | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it serves."""
        self.process = await self.nursery.start(
            f"laurel_{self.name}",
            *("serve", "--migrate"),
            environment={**os.environ, **self.settings},
            log=self.log,
        )
        await wait_serving(self.process, self.address, self.log, PATIENCE)

    async def kill(self) -> None:
        """SIGKILL; nothing starts it again."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@dataclass(kw_only=True)
class Three:
    """All of it."""

    settings: PostgresSettings
    postgres: PostgresServer
    services: dict[str, Service] = field(default_factory=dict)
    wires: dict[str, Ambush] = field(default_factory=dict)
    """From benefits to the other two."""

    async def kill(self, name: str) -> None:
        """SIGKILL of a service or of the postmaster."""
        if name == "postgres":
            os.kill(self.postgres.process_id, signal.SIGKILL)
            await asyncio.to_thread(self.postgres.stop)  # Only waits for its end.
        else:
            await self.services[name].kill()

    async def revive(self, name: str) -> None:
        """Start again what was killed."""
        if name == "postgres":
            self.postgres = await asyncio.to_thread(PostgresServer.start, self.settings)
        else:
            await self.services[name].start()

    @asynccontextmanager
    async def channel(self, name: str) -> AsyncIterator[grpc.aio.Channel]:
        """A channel to a service that finds it soon after a kill."""
        address = self.services[name].address
        async with grpc.aio.insecure_channel(address, options=CHANNEL) as channel:
            yield channel


@asynccontextmanager
async def three_services(source: str) -> AsyncIterator[Three]:
    """The services with a program applied, taken down at the end."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(suite_folder())
        settings = PostgresSettings(folder=folder / "postgres", max_connections=100)
        three = Three(
            settings=settings, postgres=await asyncio.to_thread(PostgresServer.start, settings)
        )
        stack.push_async_callback(end, three)
        births = await stack.enter_async_context(nursery(*(f"laurel_{name}" for name in SERVICES)))
        await prepare(three, folder, births, stack)
        await asyncio.gather(*(each.start() for each in three.services.values()))
        for name in SERVICES:
            async with three.channel(name) as channel:
                request = ApplyRevisionRequest(request_id="program-1", source=source)
                await ProgramServiceStub(channel).ApplyRevision(request, timeout=50)
        yield three


async def prepare(three: Three, folder: Path, births: Nursery, stack: AsyncExitStack) -> None:
    """Databases, ports and wires."""
    databases = await three.postgres.ensure_databases([f"laurel_{name}" for name in SERVICES])
    ports = free_ports(SERVICES)
    for name in ("ledger", "scoring"):
        wire = three.wires[name] = Ambush(host="127.0.0.1", port=ports[name])
        await wire.mend()
        stack.push_async_callback(wire.cut)
    for name in SERVICES:
        prefix = f"LAUREL_{name.upper()}"
        access = databases[f"laurel_{name}"]
        three.services[name] = Service(
            name=name,
            port=ports[name],
            log=folder / f"{name}.log",
            nursery=births,
            settings={
                f"{prefix}_DATABASE_URL": access.url,
                f"{prefix}_MIGRATION_URL": access.migration_url,
                f"{prefix}_ADDRESS": f"127.0.0.1:{ports[name]}",
                f"{prefix}_SANDBOX": "true",
            },
        )
    three.services["benefits"].settings |= {
        f"LAUREL_BENEFITS_{name.upper()}_ADDRESS": wire.address
        for name, wire in three.wires.items()
    }


async def end(three: Three) -> None:
    """End every process, however far it came."""
    for service in three.services.values():
        await service.kill()
    await asyncio.to_thread(three.postgres.stop)
