"""Courses: that they are what the evaluator says, month by month, whatever the model and facts."""

from __future__ import annotations

from datetime import date
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from laurel_kit.database import Connection, Database
from laurel_scoring.domain.courses import plan_course
from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.models import ScoreModel
from laurel_scoring.domain.scores import worth
from laurel_scoring.storage.courses import keep_courses, key_of, month_number

from tests.support.databases import DatabaseOf
from tests.support.scoring_courses import (
    VOCABULARY,
    courses_of,
    models,
    record_lives,
    score_in,
    settled_in,
)
from tests.support.scoring_lives import lives
from tests.support.scoring_worlds import ZONE, jingxiang

FIRST, LAST = month_number(date(2024, 5, 1)), month_number(date(2028, 8, 1))
"""The months around everything that can happen in a life."""

AT_EASE = settings(
    deadline=None,
    # An example costs a transaction or two: a smaller one is not worth searching for.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

numbers = count(1)


@pytest.fixture
async def database(database_of: DatabaseOf) -> Database:
    """One database for all examples of a test, each under a program of its own."""
    return await database_of("scoring")


async def assert_agree(database: Database, model: ScoreModel, population: list[list[Fact]]) -> None:
    """Both ways to value members give the same integers in every month."""
    plan = plan_course(model, VOCABULARY)
    assert plan is not None
    key = key_of(f"p-{next(numbers)}", model.model_id, ZONE.key, plan)
    names = await record_lives(database, key.program_id, population)

    async def work(connection: Connection) -> dict[str, tuple[list[int], list[int]]]:
        await keep_courses(connection, key, names)
        return await courses_of(connection, key)

    courses = await database.transact(work)
    for month in range(FIRST, LAST):
        moment = settled_in(model, month)
        for name, facts in zip(names, population, strict=True):
            expected = worth(facts, model, moment).value
            assert score_in(courses[name], month) == expected, (name, month)


@settings(AT_EASE, max_examples=15)
@given(model=models(), population=some.lists(lives(), min_size=1, max_size=6))
async def test_courses_are_what_the_evaluator_says_in_every_month(
    database: Database, model: ScoreModel, population: list[list[Fact]]
) -> None:
    await assert_agree(database, model, population)


@settings(AT_EASE, max_examples=5)
@given(population=some.lists(lives(), min_size=3, max_size=6))
async def test_courses_of_jingxiang_are_what_the_evaluator_says(
    database: Database, population: list[list[Fact]]
) -> None:
    await assert_agree(database, jingxiang(), population)
