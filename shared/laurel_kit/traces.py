"""A span for every call, served and made; imported only where traces are asked for."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.grpc import (
    aio_client_interceptors,
    aio_server_interceptor,
    filters,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from laurel_kit.settings import ServiceSettings
from laurel_kit.telemetry import Telemetry

BASIS_POINTS = 10_000


def start_traces(settings: ServiceSettings, telemetry: Telemetry) -> None:
    """Send spans, within the caller's trace where there is one, to the endpoint of the settings."""
    insecure = settings.traces_endpoint.startswith("http://")
    exporter = OTLPSpanExporter(endpoint=settings.traces_endpoint, insecure=insecure)
    trace_to(BatchSpanProcessor(exporter), settings, telemetry)


def trace_to(processor: SpanProcessor, settings: ServiceSettings, telemetry: Telemetry) -> None:
    """Hand every span to `processor`."""
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(settings.trace_sample_bps / BASIS_POINTS),
        resource=Resource.create({"service.name": f"laurel-{settings.service}"}),
    )
    provider.add_span_processor(processor)
    telemetry.on_close(provider.shutdown)
    # Watches of health write to their context, which the instrumentation cannot follow.
    wanted = filters.negate(filters.health_check())
    telemetry.server_interceptors = (
        aio_server_interceptor(  # type: ignore[no-untyped-call]  # An untyped library.
            tracer_provider=provider, filter_=wanted
        ),
    )
    telemetry.client_interceptors = tuple(
        aio_client_interceptors(  # type: ignore[no-untyped-call]  # An untyped library.
            tracer_provider=provider, filter_=wanted
        )
    )
