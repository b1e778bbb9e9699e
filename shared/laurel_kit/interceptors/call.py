"""The call being served, for everything below that asks: caller, deadline, ids for logs and
peers.
"""

from __future__ import annotations

import re
import time
from contextvars import ContextVar
from functools import cached_property
from typing import Any

from laurel_kit.ids import new_id
from laurel_kit.interceptors.policy import MethodPolicy

REQUEST_ID_KEY = "x-request-id"
TRACE_KEY = "traceparent"
REQUEST_ID_SHAPE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
TRACE_SHAPE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Call:
    """One call of one method. What only logs and peers ask for is worked out when they ask."""

    def __init__(self, policy: MethodPolicy, context: Any) -> None:
        self.policy = policy
        self.context = context
        self.started = time.perf_counter()
        self.remaining: float | None = None
        """Seconds the caller left when the call began, None without a deadline."""
        self.caller: Any = None
        """The Caller, once access has made it out."""
        self.outcome = "CANCELLED"
        """The status code it ended with; a call that its caller gives up never gets another."""
        self.reason = ""
        """The reason of its refusal."""
        self.ended = False

    @cached_property
    def metadata(self) -> dict[str, str]:
        """The ids the caller sent along; the first of each key counts."""
        wanted = (REQUEST_ID_KEY, TRACE_KEY)
        pairs = reversed(tuple(self.context.invocation_metadata() or ()))
        return {key: value for key, value in pairs if key in wanted}

    @cached_property
    def request_id(self) -> str:
        """The caller's `x-request-id`, or one of ours when it sent none that is fit for a log."""
        sent = self.metadata.get(REQUEST_ID_KEY, "")
        return sent if REQUEST_ID_SHAPE.fullmatch(sent) else new_id()

    @cached_property
    def trace_parent(self) -> str:
        """The caller's W3C `traceparent`, empty when it sent none."""
        sent = self.metadata.get(TRACE_KEY, "")
        return sent if TRACE_SHAPE.fullmatch(sent) else ""

    @property
    def trace_id(self) -> str:
        """The trace the call belongs to, empty when there is none."""
        return self.trace_parent[3:35]

    @property
    def peer(self) -> str:
        """Where the caller is: `ipv4:127.0.0.1:40712`."""
        return str(self.context.peer())

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return time.perf_counter() - self.started

    def time_remaining(self) -> float | None:
        """Seconds until the caller gives up, None when it named no deadline."""
        return None if self.remaining is None else self.remaining - self.elapsed


CURRENT: ContextVar[Call | None] = ContextVar("laurel_call", default=None)


def current_call() -> Call | None:
    """The call this task works for; None in the background and after the call has ended."""
    call = CURRENT.get()
    return None if call is None or call.ended else call
