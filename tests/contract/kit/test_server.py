"""The server itself: health, reflection, its inner port, limits, and an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from laurel_kit.interceptors.policy import ScopeUndeclared
from laurel_kit.server import AddressTaken, Server, build_server
from laurel_kit.service import Service

from tests.contract.kit.echo import (
    PACKAGE,
    SERVICE,
    Echo,
    EchoRequest,
    EchoSettings,
    calling,
    collect,
    echo_service,
    emptied,
    refusal,
    serving,
)

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@asynccontextmanager
async def channel_to(port: int) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel


class Held:
    """An act that goes on until it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()

    async def __call__(self, request: Any, context: Any) -> str:
        await self.let_go.wait()
        return "done"


async def started(echo: Echo, **settings: Any) -> Server:
    """A server that the test drains itself."""
    server = build_server(echo_service(echo), EchoSettings(**settings))
    await server.start()
    return server


async def test_health_tells_of_the_whole_and_of_each_service() -> None:
    async with serving() as server, channel_to(server.port) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", SERVICE):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == SERVING
        with pytest.raises(grpc.aio.AioRpcError):
            await health.Check(health_pb2.HealthCheckRequest(service="unknown"))


@pytest.mark.parametrize("allowed", [True, False])
async def test_reflection_tells_the_contract_where_it_is_allowed(allowed: bool) -> None:
    async with serving(reflection=allowed) as server, channel_to(server.port) as channel:
        if allowed:
            assert SERVICE in await names_told(channel)
            return
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await names_told(channel)
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def names_told(channel: grpc.aio.Channel) -> set[str]:
    """The services that reflection tells of."""
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    question = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = [each async for each in stub.ServerReflectionInfo(iter([question]))]
    return {each.name for each in answer.list_services_response.service}


async def test_channelz_is_served_on_the_inner_port_only() -> None:
    async with serving(admin_address="127.0.0.1:0") as server:
        async with channel_to(server.admin_port) as channel:
            channelz = channelz_pb2_grpc.ChannelzStub(channel)
            found = await channelz.GetServers(channelz_pb2.GetServersRequest())
            assert len(found.server) >= 2
            assert "grpc.channelz.v1.Channelz" in await names_told(channel)
        async with channel_to(server.port) as channel:
            channelz = channelz_pb2_grpc.ChannelzStub(channel)
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await channelz.GetServers(channelz_pb2.GetServersRequest())
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_a_call_is_waited_for_once_however_many_methods_there_are() -> None:
    async with serving() as server, channel_to(server.port) as channel:
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        waiting = [each for each in asyncio.all_tasks() if "._request_" in repr(each)]
    assert len(waiting) == 1, waiting


async def test_an_address_in_use_is_noticed() -> None:
    async with serving() as server:
        with pytest.raises(AddressTaken):
            build_server(echo_service(Echo()), EchoSettings(address=f"127.0.0.1:{server.port}"))


async def test_a_method_without_a_scope_keeps_the_server_from_starting() -> None:
    names = (f"{PACKAGE}.BareService",)
    service = Service(name="echo", faults={}, register=Echo().register, service_names=names)
    with pytest.raises(ScopeUndeclared, match=r"/laurel.testing.v1.BareService/Read"):
        build_server(service, EchoSettings())


@pytest.mark.parametrize(("size", "answered"), [(1000, True), (1100, False)])
async def test_a_request_that_is_too_large_is_refused(size: int, answered: bool) -> None:
    async with serving(request_bytes_max=1024) as server, calling(server) as stub:
        call = stub.Read(EchoRequest(text="ok", padding=b"x" * size), timeout=30)
        if answered:
            assert (await call).text == "ok"
            return
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_drain_lets_a_call_in_flight_finish_and_begins_none() -> None:
    held = Held()
    echo = Echo(held)
    server = await started(echo)
    async with calling(server) as stub, channel_to(server.port) as other:
        health = health_pb2_grpc.HealthStub(other)
        watch = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        states = aiter(watch)
        assert (await anext(states)).status == SERVING
        call = asyncio.ensure_future(stub.Write(EchoRequest(), timeout=30))
        await echo.begun.wait()
        draining = asyncio.ensure_future(server.drain())
        assert (await anext(states)).status == NOT_SERVING
        with pytest.raises(StopAsyncIteration):
            await anext(states)
        assert not call.done()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.Write(EchoRequest(), timeout=30)
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
        assert not draining.done()
        held.let_go.set()
        assert (await call).text == "done"
        await asyncio.wait_for(draining, 5)


async def test_drain_ends_streams_of_reads_with_a_reason() -> None:
    echo = Echo(Held())
    server = await started(echo)
    async with calling(server) as stub:
        watch = asyncio.ensure_future(collect(stub.Watch(EchoRequest(count=1))))
        await echo.begun.wait()
        await asyncio.wait_for(server.drain(), 5)
        refused = await refusal(watch)
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")


async def test_a_gate_that_is_closed_refuses_with_a_reason() -> None:
    async with serving() as server, calling(server) as stub:
        server.gate.close()
        refused = await refusal(stub.Read(EchoRequest(), timeout=30))
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert "google.rpc.RetryInfo" in refused.kinds


async def test_drain_ends_calls_that_outlast_the_grace() -> None:
    echo = Echo(Held())
    server = await started(echo, drain_grace=timedelta(milliseconds=50))
    async with calling(server) as stub:
        call = asyncio.ensure_future(stub.Write(EchoRequest(), timeout=30))
        await echo.begun.wait()
        await asyncio.wait_for(server.drain(), 5)
        with pytest.raises(grpc.aio.AioRpcError):
            await call
    await emptied(server)
