"""Traces and metrics by OpenTelemetry, off unless asked for.

The libraries are the extra `telemetry`; they are loaded only when the settings ask for it, by
`metrics` and `traces`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import grpc

from laurel_kit.settings import ServiceSettings


class TelemetryUnavailable(Exception):
    """Telemetry is asked for, but its extra is not installed or its address is taken."""


@dataclass(kw_only=True)
class Telemetry:
    """What was started, to be closed at the end."""

    server_interceptors: tuple[grpc.aio.ServerInterceptor, ...] = ()
    """To stand before the kit's own."""
    client_interceptors: tuple[grpc.aio.ClientInterceptor, ...] = ()
    """For `open_channel`."""
    known_methods: set[str] = field(default_factory=set)
    """Methods, as `service/Method`, that metrics may name; any other is `other`, for callers
    could invent endless ones."""
    metrics_port: int = 0
    """The port of the Prometheus page, also where the settings asked for any."""
    _closers: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Send what has not been sent, and end."""
        self._closers.close()

    def on_close(self, close: Callable[[], object]) -> None:
        """Have `close` called at the end, the latest first."""
        self._closers.callback(close)


def start_telemetry(settings: ServiceSettings) -> Telemetry:
    """Start what the settings ask for, before servers and channels are made.

    Raises TelemetryUnavailable.
    """
    telemetry = Telemetry()
    try:
        if settings.metrics_address:
            from laurel_kit.metrics import start_metrics  # noqa: PLC0415  # Loads the extra.

            start_metrics(settings, telemetry)
        if settings.traces_endpoint:
            from laurel_kit.traces import start_traces  # noqa: PLC0415  # Loads the extra.

            start_traces(settings, telemetry)
    except ImportError as missing:
        text = f"{missing.name} is missing: install laurel[telemetry], or ask for no telemetry"
        raise TelemetryUnavailable(text) from missing
    except OSError as error:
        text = f"metrics cannot be served on {settings.metrics_address}: {error}"
        raise TelemetryUnavailable(text) from error
    return telemetry
