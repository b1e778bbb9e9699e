"""Courses: settling whole populations from them, and keeping them in step every day."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day, day_start
from laurel_kit.database import Connection, LostRace
from laurel_kit.programs.errors import ProgramNotFound
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.courses import plan_course
from laurel_scoring.domain.models import Level, ScoreModel, ScoringProgram
from laurel_scoring.domain.settlements import Settlement
from laurel_scoring.handlers.due_months import due_after
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import model_of
from laurel_scoring.storage.courses import (
    CourseKey,
    Published,
    Stretch,
    keep_courses,
    key_of,
    month_key_of,
    month_number,
    publish_courses,
    read_day_due,
    read_stale,
    read_stretch,
    record_course_day,
)
from laurel_scoring.storage.month_statements import plan_months
from laurel_scoring.storage.settlements import Beginning, read_beginnings

STALE_READ = 20_000
"""Members out of date that are looked up at once."""


def course_key_of(
    revision: Revision[ScoringProgram], model_id: str, resources: Resources
) -> CourseKey | None:
    """The courses of a model as a revision has it; None when it is for the evaluator.

    Decided once for each revision: its id says what is in it.
    """
    name = revision.program_id, revision.revision_id, model_id
    if name not in resources.courses:
        model = model_of(revision, model_id)
        resources.courses[name] = compiled_key(revision, model)
    return resources.courses[name]


def compiled_key(revision: Revision[ScoringProgram], model: ScoreModel) -> CourseKey | None:
    """The courses of a model: of all months at once where its rules allow it, else month by month.

    None when it is for the evaluator.
    """
    known = revision.program_id, model.model_id, revision.time_zone.key
    plan = plan_course(model, revision.model.vocabulary)
    if plan is not None:
        return key_of(*known, plan)
    statement = plan_months(model)
    return None if statement is None else month_key_of(*known, statement)


def settled_key(
    revision: Revision[ScoringProgram], settlement: Settlement, resources: Resources
) -> CourseKey | None:
    """The courses that a settlement publishes; None when it is for the evaluator."""
    key = course_key_of(revision, settlement.key.model_id, resources)
    return key and key.settled(month_settled(settlement.due_time, revision.time_zone))


def month_settled(due_time: datetime, zone: ZoneInfo) -> int:
    """The month of a settlement, as courses count them."""
    return month_number(business_day(due_time, zone))


async def bring_up_next(
    connection: Connection, key: CourseKey, *, after_member_id: str, resources: Resources
) -> Stretch | None:
    """The next members, with their courses up to date; None without any left."""
    stretch = await read_stretch(
        connection,
        key,
        after_member_id=after_member_id,
        limit=resources.published_chunk,
        stale_limit=resources.settlement_chunk,
    )
    if stretch is not None:
        await keep_courses(connection, key, stretch.stale)
    return stretch


async def publish_next(
    connection: Connection,
    settlement: Settlement,
    key: CourseKey,
    levels: Sequence[Level],
    resources: Resources,
) -> Published | None:
    """Publish the next members from their courses, after bringing those up to date that are not.

    None without any left. Raises LostRace when another process works by the rules of another
    revision at the same time.
    """
    stretch = await bring_up_next(
        connection, key, after_member_id=settlement.last_member_id, resources=resources
    )
    if stretch is None:
        return None
    by_score = [each for each in levels if not each.one_in]  # I17: the others are accepted.
    published = await publish_courses(
        connection, settlement, key, by_score, last_member_id=stretch.last_member_id
    )
    if published.members < stretch.members:
        raise LostRace
    return published


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseDay:
    """The day of a program for which its courses are to be brought up to date."""

    time: datetime
    day: date
    beginning: Beginning
    revision: Revision[ScoringProgram]


@dataclass(slots=True, kw_only=True)
class Search:
    """Members that were found out of date and are not done yet, and how far the search has come."""

    found: list[str] = field(default_factory=list)
    last_member_id: str = ""


class CourseSource:
    """A source of due rows for the scheduler: every day of every program, for its courses.

    Nothing hangs on it but time: what is out of date at a settlement is worked out in it.
    """

    name = "courses"

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._searches: dict[str, Search] = {}
        """By program and model."""

    async def next_due(self) -> datetime | None:
        """When the next day of a program begins; in the past while one is not done."""
        due = await self._next()
        return due.time if due else None

    async def run_due(self, now: datetime, limit: int) -> int:
        """Bring courses of the earliest day that is due up to date, about `limit` of them."""
        due = await self._next()
        if due is None or due.time > now:
            return 0
        handled = 0
        for key in await self._keys(due):
            while handled < limit and (done := await self._bring_up(key, limit)):
                handled += done
        if handled < limit:
            await self._resources.database.transact(
                lambda connection: record_course_day(connection, due.revision.program_id, due.day)
            )
        return max(handled, 1)

    async def _keys(self, due: CourseDay) -> list[CourseKey]:
        """The courses to bring up to date; those of single months of the next one to be settled."""
        found: list[CourseKey] = []
        async with self._resources.database.read() as connection:
            for key in keys_of(due.revision, self._resources):
                settled = await due_after(
                    connection, due.beginning, key.model_id, due.revision, self._resources
                )
                if settled is not None:
                    month = month_settled(settled.time, due.revision.time_zone)
                    found.append(key.settled(month))
        return found

    async def _bring_up(self, key: CourseKey, limit: int) -> int:
        """Work out some courses of a model; how many, 0 when all are up to date.

        Several chunks at the same time: a statement keeps one processor of the database busy.
        """
        search = self._searches.setdefault(f"{key.program_id} {key.model_id}", Search())
        await self._look_on(key, search)
        size = min(limit, self._resources.settlement_chunk)
        chunks = [search.found[n * size :][:size] for n in range(self._resources.course_lanes)]
        await asyncio.gather(*(self._keep(key, chunk) for chunk in chunks if chunk))
        handled = sum(map(len, chunks))
        del search.found[:handled]
        return handled

    async def _keep(self, key: CourseKey, member_ids: Sequence[str]) -> None:
        """Work out the courses of members in a transaction of their own."""
        await self._resources.database.transact(
            lambda connection: keep_courses(connection, key, member_ids)
        )

    async def _look_on(self, key: CourseKey, search: Search) -> None:
        """Find further members out of date; after the last one look once more from the first."""
        if search.found:
            return
        async with self._resources.database.read() as connection:
            while not search.found:
                after = search.last_member_id
                search.found = await read_stale(
                    connection, key, after_member_id=after, limit=STALE_READ
                )
                search.last_member_id = search.found[-1] if search.found else ""
                if not search.found and not after:
                    return

    async def _next(self) -> CourseDay | None:
        """The earliest day of a program that is not done."""
        resources = self._resources
        found: list[CourseDay] = []
        async with resources.database.read() as connection:
            for beginning in await read_beginnings(connection):
                due = await day_of(connection, beginning, resources)
                if due is not None:
                    found.append(due)
        return min(found, default=None, key=lambda due: due.time)


async def day_of(
    connection: Connection, beginning: Beginning, resources: Resources
) -> CourseDay | None:
    """The next day of a program on which there is something to do; None when there is none yet.

    Days that passed while no process ran are not made up for: courses are of now.
    """
    now, program_id = resources.clock.now(), beginning.program_id
    try:
        revision = await resources.programs.at(connection, program_id, now)
    except ProgramNotFound:
        return None
    if next(keys_of(revision, resources), None) is None:
        return None
    today = business_day(now, revision.time_zone)
    due = await read_day_due(connection, program_id, today)
    if due is None:
        return None
    day = max(due, today)
    time = day_start(day, revision.time_zone)
    return CourseDay(time=time, day=day, beginning=beginning, revision=revision)


def keys_of(revision: Revision[ScoringProgram], resources: Resources) -> Iterator[CourseKey]:
    """The courses of all models of a revision that have some."""
    for model in revision.model.models:
        key = course_key_of(revision, model.model_id, resources)
        if key is not None:
            yield key
