"""Merchants at once: nobody ever gives more than was bought, and repeats give once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from laurel.benefits.v1 import merchants_pb2 as pb
from laurel_kit.clock import SettableClock
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.support.benefits import PATIENCE, World, benefits_world, money
from tests.support.benefits_shop import of_member, of_program
from tests.support.databases import DatabaseOf

CALLERS = 12


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        made = of_program(
            pb.CreateMerchantRequest,
            merchant_id="books",
            display_name="Books",
            funding_account_id="xinhua-books",
        )
        await world.merchants.CreateMerchant(made, timeout=PATIENCE)
        await fund(world)
        yield world


async def fund(world: World, **options: Any) -> Any:
    content = {"merchant_id": "books", "amount": money("10"), "payment_reference": "p-1"}
    request = of_program(pb.FundMerchantRequest, **(content | options))
    return await world.merchants.FundMerchant(request, timeout=PATIENCE)


async def grant(world: World, **options: Any) -> Any:
    content = {"merchant_id": "books", "points": 200, "reason": "thanks"}
    request = of_member(pb.GrantPointsRequest, **(content | options))
    return await world.merchants.GrantPoints(request, timeout=PATIENCE)


async def test_gifts_at_once_never_exceed_what_was_bought_o44(world: World) -> None:
    answers = await asyncio.gather(*(grant(world, member_id=f"m-{n}") for n in range(CALLERS)))
    assert Counter(answer.decision.allowed for answer in answers) == {True: 5, False: 7}
    assert world.ledger.amounts == {"gift": 1000}
    positions = sorted(answer.entry.position for answer in answers if answer.decision.allowed)
    assert positions == [2, 3, 4, 5, 6]


async def test_the_same_gift_at_once_is_one(world: World) -> None:
    answers = await asyncio.gather(*(grant(world, request_id="same") for _ in range(CALLERS)))
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: CALLERS - 1}
    assert world.ledger.amounts == {"gift": 200}


async def test_the_same_payment_at_once_is_one(world: World) -> None:
    answers = await asyncio.gather(*(fund(world, request_id="same") for _ in range(CALLERS)))
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: CALLERS - 1}
    assert {answer.merchant.balance_points for answer in answers} == {2000}


@pytest.mark.parametrize(
    "change",
    [
        "update merchant set granted_points = funded_points + 1",
        "update merchant set granted_points = -1",
    ],
)
async def test_the_database_refuses_an_account_below_zero_o44(
    database_of: DatabaseOf, change: str
) -> None:
    database = await database_of("benefits")
    row = "insert into merchant values ('jd', 'm', 'M', 'f', '2026-03-10Z', 10, 0, 1)"
    async with database.begin() as connection:
        await connection.execute(text(row))
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(text(change))
