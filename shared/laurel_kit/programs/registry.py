"""The compiled revisions of every program, in memory, chosen by the instant of a fact.

What the table holds is read once: revisions are never changed, and a program's effective times only
rise. `refresh` reads what is new; the server calls it after an apply and once in a while, since
other processes apply too.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_kit.database import Database
from laurel_kit.programs import storage
from laurel_kit.programs.errors import ProgramNotFound
from laurel_kit.programs.loading import Examination, examine
from laurel_kit.programs.sections import ProgramFaults, ProgramSection

_LOG = logging.getLogger(__name__)

Model = TypeVar("Model")

REFRESH_INTERVAL = timedelta(seconds=1)
"""How long a revision that another process has applied may stay unseen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled(Generic[Model]):
    """What a service makes of one file."""

    time_zone: ZoneInfo
    model: Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision(Generic[Model]):
    """A revision as the rules of one service see it."""

    program_id: str
    revision_id: str
    effective_time: datetime
    time_zone: ZoneInfo
    model: Model


@dataclass(slots=True)
class Timeline:
    """Which revision of one program holds from when on, in the order of time."""

    effective_times: list[datetime] = field(default_factory=list)
    revision_ids: list[str] = field(default_factory=list)

    def at(self, instant: datetime) -> tuple[datetime, str] | None:
        """Effective time and name of the revision that holds at the instant."""
        position = bisect_right(self.effective_times, instant) - 1
        if position < 0:
            return None
        return self.effective_times[position], self.revision_ids[position]


class ProgramRegistry(Generic[Model]):
    """Compiled revisions over the table `program_revision`, for one service in one process."""

    def __init__(self, section: ProgramSection[Model]) -> None:
        self.section = section
        self._timelines: dict[str, Timeline] = {}
        self._compiled: dict[str, Compiled[Model]] = {}
        self._reading = asyncio.Lock()

    async def at(
        self, connection: AsyncConnection, program_id: str, instant: datetime
    ) -> Revision[Model]:
        """The revision that holds for a fact of that instant. Raises ProgramNotFound.

        No I/O once the revision has been used here.
        """
        return self.cached(program_id, instant) or await self.latest(
            connection, program_id, instant
        )

    async def latest(
        self, connection: AsyncConnection, program_id: str, instant: datetime
    ) -> Revision[Model]:
        """The same after a look into the table: what another process has applied counts at once."""
        async with self._reading:
            await self._read_new(connection)
            held = self._held(program_id, instant)
            if held is None:
                raise ProgramNotFound(program_id=program_id)
            await self._compile(connection, program_id, held[1])
        revision = self.cached(program_id, instant)
        assert revision is not None, held
        return revision

    def cached(self, program_id: str, instant: datetime) -> Revision[Model] | None:
        """The revision that holds, if this process has it ready."""
        held = self._held(program_id, instant)
        compiled = self._compiled.get(held[1]) if held else None
        if held is None or compiled is None:
            return None
        return Revision(
            program_id=program_id,
            revision_id=held[1],
            effective_time=held[0],
            time_zone=compiled.time_zone,
            model=compiled.model,
        )

    async def refresh(self, connection: AsyncConnection) -> None:
        """Read what has been applied since the last time, and get the newest of each program ready.

        A stored file that this build no longer understands is logged; asking for it raises.
        """
        async with self._reading:
            for program_id in await self._read_new(connection):
                newest = self._timelines[program_id].revision_ids[-1]
                try:
                    await self._compile(connection, program_id, newest)
                except ProgramFaults:
                    _LOG.exception("revision %s of %s is not understood", newest, program_id)

    def keep(self, examination: Examination[Model]) -> None:
        """Have the model of a file without faults ready; the file itself is stored by others."""
        assert examination.model is not None, "a file without faults has a model"
        self._compiled[examination.revision_id] = Compiled(
            time_zone=ZoneInfo(examination.time_zone), model=examination.model
        )

    async def watch(self, database: Database) -> None:
        """Refresh for ever; a loop of the server. Ends by raising when the database is down."""
        while True:
            async with database.read() as connection:
                await self.refresh(connection)
            await asyncio.sleep(REFRESH_INTERVAL.total_seconds())

    def _held(self, program_id: str, instant: datetime) -> tuple[datetime, str] | None:
        timeline = self._timelines.get(program_id)
        return timeline.at(instant) if timeline else None

    async def _read_new(self, connection: AsyncConnection) -> list[str]:
        """Extend the timelines; the programs that have something new."""
        changed = await storage.list_new(connection, self._known())
        for program_id, effective_time, revision_id in changed:
            timeline = self._timelines.setdefault(program_id, Timeline())
            timeline.effective_times.append(effective_time)
            timeline.revision_ids.append(revision_id)
        return sorted({row.program_id for row in changed})

    def _known(self) -> Mapping[str, datetime]:
        return {name: line.effective_times[-1] for name, line in self._timelines.items()}

    async def _compile(
        self, connection: AsyncConnection, program_id: str, revision_id: str
    ) -> None:
        """Get a revision ready. Raises ProgramFaults when this build does not understand it."""
        if revision_id in self._compiled:
            return
        stored = await storage.find_revision(connection, program_id, revision_id)
        assert stored is not None, "revisions are never removed"
        # In a thread: reading a large file takes longer than other calls should wait.
        examination = await asyncio.to_thread(examine, stored.source, self.section)
        if examination.faults:
            raise ProgramFaults(examination.faults)
        self.keep(examination)
