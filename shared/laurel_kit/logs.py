"""Logs: one structured line an event, with the ids of the call it belongs to."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from laurel_kit.interceptors.call import current_call
from laurel_kit.settings import ServiceSettings

Event = MutableMapping[str, Any]

QUIET = ("alembic", "asyncio", "grpc", "opentelemetry", "sqlalchemy")
"""Libraries of which only warnings are of interest, whatever the level."""


def configure_logs(settings: ServiceSettings) -> None:
    """Set up structlog and the standard library's logging alike, to standard error.

    Values of settings that may hold secrets are never logged.
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_call,
        service_adder(settings.service),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *ending(settings),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def ending(settings: ServiceSettings) -> list[Any]:
    """The last steps of a line: how people or programs read it."""
    if settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty()):
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    # Tracebacks as text: the structured kind shows local variables, and those hold secrets.
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]


def add_call(_logger: object, _method: str, event: Event) -> Event:
    """The ids of the call the present task works for; worked out only for lines that are
    written.
    """
    if call := current_call():
        event.setdefault("method", call.policy.path)
        event.setdefault("request_id", call.request_id)
        event.setdefault("peer", call.peer)
        if trace_id := span_trace_id() or call.trace_id:
            event.setdefault("trace_id", trace_id)
        if call.caller is not None:
            event.setdefault("caller", call.caller.subject)
    return event


def span_trace_id() -> str:
    """The trace of the present span; empty where telemetry, which alone loads its library, is
    off.
    """
    trace: Any = sys.modules.get("opentelemetry.trace")
    context = trace.get_current_span().get_span_context() if trace else None
    return format(context.trace_id, "032x") if context and context.is_valid else ""


def service_adder(name: str) -> Any:
    """A step that says which service writes."""

    def add_service(_logger: object, _method: str, event: Event) -> Event:
        event.setdefault("service", name)
        return event

    return add_service
