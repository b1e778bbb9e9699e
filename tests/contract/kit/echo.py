"""A service of every call kind for the tests of the kit's server; its contract is made here.

The suite's own contracts have no streams of each kind and no method that misbehaves at will.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import grpc
import pytest
from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, MethodOptions
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from laurel.auth.v1 import scope_pb2
from laurel_kit.server import Server, build_server
from laurel_kit.service import Service
from laurel_kit.settings import ServiceSettings
from pydantic_settings import SettingsConfigDict

PACKAGE = "laurel.testing.v1"
SERVICE = f"{PACKAGE}.EchoService"
METHODS = {
    # name: (scope, harmless, streams requests, streams responses)
    "Read": ("echo.read", True, False, False),
    "Write": ("echo.write", False, False, False),
    "Watch": ("echo.read", True, False, True),
    "Collect": ("echo.write", False, True, False),
    "Chat": ("echo.write", False, True, True),
}


def declare() -> None:
    """Put the contract into the pool of descriptors, as importing generated code does."""
    file = descriptor_pb2.FileDescriptorProto(
        name="laurel/testing/v1/echo.proto", package=PACKAGE, syntax="proto3"
    )
    file.dependency.extend(["buf/validate/validate.proto", "laurel/auth/v1/scope.proto"])
    request = file.message_type.add(name="EchoRequest")
    text = request.field.add(name="text", number=1, type=FieldDescriptorProto.TYPE_STRING, label=1)
    text.options.Extensions[validate_pb2.field].string.max_len = 10
    count = request.field.add(name="count", number=2, type=FieldDescriptorProto.TYPE_INT32, label=1)
    count.options.Extensions[validate_pb2.field].int32.lte = 100
    tags = request.field.add(name="tags", number=3, type=FieldDescriptorProto.TYPE_STRING, label=3)
    tags.options.Extensions[validate_pb2.field].repeated.items.string.min_len = 2
    request.field.add(name="padding", number=4, type=FieldDescriptorProto.TYPE_BYTES, label=1)
    response = file.message_type.add(name="EchoResponse")
    response.field.add(name="text", number=1, type=FieldDescriptorProto.TYPE_STRING, label=1)
    service = file.service.add(name="EchoService")
    for name, (scope, harmless, streams_in, streams_out) in METHODS.items():
        method = service.method.add(
            name=name,
            input_type=f".{PACKAGE}.EchoRequest",
            output_type=f".{PACKAGE}.EchoResponse",
            client_streaming=streams_in,
            server_streaming=streams_out,
        )
        method.options.Extensions[scope_pb2.scope] = scope
        if harmless:
            method.options.idempotency_level = MethodOptions.NO_SIDE_EFFECTS
    bare = file.service.add(name="BareService")
    bare.method.add(
        name="Read", input_type=f".{PACKAGE}.EchoRequest", output_type=f".{PACKAGE}.EchoResponse"
    )
    descriptor_pool.Default().Add(file)


declare()
EchoRequest: Any = message_factory.GetMessageClass(
    descriptor_pool.Default().FindMessageTypeByName(f"{PACKAGE}.EchoRequest")
)
EchoResponse: Any = message_factory.GetMessageClass(
    descriptor_pool.Default().FindMessageTypeByName(f"{PACKAGE}.EchoResponse")
)

Act = Callable[[Any, Any], Awaitable[str]]


async def say(request: Any, context: Any) -> str:
    """The text of the request."""
    return str(request.text)


@dataclass
class Echo:
    """The servicer: does what the test says, by default it answers the text."""

    act: Act = say
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802  # Named by the contract.
        self.begun.set()
        return EchoResponse(text=await self.act(request, context))

    async def Write(self, request: Any, context: Any) -> Any:  # noqa: N802  # Named by the contract.
        self.begun.set()
        return EchoResponse(text=await self.act(request, context))

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802  # Named by the contract.
        self.begun.set()
        for _ in range(request.count):
            yield EchoResponse(text=await self.act(request, context))

    async def Collect(self, requests: AsyncIterator[Any], context: Any) -> Any:  # noqa: N802  # Named by the contract.
        texts = [await self.act(request, context) async for request in requests]
        return EchoResponse(text=",".join(texts))

    async def Chat(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802  # Named by the contract.
        async for request in requests:
            yield EchoResponse(text=await self.act(request, context))

    def register(self, server: grpc.aio.Server) -> None:
        """Add it to a server, as a generated function does."""
        kinds = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }
        handlers = {
            name: kinds[method[2:]](
                getattr(self, name), EchoRequest.FromString, EchoResponse.SerializeToString
            )
            for name, method in METHODS.items()
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))


class EchoSettings(ServiceSettings):
    """Settings of the echo: a sandbox on a free port."""

    model_config = SettingsConfigDict(env_prefix="LAUREL_ECHO_")
    service: ClassVar[str] = "echo"
    database_url: str = "postgresql://nowhere"
    address: str = "127.0.0.1:0"
    sandbox: bool = True


def echo_service(echo: Echo, faults: Any = None) -> Service:
    """The echo as the kit serves it."""
    return Service(
        name="echo", faults=faults or {}, register=echo.register, service_names=(SERVICE,)
    )


@asynccontextmanager
async def serving(
    echo: Echo | None = None, faults: Any = None, telemetry: Any = None, **settings: Any
) -> AsyncIterator[Server]:
    """A server of the echo for the length of the block."""
    service = echo_service(echo or Echo(), faults)
    server = build_server(service, EchoSettings(**settings), telemetry=telemetry)
    await server.start()
    try:
        yield server
    finally:
        await server.calls.stop(None)
        if server.admin:
            await server.admin.stop(None)


class Stub:
    """The calls of the echo over a channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        coding = {
            "request_serializer": EchoRequest.SerializeToString,
            "response_deserializer": EchoResponse.FromString,
        }
        self.Read: Any = channel.unary_unary(f"/{SERVICE}/Read", **coding)
        self.Write: Any = channel.unary_unary(f"/{SERVICE}/Write", **coding)
        self.Watch: Any = channel.unary_stream(f"/{SERVICE}/Watch", **coding)
        self.Collect: Any = channel.stream_unary(f"/{SERVICE}/Collect", **coding)
        self.Chat: Any = channel.stream_stream(f"/{SERVICE}/Chat", **coding)


@asynccontextmanager
async def calling(server: Server, **options: Any) -> AsyncIterator[Stub]:
    """A stub over an insecure channel to the server."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", **options) as channel:
        yield Stub(channel)


def status_of(error: grpc.aio.AioRpcError) -> Refusal:
    """What a refused call says."""
    status = rpc_status.from_call(error)
    assert status is not None, error
    refusal = Refusal(error.code(), status.message)
    for detail in status.details:
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest):
            message = kind()
            if detail.Unpack(message):
                refusal.details[kind.__name__] = message
        refusal.kinds.append(detail.TypeName())
    return refusal


@dataclass
class Refusal:
    """A refusal as a caller sees it."""

    code: grpc.StatusCode
    text: str
    details: dict[str, Any] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)

    @property
    def reason(self) -> str:
        return str(self.details["ErrorInfo"].reason)

    @property
    def domain(self) -> str:
        return str(self.details["ErrorInfo"].domain)

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self.details["ErrorInfo"].metadata)

    @property
    def fields(self) -> list[str]:
        return [each.field for each in self.details["BadRequest"].field_violations]


async def emptied(server: Server) -> None:
    """Returns once no call is inside any more; a caller has its answer a little before that."""
    async with asyncio.timeout(60):
        while server.gate.inside:  # noqa: ASYNC110  # Nobody else would tell.
            await asyncio.sleep(0)


async def refusal(call: Awaitable[Any]) -> Refusal:
    """The refusal of a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return status_of(raised.value)


async def collect(call: Any) -> list[str]:
    """The texts of a stream."""
    return [response.text async for response in call]
