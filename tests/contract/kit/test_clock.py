"""ClockService: the clock of a sandbox, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.sandbox.v1.clock_pb2 import AdvanceClockRequest, GetClockRequest, SetClockRequest
from laurel.sandbox.v1.clock_pb2_grpc import ClockServiceStub
from laurel_kit.clock import SettableClock, SystemClock
from laurel_kit.database import Connection
from laurel_kit.timers import Timer

from tests.contract.kit.echo import refusal
from tests.contract.kit.sandboxes import Bench, bench
from tests.support.clocks import NOON
from tests.support.databases import DatabaseOf

DAY = timedelta(days=1)
IN_TIME: dict[str, Any] = {"timeout": 10}


@pytest.fixture
async def sandbox(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[Bench]:
    async with bench(database_of, clock) as made:
        yield made


@pytest.fixture
def stub(sandbox: Bench) -> Any:
    return ClockServiceStub(sandbox.channel)


def instant(message: Timestamp) -> datetime:
    return message.ToDatetime(UTC)


async def test_get_clock_answers_the_present_of_the_server(stub: Any) -> None:
    response = await stub.GetClock(GetClockRequest(), **IN_TIME)
    assert instant(response.current_time) == NOON


async def test_set_clock_moves_it_forward_and_back(stub: Any, clock: SettableClock) -> None:
    for target in (NOON + 400 * DAY, NOON - 400 * DAY):
        request = SetClockRequest()
        request.current_time.FromDatetime(target)
        for _ in range(2):
            response = await stub.SetClock(request, **IN_TIME)
            assert instant(response.current_time) == clock.now() == target


async def test_advance_clock_runs_what_falls_due_before_it_answers(
    stub: Any, sandbox: Bench, clock: SettableClock
) -> None:
    ran = []

    async def note(_: Connection, timer: Timer) -> None:
        ran.append((timer.key, clock.now()))

    timers = sandbox.foundation.timers
    timers.register("note", note)
    async with sandbox.foundation.database.begin() as connection:
        for days in (3, 1, 40):
            await timers.schedule(
                connection, kind="note", key=f"{days}", due_time=NOON + days * DAY, program_id="jd"
            )
    request = AdvanceClockRequest()
    request.duration.FromTimedelta(31 * DAY)
    response = await stub.AdvanceClock(request, **IN_TIME)
    assert response.timers_run == 2
    assert instant(response.current_time) == NOON + 31 * DAY
    assert ran == [("1", NOON + DAY), ("3", NOON + 3 * DAY)]


async def test_advance_clock_to_an_instant_that_has_passed_leaves_it(stub: Any) -> None:
    request = AdvanceClockRequest()
    request.until_time.FromDatetime(NOON - DAY)
    response = await stub.AdvanceClock(request, **IN_TIME)
    assert instant(response.current_time) == NOON


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("SetClock", SetClockRequest()),
        ("SetClock", SetClockRequest(current_time=Timestamp(seconds=1))),
        ("AdvanceClock", AdvanceClockRequest()),
        ("AdvanceClock", AdvanceClockRequest(duration=timedelta(0))),
        ("AdvanceClock", AdvanceClockRequest(duration=timedelta(days=3651))),
    ],
)
async def test_an_instant_out_of_bounds_is_refused_and_moves_nothing(
    stub: Any, clock: SettableClock, method: str, request_: Any
) -> None:
    refused = await refusal(getattr(stub, method)(request_, **IN_TIME))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert clock.now() == NOON


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("GetClock", GetClockRequest()),
        ("SetClock", SetClockRequest(current_time=Timestamp(seconds=2_000_000_000))),
        ("AdvanceClock", AdvanceClockRequest(duration=DAY)),
    ],
)
async def test_a_server_that_is_no_sandbox_refuses_every_call(
    database_of: DatabaseOf, method: str, request_: Any
) -> None:
    insecure = {"sandbox": False, "allow_insecure": True}
    async with bench(database_of, SystemClock(), **insecure) as made:
        stub = ClockServiceStub(made.channel)
        refused = await refusal(getattr(stub, method)(request_, **IN_TIME))
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.reason == "NOT_SANDBOX"
