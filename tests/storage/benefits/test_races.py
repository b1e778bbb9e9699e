"""Several callers at once: caps are never exceeded, and nothing is sold or paid twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import memberships_pb2
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PLAN,
    PROGRAM,
    World,
    benefits_world,
    line,
    order_request,
    refusal_of,
)
from tests.support.databases import DatabaseOf

CALLERS = 12


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def outcomes(calls: list[Any]) -> Counter[str]:
    """How often each outcome came: `ok`, `replayed`, or the reason of a refusal."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    return Counter(outcome(answer) for answer in answers)


def outcome(answer: Any) -> str:
    if isinstance(answer, grpc.aio.AioRpcError):
        return refusal_of(answer)[1]
    assert not isinstance(answer, BaseException), answer
    return "replayed" if answer.replayed else "ok"


async def granted(world: World) -> int:
    request = memberships_pb2.GetMembershipRequest(
        program_id=PROGRAM, member_id=MEMBER, plan_id=PLAN
    )
    found = await world.memberships.GetMembership(request, timeout=PATIENCE)
    return found.membership.rebate.granted_points


async def test_completions_at_once_never_exceed_the_cap_of_the_term_f6(world: World) -> None:
    await world.buy()
    # Each would earn 6,000 points, all of them together 72,000.
    requests = [
        order_request(line("1200.00"), order_time=world.clock.now()) for _ in range(CALLERS)
    ]
    answers = await asyncio.gather(*(world.complete(request) for request in requests))
    rebates = [each.rebate_points for answer in answers for each in answer.order.line_earnings]
    assert sum(rebates) == 50000
    assert sorted(rebates) == [0, 0, 0, 2000, *[6000] * 8]
    assert await granted(world) == 50000
    # Who came after the cap was reached earned base points, 1,000 at most.
    assert world.ledger.amounts == {"rebate": 50000, "base": 3000}


async def test_the_same_completion_at_once_is_one(world: World) -> None:
    request = order_request(order_time=world.clock.now())
    counted = await outcomes([world.complete(request) for _ in range(CALLERS)])
    assert counted == {"ok": 1, "replayed": CALLERS - 1}
    assert world.ledger.amounts == {"base": 100}
    assert len(world.scoring.facts) == 1


async def test_an_order_under_different_request_ids_at_once_is_completed_once(
    world: World,
) -> None:
    request = order_request(order_time=world.clock.now())
    calls = []
    for number in range(CALLERS):
        request.request_id = f"at-once-{number}"
        copy = type(request)()
        copy.CopyFrom(request)
        calls.append(world.complete(copy))
    assert await outcomes(calls) == {"ok": 1, "ORDER_COMPLETED": CALLERS - 1}
    assert world.ledger.amounts == {"base": 100}


async def test_a_quote_buys_once_when_used_at_once(world: World) -> None:
    quote_id = (await world.quote()).quote.quote_id
    counted = await outcomes([world.purchase(quote_id) for _ in range(CALLERS)])
    assert counted == {"ok": 1, "QUOTE_USED": CALLERS - 1}
    assert (await world.rows())["membership"] == 1


async def test_two_quotes_used_at_once_buy_one_term(world: World) -> None:
    quotes = [(await world.quote()).quote.quote_id for _ in range(3)]
    counted = await outcomes([world.purchase(quote_id) for quote_id in quotes])
    assert counted == {"ok": 1, "MEMBERSHIP_ACTIVE": 2}


async def test_the_same_wish_for_a_price_at_once_is_one_quote(world: World) -> None:
    calls = [world.quote(request_id="at-once") for _ in range(CALLERS)]
    assert await outcomes(calls) == {"ok": 1, "replayed": CALLERS - 1}
    assert (await world.rows())["quote"] == 1


async def test_completions_at_once_number_the_facts_of_a_member_without_gaps(
    world: World,
) -> None:
    requests = [order_request(order_time=world.clock.now()) for _ in range(CALLERS)]
    await asyncio.gather(*(world.complete(request) for request in requests))
    async with world.served.running.foundation.database.read() as connection:
        found = await connection.exec_driver_sql("select fact_position from shop_order order by 1")
        assert list(found.scalars()) == list(range(1, CALLERS + 1))
