"""Check-ins at once and after a crash: one a day, paid once, whoever finishes it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from laurel.benefits.v1 import engagement_pb2 as pb
from laurel_benefits.handlers.check_ins import check_in as handle
from laurel_benefits.handlers.check_ins import relay_check_ins
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.service import resources_of
from laurel_benefits.storage.check_ins import claim_unpaid
from laurel_benefits.wire.check_ins import read_check_in
from laurel_kit.clock import SettableClock
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.support.benefits import MEMBER, PATIENCE, PROGRAM, World, benefits_world, number
from tests.support.clocks import StandingClock
from tests.support.crashes import Crash, Tripwire, tripping
from tests.support.databases import DatabaseOf

CALLERS, STEPS_MAX = 12, 20
DELAY = timedelta(hours=1)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock, relay_delay=DELAY) as world:
        yield world


async def check_in(world: World, **options: Any) -> pb.CheckInResponse:
    content = {"program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r")}
    request = pb.CheckInRequest(**(content | options))
    return await world.engagement.CheckIn(request, timeout=PATIENCE)


def relaying(world: World) -> Resources:
    """What the relay works with when the pause after the call is over."""
    resources = resources_of(world.served.running.foundation)
    later = StandingClock(resources.machine_clock.now() + 2 * DELAY)
    return replace(resources, machine_clock=later)


async def states(world: World) -> list[str]:
    async with world.served.running.foundation.database.read() as connection:
        found = await connection.exec_driver_sql("select state from check_in")
        return list(found.scalars())


async def test_callers_at_once_check_in_once(world: World) -> None:
    answers = await asyncio.gather(*(check_in(world) for _ in range(CALLERS)))
    assert Counter(each.decision.allowed for each in answers) == {True: 1, False: CALLERS - 1}
    assert world.ledger.amounts == {"check_in": 5}


async def test_the_same_check_in_at_once_is_one(world: World) -> None:
    answers = await asyncio.gather(*(check_in(world, request_id="same") for _ in range(CALLERS)))
    assert Counter(each.replayed for each in answers) == {False: 1, True: CALLERS - 1}
    assert len(world.ledger.posted) == 1


@pytest.mark.parametrize("trouble", ["away", "loses_answers"])
async def test_the_relay_pays_what_was_left_unpaid(world: World, trouble: str) -> None:
    setattr(world.ledger, trouble, True)
    failed = await asyncio.gather(check_in(world), return_exceptions=True)
    assert isinstance(failed[0], Exception)
    resources = relaying(world)
    assert await relay_check_ins(resources=resources) == 1
    assert await states(world) == ["PENDING"]
    setattr(world.ledger, trouble, False)
    later = StandingClock(resources.machine_clock.now() + DELAY)
    assert await relay_check_ins(resources=replace(resources, machine_clock=later)) == 1
    assert await states(world) == ["POSTED"]
    assert await relay_check_ins(resources=replace(resources, machine_clock=later)) == 0
    assert world.ledger.amounts == {"check_in": 5}


async def test_an_unpaid_check_in_is_claimed_by_one_and_waits_longer_each_time(
    world: World,
) -> None:
    world.ledger.away = True
    await asyncio.gather(check_in(world), return_exceptions=True)
    resources = relaying(world)
    now, pause = resources.machine_clock.now(), timedelta(seconds=1)
    for attempt in range(9):
        async with resources.database.begin() as connection:
            claimed = await claim_unpaid(connection, now=now, pause=pause, limit=10)
            again = await claim_unpaid(connection, now=now, pause=pause, limit=10)
        assert (len(claimed), len(again)) == (1, 0)
        now += pause * min(2**attempt, 64)


async def test_a_check_in_repeated_after_a_crash_anywhere_pays_once(world: World) -> None:
    resources = resources_of(world.served.running.foundation)
    for steps in range(STEPS_MAX):
        request = pb.CheckInRequest(
            program_id=PROGRAM, member_id=number("m"), request_id=number("r")
        )
        command = read_check_in(request)
        try:
            await handle(command, resources=tripping(resources, Tripwire(steps)))
        except Crash:
            answer = await handle(command, resources=resources)
            assert answer.check_in, f"after {steps} steps"
            assert answer.check_in.state == "POSTED", f"after {steps} steps"
            assert world.ledger.amounts == {"check_in": 5 * (steps + 1)}
        else:
            assert steps >= 6, "a check-in has more steps than that"
            return
    pytest.fail("a check-in never came to its end")


CHECK_IN = """
    insert into check_in values ('jd', 'm-1', '2026-03-10', 1, 5, 'a', 'f', 'r', '2026-03-10Z', 'p',
        'POSTED', '', 't', null, 0)
"""


@pytest.mark.parametrize(
    "change",
    [
        CHECK_IN.replace("'r'", "'r-2'"),
        CHECK_IN.replace("2026-03-10',", "2026-03-11',"),
        CHECK_IN.replace("2026-03-10',", "2026-03-11',").replace("'r'", "'r-2'").replace("5", "0"),
        "update check_in set state = 'PENDING'",
        "update check_in set state = 'LOST'",
        "update check_in set attempt_time = '2026-03-10Z'",
    ],
)
async def test_the_database_refuses_a_check_in_that_cannot_be(
    database_of: DatabaseOf, change: str
) -> None:
    database = await database_of("benefits")
    async with database.begin() as connection:
        await connection.execute(text(CHECK_IN))
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(text(change))
