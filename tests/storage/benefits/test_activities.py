"""Activities at once and after a crash: counted once, paid once, told once, whoever finishes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from laurel.benefits.v1 import activities_pb2 as facts
from laurel.benefits.v1 import engagement_pb2 as pb
from laurel_benefits.handlers.activities import record_activities as handle
from laurel_benefits.handlers.activity_tellings import relay_activities
from laurel_benefits.handlers.conclusions import relay
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.service import resources_of
from laurel_benefits.wire.activities import read_record_activities
from laurel_kit.clock import SettableClock
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    World,
    benefits_world,
    instant,
    line,
    number,
    order_request,
)
from tests.support.clocks import StandingClock
from tests.support.crashes import Crash, Tripwire, tripping
from tests.support.databases import DatabaseOf

CALLERS, STEPS_MAX = 8, 60
DELAY = timedelta(hours=1)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock, relay_delay=DELAY) as world:
        yield world


def request_of(world: World, *made: facts.Activity, **options: Any) -> pb.RecordActivitiesRequest:
    content = {"program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r")}
    return pb.RecordActivitiesRequest(activities=made, **(content | options))


def act(world: World, **fact: Any) -> facts.Activity:
    named = {"activity_id": number("a"), "activity_time": instant(world.clock.now())}
    return facts.Activity(**(named | fact))


def login(world: World) -> facts.Activity:
    return act(world, action=facts.Action(kind="login"))


async def send(world: World, *made: facts.Activity, **options: Any) -> pb.RecordedActivity:
    request = request_of(world, *made, **options)
    response = await world.engagement.RecordActivities(request, timeout=PATIENCE)
    return response.results[0].recorded


async def bought(world: World, member_id: str = MEMBER) -> Any:
    request = order_request(line("100.00"), order_time=world.clock.now(), member_id=member_id)
    return (await world.complete(request)).order


def relaying(world: World) -> Resources:
    """What the relays work with when the pause after the call is over."""
    resources = resources_of(world.served.running.foundation)
    later = StandingClock(resources.machine_clock.now() + 2 * DELAY)
    return replace(resources, machine_clock=later)


async def test_callers_at_once_are_paid_as_often_as_the_limit_says(world: World) -> None:
    stored = await asyncio.gather(*(send(world, login(world)) for _ in range(CALLERS)))
    assert Counter(each.points for each in stored) == {1: 1, 0: CALLERS - 1}
    assert world.ledger.amounts == {"activity": 1}
    assert len(world.scoring.facts) == CALLERS


async def test_the_same_activity_at_once_is_one(world: World) -> None:
    activity = login(world)
    same = [send(world, activity, request_id="same") for _ in range(CALLERS)]
    others = [send(world, activity) for _ in range(CALLERS)]
    stored = await asyncio.gather(*same, *others)
    assert {each.points for each in stored} == {1}
    assert (len(world.ledger.posted), len(world.scoring.facts)) == (1, 1)


async def test_a_line_is_reviewed_for_pay_once_by_callers_at_once_d8(world: World) -> None:
    order = await bought(world)
    content = {"order_id": order.draft.order_id, "line_id": order.draft.lines[0].line_id}
    reviews = [act(world, review=facts.Review(characters=20, **content)) for _ in range(CALLERS)]
    stored = await asyncio.gather(*(send(world, each) for each in reviews))
    assert Counter(each.points for each in stored) == {20: 1, 0: CALLERS - 1}


async def test_a_member_is_brought_once_by_callers_at_once(world: World) -> None:
    await bought(world, "new")
    made = act(world, referral=facts.Referral(referred_member_id="new"))
    stored = await asyncio.gather(
        *(send(world, made, member_id=f"m-{place}") for place in range(CALLERS))
    )
    assert Counter(each.points for each in stored) == {500: 1, 0: CALLERS - 1}


async def test_two_members_never_bring_each_other(world: World) -> None:
    for member_id in ("left", "right"):
        await bought(world, member_id)
    pairs = (("left", "right"), ("right", "left"))
    calls = [
        send(
            world,
            act(world, referral=facts.Referral(referred_member_id=referred)),
            member_id=referrer,
        )
        for referrer, referred in pairs
    ]
    stored = await asyncio.gather(*calls)
    assert sorted(each.points for each in stored) == [0, 500]


async def test_the_relays_pay_and_tell_what_was_left(world: World) -> None:
    world.ledger.away = world.scoring.away = True
    await asyncio.gather(send(world, login(world)), return_exceptions=True)
    assert (len(world.ledger.posted), len(world.scoring.facts)) == (0, 0)
    world.ledger.away = world.scoring.away = False
    resources = relaying(world)
    assert await relay(resources=resources) == 1
    assert await relay_activities(resources=resources) == 1
    assert await relay_activities(resources=resources) == 0
    assert world.ledger.amounts == {"activity": 1}
    assert len(world.scoring.facts) == 1


async def test_activities_repeated_after_a_crash_anywhere_are_paid_once(world: World) -> None:
    resources = resources_of(world.served.running.foundation)
    for steps in range(STEPS_MAX):
        member_id = number("m")
        order = await bought(world, member_id)
        content = {"order_id": order.draft.order_id, "line_id": order.draft.lines[0].line_id}
        made = act(world, review=facts.Review(characters=20, **content))
        command = read_record_activities(request_of(world, made, member_id=member_id))
        try:
            await handle(command, resources=tripping(resources, Tripwire(steps)))
        except Crash:
            (result,) = (await handle(command, resources=resources)).results
            assert result.activity, f"after {steps} steps"
            assert [each.state for each in result.postings] == ["POSTED"], f"after {steps} steps"
            assert world.ledger.amounts["activity"] == 20 * (steps + 1)
        else:
            assert steps >= 8, "an activity has more steps than that"
            return
    pytest.fail("an activity never came to its end")


ACTIVITY = """
    insert into activity values ('jd', 'm-1', 'a', 'login', 'd', '2026-03-10Z', '2026-03-10Z', '{}',
        '{}', 1, 'p', '', '', '', '', '', null, false, false, 'TOLD', 1, '', null, 0)
"""
REWARD = """
    insert into line_reward values ('jd', 'm-1', 'l', 'o', 'line', 'a', 'a', 20, false)
"""
REFERRAL = "insert into referral values ('jd', 'm-1', 'm-2', 'a', '2026-03-10Z')"


async def test_the_database_refuses_activities_that_cannot_be(database_of: DatabaseOf) -> None:
    database = await database_of("benefits")
    for statement in (ACTIVITY, REWARD, REFERRAL):
        async with database.begin() as connection:
            await connection.execute(text(statement))
    for change in (
        ACTIVITY,
        "update activity set fact_state = 'PENDING'",
        "update activity set fact_state = 'WITHHELD'",
        "update activity set fact_state = 'LOST'",
        "update line_reward set points = 0",
        REFERRAL.replace("m-2", "m-3"),
        "update referral set referrer_id = 'm-1'",
    ):
        with pytest.raises(IntegrityError):
            async with database.begin() as connection:
                await connection.execute(text(change))
