"""Long-running operations: once for a request id, step by step, taken up again after a crash."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from google.rpc import code_pb2
from laurel.sandbox.v1.clock_pb2 import AdvanceClockResponse, SetClockRequest
from laurel.type.v1.operation_pb2 import OperationProgress
from laurel_kit.clock import SettableClock
from laurel_kit.database import Connection
from laurel_kit.fingerprint import fingerprint
from laurel_kit.operations import Operation, OperationNotFound, OperationRunning
from laurel_kit.requests import RequestIdReused
from sqlalchemy import text

from tests.support.counting import PATIENCE, Counting
from tests.support.databases import DatabaseOf


@pytest.fixture
async def counting(database_of: DatabaseOf, clock: SettableClock) -> Counting:
    return Counting(await database_of("kit"), clock)


@pytest.fixture
async def successor(database_of: DatabaseOf, clock: SettableClock) -> Counting:
    """The same job in another process."""
    return Counting(await database_of("kit"), clock)


async def test_a_job_runs_and_tells_how_far_it_is(counting: Counting) -> None:
    name = (await counting.start()).name
    async with counting.running():
        operation = await counting.operations.wait(name, PATIENCE)
    message = counting.operations.write(operation)
    progress, response = OperationProgress(), AdvanceClockResponse()
    assert message.done
    assert message.name == name
    assert message.metadata.Unpack(progress)
    assert message.response.Unpack(response)
    assert (progress.done, progress.total, progress.kind) == (5, 5, "count")
    assert response.timers_run == 5
    assert await counting.steps() == [0, 1, 2, 3, 4]


async def test_a_repeat_of_the_request_gets_the_same_operation(counting: Counting) -> None:
    first = await counting.start()
    assert (await counting.start()).name == first.name
    assert (await counting.start("r-2")).name != first.name
    with pytest.raises(RequestIdReused):
        await counting.start(content=fingerprint(SetClockRequest(current_time={})).encoded)


async def test_a_race_to_start_has_one_winner(counting: Counting) -> None:
    started = await asyncio.gather(*(counting.start() for _ in range(5)))
    assert len({operation.name for operation in started}) == 1


async def test_a_job_whose_process_died_goes_on_from_its_last_step(
    counting: Counting, successor: Counting
) -> None:
    counting.hang_at = 3
    name = (await counting.start()).name
    process = asyncio.create_task(counting.operations.run())
    await counting.hanging.wait()
    # A process that is killed neither ends its job nor renews or releases its lease.
    await kill(counting, process)
    async with successor.running():
        operation = await successor.operations.wait(name, PATIENCE)
    assert operation.state == "SUCCEEDED"
    assert await successor.steps() == [0, 1, 2, 3, 4]


async def kill(counting: Counting, process: asyncio.Task[None]) -> None:
    """End a process as SIGKILL does: its connections break, nothing is tidied up."""
    operations = counting.operations
    operations._release = forget
    process.cancel()
    await asyncio.gather(process, return_exceptions=True)


async def forget(operation: Operation, *, after: timedelta) -> None:
    """What a dead process does with its leases."""


async def test_a_job_that_is_stopped_in_order_is_free_at_once(
    counting: Counting, successor: Counting
) -> None:
    counting.hang_at = 2
    name = (await counting.start()).name
    async with counting.running():
        await counting.hanging.wait()
    assert (await counting.operations.get(name)).state == "RUNNING"
    async with successor.running():
        operation = await successor.operations.wait(name, PATIENCE)
    assert (operation.state, await successor.steps()) == ("SUCCEEDED", [0, 1, 2, 3, 4])


async def test_a_job_that_lost_its_lease_does_nothing_more(
    counting: Counting, successor: Counting
) -> None:
    counting.hang_at = 1
    name = (await counting.start()).name
    process = asyncio.create_task(counting.operations.run())
    await counting.hanging.wait()
    async with counting.database.begin() as connection:
        # The row is locked by the step that hangs, so the thief waits for that one to be ended.
        theft = asyncio.create_task(steal(connection))
        await kill(counting, process)
        await theft
    assert (await counting.operations.get(name)).checkpoint == 1
    async with successor.running():
        await successor.operations.wait(name, PATIENCE)
    assert await successor.steps() == [0, 1, 2, 3, 4]


async def steal(connection: Connection) -> None:
    await connection.execute(
        text("update operation set lease_owner = 'thief', lease_until = '2000-01-01Z'")
    )


async def test_a_job_that_fails_says_so_without_its_secrets(
    counting: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    counting.fail_at = 2
    name = (await counting.start()).name
    with caplog.at_level("CRITICAL", "laurel_kit.operations"):
        async with counting.running():
            operation = await counting.operations.wait(name, PATIENCE)
    message = counting.operations.write(operation)
    assert message.done
    assert message.error.code == code_pb2.INTERNAL
    assert "secret" not in message.error.message
    assert await counting.steps() == [0, 1], "the step that failed was rolled back"


async def test_a_job_that_is_cancelled_ends_at_its_next_step(counting: Counting) -> None:
    name = (await counting.start()).name
    await counting.operations.cancel(name)
    async with counting.running():
        operation = await counting.operations.wait(name, PATIENCE)
    assert operation.state == "CANCELLED"
    assert counting.operations.write(operation).error.code == code_pb2.CANCELLED
    assert await counting.steps() == []
    await counting.operations.cancel(name)
    assert (await counting.operations.get(name)).state == "CANCELLED"


async def test_waiting_ends_when_patience_is_over(counting: Counting) -> None:
    operation = await counting.operations.wait((await counting.start()).name, timedelta())
    assert not operation.ended


async def test_only_what_has_ended_is_deleted(counting: Counting) -> None:
    name = (await counting.start()).name
    with pytest.raises(OperationRunning):
        await counting.operations.delete(name)
    async with counting.running():
        await counting.operations.wait(name, PATIENCE)
    await counting.operations.delete(name)
    with pytest.raises(OperationNotFound):
        await counting.operations.get(name)


@pytest.mark.parametrize("name", ["", "operations/", "operations/x", f"{UUID(int=1)}"])
async def test_a_name_that_is_none_is_not_found(counting: Counting, name: str) -> None:
    with pytest.raises(OperationNotFound):
        await counting.operations.get(name)


async def test_operations_are_listed_the_latest_first(counting: Counting) -> None:
    names = [(await counting.start(f"r-{number}")).name for number in range(3)]
    first = await counting.operations.list(after=None, limit=2)
    rest = await counting.operations.list(after=[first[-1].operation_id], limit=2)
    assert [operation.name for operation in [*first, *rest]] == names[::-1]
