"""Timers: each once, in order, shared between processes, none held up by one that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from laurel_kit.clock import SettableClock
from laurel_kit.database import Database
from laurel_kit.sandbox import Sandbox, load_clock
from laurel_kit.timers import BATCH, Scheduler, Timer, TimerTable
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.support.clocks import NOON, StandingClock
from tests.support.databases import DatabaseOf
from tests.support.races import Meeting

DAY = timedelta(days=1)


@pytest.fixture
async def database(database_of: DatabaseOf) -> Database:
    return await database_of("kit")


class Recorder:
    """A table of timers whose handlers write down what ran, and when the clock said so."""

    def __init__(self, database: Database, clock: SettableClock) -> None:
        self.ran: list[tuple[str, datetime]] = []
        self.noted = asyncio.Event()
        self.database = database
        self.clock = clock
        self.table = TimerTable(database)
        self.table.register("note", self.note)
        self.table.register("fail", self.fail)
        self.table.register("repeat", self.repeat)

    async def note(self, _: AsyncConnection, timer: Timer) -> None:
        self.ran.append((timer.key, self.clock.now()))
        self.noted.set()

    async def fail(self, connection: AsyncConnection, timer: Timer) -> None:
        await connection.execute(text("insert into sandbox_clock values (1, 1)"))
        raise RuntimeError("out of order")

    async def repeat(self, connection: AsyncConnection, timer: Timer) -> None:
        await self.note(connection, timer)
        await self.schedule(timer.key, timer.due_time + DAY, kind="repeat", connection=connection)

    async def schedule(
        self,
        key: str,
        due_time: datetime,
        *,
        kind: str = "note",
        connection: AsyncConnection | None = None,
    ) -> None:
        if connection is None:
            async with self.database.begin() as own:
                await self.schedule(key, due_time, kind=kind, connection=own)
            return
        await self.table.schedule(
            connection, kind=kind, key=key, due_time=due_time, program_id="jd"
        )

    @property
    def keys(self) -> list[str]:
        return [key for key, _ in self.ran]


@pytest.fixture
def recorder(database: Database, clock: SettableClock) -> Recorder:
    return Recorder(database, clock)


@pytest.fixture
def scheduler(recorder: Recorder, clock: SettableClock) -> Scheduler:
    return Scheduler(clock, [recorder.table], timedelta(milliseconds=5))


@contextmanager
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level("CRITICAL", "laurel_kit.timers"):
        yield


async def test_only_what_is_due_runs_and_only_once(
    recorder: Recorder, clock: SettableClock
) -> None:
    await recorder.schedule("now", NOON)
    await recorder.schedule("later", NOON + timedelta(microseconds=1))
    assert await recorder.table.run_due(clock.now(), BATCH) == 1
    assert await recorder.table.run_due(clock.now(), BATCH) == 0
    assert recorder.keys == ["now"]
    assert await recorder.table.next_due() == NOON + timedelta(microseconds=1)


async def test_a_timer_can_be_moved_and_cancelled(
    recorder: Recorder, database: Database, clock: SettableClock
) -> None:
    await recorder.schedule("moved", NOON)
    await recorder.schedule("moved", NOON + DAY)
    await recorder.schedule("cancelled", NOON)
    async with database.begin() as connection:
        row = {"kind": "note", "key": "cancelled", "program_id": "jd"}
        assert await recorder.table.cancel(connection, **row)
        assert not await recorder.table.cancel(connection, **row)
    assert await recorder.table.run_due(clock.now(), BATCH) == 0
    assert await recorder.table.run_due(NOON + DAY, BATCH) == 1


async def test_a_failing_timer_backs_off_and_holds_nobody_up(
    recorder: Recorder,
    database: Database,
    clock: SettableClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await recorder.schedule("first", NOON - DAY, kind="fail")
    await recorder.schedule("second", NOON)
    with silence(caplog):
        assert await recorder.table.run_due(clock.now(), BATCH) == 2
    assert recorder.keys == ["second"]
    async with database.read() as connection:
        row = (
            await connection.execute(text("select attempts, attempt_time, last_error from timer"))
        ).one()
        left = (await connection.execute(text("select count(*) from sandbox_clock"))).scalar()
    assert (row.attempts, row.last_error) == (1, "RuntimeError: out of order")
    assert row.attempt_time == NOON + timedelta(seconds=10)
    assert left == 0, "what a failing handler wrote is rolled back"


async def test_timers_of_a_kind_that_nobody_knows_wait(
    recorder: Recorder, clock: SettableClock
) -> None:
    await recorder.schedule("newer", NOON, kind="of the next release")
    assert await recorder.table.next_due() is None
    assert await recorder.table.run_due(clock.now(), BATCH) == 0


async def test_two_processes_share_what_is_due(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    meeting = Meeting(2)
    recorders = [Recorder(await database_of("kit"), clock) for _ in range(2)]
    for recorder in recorders:

        async def meet(_: AsyncConnection, timer: Timer, recorder: Recorder = recorder) -> None:
            await meeting.arrive()
            recorder.ran.append((timer.key, clock.now()))

        recorder.table.register("meet", meet)
    for number in range(20):
        await recorders[0].schedule(f"{number}", NOON, kind="meet")
    handled = await asyncio.gather(*(each.table.run_due(clock.now(), BATCH) for each in recorders))
    assert sum(handled) == 20
    assert min(handled) > 0, "each held a row while the other took another one"
    assert sorted(recorders[0].keys + recorders[1].keys) == sorted(map(str, range(20)))


async def test_the_loop_runs_what_falls_due(recorder: Recorder, scheduler: Scheduler) -> None:
    await recorder.schedule("soon", NOON)
    loop = asyncio.create_task(scheduler.run())
    async with asyncio.timeout(60):
        await recorder.noted.wait()
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


async def test_advance_runs_a_year_in_order_and_shows_each_its_time(
    recorder: Recorder, scheduler: Scheduler, clock: SettableClock
) -> None:
    await recorder.schedule("daily", NOON + DAY, kind="repeat")
    await recorder.schedule("once", NOON + 2.5 * DAY)
    until = NOON + timedelta(days=30, hours=1)
    assert await scheduler.advance(until) == 31
    assert recorder.ran[:4] == [
        ("daily", NOON + DAY),
        ("daily", NOON + 2 * DAY),
        ("once", NOON + 2.5 * DAY),
        ("daily", NOON + 3 * DAY),
    ]
    assert clock.now() == until


async def test_advance_takes_sources_in_turn_by_due_time(
    recorder: Recorder, database: Database, clock: SettableClock
) -> None:
    other = Recorder(database, clock)
    other.table = TimerTable(database)
    other.table.register("other", other.note)
    other.ran = recorder.ran
    scheduler = Scheduler(clock, [recorder.table, other.table])
    await other.schedule("first", NOON + DAY, kind="other")
    await recorder.schedule("second", NOON + 2 * DAY)
    await other.schedule("third", NOON + 3 * DAY, kind="other")
    await scheduler.advance(NOON + 4 * DAY)
    assert recorder.keys == ["first", "second", "third"]


async def test_advance_to_a_time_that_has_passed_runs_what_is_due_and_leaves_the_clock(
    recorder: Recorder, scheduler: Scheduler, clock: SettableClock
) -> None:
    await recorder.schedule("overdue", NOON - DAY)
    assert await scheduler.advance(NOON - timedelta(hours=1)) == 1
    assert recorder.ran == [("overdue", NOON)]
    assert clock.now() == NOON


async def test_the_sandbox_clock_survives_a_restart(
    database: Database, recorder: Recorder, scheduler: Scheduler, clock: SettableClock
) -> None:
    sandbox = Sandbox(database, clock, scheduler)
    await sandbox.set(NOON + DAY)
    assert (await load_clock(database, StandingClock())).now() == NOON + DAY
    await sandbox.advance(NOON + 365 * DAY)
    assert (await load_clock(database, StandingClock())).now() == NOON + 365 * DAY
    await sandbox.set(NOON - 365 * DAY)
    assert (await load_clock(database, StandingClock())).now() == NOON - 365 * DAY


async def test_an_advance_that_is_broken_off_stands_at_the_last_timer_that_ran(
    database: Database, recorder: Recorder, scheduler: Scheduler, clock: SettableClock
) -> None:
    reached = asyncio.Event()

    async def hang(_: AsyncConnection, __: Timer) -> None:
        reached.set()
        await asyncio.Event().wait()

    recorder.table.register("hang", hang)
    await recorder.schedule("ran", NOON + DAY)
    await recorder.schedule("hangs", NOON + 2 * DAY, kind="hang")
    sandbox = Sandbox(database, clock, scheduler)
    task = asyncio.create_task(sandbox.advance(NOON + 9 * DAY))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.now() == NOON + 2 * DAY
    assert (await load_clock(database, StandingClock())).now() == clock.now()
    assert await recorder.table.next_due() == NOON + 2 * DAY, "the row that hung is still there"
