"""The clock's part of groups and medals: brought up to date once a day, for who is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from laurel_kit.calendar import ONE_DAY, business_day, day_start
from laurel_kit.database import Connection
from laurel_kit.programs.errors import ProgramNotFound
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.medals import Progress
from laurel_scoring.domain.models import ScoringProgram
from laurel_scoring.domain.segment_rules import NO_GROUPS
from laurel_scoring.domain.segments import kept_lines, segment_of, tastes_of
from laurel_scoring.handlers.medals import progress_with
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.storage.activities import MemberFacts, read_facts_of_members
from laurel_scoring.storage.medals import award_medals
from laurel_scoring.storage.segments import (
    DailyRun,
    Grouped,
    find_run,
    keep_groups,
    next_touched,
    record_run,
)
from laurel_scoring.storage.settlements import Beginning, read_beginnings


class InsightSource:
    """A source of due rows for the scheduler: the daily runs of programs with groups or medals.

    The first one is on the day after a program was applied here. A day that was missed is not made
    up for: the run of today says all that it would have said.
    """

    name = "insight"

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def next_due(self) -> datetime | None:
        """When the next daily run is due; in the past while one is running."""
        due = await self._next()
        return due[0] if due else None

    async def run_due(self, now: datetime, limit: int) -> int:
        """Bring up to about `limit` members of the earliest run up to date."""
        due = await self._next()
        if due is None or due[0] > now:
            return 0
        handled, chunk = 0, self._resources.insight_chunk
        while handled < limit:
            members = await group_next(due[1], resources=self._resources)
            # A run that touches nobody is a step too.
            handled += max(members, 1)
            if members < chunk:
                break
        return handled

    async def _next(self) -> tuple[datetime, str] | None:
        """When a daily run is due, and of which program: the earliest."""
        resources = self._resources
        async with resources.database.read() as connection:
            dues = [
                (due, beginning.program_id)
                for beginning in await read_beginnings(connection)
                if (due := await due_of(connection, beginning, resources))
            ]
        return min(dues, default=None)


async def due_of(
    connection: Connection, beginning: Beginning, resources: Resources
) -> datetime | None:
    """When the next run of a program is due; None for one without groups."""
    revision = await grouping_revision(connection, beginning.program_id, resources)
    if revision is None:
        return None
    zone = revision.time_zone
    run = await find_run(connection, beginning.program_id)
    if run is None:
        return day_start(business_day(beginning.apply_time, zone) + ONE_DAY, zone)
    return day_start(run.day + ONE_DAY if run.done else run.day, zone)


async def grouping_revision(
    connection: Connection, program_id: str, resources: Resources
) -> Revision[ScoringProgram] | None:
    """The revision that holds now, if it has groups."""
    try:
        revision = await resources.programs.at(connection, program_id, resources.clock.now())
    except ProgramNotFound:
        # Applied ahead of its time: no revision of the program holds yet.
        return None
    return revision if revision.model.insight or revision.model.medals else None


async def group_next(program_id: str, *, resources: Resources) -> int:
    """Group the next members that are touched; fewer than a chunk when the run of today is done.

    The row of the run is locked meanwhile, so that processes share the work.
    """

    async def work(connection: Connection) -> int:
        now = resources.clock.now()
        revision = await grouping_revision(connection, program_id, resources)
        assert revision is not None, "what is due has groups or medals"
        today = business_day(now, revision.time_zone)
        run = await begin_run(connection, program_id, today)
        if run.done:
            return 0
        members = await next_touched(
            connection,
            program_id,
            revision.revision_id,
            today,
            after_member_id=run.last_member_id,
            limit=resources.insight_chunk,
        )
        await group_members(connection, revision, members, now)
        last = members[-1] if members else run.last_member_id
        done = len(members) < resources.insight_chunk
        after = DailyRun(day=today, last_member_id=last, done=done)
        await record_run(connection, program_id, after)
        return len(members)

    return await resources.database.transact(work)


async def begin_run(connection: Connection, program_id: str, today: date) -> DailyRun:
    """The run of today, locked; begun now when the last one was of another day."""
    run = await find_run(connection, program_id, lock=True)
    if run is not None and run.day == today:
        return run
    fresh = DailyRun(day=today, last_member_id="", done=False)
    await record_run(connection, program_id, fresh)
    return fresh


async def group_members(
    connection: Connection,
    revision: Revision[ScoringProgram],
    member_ids: list[str],
    now: datetime,
) -> None:
    """Work out the groups of members and keep them."""
    if not member_ids:
        return
    known = await read_facts_of_members(connection, revision.program_id, dict.fromkeys(member_ids))
    progress = {each.member_id: progress_with(each, revision, now) for each in known.values()}
    found = [
        group_member(facts, progress[facts.member_id], revision, now) for facts in known.values()
    ]
    await keep_groups(connection, revision.program_id, revision.revision_id, found)
    await award_medals(connection, revision.program_id, revision.revision_id, progress, now=now)


def group_member(
    known: MemberFacts,
    progress: Sequence[Progress],
    revision: Revision[ScoringProgram],
    now: datetime,
) -> Grouped:
    """The groups of one member, to be looked at again when something of them or a medal changes."""
    rules, zone = revision.model.insight or NO_GROUPS, revision.time_zone
    kept = kept_lines(known.facts, now=now, zone=zone)
    segment = segment_of(kept, rules, now=now, zone=zone)
    days = [segment.next_day, *(each.next_day for each in progress)]
    next_day = min((day for day in days if day is not None), default=None)
    return Grouped(
        member_id=known.member_id,
        member_version=known.version,
        segment=replace(segment, next_day=next_day),
        tastes=tastes_of(kept, rules, now=now, zone=zone),
    )
