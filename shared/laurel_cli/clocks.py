"""The sandbox clocks of the three services, read and moved as one."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.sandbox.v1.clock_pb2 import AdvanceClockRequest, GetClockRequest, SetClockRequest
from laurel.sandbox.v1.clock_pb2_grpc import ClockServiceStub

from laurel_cli.connections import Connections

CALL_DEADLINE = 50.0
"""Seconds; below the longest a service allows a write. A longer way is gone in several calls."""
CALLS_MAX = 72
"""Calls made to arrive; an hour of timers is more than any demo has."""
UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def read_distance(text: str) -> timedelta:
    """`31d`, `2w` or `1d12h` as a span. Raises ValueError for anything else, and for nothing."""
    if not re.fullmatch(r"(\d+[wdhms])+", text):
        raise ValueError(f"{text!r} is no span of time; write for example 31d, 2w or 1d12h")
    parts = re.findall(r"(\d+)([wdhms])", text)
    return sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())


async def read_clocks(connections: Connections) -> dict[str, datetime]:
    """What each service takes for the present."""
    names, channels = zip(*connections.items(), strict=True)
    answers = await asyncio.gather(
        *(ClockServiceStub(each).GetClock(GetClockRequest(), timeout=5.0) for each in channels)
    )
    return {
        name: answer.current_time.ToDatetime(UTC)
        for name, answer in zip(names, answers, strict=True)
    }


async def set_clocks(connections: Connections, instant: datetime) -> None:
    """Put every clock to an instant; no timer runs."""
    for channel in connections.channels():
        await ClockServiceStub(channel).SetClock(
            SetClockRequest(current_time=timestamp(instant)), timeout=CALL_DEADLINE
        )


async def advance_clocks(connections: Connections, until: datetime) -> int:
    """Move every clock to an instant, running what falls due on the way.

    The services that others call come first, so that a caller's timer meets books that are
    already there. Says how many timers ran in the last call of each.
    """
    return sum([await advance_clock(channel, until) for channel in connections.channels()])


async def advance_clock(channel: grpc.aio.Channel, until: datetime) -> int:
    """Move one clock, in as many calls as the deadline of a write makes of it."""
    request = AdvanceClockRequest(until_time=timestamp(until))
    for call in range(CALLS_MAX):
        try:
            answer = await ClockServiceStub(channel).AdvanceClock(request, timeout=CALL_DEADLINE)
        except grpc.aio.AioRpcError as error:
            if error.code() != grpc.StatusCode.DEADLINE_EXCEEDED or call + 1 == CALLS_MAX:
                raise
        else:
            return answer.timers_run
    raise AssertionError("the last call answers or raises")


def timestamp(instant: datetime) -> Timestamp:
    """An instant as contracts carry it."""
    message = Timestamp()
    message.FromDatetime(instant)
    return message
