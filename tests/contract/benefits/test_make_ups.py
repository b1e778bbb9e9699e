"""Missed days that cards make up for, through the door: earned, used, repeated, and at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.type.date_pb2 import Date
from laurel.benefits.v1 import decisions_pb2
from laurel.benefits.v1 import engagement_pb2 as pb
from laurel_kit.clock import SettableClock
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    World,
    benefits_world,
    number,
    refusal_of,
)
from tests.support.databases import DatabaseOf
from tests.support.programs import program_text

FIRST = datetime(2026, 3, 10, 4, tzinfo=UTC)
DAY = timedelta(days=1)
CALLERS = 6


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    """A member who came on two days and earns a card on every second one."""
    clock.set(FIRST)
    async with benefits_world(database_of, clock) as world:
        rules = program_text().replace("earned_every_days: 7", "earned_every_days: 2")
        await world.apply(rules, effective_time=FIRST)
        for days in range(2):
            await come(world, days)
        yield world


async def come(world: World, days: int) -> pb.DailyCheckIn:
    """Check in so many days after the first one."""
    world.clock.set(FIRST + days * DAY)
    request = pb.CheckInRequest(program_id=PROGRAM, member_id=MEMBER, request_id=number("r"))
    return (await world.engagement.CheckIn(request, timeout=PATIENCE)).check_in


async def make_up(world: World, days: int, **options: Any) -> pb.MakeUpCheckInResponse:
    content = {"program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r")}
    request = pb.MakeUpCheckInRequest(**(content | {"day": civil(days)} | options))
    return await world.engagement.MakeUpCheckIn(request, timeout=PATIENCE)


async def streak(world: World) -> pb.Streak:
    request = pb.GetStreakRequest(program_id=PROGRAM, member_id=MEMBER)
    return (await world.engagement.GetStreak(request, timeout=PATIENCE)).streak


def civil(days: int) -> Date:
    day = date(2026, 3, 10) + days * DAY
    return Date(year=day.year, month=day.month, day=day.day)


def codes(decision: decisions_pb2.Decision) -> list[str]:
    names = decisions_pb2.DecisionReason
    return [names.Name(each.code).removeprefix("DECISION_REASON_") for each in decision.reasons]


async def test_make_up_check_in_joins_the_days_around_a_missed_one_and_pays_nothing(
    world: World,
) -> None:
    again = await come(world, 3)
    assert (again.streak_days, again.points, again.card_earned) == (1, 5, False)
    before = await streak(world)
    assert (before.make_up_cards, list(before.missed_days)) == (1, [civil(2)])
    made = await make_up(world, 2, request_id="again")
    assert (made.check_in.streak_days, made.streak_days) == (3, 4)
    assert (made.check_in.points, made.check_in.made_up) == (0, True)
    after = await streak(world)
    assert (after.days, after.make_up_cards, list(after.missed_days)) == (4, 0, [])
    assert (await come(world, 4)).points == 15
    repeated = await make_up(world, 2, request_id="again")
    assert repeated.replayed
    assert repeated.check_in == made.check_in
    assert world.ledger.amounts == {"check_in": 5 + 5 + 5 + 15}
    kinds = [fact.engagement.kind for fact in world.scoring.facts.values()]
    assert kinds == ["check_in"] * 4


async def test_make_up_check_in_is_refused_without_a_card_and_for_other_days(
    world: World,
) -> None:
    world.clock.set(FIRST + 3 * DAY)
    assert codes((await make_up(world, 1)).decision) == ["REPEATED"]
    assert codes((await make_up(world, 3)).decision) == ["OUTSIDE_WINDOW"]
    assert codes((await make_up(world, -5)).decision) == ["OUTSIDE_WINDOW"]
    assert (await make_up(world, 2)).decision.allowed
    world.clock.set(FIRST + 4 * DAY)
    assert codes((await make_up(world, 3)).decision) == ["CARD_MISSING"]


async def test_a_card_ends_by_the_sandbox_clock(world: World) -> None:
    world.clock.set(FIRST + 90 * DAY)
    assert (await streak(world)).make_up_cards == 1
    world.clock.set(FIRST + 91 * DAY)
    assert (await streak(world)).make_up_cards == 0
    assert codes((await make_up(world, 90)).decision) == ["CARD_MISSING"]


async def test_callers_at_once_use_a_card_once(world: World) -> None:
    world.clock.set(FIRST + 4 * DAY)
    answers = await asyncio.gather(
        *(make_up(world, 2 + place % 2) for place in range(CALLERS)),
        *(make_up(world, 3, request_id="same") for _ in range(2)),
    )
    assert Counter(each.decision.allowed for each in answers)[True] in {1, 2}
    days = {each.check_in.day.day for each in answers if each.HasField("check_in")}
    assert len(days) == 1
    assert (await streak(world)).make_up_cards == 0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"day": None}, "REQUEST_INVALID"),
        ({"day": Date(year=2026, month=2, day=29)}, "REQUEST_INVALID"),
        ({"program_id": "unknown"}, "PROGRAM_NOT_FOUND"),
    ],
)
async def test_make_up_check_in_that_can_never_be_right_leaves_no_row(
    world: World, options: dict[str, Any], reason: str
) -> None:
    before = await world.rows()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await make_up(world, 2, **options)
    assert refusal_of(error.value)[1] == reason
    assert await world.rows() == before


async def test_make_up_check_in_is_refused_where_there_are_no_cards(world: World) -> None:
    plain = program_text()
    start = plain.index("    make_up: ")
    changed = plain[:start] + plain[plain.index("\n", start) + 1 :]
    await world.apply(changed, effective_time=world.clock.now())
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await make_up(world, 2)
    assert refusal_of(error.value)[1] == "CHECK_IN_NOT_FOUND"


CARD = "insert into make_up_card values ('jd', 'm-1', '2026-03-10', '2026-06-07', '2026-03-09')"


@pytest.mark.parametrize(
    "change",
    [
        CARD,
        CARD.replace("'2026-03-10'", "'2026-03-11'"),
        "update make_up_card set last_day = '2026-03-09'",
    ],
)
async def test_the_database_refuses_a_card_that_cannot_be(
    database_of: DatabaseOf, change: str
) -> None:
    database = await database_of("benefits")
    async with database.begin() as connection:
        await connection.execute(text(CARD))
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(text(change))
