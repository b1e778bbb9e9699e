"""Settlements of models whose levels go by rank: all members are valued before any is published."""

from __future__ import annotations

from laurel_kit.database import Connection, LostRace
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.models import ScoringProgram
from laurel_scoring.domain.ranks import Standing, places_of, ranks_of
from laurel_scoring.domain.scores import worth
from laurel_scoring.domain.settlements import Settlement
from laurel_scoring.handlers.courses import bring_up_next
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import model_of
from laurel_scoring.handlers.valuing import published_moment
from laurel_scoring.storage.activities import read_next_members
from laurel_scoring.storage.courses import CourseKey, Published
from laurel_scoring.storage.rankings import (
    Entry,
    Ranking,
    end_ranking,
    insert_courses,
    insert_entries,
    open_ranking,
    publish_entries,
    record_gathering,
    take_places,
)

Program = Revision[ScoringProgram]


async def is_ranked(
    connection: Connection,
    settlement: Settlement,
    revision: Program,
    courses: CourseKey | None,
    resources: Resources,
) -> bool:
    """Whether everybody has a place; where not, the next members are valued.

    Progress counts members as they are published. Who is recorded for the first time after
    everybody was valued is ranked next month.
    """
    ranking = await open_ranking(connection, settlement.key)
    if ranking.is_gathered:
        return True
    if courses is None:
        last = await gather(connection, settlement, ranking, revision, resources)
    else:
        last = await gather_courses(connection, settlement, ranking, courses, resources)
    if not last:
        model = model_of(revision, settlement.key.model_id)
        await take_places(connection, settlement.key, places=places_of(model))
    await record_gathering(connection, settlement.key, last_member_id=last, is_gathered=not last)
    return False


async def gather_courses(
    connection: Connection,
    settlement: Settlement,
    ranking: Ranking,
    courses: CourseKey,
    resources: Resources,
) -> str:
    """Value the next members from their courses; up to which one, empty without any left.

    Raises LostRace when another process works by other rules at the same time.
    """
    stretch = await bring_up_next(
        connection, courses, after_member_id=ranking.last_member_id, resources=resources
    )
    if stretch is None:
        return ""
    gathered = await insert_courses(
        connection,
        settlement.key,
        digest=courses.digest,
        after_member_id=ranking.last_member_id,
        last_member_id=stretch.last_member_id,
    )
    if gathered < stretch.members:
        raise LostRace
    return stretch.last_member_id


async def gather(
    connection: Connection,
    settlement: Settlement,
    ranking: Ranking,
    revision: Program,
    resources: Resources,
) -> str:
    """Value the next members one by one; up to which one, empty without any left."""
    key = settlement.key
    model = model_of(revision, key.model_id)
    members = await read_next_members(
        connection,
        key.program_id,
        after_member_id=ranking.last_member_id,
        limit=resources.settlement_chunk,
    )
    if not members:
        return ""
    moment = published_moment(settlement, revision)
    entries: list[Entry] = []
    for member in members:
        found = worth(member.facts, model, moment)
        standing = Standing(
            member_id=member.member_id, value=found.value, reached_time=found.reached_time
        )
        entries.append(Entry(standing=standing, member_version=member.version, place=None))
    await insert_entries(connection, key, entries)
    return members[-1].member_id


async def publish_ranked(
    connection: Connection, settlement: Settlement, revision: Program, resources: Resources
) -> Published | None:
    """Publish the next members with the levels of their places; None without any left."""
    key = settlement.key
    model = model_of(revision, key.model_id)
    published = await publish_entries(
        connection,
        settlement,
        ranks_of(model),
        [each for each in model.levels if not each.rank_size and not each.one_in],
        limit=resources.published_chunk,
    )
    if published is None:
        await end_ranking(connection, key)
    return published
