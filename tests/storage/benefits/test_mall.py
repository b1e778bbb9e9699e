"""The mall at once and after a crash: stock is never exceeded, points move once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import mall_pb2 as pb
from laurel_benefits.handlers.conclusions import relay
from laurel_benefits.handlers.lotteries import draw_lottery
from laurel_benefits.handlers.redemptions import redeem_reward
from laurel_benefits.service import resources_of
from laurel_benefits.wire.mall import read_draw_lottery, read_redeem_reward
from laurel_kit.clock import SettableClock

from tests.support.benefits import World, benefits_world, money, number
from tests.support.benefits_shop import changed, of_member
from tests.support.clocks import StandingClock
from tests.support.crashes import Crash, Tripwire, tripping
from tests.support.databases import DatabaseOf

STEPS_MAX = 20
DELAY = timedelta(hours=1)
SURE = (
    (
        "odds_ppm: 1000, points: 1000, value_fen: 1000, stock: 100}",
        "odds_ppm: 1000000, points: 5, stock: 1}",
    ),
    ("        - {prize_id: second, display_name: 100 京豆, odds_ppm: 50000,", "        #"),
    ("        - {prize_id: third, display_name: 20 京豆, odds_ppm: 200000,", "        #"),
)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock, relay_delay=DELAY) as world:
        text = changed(("stock: 500\n", "stock: 1\n"), *SURE)
        await world.apply(text, effective_time=clock.now())
        yield world


async def redeem(world: World, resources: Any = None, **options: Any) -> Any:
    content = {"reward_id": "tea-cup", "price_points": 2000, "price": money("9.90")}
    request = of_member(pb.RedeemRewardRequest, **(content | options))
    resources = resources or resources_of(world.served.running.foundation)
    return await redeem_reward(read_redeem_reward(request), resources=resources)


async def draw(world: World, resources: Any = None, **options: Any) -> Any:
    request = of_member(pb.DrawLotteryRequest, lottery_id="big-fight", **options)
    resources = resources or resources_of(world.served.running.foundation)
    return await draw_lottery(read_draw_lottery(request), resources=resources)


async def test_the_last_reward_goes_to_one_of_two_callers(world: World) -> None:
    answers = await asyncio.gather(*(redeem(world, member_id=f"m-{n}") for n in range(2)))
    assert Counter(answer.decision.allowed for answer in answers) == {True: 1, False: 1}
    (loser,) = (answer for answer in answers if not answer.decision.allowed)
    assert loser.decision.reasons[0].code == "STOCK_EXHAUSTED"
    assert world.ledger.amounts == {"redemption": -2000}


async def test_a_reward_refused_by_the_ledger_is_there_for_the_next(world: World) -> None:
    world.ledger.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_POINTS")
    assert not (await redeem(world)).decision.allowed
    world.ledger.refusal = None
    assert (await redeem(world, member_id="m-2")).decision.allowed


async def test_the_same_redemption_at_once_is_one(world: World) -> None:
    answers = await asyncio.gather(*(redeem(world, request_id="same") for _ in range(8)))
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: 7}
    assert world.ledger.amounts == {"redemption": -2000}


async def test_the_last_prize_is_won_once_p62_o45(world: World) -> None:
    answers = await asyncio.gather(*(draw(world, member_id=f"m-{n}") for n in range(6)))
    assert Counter(answer.draw.prize_id for answer in answers) == {"first": 1, None: 5}
    assert Counter(answer.draw.out_of_stock for answer in answers) == {False: 1, True: 5}
    assert world.ledger.amounts == {"draw": -120, "prize": 5}


async def test_the_same_draw_at_once_is_one(world: World) -> None:
    answers = await asyncio.gather(*(draw(world, request_id="same") for _ in range(8)))
    assert len({answer.draw.draw_id for answer in answers}) == 1
    assert world.ledger.amounts == {"draw": -20, "prize": 5}


async def test_the_relay_finishes_what_was_left(world: World) -> None:
    world.ledger.away = True
    failed = await asyncio.gather(redeem(world), draw(world), return_exceptions=True)
    assert all(isinstance(each, Exception) for each in failed)
    world.ledger.away = False
    resources = resources_of(world.served.running.foundation)
    later = StandingClock(resources.machine_clock.now() + 2 * DELAY)
    resources = replace(resources, machine_clock=later)
    assert await relay(resources=resources) == 2
    async with resources.database.read() as connection:
        states = await connection.exec_driver_sql(
            "select state from redemption union all select state from draw"
        )
        assert list(states.scalars()) == ["REDEEMED", "DRAWN"]


async def test_a_draw_repeated_after_a_crash_anywhere_is_drawn_once(world: World) -> None:
    resources = resources_of(world.served.running.foundation)
    await draw(world)  # It takes the only prize of points: the rest pay their price alone.
    for steps in range(STEPS_MAX):
        options = {"member_id": number("m"), "request_id": number("r")}
        try:
            await draw(world, tripping(resources, Tripwire(steps)), **options)
        except Crash:
            answer = await draw(world, resources, **options)
            assert answer.draw.state == "DRAWN", f"after {steps} steps"
            assert world.ledger.amounts["draw"] == -20 * (steps + 2)
        else:
            assert steps >= 4, "a draw has more steps than that"
            return
    pytest.fail("a draw never came to its end")
