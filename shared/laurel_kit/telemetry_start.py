"""Starts the traces and metrics that the settings ask for.

The libraries are the extra `telemetry`; they are loaded only when the settings ask for it, by
`metrics` and `traces`.
"""

from __future__ import annotations

from laurel_kit.settings import ServiceSettings
from laurel_kit.telemetry import Telemetry, TelemetryUnavailable


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
