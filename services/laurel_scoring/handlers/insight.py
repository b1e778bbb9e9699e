"""GetDistribution and ListLeaderboard, and what a settlement counts for them when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.distributions import (
    LAST_PERCENT,
    Distribution,
    Place,
    distribution_of,
    members_of,
)
from laurel_scoring.domain.errors import SettlementNotFound
from laurel_scoring.domain.models import ScoreModel, ScoringProgram
from laurel_scoring.domain.settlements import Settlement, month_name
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import model_of
from laurel_scoring.handlers.seats import open_seats
from laurel_scoring.storage.insight import (
    count_holding,
    fill_leaderboard,
    insert_distribution,
    list_places,
    read_distribution,
    read_spread,
)
from laurel_scoring.storage.settlements import find_published_settlement


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
    await fill_leaderboard(connection, key, size=resources.leaderboard_size)
    await open_seats(connection, settlement, revision, members_of(distribution), resources)


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
