"""What traces and metrics bring to servers and channels; nothing unless they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import grpc


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
