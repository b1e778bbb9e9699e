"""GetDistribution and ListLeaderboard, and what a settlement counts for them when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.distributions import (
    LAST_PERCENT,
    Distribution,
    Place,
    distribution_of,
    members_of,
    places_of,
    tied,
)
from laurel_scoring.domain.errors import SettlementNotFound
from laurel_scoring.domain.models import ScoreModel, ScoringProgram
from laurel_scoring.domain.scores import reached_time_of, score
from laurel_scoring.domain.settlements import Settlement, month_name
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import model_of
from laurel_scoring.handlers.seats import open_seats
from laurel_scoring.handlers.valuing import published_moment
from laurel_scoring.storage.activities import read_facts_of_members
from laurel_scoring.storage.insight import (
    count_holding,
    insert_distribution,
    insert_places,
    list_places,
    read_best,
    read_distribution,
    read_spread,
)
from laurel_scoring.storage.settlements import find_published_settlement

CANDIDATES_PER_PLACE = 10
"""Members that are looked at for each place; of more who share the last score the lower ids are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightQuery:
    """Which settlement is asked about; without a month the latest that is published."""

    program_id: str
    model_id: str
    month: date | None
    run: int | None = None
    """The run that an earlier page was of; None takes the latest of the month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionView:
    """How members are spread as of a settlement, and the model that made its scores."""

    settlement: Settlement
    model: ScoreModel
    distribution: Distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderboardPage:
    """Places of a leaderboard."""

    settlement: Settlement
    model: ScoreModel
    places: list[Place]


async def conclude(
    connection: Connection,
    settlement: Settlement,
    revision: Revision[ScoringProgram],
    resources: Resources,
) -> None:
    """Count what a settlement says about everybody, in the transaction that ends it."""
    key, model = settlement.key, model_of(revision, settlement.key.model_id)
    spread = await read_spread(connection, key, last_percent=LAST_PERCENT)
    tiers = revision.model.tier_policy(key.model_id) is not None
    holding = await count_holding(connection, key) if tiers else {}
    distribution = distribution_of(spread.levels, spread.percentiles, holding, model.levels)
    await insert_distribution(connection, key, distribution)
    await keep_leaderboard(connection, settlement, revision, resources)
    await open_seats(connection, settlement, revision, members_of(distribution), resources)


async def keep_leaderboard(
    connection: Connection,
    settlement: Settlement,
    revision: Revision[ScoringProgram],
    resources: Resources,
) -> None:
    """Keep the best of a settlement; only who shares a score is asked when it was reached (K5)."""
    key, size = settlement.key, resources.leaderboard_size
    model = model_of(revision, key.model_id)
    moment = published_moment(settlement, revision)
    best = await read_best(connection, key, size=size, most=size * CANDIDATES_PER_PLACE)
    reached: dict[str, datetime] = {}
    versions = [(each.member_id, each.member_version) for each in tied(best)]
    for start in range(0, len(versions), resources.settlement_chunk):
        asked = dict(versions[start:][: resources.settlement_chunk])
        known = await read_facts_of_members(connection, key.program_id, asked)
        for member in known.values():
            time = reached_time_of(score(member.facts, model, moment))
            assert time is not None, "what is above zero was reached at some time"
            reached[member.member_id] = time
    await insert_places(connection, key, places_of(best, reached, size=size))


async def get_distribution(query: InsightQuery, *, resources: Resources) -> DistributionView:
    """How members are spread. Raises ProgramNotFound, ModelNotFound, SettlementNotFound."""
    async with resources.database.read() as connection:
        settlement, model = await find_concluded(connection, query, resources)
        distribution = await read_distribution(connection, settlement.key)
    return DistributionView(settlement=settlement, model=model, distribution=distribution)


async def list_leaderboard(
    query: InsightQuery, *, after: int, limit: int, resources: Resources
) -> LeaderboardPage:
    """Places after one. Raises what get_distribution raises."""
    async with resources.database.read() as connection:
        settlement, model = await find_concluded(connection, query, resources)
        places = await list_places(connection, settlement.key, after=after, limit=limit)
    return LeaderboardPage(settlement=settlement, model=model, places=places)


async def find_concluded(
    connection: Connection, query: InsightQuery, resources: Resources
) -> tuple[Settlement, ScoreModel]:
    """The settlement that is asked about, with the model of its revision."""
    program_id, model_id = query.program_id, query.model_id
    revision = await resources.programs.at(connection, program_id, resources.clock.now())
    model_of(revision, model_id)
    settlement = await find_published_settlement(
        connection, program_id, model_id, month=query.month, run=query.run
    )
    if settlement is None:
        month = month_name(query.month) if query.month else "any month"
        raise SettlementNotFound(settlement_month=month, run=query.run or 0)
    made_by = await resources.programs.at(connection, program_id, settlement.revision_time)
    return settlement, model_of(made_by, model_id)
