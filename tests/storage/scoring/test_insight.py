"""What settlements count: percentiles and leaderboards equal those of a slower, plainer way."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random

import pytest
from laurel_kit.database import Database
from laurel_scoring.domain.distributions import LAST_PERCENT, places_of, tied
from laurel_scoring.domain.settlements import PublishedScore, Settlement
from laurel_scoring.storage.insight import (
    Spread,
    insert_places,
    list_places,
    read_best,
    read_spread,
)
from laurel_scoring.storage.settlements import begin_settlement, publish_scores
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.support.databases import DatabaseOf
from tests.support.tiers import settlement

PROGRAM = "jd"
DAYS = {"m-0": 2, "m-b": 20, "m-c": 2, "m-d": 1}
"""On which day who shares a score has reached it."""


async def publish(database: Database, of: Settlement, values: dict[str, int]) -> None:
    """Publish scores of a settlement, each with its thousand as its level."""
    scores = [
        PublishedScore(
            program_id=PROGRAM,
            member_id=member_id,
            model_id=of.key.model_id,
            month=of.key.month,
            run=of.key.run,
            value=value,
            level_id=f"L{value // 1000}",
            due_time=of.due_time,
            publish_time=of.start_time,
            revision_id=of.revision_id,
            revision_time=of.revision_time,
            member_version=1,
            correction_reason=of.correction_reason,
        )
        for member_id, value in values.items()
    ]
    async with database.begin() as connection:
        await begin_settlement(connection, of)
        await publish_scores(connection, scores)


async def spread_of(database: Database, of: Settlement) -> Spread:
    async with database.read() as connection:
        return await read_spread(connection, of.key, last_percent=LAST_PERCENT)


def percentile(values: list[int], percent: int) -> int:
    """The lowest value that at least so many percent of them do not exceed."""
    return next(
        each
        for each in sorted(values)
        if sum(value <= each for value in values) * LAST_PERCENT >= percent * len(values)
    )


@pytest.mark.parametrize("members", [1, 2, 7, 100, 230])
async def test_percentiles_and_counts_are_those_of_all_scores(
    database_of: DatabaseOf, members: int
) -> None:
    database, chance = await database_of("scoring"), Random(members)  # No secret.
    values = {f"m-{number}": chance.randint(0, 4000) for number in range(members)}
    await publish(database, settlement(PROGRAM, 0), values)
    found = await spread_of(database, settlement(PROGRAM, 0))
    every = list(values.values())
    assert list(found.percentiles) == [percentile(every, percent) for percent in range(101)]
    assert sum(count for count, _ in found.levels.values()) == members
    assert sum(total for _, total in found.levels.values()) == sum(every)


async def test_a_correction_counts_the_scores_it_left_standing(database_of: DatabaseOf) -> None:
    database = await database_of("scoring")
    await publish(database, settlement(PROGRAM, 0), {"m-1": 100, "m-2": 2000})
    await publish(database, settlement(PROGRAM, 0, run=2), {"m-1": 3000})
    found = await spread_of(database, settlement(PROGRAM, 0, run=2))
    assert found.levels == {"L2": (1, 2000), "L3": (1, 3000)}
    first = await spread_of(database, settlement(PROGRAM, 0))
    assert first.levels == {"L0": (1, 100), "L2": (1, 2000)}


async def test_a_settlement_of_nobody_counts_nothing(database_of: DatabaseOf) -> None:
    database = await database_of("scoring")
    assert await spread_of(database, settlement(PROGRAM, 0)) == Spread(levels={}, percentiles=())


async def test_places_are_by_score_then_by_who_reached_it_earlier_then_by_id_k5(
    database_of: DatabaseOf,
) -> None:
    database = await database_of("scoring")
    await publish(database, settlement(PROGRAM, 0), {"m-c": 800, "m-d": 900, "m-a": 1})
    await publish(
        database,
        settlement(PROGRAM, 1),
        {"m-a": 900, "m-b": 800, "m-c": 800, "m-d": 800, "m-e": 700, "m-f": 0, "m-0": 800},
    )
    key = settlement(PROGRAM, 1).key
    async with database.begin() as connection:
        best = await read_best(connection, key, size=5, most=9)
        assert [each.member_id for each in best] == ["m-a", "m-0", "m-b", "m-c", "m-d"]
        assert [each.member_id for each in tied(best)] == ["m-0", "m-b", "m-c", "m-d"]
        reached = {name: datetime(2026, 1, day, tzinfo=UTC) for name, day in DAYS.items()}
        await insert_places(connection, key, places_of(best, reached, size=4))
        places = await list_places(connection, key, after=0, limit=9)
        rest = await list_places(connection, key, after=3, limit=9)
    january, february = date(2026, 1, 1), date(2026, 2, 1)
    assert [(each.place, each.member_id, each.reach_month) for each in places] == [
        (1, "m-a", february),
        (2, "m-d", january),
        (3, "m-0", february),
        (4, "m-c", january),
    ]
    assert rest == places[3:]


async def test_of_many_who_share_the_last_score_only_so_many_are_looked_at(
    database_of: DatabaseOf,
) -> None:
    database = await database_of("scoring")
    await publish(database, settlement(PROGRAM, 0), dict.fromkeys(["m-c", "m-b", "m-a"], 800))
    async with database.begin() as connection:
        best = await read_best(connection, settlement(PROGRAM, 0).key, size=1, most=2)
    assert [each.member_id for each in best] == ["m-a", "m-b"]


@pytest.mark.parametrize("table", ["level_count", "percentiles", "leaderboard"])
async def test_what_was_counted_cannot_be_changed(database_of: DatabaseOf, table: str) -> None:
    database = await database_of("scoring")
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.begin() as connection:
            await connection.execute(text(f"delete from {table}"))
