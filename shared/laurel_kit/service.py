"""What a service hands to the kit, and what the kit hands to a service.

`process.run` makes the `Foundation`, the service's `build` makes its `Service` out of it, and
the kit serves it. Contract tests take the same road with a server of their own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import grpc.aio

from laurel_kit.channels import open_channel
from laurel_kit.faults import FaultTable
from laurel_kit.programs.registry import ProgramRegistry
from laurel_kit.programs.sections import ProgramSection
from laurel_kit.settings import ServiceSettings
from laurel_kit.telemetry import Telemetry

if TYPE_CHECKING:
    from laurel_kit.clock import Clock
    from laurel_kit.database import Database
    from laurel_kit.operations import Operations
    from laurel_kit.timers import DueSource, TimerTable

Model = TypeVar("Model")

Background = Callable[[], Awaitable[None]]
"""A task that lives as long as the server; cancelled at its end, begun again when it fails."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service as the kit serves it."""

    name: str
    """`ledger`: part of the domain of errors and of the scopes."""
    faults: FaultTable
    """The refusals of its domain; the kit's own are added by the server."""
    register: Callable[[grpc.aio.Server], None]
    """Adds its servicers."""
    service_names: tuple[str, ...]
    """Full names of what it serves, for scopes, health and reflection."""
    programs: ProgramSection[Any] | None = None
    """Its part of a program file; the kit then serves ProgramService."""
    due_sources: tuple[DueSource, ...] = ()
    """Further sources of timers, beside the kit's timer table."""
    background: tuple[Background, ...] = ()
    """Loops that live as long as the server: relays, lanes."""
    operations: Operations | None = None
    """Its long-running operations; the kit then serves google.longrunning.Operations and runs
    them."""


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """What a service is built upon; closed by the kit after the service has ended."""

    settings: ServiceSettings
    database: Database
    clock: Clock
    timers: TimerTable
    operations: Operations
    telemetry: Telemetry = field(default_factory=Telemetry)
    _channels: list[grpc.aio.Channel] = field(default_factory=list, repr=False)
    _registries: dict[int, ProgramRegistry[Any]] = field(default_factory=dict, repr=False)

    def programs(self, section: ProgramSection[Model]) -> ProgramRegistry[Model]:
        """The compiled revisions for a section: one registry, shared with the kit's
        ProgramService.
        """
        return self._registries.setdefault(id(section), ProgramRegistry(section))

    def open_channel(self, address: str) -> grpc.aio.Channel:
        """A channel to another service, `host:port`; the kit closes it after the service has
        ended.
        """
        interceptors = self.telemetry.client_interceptors
        channel = open_channel(address, self.settings, interceptors=interceptors)
        self._channels.append(channel)
        return channel

    async def close_channels(self) -> None:
        """Close what `open_channel` has opened."""
        for channel in self._channels:
            await channel.close()


Build = Callable[[Foundation], Awaitable[Service]]
"""A service's `service.py`: the wiring of handlers, servicers and loops upon a foundation."""
