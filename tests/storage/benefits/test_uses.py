"""Uses of benefits at once: a quota gives exactly what it has, and no use comes back twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import eligibility_pb2 as pb
from laurel_benefits.domain.ids import BenefitId, MemberId, MemberKey, ProgramId
from laurel_benefits.domain.quotas import Period
from laurel_benefits.storage.holdings import read_holdings
from laurel_benefits.storage.uses import count_use
from laurel_kit.clock import SettableClock
from laurel_kit.database import Database
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    Standing,
    World,
    benefits_world,
    number,
    refusal_of,
)
from tests.support.databases import DatabaseOf
from tests.support.programs import program_text

CALLERS, QUOTA = 12, 3
RETURN = "double-free-return"
KEY = MemberKey(program_id=ProgramId(PROGRAM), member_id=MemberId(MEMBER))


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        world.scoring.standings[MEMBER] = Standing(score=20000)
        yield world


def use_request(request_id: str = "") -> pb.UseBenefitRequest:
    return pb.UseBenefitRequest(
        program_id=PROGRAM,
        member_id=MEMBER,
        request_id=request_id or number("r"),
        benefit_id=RETURN,
    )


async def use(world: World, request: pb.UseBenefitRequest) -> Any:
    return await world.eligibility.UseBenefit(request, timeout=PATIENCE)


async def test_callers_at_once_use_exactly_the_quota(world: World) -> None:
    answers = await asyncio.gather(*(use(world, use_request()) for _ in range(CALLERS)))
    used = sorted(each.decision.quota.used for each in answers if each.decision.allowed)
    assert used == list(range(1, QUOTA + 1))
    rows = await world.rows()
    assert (rows["benefit_use"], rows["benefit_counter"]) == (QUOTA, 1)


async def test_members_at_once_take_exactly_the_stock_c16(world: World) -> None:
    few = program_text().replace("stock: {limit: 100000,", f"stock: {{limit: {QUOTA},")
    await world.apply(few)
    members = [f"m-stock-{place}" for place in range(CALLERS)]
    for member_id in members:
        world.scoring.standings[member_id] = Standing(score=10000, published=10000)

    async def claim(member_id: str) -> Any:
        request = use_request()
        request.member_id, request.benefit_id = member_id, "gift-pack"
        return await use(world, request)

    answers = await asyncio.gather(*(claim(member_id) for member_id in members))
    assert Counter(each.decision.allowed for each in answers) == {
        True: QUOTA,
        False: CALLERS - QUOTA,
    }


async def test_the_same_use_at_once_is_one(world: World) -> None:
    request = use_request("at-once")
    answers = await asyncio.gather(*(use(world, request) for _ in range(CALLERS)))
    assert Counter(each.replayed for each in answers) == {False: 1, True: CALLERS - 1}
    assert len({each.use.use_id for each in answers}) == 1
    assert (await world.rows())["benefit_use"] == 1


async def test_a_use_reversed_at_once_comes_back_once(world: World) -> None:
    use_id = (await use(world, use_request())).use.use_id

    async def reverse() -> str:
        request = pb.ReverseUseRequest(
            program_id=PROGRAM,
            member_id=MEMBER,
            request_id=number("r"),
            use_id=use_id,
            reason="lost",
        )
        try:
            await world.eligibility.ReverseUse(request, timeout=PATIENCE)
        except grpc.aio.AioRpcError as error:
            return refusal_of(error)[1]
        return "ok"

    outcomes = Counter(await asyncio.gather(*(reverse() for _ in range(CALLERS))))
    assert outcomes == {"ok": 1, "BENEFIT_USE_REVERSED": CALLERS - 1}
    assert (await use(world, use_request())).decision.quota.used == 1


async def test_the_counter_alone_never_goes_beyond_its_limit(database_of: DatabaseOf) -> None:
    database = await database_of("benefits")
    period = Period(key="EVER", reset_time=None)

    async def count() -> bool:
        async with database.begin() as connection:
            return await count_use(connection, KEY, BenefitId(RETURN), period, limit=QUOTA)

    outcomes = Counter(await asyncio.gather(*(count() for _ in range(CALLERS))))
    assert outcomes == {True: QUOTA, False: CALLERS - QUOTA}


async def test_counters_of_periods_that_are_over_are_not_read(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    database, now = await database_of("benefits"), clock.now()
    over = Period(key="DAY:earlier", reset_time=now)
    async with database.begin() as connection:
        assert await count_use(connection, KEY, BenefitId(RETURN), over, limit=QUOTA)
        assert not (await read_holdings(connection, KEY, now)).used


RULING = """
    insert into benefit_ruling values ('jd', 'm-1', 'vip-line', 1, 'GRANTED', 'why', 'who',
        '2026-01-01Z', '2027-01-01Z')
"""
COUNTER = "insert into benefit_counter values ('jd', 'm-1', 'vip-line', 'EVER', 3, 3, null)"
USE = """
    insert into benefit_use values ('jd', 'm-1', '019aa000-0000-7000-8000-000000000001', 'vip-line',
        '', '', '2026-01-01Z', null, 'r')
"""


async def refused(database: Database, made: str, change: str) -> type[Exception]:
    async with database.begin() as connection:
        await connection.execute(text(made))
    with pytest.raises(DBAPIError) as refusal:
        async with database.begin() as connection:
            await connection.execute(text(change))
    return type(refusal.value)


@pytest.mark.parametrize(
    ("made", "change"),
    [
        (COUNTER, "update benefit_counter set used = 4"),
        (COUNTER, "update benefit_counter set used = -1"),
        (USE, "update benefit_use set reverse_time = use_time"),
        (RULING, RULING.replace("1, 'GRANTED'", "2, 'PRAISED'")),
        (RULING, RULING.replace("1, 'GRANTED'", "2, 'WITHDRAWN'")),
        (RULING, RULING.replace("1, 'GRANTED'", "0, 'GRANTED'")),
        (RULING, RULING.replace("1, 'GRANTED'", "2, 'GRANTED'").replace("2027", "2025")),
    ],
)
async def test_the_database_refuses_what_cannot_be(
    database_of: DatabaseOf, made: str, change: str
) -> None:
    assert await refused(await database_of("benefits"), made, change) is IntegrityError


@pytest.mark.parametrize(
    "change", ["update benefit_ruling set reason = 'other'", "delete from benefit_ruling"]
)
async def test_what_was_ruled_is_never_changed(database_of: DatabaseOf, change: str) -> None:
    assert await refused(await database_of("benefits"), RULING, change) is not IntegrityError
