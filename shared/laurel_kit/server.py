"""A service as a gRPC server: its servicers behind the chain, health, reflection, an orderly end.

`build_server` binds and registers, nothing more, so that a test can have a server on a free port
in its own process; `laurel_kit.process` adds everything around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import grpc
import structlog
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from laurel_kit.access import Access, access_of
from laurel_kit.certificates import server_credentials
from laurel_kit.faults import FaultTable
from laurel_kit.health import Health
from laurel_kit.interceptors.chain import Chain
from laurel_kit.interceptors.ending import Ending
from laurel_kit.interceptors.gate import Gate
from laurel_kit.interceptors.policy import policies_of
from laurel_kit.interceptors.validation import prepare
from laurel_kit.kit_faults import KIT_FAULTS
from laurel_kit.service import Service
from laurel_kit.settings import ServiceSettings
from laurel_kit.telemetry import Telemetry

HEALTH = "grpc.health.v1.Health"
ADMIN_SERVICES = (
    "grpc.channelz.v1.Channelz",
    "envoy.service.status.v3.ClientStatusDiscoveryService",
)
SPARE_CALLS = 64
"""Calls above our own limit that grpc still hands to us, to be refused with a reason."""

_LOG = structlog.stdlib.get_logger(__name__)


class AddressTaken(Exception):
    """The server cannot listen where it should: the address is in use, or not of this machine."""


@dataclass(kw_only=True)
class Server:
    """A server that is bound; `start` it, and `drain` it at the end."""

    calls: grpc.aio.Server
    admin: grpc.aio.Server | None
    health: Health
    gate: Gate
    access: Access
    settings: ServiceSettings
    service_names: tuple[str, ...]
    port: int
    """The port it listens on, also where the settings asked for any."""
    admin_port: int

    async def start(self) -> None:
        """Serve calls, and say so to who asks for its health."""
        await self.calls.start()
        if self.admin:
            await self.admin.start()
        for name in self.service_names:
            await self.health.set(name, health_pb2.HealthCheckResponse.SERVING)
        _LOG.info("serving", address=self.settings.address, port=self.port)

    async def drain(self) -> None:
        """End in order: say NOT_SERVING, let calls in flight finish within the grace, begin none.

        Streams of reads end at once with SHUTTING_DOWN; their callers resume at another server.
        """
        _LOG.info("draining", calls=self.gate.inside)
        await self.health.enter_graceful_shutdown()
        await asyncio.sleep(self.settings.drain_delay.total_seconds())
        self.gate.close()
        self.health.end_watches()
        await self.calls.stop(self.settings.drain_grace.total_seconds())
        if self.admin:
            await self.admin.stop(None)
        _LOG.info("drained")


def build_server(
    service: Service, settings: ServiceSettings, *, telemetry: Telemetry | None = None
) -> Server:
    """The service behind the chain, bound to its address. Within a running event loop.

    Raises ScopeUndeclared for a method without a scope, CompilationError of protovalidate for a
    rule that cannot be, AddressTaken.
    """
    telemetry = telemetry or Telemetry()
    policies = policies_of(service.service_names)
    prepare_rules(service.service_names)
    telemetry.known_methods.update(path.removeprefix("/") for path in policies)
    gate = Gate(settings.calls_max)
    ending = Ending(
        domain=f"{service.name}.laurel",
        faults=faults_of_service(service),
        slow_seconds=settings.slow_call.total_seconds(),
        every_call=settings.log_level == "debug",
    )
    access = access_of(settings)
    chain = Chain(policies=policies, settings=settings, gate=gate, access=access, ending=ending)
    server = grpc.aio.server(
        interceptors=[*telemetry.server_interceptors, chain],
        options=server_options(settings),
        maximum_concurrent_rpcs=settings.calls_max + SPARE_CALLS,
    )
    by_name = cast("grpc.aio.Server", ByName(server))
    service.register(by_name)
    health = add_common(by_name, service, settings)
    admin, admin_port = build_admin(settings)
    return Server(
        calls=server,
        admin=admin,
        health=health,
        gate=gate,
        access=access,
        settings=settings,
        service_names=service.service_names,
        port=bind(server, settings),
        admin_port=admin_port,
    )


class ByName:
    """Takes servicers for a server that finds each method by its name.

    Generated code registers every method with grpc as well, whose server then waits, for each call,
    on a future for every method there is: with fifty of them that costs more than a small call
    itself. What it saves, a look-up by name, the chain does once a method.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Have the server find these methods by their names."""
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(
        self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        """Nothing: they are found already."""


def faults_of_service(service: Service) -> FaultTable:
    """The kit's rows and, above them, the service's."""
    return {**KIT_FAULTS, **service.faults}


def prepare_rules(service_names: tuple[str, ...]) -> None:
    """Compile the rules of every request before the first one comes."""
    for name in service_names:
        for method in descriptor_pool.Default().FindServiceByName(name).methods:
            prepare(method.input_type)


def add_common(server: grpc.aio.Server, service: Service, settings: ServiceSettings) -> Health:
    """Health, and reflection where the settings allow it."""
    health = Health()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    if settings.reflection:
        names = (*service.service_names, HEALTH, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
    return health


def server_options(settings: ServiceSettings) -> list[tuple[str, Any]]:
    """Limits of messages and connections as grpc names them."""

    def milliseconds(name: str) -> int:
        span: timedelta = getattr(settings, name)
        return round(span.total_seconds() * 1000)

    return [
        ("grpc.max_receive_message_length", settings.request_bytes_max),
        ("grpc.max_send_message_length", settings.response_bytes_max),
        ("grpc.keepalive_time_ms", milliseconds("keepalive_interval")),
        ("grpc.keepalive_timeout_ms", milliseconds("keepalive_timeout")),
        # Callers may probe half as often as we do; more is taken for an attack and cut off.
        (
            "grpc.http2.min_ping_interval_without_data_ms",
            milliseconds("keepalive_interval") // 2,
        ),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.max_connection_age_ms", milliseconds("connection_age_max")),
        ("grpc.max_connection_age_grace_ms", milliseconds("stream_time_max")),
        ("grpc.so_reuseport", int(settings.share_port)),
    ]


def bind(server: grpc.aio.Server, settings: ServiceSettings) -> int:
    """Listen where the settings say, encrypted where they say so; answers the port."""
    try:
        if settings.tls:
            port = server.add_secure_port(settings.address, server_credentials(settings))
        else:
            port = server.add_insecure_port(settings.address)
    except RuntimeError as error:
        raise AddressTaken(f"cannot listen on {settings.address}") from error
    return int(port)


def build_admin(settings: ServiceSettings) -> tuple[grpc.aio.Server | None, int]:
    """Channelz and its like on a port of their own, reachable from this machine only."""
    if not settings.admin_address:
        return None, 0
    import grpc_admin  # noqa: PLC0415  # Only where it is used: it brings all of xDS.

    server = grpc.aio.server(options=[("grpc.so_reuseport", int(settings.share_port))])
    grpc_admin.add_admin_servicers(server)
    reflection.enable_server_reflection((*ADMIN_SERVICES, reflection.SERVICE_NAME), server)
    try:
        return server, server.add_insecure_port(settings.admin_address)
    except RuntimeError as error:
        raise AddressTaken(f"cannot listen on {settings.admin_address}") from error
