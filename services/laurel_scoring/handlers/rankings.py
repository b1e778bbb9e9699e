"""Settlements of models whose levels go by rank: all members are valued before any is published."""

from __future__ import annotations

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.models import ScoringProgram
from laurel_scoring.domain.ranks import Standing, level_at, places_of
from laurel_scoring.domain.scores import worth
from laurel_scoring.domain.settlements import FIRST_RUN, Settlement
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import model_of
from laurel_scoring.handlers.valuing import corrections, published_moment, score_of
from laurel_scoring.storage.activities import read_next_members
from laurel_scoring.storage.courses import Published
from laurel_scoring.storage.rankings import (
    Entry,
    Ranking,
    end_ranking,
    insert_entries,
    open_ranking,
    read_entries,
    record_gathering,
    take_places,
)
from laurel_scoring.storage.settlements import publish_scores

Program = Revision[ScoringProgram]


async def is_ranked(
    connection: Connection, settlement: Settlement, revision: Program, resources: Resources
) -> bool:
    """Whether everybody has a place; where not, the next members are valued.

    Progress counts members as they are published. Who is recorded for the first time after
    everybody was valued is ranked next month.
    """
    ranking = await open_ranking(connection, settlement.key)
    if not ranking.is_gathered:
        await gather(connection, settlement, ranking, revision, resources)
    return ranking.is_gathered


async def gather(
    connection: Connection,
    settlement: Settlement,
    ranking: Ranking,
    revision: Program,
    resources: Resources,
) -> None:
    """Value the next members; after the last one give everybody a place."""
    key = settlement.key
    model = model_of(revision, key.model_id)
    members = await read_next_members(
        connection,
        key.program_id,
        after_member_id=ranking.last_member_id,
        limit=resources.settlement_chunk,
    )
    if not members:
        await take_places(connection, key, places=places_of(model))
        await record_gathering(connection, key, last_member_id="", is_gathered=True)
        return
    moment = published_moment(settlement, revision)
    entries: list[Entry] = []
    for member in members:
        found = worth(member.facts, model, moment)
        standing = Standing(
            member_id=member.member_id, value=found.value, reached_time=found.reached_time
        )
        entries.append(Entry(standing=standing, member_version=member.version, place=None))
    await insert_entries(connection, key, entries)
    last = members[-1].member_id
    await record_gathering(connection, key, last_member_id=last, is_gathered=False)


async def publish_ranked(
    connection: Connection, settlement: Settlement, revision: Program, resources: Resources
) -> Published | None:
    """Publish the next members with the levels of their places; None without any left."""
    key = settlement.key
    model = model_of(revision, key.model_id)
    entries = await read_entries(
        connection,
        key,
        after_member_id=settlement.last_member_id,
        limit=resources.settlement_chunk,
    )
    if not entries:
        await end_ranking(connection, key)
        return None
    scores = [
        score_of(
            settlement,
            each.standing.member_id,
            each.member_version,
            each.standing.value,
            level_at(model, each.place, each.standing.value),
        )
        for each in entries
    ]
    if key.run > FIRST_RUN:
        scores = await corrections(connection, key, scores)
    await publish_scores(connection, scores)
    last = entries[-1].standing.member_id
    return Published(last_member_id=last, members=len(entries), scores=len(scores))
