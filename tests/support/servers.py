"""A whole service within the test: foundation, server on a free port, loops, and a channel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from laurel_kit.assembly import Running, running
from laurel_kit.clock import Clock
from laurel_kit.service import Build
from laurel_kit.settings import ServiceSettings


@asynccontextmanager
async def serve(
    build: Build, settings: ServiceSettings, *, clock: Clock | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the service that `build` makes, for the length of the block.

    The settings name a database and a free port: `LedgerSettings(database_url=..., sandbox=True,
    address="127.0.0.1:0")`. `clock` takes the place of the sandbox's own.
    """
    async with served(build, settings, clock=clock) as server:
        yield server.channel


@dataclass(frozen=True, kw_only=True)
class Served:
    """A service with a channel to it, for tests that also look inside."""

    channel: grpc.aio.Channel
    running: Running


@asynccontextmanager
async def served(
    build: Build, settings: ServiceSettings, *, clock: Clock | None = None
) -> AsyncIterator[Served]:
    """As `serve`, with what it was put together from."""
    async with running(build, settings, clock=clock) as whole:
        host = settings.address.rpartition(":")[0]
        address = f"{host}:{whole.server.port}"
        async with grpc.aio.insecure_channel(address) as channel:
            yield Served(channel=channel, running=whole)
