"""Live scores kept in memory, used only while nothing has changed that they depend on.

A score depends on the member's facts (its version says whether there are others), on the model of a
revision, on the business day and on the facts that had happened by the instant. Before a kept
score is used the version is read from the database, so that what another process recorded counts
at once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.calendar import day_end, day_start
from laurel_kit.database import Database

from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.scores import Profile, Worth
from laurel_scoring.domain.windows import Moment
from laurel_scoring.storage.activities import read_versions

VERSIONS_AT_ONCE = 1000
"""Members whose versions one statement reads."""

Key = tuple[str, str, str]
"""Program, member and model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A live score with everything it holds for."""

    version: int
    revision_id: str
    from_time: datetime
    until_time: datetime
    worth: Worth
    profile: Profile

    def holds(self, *, version: int, revision_id: str, instant: datetime) -> bool:
        """Whether it is the score of these facts by this revision at this instant."""
        return (
            self.version == version
            and self.revision_id == revision_id
            and self.from_time <= instant < self.until_time
        )


def span_of_validity(facts: Iterable[Fact], moment: Moment) -> tuple[datetime, datetime]:
    """From when until when a live score stays: within the day, and between two facts of it."""
    first, last = day_start(moment.today, moment.zone), day_end(moment.today, moment.zone)
    for fact in facts:
        if first < fact.activity_time <= moment.instant:
            first = fact.activity_time
        elif moment.instant < fact.activity_time < last:
            last = fact.activity_time
    return first, last


class ScoreCache:
    """The scores asked for last, at most `limit` of them; nothing is kept with a limit of 0."""

    def __init__(self, database: Database, *, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._versions = VersionReader(database)

    async def find(self, key: Key, *, revision_id: str, instant: datetime) -> Kept | None:
        """The kept score, if it still is the score."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        version = await self._versions.read(key[0], key[1])
        if not kept.holds(version=version, revision_id=revision_id, instant=instant):
            return None
        if key in self._kept:
            self._kept.move_to_end(key)
        return kept

    def keep(self, key: Key, kept: Kept) -> None:
        """Keep a score instead of the one asked for longest ago."""
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A caller that waits for a version."""

    program_id: str
    member_id: str
    answer: asyncio.Future[int]


class VersionReader:
    """Reads versions of members, for all who ask at the same time with one statement.

    Who asks while a statement is under way waits for the next one: it sees everything that was
    recorded before it asked.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Waiting] = []
        self._reading: asyncio.Task[None] | None = None

    async def read(self, program_id: str, member_id: str) -> int:
        """The version of a member, 0 of one nobody knows. Raises what the database raises."""
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(program_id=program_id, member_id=member_id, answer=answer))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_all())
        return await answer

    async def _read_all(self) -> None:
        """Answer everybody who waits, then end."""
        try:
            while self._waiting:
                batch = self._waiting[:VERSIONS_AT_ONCE]
                self._waiting = self._waiting[VERSIONS_AT_ONCE:]
                try:
                    await self._answer(batch)
                except Exception as error:  # noqa: BLE001  # Each caller is told by itself.
                    for each in batch:
                        if not each.answer.done():
                            each.answer.set_exception(error)
        finally:
            self._reading = None
            # Only when this task was ended from outside: nobody else would answer them.
            for each in self._waiting:
                each.answer.cancel()

    async def _answer(self, batch: list[Waiting]) -> None:
        """Read the versions for some callers, each program by itself."""
        for program_id in {each.program_id for each in batch}:
            asked = [each for each in batch if each.program_id == program_id]
            async with self._database.read() as connection:
                members = {each.member_id for each in asked}
                versions = await read_versions(connection, program_id, members)
            for each in asked:
                if not each.answer.done():
                    each.answer.set_result(versions.get(each.member_id, 0))
