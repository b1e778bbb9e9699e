"""Metrics and traces, where they are asked for."""

from __future__ import annotations

import asyncio
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from laurel_kit.channels import open_channel
from laurel_kit.interceptors.call import current_call
from laurel_kit.logs import span_trace_id
from laurel_kit.telemetry import Telemetry, TelemetryUnavailable
from laurel_kit.telemetry_start import start_telemetry
from laurel_kit.traces import trace_to
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.contract.kit.echo import (
    SERVICE,
    Echo,
    EchoRequest,
    EchoSettings,
    Stub,
    calling,
    collect,
    refusal,
    serving,
)

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACE_PARENT = (("traceparent", f"00-{TRACE_ID}-b7ad6b7169203331-01"),)


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> Iterator[Telemetry]:
    telemetry = Telemetry()
    settings = EchoSettings(trace_sample_bps=10_000)
    trace_to(SimpleSpanProcessor(spans), settings, telemetry)
    yield telemetry
    telemetry.close()


def test_telemetry_is_off_unless_asked_for() -> None:
    telemetry = start_telemetry(EchoSettings())
    assert telemetry.server_interceptors == ()
    assert telemetry.client_interceptors == ()
    telemetry.close()


def test_telemetry_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "laurel_kit.metrics", raising=False)
    monkeypatch.setitem(sys.modules, "grpc_observability", None)
    with pytest.raises(TelemetryUnavailable, match="grpc_observability"):
        start_telemetry(EchoSettings(metrics_address="127.0.0.1:0"))


def test_an_address_of_the_metrics_that_is_taken_is_named() -> None:
    first = start_telemetry(EchoSettings(metrics_address="127.0.0.1:0"))
    try:
        taken = f"127.0.0.1:{first.metrics_port}"
        with pytest.raises(TelemetryUnavailable, match=taken):
            start_telemetry(EchoSettings(metrics_address=taken))
    finally:
        first.close()


async def test_calls_and_refusals_become_spans_of_the_callers_trace(
    tracing: Telemetry, spans: InMemorySpanExporter
) -> None:
    seen: list[str] = []

    async def note(request: object, context: object) -> str:
        seen.append(span_trace_id())
        return ""

    async with serving(Echo(note), telemetry=tracing) as server, calling(server) as stub:
        await stub.Read(EchoRequest(), metadata=TRACE_PARENT)
        assert await collect(stub.Watch(EchoRequest(count=2), metadata=TRACE_PARENT)) == ["", ""]
        await refusal(stub.Read(EchoRequest(count=101), metadata=TRACE_PARENT))
    assert set(seen) == {TRACE_ID}
    found = [
        (span.name, span.attributes["rpc.grpc.status_code"]) for span in spans.get_finished_spans()
    ]
    assert found == [
        (f"/{SERVICE}/Read", 0),
        (f"/{SERVICE}/Watch", 0),
        (f"/{SERVICE}/Read", 3),
    ]


async def test_a_trace_goes_on_in_the_next_service(
    tracing: Telemetry, spans: InMemorySpanExporter
) -> None:
    traces: list[str] = []

    async def note(request: object, context: object) -> str:
        call = current_call()
        assert call is not None
        traces.append(call.trace_id)
        return ""

    async with serving(Echo(note)) as behind:
        channel = open_channel(
            f"localhost:{behind.port}",
            EchoSettings(),
            interceptors=tracing.client_interceptors,
        )

        async def pass_on(request: object, context: object) -> str:
            return str((await Stub(channel).Write(request)).text)

        async with serving(Echo(pass_on), telemetry=tracing) as server, calling(server) as stub:
            await stub.Write(EchoRequest(), timeout=30, metadata=TRACE_PARENT)
        await channel.close()
    assert traces == [TRACE_ID]


async def test_metrics_name_known_methods_only() -> None:
    telemetry = start_telemetry(EchoSettings(metrics_address="127.0.0.1:0"))
    try:
        async with serving(telemetry=telemetry) as server, calling(server) as stub:
            await stub.Read(EchoRequest(), timeout=30)
            await refusal(stub.Read(EchoRequest(count=101), timeout=30))
            page = await page_with(telemetry.metrics_port, "INVALID_ARGUMENT")
    finally:
        telemetry.close()
    assert "grpc_server_call_duration" in page
    assert f'grpc_method="{SERVICE}/Read"' in page


async def page_with(port: int, text: str) -> str:
    """The Prometheus page once it says `text`: what a call leaves arrives a little later."""
    async with asyncio.timeout(60):
        while True:
            page = await asyncio.to_thread(read_page, port)
            if text in page:
                return page


def read_page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return str(answer.read().decode())
