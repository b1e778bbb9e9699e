"""What is to happen at a time: rows with a due time, and the loop that runs what is due.

Several processes share the work, as each takes rows that no other one holds. In sandbox mode the
same loop is driven by hand (`Scheduler.advance`), through a year in a second if need be.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic_core import from_json, to_json
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_kit.clock import Clock, SettableClock
from laurel_kit.database import Database, DatabaseUnavailable
from laurel_kit.tasks import heed_cancellation

_LOG = logging.getLogger(__name__)

BATCH = 500
"""Rows a source handles before the others have their turn."""

FIRST_BACK_OFF = timedelta(seconds=10)
"""When a timer that failed is tried again; doubled each time."""

BACK_OFF_MAX = timedelta(hours=6)
"""Longest time between two attempts; attempts never end."""

ERROR_LENGTH_MAX = 500
"""Characters of an error that are kept beside its timer."""

PAUSE_FOR_OTHERS = timedelta(milliseconds=10)
"""How long `advance` waits before it looks again at rows that another process holds."""

_SCHEDULE = text("""
    insert into timer (program_id, member_id, kind, key, due_time, attempt_time, payload)
    values (:program_id, :member_id, :kind, :key, :due_time, :due_time, cast(:payload as jsonb))
    on conflict (program_id, member_id, kind, key) do update
    set due_time = excluded.due_time, attempt_time = excluded.due_time,
        payload = excluded.payload, attempts = 0, last_error = null
""")

_CANCEL = text("""
    delete from timer
    where program_id = :program_id and member_id = :member_id and kind = :kind and key = :key
""")

_NEXT_DUE = text("""
    select min(attempt_time) as attempt_time
    from timer
    where kind = any(cast(:kinds as text[]))
""")

_TAKE = text("""
    -- Materialized: run again for each row, the inner part would claim others than it locked.
    with claimed as materialized (
        select program_id, member_id, kind, key
        from timer
        where attempt_time <= :now and kind = any(cast(:kinds as text[]))
        order by attempt_time, program_id, member_id, kind, key
        limit 1
        for update skip locked
    )
    delete from timer
    using claimed
    where timer.program_id = claimed.program_id
        and timer.member_id = claimed.member_id
        and timer.kind = claimed.kind
        and timer.key = claimed.key
    returning
        timer.program_id, timer.member_id, timer.kind, timer.key, timer.due_time,
        timer.payload::text as payload, timer.attempts
""")

_BACK_OFF = text("""
    update timer
    set attempts = attempts + 1, attempt_time = :attempt_time, last_error = :last_error
    where program_id = :program_id and member_id = :member_id and kind = :kind and key = :key
        and due_time = :due_time
""")


class DueSource(Protocol):
    """Something with rows that fall due."""

    name: str
    """For the log."""

    async def next_due(self) -> datetime | None:
        """When the next row falls due; None when there is none."""
        ...

    async def run_due(self, now: datetime, limit: int) -> int:
        """Handle at most `limit` rows due at or before `now`, except those that others hold.

        Returns how many were handled; a row that failed counts, and is due later.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A row that fell due."""

    program_id: str
    member_id: str
    kind: str
    key: str
    due_time: datetime
    payload: Any
    attempts: int
    """How often it was tried before."""


Handler = Callable[[AsyncConnection, Timer], Awaitable[None]]
"""Does what the timer is for, in the transaction that removes its row."""


class TimerTable:
    """The kit's table of timers, with a handler for each kind."""

    name = "timer"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._handlers: dict[str, Handler] = {}

    def register(self, kind: str, handler: Handler) -> None:
        """Say who handles timers of a kind; those of unknown kinds wait."""
        assert kind not in self._handlers, f"{kind} has a handler already"
        self._handlers[kind] = handler

    async def schedule(
        self,
        connection: AsyncConnection,
        *,
        kind: str,
        key: str,
        due_time: datetime,
        program_id: str,
        member_id: str = "",
        payload: object = None,
    ) -> None:
        """Have something happen at a time. The same kind and key again moves it to another time."""
        await connection.execute(
            _SCHEDULE,
            {
                "program_id": program_id,
                "member_id": member_id,
                "kind": kind,
                "key": key,
                "due_time": due_time,
                "payload": to_json(payload).decode(),
            },
        )

    async def cancel(
        self,
        connection: AsyncConnection,
        *,
        kind: str,
        key: str,
        program_id: str,
        member_id: str = "",
    ) -> bool:
        """Have it not happen; whether there was such a timer."""
        row = {"program_id": program_id, "member_id": member_id, "kind": kind, "key": key}
        return (await connection.execute(_CANCEL, row)).rowcount > 0

    async def next_due(self) -> datetime | None:
        """When the next timer is to be tried."""
        async with self._database.read() as connection:
            rows = await connection.execute(_NEXT_DUE, {"kinds": list(self._handlers)})
            due: datetime | None = rows.scalar_one()
        return due

    async def run_due(self, now: datetime, limit: int) -> int:
        """Run timers in the order of their due times, each in a transaction of its own."""
        handled = 0
        while handled < limit and await self._run_one(now):
            handled += 1
        return handled

    async def _run_one(self, now: datetime) -> bool:
        taken: Timer | None = None

        async def work(connection: AsyncConnection) -> None:
            nonlocal taken
            parameters = {"now": now, "kinds": list(self._handlers)}
            row = (await connection.execute(_TAKE, parameters)).one_or_none()
            taken = None if row is None else timer_of(row)
            if taken is not None:
                await self._handlers[taken.kind](connection, taken)

        try:
            await self._database.transact(work)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if taken is None:
                raise
            _LOG.exception("timer %s %s failed", taken.kind, taken.key)
            await self._back_off(taken, now, error)
        return taken is not None

    async def _back_off(self, timer: Timer, now: datetime, error: Exception) -> None:
        parameters = {
            "program_id": timer.program_id,
            "member_id": timer.member_id,
            "kind": timer.kind,
            "key": timer.key,
            "due_time": timer.due_time,
            "attempt_time": now + back_off(timer.attempts),
            "last_error": f"{type(error).__name__}: {error}"[:ERROR_LENGTH_MAX],
        }

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(_BACK_OFF, parameters)

        await self._database.transact(work)


def back_off(attempts: int) -> timedelta:
    """How long a timer that failed waits, after so many attempts before this one."""
    doublings = 1 << min(attempts, 16)
    return min(FIRST_BACK_OFF * doublings, BACK_OFF_MAX)


def timer_of(row: Row[Any]) -> Timer:
    """The timer in a row."""
    return Timer(
        program_id=row.program_id,
        member_id=row.member_id,
        kind=row.kind,
        key=row.key,
        due_time=row.due_time,
        payload=from_json(row.payload),
        attempts=row.attempts,
    )


Moved = Callable[[], Awaitable[None]]
"""Told whenever `advance` has moved the clock."""


class Scheduler:
    """Runs what is due, of all the sources of a process."""

    def __init__(
        self,
        clock: Clock,
        sources: Sequence[DueSource],
        poll_interval: timedelta = timedelta(seconds=1),
    ) -> None:
        self._clock = clock
        self._sources = list(sources)
        self._poll_interval = poll_interval
        # The loop and `advance` must not run the same clock in two directions.
        self._turn = asyncio.Lock()

    def add(self, *sources: DueSource) -> None:
        """Further sources, before the loop begins."""
        self._sources.extend(sources)

    async def run(self) -> None:
        """Run what falls due until cancelled; a failing source does not keep the others back."""
        while True:
            async with self._turn:
                handled = [await self._run_guarded(each) for each in self._sources]
            if max(handled, default=0) < BATCH:
                await asyncio.sleep(self._poll_interval.total_seconds())

    async def run_due(self) -> int:
        """Run everything that is due at the present; how many rows were handled."""
        async with self._turn:
            return sum([await self._run_all(each) for each in self._sources])

    async def advance(self, until: datetime, *, moved: Moved | None = None) -> int:
        """Move the clock to an instant and run every row that falls due on the way.

        Rows run in the order of their due times over all sources, each when the clock shows that
        time; what they schedule on the way runs too. Returns how many were handled. Cancelled, the
        clock stands at the last row that ran. For a process with a settable clock.
        """
        assert isinstance(self._clock, SettableClock), "only a settable clock can be moved"
        handled = 0
        async with self._turn:
            with self._clock.held():
                while (due := await self._next_due()) is not None and due[0] <= until:
                    await self._move(due[0], moved)
                    ran = await due[1].run_due(self._clock.now(), BATCH)
                    handled += ran
                    if ran == 0:
                        await asyncio.sleep(PAUSE_FOR_OTHERS.total_seconds())
                await self._move(until, moved)
        return handled

    async def exclusively(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something to the clock while nothing that is due runs."""
        async with self._turn:
            await work()

    async def _move(self, instant: datetime, moved: Moved | None) -> None:
        """Move the clock forward; a time that has passed leaves it."""
        assert isinstance(self._clock, SettableClock), "only a settable clock can be moved"
        if instant > self._clock.now():
            self._clock.set(instant)
            if moved is not None:
                await moved()

    async def _next_due(self) -> tuple[datetime, DueSource] | None:
        """The earliest due time of all sources; the first source wins where two are equal."""
        found: tuple[datetime, DueSource] | None = None
        for source in self._sources:
            due = await source.next_due()
            if due is not None and (found is None or due < found[0]):
                found = due, source
        return found

    async def _run_all(self, source: DueSource) -> int:
        handled = 0
        while ran := await source.run_due(self._clock.now(), BATCH):
            handled += ran
        return handled

    async def _run_guarded(self, source: DueSource) -> int:
        """One turn of a source; it comes again, so an error is only told."""
        try:
            return await source.run_due(self._clock.now(), BATCH)
        except DatabaseUnavailable:
            _LOG.warning("source %s waits for the database", source.name)
        except Exception:  # noqa: BLE001  # Code of a service: it must not end the loop.
            _LOG.exception("source %s failed", source.name)
        heed_cancellation()
        return 0
