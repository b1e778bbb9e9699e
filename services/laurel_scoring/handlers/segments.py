"""GetSegment, ListSegmentMembers and GetPreferences: which groups members are in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.errors import InsightNotDeclared, SegmentNotFound
from laurel_scoring.domain.models import ScoringProgram
from laurel_scoring.domain.preferences import Preferences, preferences_of
from laurel_scoring.domain.segment_rules import InsightRules
from laurel_scoring.domain.segments import Segment, SegmentMember, kept_lines, segment_of
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.storage.activities import read_facts
from laurel_scoring.storage.segments import (
    count_customers,
    find_run,
    list_members,
    read_spending,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentView:
    """The groups of a member now."""

    program_id: str
    member_id: str
    segment: Segment
    as_of: datetime
    revision_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPart:
    """Some members of a group, and the day of the run that put them there."""

    members: list[SegmentMember]
    day: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencesView:
    """What a shop is told, and the day of the run it is of."""

    preferences: Preferences
    day: date | None


async def get_segment(program_id: str, member_id: str, *, resources: Resources) -> SegmentView:
    """The groups of a member now. Raises ProgramNotFound and InsightNotDeclared."""
    now = resources.clock.now()
    async with resources.database.read() as connection:
        revision, rules = await insight_at(connection, program_id, now, resources)
        known = await read_facts(connection, program_id, member_id)
    kept = kept_lines(known.facts, now=now, zone=revision.time_zone)
    return SegmentView(
        program_id=program_id,
        member_id=member_id,
        segment=segment_of(kept, rules, now=now, zone=revision.time_zone),
        as_of=now,
        revision_id=revision.revision_id,
    )


async def list_segment_members(
    program_id: str, segment_id: str, *, after_member_id: str, resources: Resources
) -> AsyncIterator[SegmentPart]:
    """The members of a group in the order of their ids, part by part.

    Raises ProgramNotFound, InsightNotDeclared, SegmentNotFound.
    """
    async with resources.database.read() as connection:
        _, rules = await insight_at(connection, program_id, resources.clock.now(), resources)
    if not rules.has(segment_id):
        raise SegmentNotFound(segment_id=segment_id)
    while True:
        part = await read_part(program_id, segment_id, after_member_id, resources)
        if not part.members:
            return
        yield part
        after_member_id = part.members[-1].member_id


async def read_part(
    program_id: str, segment_id: str, after_member_id: str, resources: Resources
) -> SegmentPart:
    """The next members of a group. No connection is held while the reader reads them."""
    async with resources.database.read() as connection:
        run = await find_run(connection, program_id)
        members = await list_members(
            connection,
            program_id,
            segment_id,
            after_member_id=after_member_id,
            limit=resources.insight_chunk,
        )
    return SegmentPart(members=members, day=run.day if run else None)


async def get_preferences(
    program_id: str, shop_id: str, *, resources: Resources
) -> PreferencesView:
    """What the customers of a shop spend on, as of the last daily run.

    Raises ProgramNotFound, InsightNotDeclared, GroupTooSmall.
    """
    async with resources.database.read() as connection:
        _, rules = await insight_at(connection, program_id, resources.clock.now(), resources)
        if not rules.preference_members_min:
            raise InsightNotDeclared(program_id=program_id, part="preferences")
        run = await find_run(connection, program_id)
        members = await count_customers(connection, program_id, shop_id)
        spent = await read_spending(connection, program_id, shop_id)
    told = preferences_of(spent, members=members, members_min=rules.preference_members_min)
    return PreferencesView(preferences=told, day=run.day if run else None)


async def insight_at(
    connection: Connection, program_id: str, instant: datetime, resources: Resources
) -> tuple[Revision[ScoringProgram], InsightRules]:
    """The groups that a program has. Raises ProgramNotFound and InsightNotDeclared."""
    revision = await resources.programs.at(connection, program_id, instant)
    if revision.model.insight is None:
        raise InsightNotDeclared(program_id=program_id, part="groups")
    return revision, revision.model.insight
