"""gRPC's standard metrics on a Prometheus page; imported only where metrics are asked for."""

from __future__ import annotations

from grpc_observability import OpenTelemetryPlugin
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import start_http_server

from laurel_kit.settings import ServiceSettings
from laurel_kit.telemetry import Telemetry


def start_metrics(settings: ServiceSettings, telemetry: Telemetry) -> None:
    """Measure every call, served and made, by method and status."""
    reader = PrometheusMetricReader()
    resource = Resource.create({"service.name": f"laurel-{settings.service}"})
    provider = MeterProvider(metric_readers=[reader], resource=resource)
    plugin = OpenTelemetryPlugin(
        meter_provider=provider,
        generic_method_attribute_filter=telemetry.known_methods.__contains__,
    )
    host, _, port = settings.metrics_address.rpartition(":")
    page, thread = start_http_server(int(port), addr=host.strip("[]"))
    telemetry.metrics_port = page.server_port
    telemetry.on_close(provider.shutdown)
    telemetry.on_close(thread.join)
    telemetry.on_close(page.server_close)
    telemetry.on_close(page.shutdown)
    plugin.register_global()
    telemetry.on_close(plugin.deregister_global)
