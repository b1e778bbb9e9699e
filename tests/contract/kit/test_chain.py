"""What every call passes, for each kind of call: gate, deadline, validation, faults."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import pytest
import structlog
from laurel.type.v1.error_reason_pb2 import ErrorReason
from laurel_kit.faults import Fault
from laurel_kit.interceptors.call import current_call

from tests.contract.kit.echo import (
    Echo,
    EchoRequest,
    Stub,
    calling,
    collect,
    emptied,
    refusal,
    serving,
)

SHORT = timedelta(milliseconds=50)
KINDS = ("Read", "Write", "Watch", "Collect", "Chat")
INVALID = EchoRequest(text="much longer than ten", count=101, tags=["ok", "x"])


async def invoke(stub: Stub, kind: str, request: Any, seconds: float | None = 5) -> str:
    """Call a method of any kind; answers the texts that came back."""
    match kind:
        case "Read" | "Write":
            return str((await getattr(stub, kind)(request, timeout=seconds)).text)
        case "Watch":
            return ",".join(await collect(stub.Watch(request, timeout=seconds)))
        case "Collect":
            return str((await stub.Collect(iter([request]), timeout=seconds)).text)
    return ",".join(await collect(stub.Chat(iter([request]), timeout=seconds)))


async def forever(request: Any, context: Any) -> str:
    await asyncio.Event().wait()
    return ""


@dataclass(eq=False, kw_only=True)
class CupEmpty(Exception):
    cup_id: str
    drops: int


CUP_EMPTY = {
    CupEmpty: Fault(
        grpc.StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_NOT_SANDBOX,
        "The cup {cup_id} holds {drops} drops.",
        retry_after=timedelta(seconds=3),
    )
}


async def empty(request: Any, context: Any) -> str:
    raise CupEmpty(cup_id="c-1", drops=0)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_in_order_is_answered(kind: str) -> None:
    async with serving() as server, calling(server) as stub:
        assert await invoke(stub, kind, EchoRequest(text="hello", count=1)) == "hello"
        await emptied(server)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refusal_arrives_with_reason_and_metadata(kind: str) -> None:
    async with serving(Echo(empty), CUP_EMPTY) as server, calling(server) as stub:
        refused = await refusal(invoke(stub, kind, EchoRequest(count=1)))
        await emptied(server)
    assert refused.code == grpc.StatusCode.FAILED_PRECONDITION
    assert (refused.reason, refused.domain) == ("NOT_SANDBOX", "echo.laurel")
    assert refused.metadata == {"cup_id": "c-1", "drops": "0"}
    assert refused.text == "The cup c-1 holds 0 drops."
    assert refused.kinds == ["google.rpc.ErrorInfo", "google.rpc.RetryInfo"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_bug_does_not_tell_its_text(kind: str) -> None:
    async def burst(request: Any, context: Any) -> str:
        raise ValueError("secret")

    with structlog.testing.capture_logs() as lines:
        async with serving(Echo(burst)) as server, calling(server) as stub:
            refused = await refusal(invoke(stub, kind, EchoRequest(count=1)))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "UNEXPECTED")
    assert "secret" not in refused.text
    (line,) = [line for line in lines if line["event"] == "unexpected error"]
    assert line["log_id"] == refused.metadata["log_id"]
    assert "secret" in repr(line["exc_info"])


@pytest.mark.parametrize("kind", KINDS)
async def test_every_fault_of_a_request_is_named(kind: str) -> None:
    async with serving() as server, calling(server) as stub:
        refused = await refusal(invoke(stub, kind, INVALID))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "REQUEST_INVALID",
    )
    assert refused.fields == ["text", "count", "tags[1]"]
    assert refused.metadata == {"violations": "3"}


async def test_a_request_at_its_limits_passes() -> None:
    async with serving() as server, calling(server) as stub:
        request = EchoRequest(text="ten letter", count=100, tags=["ok"])
        assert await invoke(stub, "Read", request) == "ten letter"


@pytest.mark.parametrize("kind", ["Collect", "Chat"])
async def test_a_stream_ends_at_its_first_invalid_message(kind: str) -> None:
    heard: list[str] = []

    async def hear(request: Any, context: Any) -> str:
        heard.append(request.text)
        return "heard"

    requests = iter([EchoRequest(text="one"), INVALID, EchoRequest(text="three")])
    async with serving(Echo(hear)) as server, calling(server) as stub:
        if kind == "Collect":
            refused = await refusal(stub.Collect(requests, timeout=30))
        else:
            refused = await refusal(collect(stub.Chat(requests, timeout=30)))
    assert refused.reason == "REQUEST_INVALID"
    assert heard == ["one"]


@pytest.mark.parametrize("seconds", [None, 62.0, 1e9])
async def test_a_write_without_a_near_deadline_is_refused(seconds: float | None) -> None:
    async with serving() as server, calling(server) as stub:
        refused = await refusal(invoke(stub, "Write", EchoRequest(), seconds))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "DEADLINE_REQUIRED",
    )
    assert refused.metadata == {"deadline_max": "60s"}


async def test_a_write_at_the_longest_deadline_is_answered() -> None:
    async with serving() as server, calling(server) as stub:
        assert await invoke(stub, "Write", EchoRequest(text="a"), 60) == "a"


async def test_a_read_needs_no_deadline() -> None:
    async with serving() as server, calling(server) as stub:
        assert await invoke(stub, "Read", EchoRequest(text="a"), None) == "a"


@pytest.mark.parametrize("seconds", [None, 30.0])
async def test_a_read_ends_at_the_servers_limit(seconds: float | None) -> None:
    async with serving(Echo(forever), read_time_max=SHORT) as server, calling(server) as stub:
        refused = await refusal(invoke(stub, "Read", EchoRequest(), seconds))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "DEADLINE_EXCEEDED",
    )


async def test_a_stream_ends_at_the_servers_limit() -> None:
    async with serving(Echo(forever), stream_time_max=SHORT) as server, calling(server) as stub:
        refused = await refusal(invoke(stub, "Watch", EchoRequest(count=1), None))
    assert refused.reason == "DEADLINE_EXCEEDED"


async def test_a_timeout_of_the_work_itself_is_a_bug() -> None:
    async def impatient(request: Any, context: Any) -> str:
        raise TimeoutError

    async with serving(Echo(impatient)) as server, calling(server) as stub:
        assert (await refusal(invoke(stub, "Read", EchoRequest(), None))).reason == "UNEXPECTED"


async def test_a_call_whose_time_is_over_does_nothing() -> None:
    heard: list[str] = []

    async def hear(request: Any, context: Any) -> str:
        heard.append(request.text)
        return ""

    async with serving(Echo(hear)) as server, calling(server) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await invoke(stub, "Write", EchoRequest(), -1)
    assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert not heard


async def test_a_caller_that_gives_up_ends_the_work() -> None:
    ended = asyncio.Event()

    async def wait(request: Any, context: Any) -> str:
        try:
            return await forever(request, context)
        finally:
            ended.set()

    echo = Echo(wait)
    async with serving(echo) as server, calling(server) as stub:
        call = stub.Write(EchoRequest(), timeout=30)
        await echo.begun.wait()
        call.cancel()
        await asyncio.wait_for(ended.wait(), 5)
        await emptied(server)


async def test_more_calls_than_allowed_are_refused_at_once() -> None:
    echo = Echo(forever)
    async with serving(echo, calls_max=1) as server, calling(server) as stub:
        first = asyncio.ensure_future(invoke(stub, "Write", EchoRequest()))
        await echo.begun.wait()
        refused = await refusal(invoke(stub, "Write", EchoRequest()))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
    assert refused.metadata == {"limit": "1"}
    assert "google.rpc.RetryInfo" in refused.kinds
    assert "google.rpc.QuotaFailure" in refused.kinds


async def test_a_service_that_is_not_named_is_not_served() -> None:
    async with serving() as server, calling(server):
        address = f"127.0.0.1:{server.port}"
        async with grpc.aio.insecure_channel(address) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await channel.unary_unary("/laurel.testing.v1.OtherService/Read")(b"", timeout=30)
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_log_lines_of_a_call_carry_its_ids() -> None:
    ids: list[str] = []

    async def tell(request: Any, context: Any) -> str:
        call = current_call()
        assert call is not None
        ids.extend([call.request_id, call.trace_id])
        return ""

    trace_id = "0af7651916cd43dd8448eb211c80319c"
    metadata = (("x-request-id", "r-7"), ("traceparent", f"00-{trace_id}-b7ad6b7169203331-01"))
    async with serving(Echo(tell)) as server, calling(server) as stub:
        await stub.Read(EchoRequest(), metadata=metadata)
        await stub.Read(EchoRequest(), metadata=(("x-request-id", "not fit\x20for a log"),))
    assert ids[:2] == ["r-7", trace_id]
    assert re.fullmatch(r"[0-9a-f-]{36}", ids[2])
    assert current_call() is None


@pytest.mark.parametrize(
    ("settings", "events"),
    [
        ({}, []),
        ({"log_level": "debug"}, ["call answered"]),
        ({"slow_call": timedelta(microseconds=1)}, ["slow call"]),
    ],
)
async def test_an_answer_is_logged_where_it_is_worth_it(
    settings: dict[str, Any], events: list[str]
) -> None:
    with structlog.testing.capture_logs() as lines:
        async with serving(**settings) as server, calling(server) as stub:
            await stub.Read(EchoRequest())
    assert [line["event"] for line in lines if "call" in line["event"]] == events


async def test_a_refusal_is_logged_with_its_reason() -> None:
    with structlog.testing.capture_logs() as lines:
        async with serving(Echo(empty), CUP_EMPTY) as server, calling(server) as stub:
            await refusal(stub.Read(EchoRequest()))
    (line,) = [line for line in lines if line["event"] == "call refused"]
    assert (line["outcome"], line["reason"]) == ("FAILED_PRECONDITION", "CupEmpty")
