"""Settlements from courses: kept in step by the clock, and no different from the evaluator's."""

from __future__ import annotations

from typing import Any

import pytest
from laurel_kit.clock import SettableClock
from sqlalchemy import text

from tests.contract.scoring.test_settlements import advance, members, run, run_request
from tests.support.databases import DatabaseOf, TestDatabases
from tests.support.programs import program_text
from tests.support.scoring import (
    PUBLISHED,
    Scoring,
    credit,
    engagement,
    instant,
    line,
    profile,
    purchase,
    returned,
    scoring,
)

PAID = "              purchase: {}\n              per_amount"


def with_condition(condition: str = "category_id != 'none'") -> str:
    """The program with a condition that always holds: its courses are of one month each."""
    whole = program_text()
    assert PAID in whole
    return whole.replace(
        PAID, PAID.replace("{}\n", f"{{}}\n              condition: {condition}\n")
    )


def one_by_one() -> str:
    """The same with a condition that only the evaluator can ask."""
    return with_condition("size(category_id) >= 0")


async def scores_of(whole: Scoring) -> list[Any]:
    """What is published, but for when, by which revision and of which version."""
    query = text("""
        select member_id, month, run, value, level_id
        from published_score
        order by member_id, month, run
    """)
    async with whole.database.read() as connection:
        return [tuple(row) for row in await connection.execute(query)]


async def stale(whole: Scoring) -> int:
    """How many members have no course of their present facts."""
    query = text("""
        select count(*)
        from member
        where not exists (
            select
            from score_course
            where score_course.program_id = member.program_id
                and score_course.member_id = member.member_id
                and score_course.member_version = member.version
        )
    """)
    async with whole.database.read() as connection:
        return int((await connection.execute(query)).scalar_one())


async def live_on(whole: Scoring) -> None:
    """Some members with everything that a score is made of."""
    await members(whole, 7)
    await whole.recorded(
        purchase("2026-01-05T10:00", line(90_00, quantity=3, category_id="c"), order_id="o"),
        returned("2026-03-03T10:00", "o"),
        engagement("2026-01-06T10:00", "review", order_id="o"),
        *(engagement(f"2026-02-06T10:{n:02}", "share") for n in range(8)),
        profile("2026-03-01T23:00", "qq"),
        profile("2026-03-02T01:00", "wechat"),
        credit("2026-01-01T00:00", credit_score=70, credit_stars=5),
        credit("2026-03-05T00:00", member_id="m-003", credit_stars=1),
    )


async def test_run_settlement_publishes_the_same_however_members_are_valued(
    test_databases: TestDatabases, clock: SettableClock
) -> None:
    results = []
    for program in (program_text(), with_condition(), one_by_one()):
        database_of = DatabaseOf(test_databases)
        clock.set(instant("2026-03-10T12:00"))
        async with scoring(
            database_of, clock, program=program, settlement_chunk=2, published_chunk=5
        ) as whole:
            await live_on(whole)
            await run(whole, run_request("2026-03"))
            await advance(whole, "2026-05-10T12:00")
            await whole.recorded(purchase("2026-02-03T10:00", line(70_00), member_id="m-002"))
            corrected = await run(whole, run_request("2026-05", correction_reason="late"))
            assert (corrected.members_done, corrected.scores_published) == (8, 1)
            results.append((await scores_of(whole), await stale(whole)))
        await database_of.close()
    evaluated, _ = results[-1]
    assert [scores for scores, _ in results] == [evaluated] * 3
    assert [left for _, left in results] == [0, 0, 8]


@pytest.mark.parametrize("program", [program_text(), with_condition()], ids=["all", "a month"])
async def test_courses_are_brought_up_to_date_every_day(
    database_of: DatabaseOf, clock: SettableClock, program: str
) -> None:
    async with scoring(database_of, clock, program=program, settlement_chunk=3) as whole:
        await live_on(whole)
        await advance(whole, "2026-03-11T00:00")
        assert await stale(whole) == 0
        late = purchase("2026-02-03T10:00", line(70_00), member_id="m-002")
        await whole.recorded(late)
        await advance(whole, "2026-03-12T00:00")
        assert await stale(whole) == 0
        await whole.retract(late.activity_id, member_id="m-002")
        await advance(whole, "2026-03-13T00:00")
        assert await stale(whole) == 0


async def test_courses_follow_the_rules_of_the_latest_revision(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        await live_on(whole)
        await advance(whole, "2026-03-12T12:00")
        await whole.apply(
            program_text().replace("per_amount: {points: 1,", "per_amount: {points: 3,")
        )
        await advance(whole, "2026-04-02T12:00")
        answer = await whole.score(PUBLISHED, member_id="m-007")
        assert answer.score.value == 3 * 7 + 20


@pytest.mark.parametrize("day", [1, 8, 10, 28])
async def test_the_clock_settles_on_the_day_that_the_program_names_o29_o30_o31_o32(
    database_of: DatabaseOf, clock: SettableClock, day: int
) -> None:
    program = program_text().replace("{day_of_month: 2}", f"{{day_of_month: {day}}}")
    async with scoring(database_of, clock, program=program) as whole:
        await members(whole, 2)
        await advance(whole, f"2026-03-{day - 1:02}T23:59" if day > 10 else "2026-03-31T23:59")
        before = {(each[1].month, each[1].day) for each in await scores_of(whole)}
        await advance(whole, f"2026-04-{day:02}T00:00")
        after = {(each[1].month, each[1].day) for each in await scores_of(whole)}
        assert before == set()
        assert (4, 1) in after
        assert (await whole.score(PUBLISHED, member_id="m-002")).score.value == 22
