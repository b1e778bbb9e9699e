"""Statements of months: that they are what the evaluator says, whatever the model and facts."""

from __future__ import annotations

from datetime import date
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from laurel_kit.calendar import MONTHS_OF_YEAR, add_months
from laurel_kit.database import Connection, Database
from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.models import LAST_DAY, ScoreModel
from laurel_scoring.domain.scores import worth
from laurel_scoring.domain.settlements import due_time
from laurel_scoring.domain.windows import Basis, Moment
from laurel_scoring.storage.courses import keep_courses, month_key_of, month_number
from laurel_scoring.storage.month_statements import plan_months
from sqlalchemy import text

from tests.support.databases import DatabaseOf
from tests.support.scoring_courses import record_lives
from tests.support.scoring_months import bad_lives, month_models
from tests.support.scoring_worlds import ZONE, shipped

MONTHS = tuple(range(month_number(date(2024, 6, 1)), month_number(date(2027, 8, 1)), 2))
"""Every other month around what can happen in a life: next to each other little changes."""

AT_EASE = settings(
    deadline=None,
    # An example costs a transaction or two: a smaller one is not worth searching for.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

READ = text("""
    select member_id, months, scores, reached_times
    from score_course
    where program_id = :program_id and model_id = :model_id
""")

numbers = count(1)


@pytest.fixture
async def database(database_of: DatabaseOf) -> Database:
    """One database for all examples of a test, each under a program of its own."""
    return await database_of("scoring")


def settled_at(of: ScoreModel, month: int) -> Moment:
    """The moment of the settlement that looks at the months before one."""
    year, rest = divmod(month, MONTHS_OF_YEAR)
    first = date(year, rest + 1, 1)
    due = due_time(of, add_months(first, -1) if of.settlement_day == LAST_DAY else first, ZONE)
    return Moment(basis=Basis.PUBLISHED, instant=due, zone=ZONE)


async def assert_agree(database: Database, model: ScoreModel, population: list[list[Fact]]) -> None:
    """Both ways to value members give the same integers, reached at the same time."""
    statement = plan_months(model)
    assert statement is not None
    key = month_key_of(f"p-{next(numbers)}", model.model_id, ZONE.key, statement)
    key = key.settled(*MONTHS)
    names = await record_lives(database, key.program_id, population)

    async def work(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
        await keep_courses(connection, key, names)
        asked = {"program_id": key.program_id, "model_id": key.model_id}
        return {
            row.member_id: list(zip(row.months, row.scores, row.reached_times, strict=True))
            for row in await connection.execute(READ, asked)
        }

    found = await database.transact(work)
    for name, facts in zip(names, population, strict=True):
        expected = [
            (month, whole.value, whole.reached_time)
            for month in MONTHS
            for whole in [worth(facts, model, settled_at(model, month))]
        ]
        if not model.by_rank:
            assert [each[:2] for each in found[name]] == [each[:2] for each in expected], name
        else:
            assert found[name] == expected, name


@settings(AT_EASE, max_examples=8)
@given(model=month_models(), population=some.lists(bad_lives(), min_size=1, max_size=5))
async def test_statements_are_what_the_evaluator_says(
    database: Database, model: ScoreModel, population: list[list[Fact]]
) -> None:
    await assert_agree(database, model, population)


@pytest.mark.parametrize(
    ("model_id", "program_id"), [("taoqi", "taobao"), ("ant-rank", "alipay"), ("jingxiang", "jd")]
)
@settings(AT_EASE, max_examples=2)
@given(population=some.lists(bad_lives(), min_size=2, max_size=5))
async def test_statements_of_shipped_models_are_what_the_evaluator_says(
    database: Database, model_id: str, program_id: str, population: list[list[Fact]]
) -> None:
    await assert_agree(database, shipped(model_id, program_id), population)
