"""GetMedals: what a member holds, and how far it is with every medal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from laurel_kit.calendar import business_day
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.errors import InsightNotDeclared
from laurel_scoring.domain.medals import Progress, deeds_of, progress_of
from laurel_scoring.domain.models import ScoringProgram
from laurel_scoring.domain.segments import kept_lines
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.storage.activities import MemberFacts, read_facts
from laurel_scoring.storage.medals import HeldMedal, read_medals
from laurel_scoring.storage.segments import find_run


@dataclass(frozen=True, slots=True, kw_only=True)
class MedalView:
    """A medal of a member: as held, and as it would be held by the facts of now."""

    progress: Progress
    held: HeldMedal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MedalWall:
    """Every medal of the program for one member."""

    medals: list[MedalView]
    day: date | None
    """The day of the run that what is held is of."""
    as_of: datetime
    revision_id: str


async def get_medals(program_id: str, member_id: str, *, resources: Resources) -> MedalWall:
    """The medals of a member. Raises ProgramNotFound and InsightNotDeclared."""
    now = resources.clock.now()
    async with resources.database.snapshot() as connection:
        revision = await resources.programs.at(connection, program_id, now)
        if not revision.model.medals:
            raise InsightNotDeclared(program_id=program_id, part="medals")
        known = await read_facts(connection, program_id, member_id)
        held = await read_medals(connection, program_id, member_id)
        run = await find_run(connection, program_id)
    return MedalWall(
        medals=[
            MedalView(progress=each, held=held.get(each.medal.medal_id))
            for each in progress_with(known, revision, now)
        ],
        day=run.day if run else None,
        as_of=now,
        revision_id=revision.revision_id,
    )


def progress_with(
    known: MemberFacts, revision: Revision[ScoringProgram], now: datetime
) -> list[Progress]:
    """How far a member is with every medal of a revision."""
    zone = revision.time_zone
    kept = kept_lines(known.facts, now=now, zone=zone)
    deeds, today = deeds_of(known.facts, now=now, zone=zone), business_day(now, zone)
    return [progress_of(medal, kept, deeds, today) for medal in revision.model.medals]
