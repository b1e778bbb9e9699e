"""GetMedals through a server: held by the daily run, lost with returns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from laurel.sandbox.v1 import clock_pb2, clock_pb2_grpc
from laurel.scoring.v1 import insight_pb2 as pb
from laurel.scoring.v1 import insight_pb2_grpc
from laurel_kit.clock import SettableClock
from laurel_scoring.handlers.daily_run import group_next
from laurel_scoring.service import resources_of
from sqlalchemy import text

from tests.support.databases import DatabaseOf
from tests.support.programs import program_text
from tests.support.scoring import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    Scoring,
    engagement,
    instant,
    line,
    purchase,
    refusal,
    returned,
    scoring,
    stamp,
)


@pytest.fixture
async def whole(database_of: DatabaseOf, clock: SettableClock) -> Any:
    async with scoring(database_of, clock) as served:
        yield served


async def wall(whole: Scoring, **fields: Any) -> pb.GetMedalsResponse:
    stub: Any = insight_pb2_grpc.InsightServiceStub(whole.served.channel)
    request = pb.GetMedalsRequest(**{"program_id": PROGRAM, "member_id": MEMBER, **fields})
    return await stub.GetMedals(request, timeout=PATIENCE)


async def books(whole: Scoring, **fields: Any) -> pb.MemberMedal:
    found = await wall(whole, **fields)
    return next(each for each in found.medals if each.medal_id == "medal-books")


async def advance(whole: Scoring, until: str) -> None:
    moving = clock_pb2_grpc.ClockServiceStub(whole.served.channel)
    request = clock_pb2.AdvanceClockRequest(until_time=stamp(instant(until)))
    await moving.AdvanceClock(request, timeout=PATIENCE)


async def bought(whole: Scoring, *order_ids: str, yuan: int = 300) -> None:
    await whole.recorded(
        *(
            purchase("2026-03-01T10:00", line(yuan * 100, category_id="books"), order_id=order_id)
            for order_id in order_ids
        )
    )


async def changes(whole: Scoring) -> list[tuple[Any, ...]]:
    """Every change of a medal, with what the outbox tells of it."""
    query = text("""
        select c.medal_id, c.from_level, c.to_level, o.key, o.payload ->> 'to_level' as told
        from medal_change as c
        left join outbox as o on o.event_id = c.change_id and o.topic = 'medal'
        order by c.change_id
    """)
    async with whole.database.read() as connection:
        return [tuple(row) for row in await connection.execute(query)]


async def test_get_medals_holds_what_the_daily_run_awarded(whole: Scoring) -> None:
    await bought(whole, "o-1", "o-2")
    found = await books(whole)
    assert (found.level, found.level_now, found.count, found.paid.units) == (0, 1, 2, 600)
    assert (found.count_missing, found.paid_missing.units, found.levels) == (4, 1400, 3)
    assert found.kind == pb.MEDAL_KIND_CATEGORY
    await advance(whole, "2026-03-11T00:00")
    found = await books(whole)
    assert (found.level, found.since_time) == (1, stamp(instant("2026-03-11T00:00")))
    assert (await wall(whole)).as_of_date.day == 11
    assert await changes(whole) == [("medal-books", 0, 1, MEMBER, "1")]


async def test_get_medals_loses_a_level_with_the_run_after_a_return_g5(whole: Scoring) -> None:
    await bought(whole, "o-1", "o-2")
    await advance(whole, "2026-03-11T00:00")
    await whole.recorded(returned("2026-03-10T12:00", "o-2"))
    found = await books(whole)
    assert (found.level, found.level_now) == (1, 0)
    await advance(whole, "2026-03-12T00:00")
    found = await books(whole)
    assert (found.level, found.HasField("since_time")) == (0, False)
    assert [row[1:3] for row in await changes(whole)] == [(0, 1), (1, 0)]


async def test_get_medals_loses_a_level_when_an_order_leaves_the_window(whole: Scoring) -> None:
    for day in ("12", "20"):
        await whole.recorded(purchase(f"2025-03-{day}T10:00", line(300_00, category_id="books")))
    await advance(whole, "2026-03-12T00:00")
    assert (await books(whole)).level == 1
    await advance(whole, "2026-03-13T00:00")
    assert (await books(whole)).level == 0


async def test_get_medals_of_a_task_counts_engagements(whole: Scoring) -> None:
    await whole.recorded(*(engagement("2026-03-01T10:00", "answer") for _ in range(5)))
    found = await wall(whole)
    (task,) = [each for each in found.medals if each.medal_id == "medal-helper"]
    assert (task.kind, task.count, task.level_now) == (pb.MEDAL_KIND_TASK, 5, 1)
    assert [each.level_now for each in (await wall(whole, member_id="nobody")).medals] == [0] * 23


async def test_get_medals_needs_medals_in_the_program(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    whole_text = program_text()
    begin, end = whole_text.index("\n  medals:\n"), whole_text.index("\nbenefits:\n")
    async with scoring(database_of, clock, program=whole_text[:begin] + whole_text[end:]) as whole:
        refused = ("FAILED_PRECONDITION", "INSIGHT_NOT_DECLARED")
        assert await refusal(wall(whole)) == refused
        assert await refusal(wall(whole, program_id="x")) == ("NOT_FOUND", "PROGRAM_NOT_FOUND")


async def test_two_daily_runs_at_once_award_a_medal_once(whole: Scoring) -> None:
    await bought(whole, "o-1", "o-2")
    resources = resources_of(whole.served.running.foundation)
    await asyncio.gather(*(group_next(PROGRAM, resources=resources) for _ in range(4)))
    assert len(await changes(whole)) == 1
