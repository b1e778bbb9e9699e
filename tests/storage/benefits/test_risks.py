"""Judgements at once take their places without gaps, and are never changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from laurel_kit.clock import SettableClock
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.support.benefits import World, benefits_world, order_request
from tests.support.databases import DatabaseOf

CALLERS = 12
RISK = """
    insert into member_risk values ('jd', 'm-1', 1, 'BLOCKED', 'why', 'who', '2026-01-01Z', null)
"""


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def test_judgements_at_once_take_their_places_without_gaps(world: World) -> None:
    await asyncio.gather(*(world.judge("WATCH") for _ in range(CALLERS)))
    async with world.served.running.foundation.database.read() as connection:
        found = await connection.exec_driver_sql("select position from member_risk order by 1")
        assert list(found.scalars()) == list(range(1, CALLERS + 1))


async def test_an_order_beside_a_block_earns_all_or_nothing(world: World) -> None:
    orders = [order_request(order_time=world.clock.now()) for _ in range(CALLERS)]
    completions = [world.complete(order) for order in orders]
    completions.insert(CALLERS // 2, world.judge("BLOCKED"))
    answers = await asyncio.gather(*completions)
    earned = [
        answer.order.line_earnings[0].base_points for answer in answers if hasattr(answer, "order")
    ]
    assert set(earned) <= {0, 100}
    assert world.ledger.amounts.get("base", 0) == sum(earned)
    after = await world.complete(order_request(order_time=world.clock.now()))
    assert after.order.line_earnings[0].base_points == 0


@pytest.mark.parametrize(
    "change",
    [
        RISK.replace("1, 'BLOCKED'", "0, 'BLOCKED'"),
        RISK.replace("1, 'BLOCKED'", "2, 'ODD'"),
        RISK.replace("1, 'BLOCKED'", "2, 'NORMAL'").replace("null", "'2027-01-01Z'"),
        RISK.replace("1,", "2,").replace("null", "'2025-01-01Z'"),
    ],
)
async def test_the_database_refuses_a_judgement_that_cannot_be(
    database_of: DatabaseOf, change: str
) -> None:
    database = await database_of("benefits")
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(text(change))


@pytest.mark.parametrize(
    "change", ["update member_risk set state = 'NORMAL'", "delete from member_risk"]
)
async def test_what_was_judged_is_never_changed(database_of: DatabaseOf, change: str) -> None:
    database = await database_of("benefits")
    with pytest.raises(DBAPIError) as refusal:
        async with database.begin() as connection:
            await connection.execute(text(change))
    assert not isinstance(refusal.value, IntegrityError)
