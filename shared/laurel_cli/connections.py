"""Channels to the three services, and where they are."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from laurel_cli.suite import DEFAULT_PORTS, HOST, SERVICES, read_running_suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """An open channel to each service."""

    ledger: grpc.aio.Channel
    scoring: grpc.aio.Channel
    benefits: grpc.aio.Channel

    def channels(self) -> tuple[grpc.aio.Channel, ...]:
        """Every channel, after those of the services it calls."""
        return (self.ledger, self.scoring, self.benefits)

    def items(self) -> tuple[tuple[str, grpc.aio.Channel], ...]:
        """Every service's name and channel, after the ones it calls."""
        return tuple(zip(SERVICES, self.channels(), strict=True))


def find_addresses(data: Path) -> dict[str, str]:
    """Where the services are: by the environment, else by a running `laurel up`, else as usual."""
    running = read_running_suite(data)
    known = running.addresses if running else {}
    return {
        name: os.environ.get(f"LAUREL_{name.upper()}_ADDRESS")
        or known.get(name)
        or f"{HOST}:{DEFAULT_PORTS[name]}"
        for name in SERVICES
    }


@asynccontextmanager
async def connect(addresses: Mapping[str, str]) -> AsyncIterator[Connections]:
    """Open the channels for the length of a block."""
    async with AsyncExitStack() as stack:
        channels = {
            name: await stack.enter_async_context(open_channel(addresses[name], os.environ))
            for name in SERVICES
        }
        yield Connections(**channels)


def open_channel(address: str, environment: Mapping[str, str]) -> grpc.aio.Channel:
    """A channel to a server: plain to one on this machine, encrypted where an authority is named.

    LAUREL_AUTHORITY_FILE names the authority of the servers' certificates, LAUREL_TOKEN_FILE a
    token to show; a token is never sent in the clear.
    """
    authority = environment.get("LAUREL_AUTHORITY_FILE")
    if authority is None:
        return grpc.aio.insecure_channel(address)
    credentials = grpc.ssl_channel_credentials(Path(authority).read_bytes())
    if token := environment.get("LAUREL_TOKEN_FILE"):
        shown = grpc.access_token_call_credentials(Path(token).read_text().strip())
        credentials = grpc.composite_channel_credentials(credentials, shown)
    return grpc.aio.secure_channel(address, credentials)
