"""How long a call may take: a write by its own deadline, a read by the server's limit at most."""

from __future__ import annotations

from datetime import timedelta

from laurel_kit.interceptors.call import Call
from laurel_kit.interceptors.policy import MethodPolicy
from laurel_kit.refusals import DeadlineExceeded, DeadlineRequired
from laurel_kit.settings import ServiceSettings

ROUNDING = 1.01
"""grpc sends a span with two or three digits, rounded up; who asked for the limit shall have it."""


def limit_of(policy: MethodPolicy, settings: ServiceSettings) -> float:
    """Seconds a call of the method may take at most."""
    if policy.lasting:
        return settings.stream_time_max.total_seconds()
    limit = settings.write_deadline_max if policy.write else settings.read_time_max
    return limit.total_seconds()


def check_deadline(call: Call, limit: float) -> float | None:
    """Seconds after which the server must end the call itself; None when the caller's deadline
    does.

    Raises DeadlineExceeded when there is no time left, DeadlineRequired for a write without a
    deadline or with one beyond the limit.
    """
    call.remaining = remaining = call.context.time_remaining()
    if remaining is not None and remaining <= limit:
        if remaining <= 0:
            raise DeadlineExceeded
        return None
    if call.policy.write and (remaining is None or remaining > limit * ROUNDING):
        raise DeadlineRequired(deadline_max=timedelta(seconds=limit))
    return limit
