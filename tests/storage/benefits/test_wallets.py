"""Cash at once and after a crash: no day pays more than its budget, and cash moves once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from laurel.benefits.v1 import engagement_pb2, games_pb2
from laurel_benefits.handlers.check_ins import check_in
from laurel_benefits.handlers.conclusions import relay
from laurel_benefits.handlers.wallets import pay_out_wallet
from laurel_benefits.service import resources_of
from laurel_benefits.wire.check_ins import read_check_in
from laurel_benefits.wire.wallets import read_pay_out_wallet
from laurel_kit.clock import SettableClock
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.support.benefits import World, benefits_world, money, number
from tests.support.benefits_games import games_text, of_player
from tests.support.clocks import StandingClock
from tests.support.crashes import Crash, Tripwire, tripping
from tests.support.databases import DatabaseOf

CALLERS, STEPS_MAX = 12, 20
DELAY, DAY = timedelta(hours=1), timedelta(days=1)
MORNING = datetime(2026, 3, 10, 2, tzinfo=UTC)
EVERY_DAY = ("ladder_fen: [0, 0, 10, 0, 0, 0, 50]", "ladder_fen: [10, 10, 10, 10, 10, 10, 10]")


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock, relay_delay=DELAY) as world:
        yield world


async def budget(world: World, fen: int) -> None:
    """Apply the program with cash every day and so much for all of a day."""
    text = games_text(EVERY_DAY, ("daily_budget_fen: 10000000", f"daily_budget_fen: {fen}"))
    await world.apply(text, effective_time=world.clock.now())


async def sign_in(world: World, resources: Any = None, **options: Any) -> Any:
    request = of_player(engagement_pb2.CheckInRequest, **options)
    resources = resources or resources_of(world.served.running.foundation)
    return await check_in(read_check_in(request), resources=resources)


async def pay_out(world: World, resources: Any = None, **options: Any) -> Any:
    content = {"amount": money("10.00"), "payee": "bank account 1"}
    request = of_player(games_pb2.PayOutWalletRequest, **(content | options))
    resources = resources or resources_of(world.served.running.foundation)
    return await pay_out_wallet(read_pay_out_wallet(request), resources=resources)


async def test_members_at_once_are_paid_as_far_as_the_budget_goes_l4(world: World) -> None:
    await budget(world, 75)
    answers = await asyncio.gather(*(sign_in(world, member_id=f"m-{n}") for n in range(CALLERS)))
    states = Counter(answer.check_in.cash.state for answer in answers)
    assert states == {"POSTED": 7, "BUDGET_EXHAUSTED": CALLERS - 7}
    assert world.ledger.amounts == {"check_in": 5 * CALLERS, "sign_in": 70}


async def test_a_striped_budget_pays_its_last_fen_and_no_more(world: World) -> None:
    await budget(world, 16_000)
    resources = resources_of(world.served.running.foundation)
    spent = text("""
        insert into program_counter
        select 'pinduoduo', 'sign-in-cash/' || stripe, :day, 1000 - (stripe % 2) * 10
        from generate_series(0, 15) as stripe
    """)
    async with resources.database.begin() as connection:
        day = world.clock.now().astimezone(UTC) + timedelta(hours=8)
        await connection.execute(spent, {"day": day.date().isoformat()})
    answers = await asyncio.gather(*(sign_in(world, member_id=f"m-{n}") for n in range(CALLERS)))
    states = Counter(answer.check_in.cash.state for answer in answers)
    assert states == {"POSTED": 8, "BUDGET_EXHAUSTED": CALLERS - 8}


async def test_the_same_pay_out_at_once_is_one(world: World) -> None:
    await budget(world, 75)
    answers = await asyncio.gather(*(pay_out(world, request_id="same") for _ in range(CALLERS)))
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: CALLERS - 1}
    assert world.ledger.amounts == {"pay_out": -1000}


async def test_the_relay_finishes_what_was_left(world: World) -> None:
    await budget(world, 75)
    world.ledger.away = True
    failed = await asyncio.gather(sign_in(world), pay_out(world), return_exceptions=True)
    assert all(isinstance(each, Exception) for each in failed)
    world.ledger.away = False
    resources = resources_of(world.served.running.foundation)
    later = StandingClock(resources.machine_clock.now() + 2 * DELAY)
    assert await relay(resources=replace(resources, machine_clock=later)) == 2
    assert world.ledger.amounts == {"sign_in": 10, "pay_out": -1000}
    async with resources.database.read() as connection:
        states = await connection.exec_driver_sql(
            "select cash ->> 'state' from check_in union all select state from pay_out"
        )
        assert list(states.scalars()) == ["POSTED", "PAID"]


@pytest.mark.parametrize(
    ("act", "kind", "least_steps"), [(sign_in, "sign_in", 8), (pay_out, "pay_out", 4)]
)
async def test_cash_repeated_after_a_crash_anywhere_moves_once(
    world: World, act: Any, kind: str, least_steps: int
) -> None:
    await budget(world, 5000)
    resources = resources_of(world.served.running.foundation)
    once = {"sign_in": 10, "pay_out": -1000}[kind]
    for steps in range(STEPS_MAX):
        options = {"member_id": number("m"), "request_id": number("r")}
        try:
            await act(world, tripping(resources, Tripwire(steps)), **options)
        except Crash:
            await act(world, resources, **options)
            assert world.ledger.amounts[kind] == once * (steps + 1), f"after {steps} steps"
        else:
            assert steps >= least_steps, "it has more steps than that"
            return
    pytest.fail("it never came to its end")


PAY_OUT = """
    insert into pay_out values ('p', 'm-1', '019aa000-0000-7000-8000-000000000001', '{}', 1000,
        'PAID', 'r')
"""


@pytest.mark.parametrize(
    "change",
    [
        PAY_OUT.replace("0001'", "0002'"),
        "update pay_out set amount_fen = 0",
        "update pay_out set state = 'LOST'",
    ],
)
async def test_the_database_refuses_a_pay_out_that_cannot_be(
    database_of: DatabaseOf, change: str
) -> None:
    database = await database_of("benefits")
    async with database.begin() as connection:
        await connection.execute(text(PAY_OUT))
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(text(change))
