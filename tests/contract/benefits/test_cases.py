"""The golden cases P17, P24, P25, P27, P31, P34 and P48 over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from google.type.date_pb2 import Date
from laurel.benefits.v1 import eligibility_pb2
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    PATIENCE,
    PROGRAM,
    Standing,
    World,
    benefits_world,
    line,
    money,
    number,
    order_request,
)
from tests.support.benefits_cases import CAPS, EARNING, PRICES, RIGHTS, EarningCase
from tests.support.databases import DatabaseOf


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def test_orders_earn_what_the_cases_say(world: World) -> None:
    for case in EARNING:
        member_id = number("m")
        if case.member_of_plus:
            await world.buy(member_id)
        if case.granted_before:
            await earn_before(world, member_id, case.granted_before)
        points = await points_of(world, case, member_id)
        assert points == (case.base, case.rebate), case.name


async def earn_before(world: World, member_id: str, points: int) -> None:
    """Use up room of the term: books give five points for a yuan."""
    paid = f"{points // 5}.00"
    request = order_request(line(paid), order_time=world.clock.now(), member_id=member_id)
    answer = await world.complete(request)
    assert [grant.points for grant in answer.order.grants] == [points]


async def points_of(world: World, case: EarningCase, member_id: str) -> tuple[int, int]:
    lines = [line(paid, category) for paid, category in case.lines]
    request = order_request(
        *lines, order_time=world.clock.now(), member_id=member_id, **case.options
    )
    earnings = (await world.complete(request)).order.line_earnings
    return sum(each.base_points for each in earnings), sum(each.rebate_points for each in earnings)


async def test_a_term_has_the_cap_of_its_day_p27(world: World) -> None:
    for bought, cap in CAPS:
        world.clock.set(bought)
        membership = await world.buy(number("m"))
        assert membership.rebate.cap_points == cap, bought


async def test_a_score_has_its_price_p34(world: World) -> None:
    for score, credit, yuan in PRICES:
        member_id = number("m")
        world.scoring.standings[member_id] = Standing(score=score, credit_score=credit)
        quoted = await world.quote(member_id=member_id)
        assert quoted.decision.allowed is (yuan is not None)
        assert quoted.HasField("quote") is (yuan is not None)
        if yuan:
            assert quoted.quote.price == money(f"{yuan}.00")
            assert quoted.quote.expire_time.ToDatetime() == (
                quoted.quote.create_time.ToDatetime() + timedelta(minutes=15)
            )


async def test_a_score_opens_the_birthday_right_p48(world: World) -> None:
    for score, allowed in RIGHTS:
        member_id = number("m")
        world.scoring.standings[member_id] = Standing(score=score)
        request = eligibility_pb2.CheckBenefitRequest(
            program_id=PROGRAM,
            member_id=member_id,
            benefit_id="birthday-coupon",
            birth_date=Date(year=1990, month=3, day=10),
        )
        checked = await world.eligibility.CheckBenefit(request, timeout=PATIENCE)
        assert checked.decision.allowed is allowed
