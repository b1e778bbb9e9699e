"""Benefits through the door: a yes or a no with its reasons, also while scoring is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.type.date_pb2 import Date
from laurel.benefits.v1 import decisions_pb2
from laurel.benefits.v1 import eligibility_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    Standing,
    World,
    benefits_world,
    instant,
    money,
    refusal_of,
)
from tests.support.databases import DatabaseOf

BORN = Date(year=1990, month=3, day=10)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def check(world: World, benefit_id: str, **options: Any) -> decisions_pb2.Decision:
    content = {"program_id": PROGRAM, "member_id": MEMBER, "benefit_id": benefit_id}
    request = pb.CheckBenefitRequest(**(content | options))
    return (await world.eligibility.CheckBenefit(request, timeout=PATIENCE)).decision


def codes(decision: decisions_pb2.Decision) -> list[str]:
    return [
        decisions_pb2.DecisionReason.Name(reason.code).removeprefix("DECISION_REASON_")
        for reason in decision.reasons
    ]


async def test_check_benefit_allows_from_its_score_on(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=500)
    decision = await check(world, "birthday-coupon", birth_date=BORN)
    assert decision.allowed
    assert codes(decision) == []
    assert decision.evidence.score.value == 500
    assert decision.evidence.decide_time == instant(world.clock.now())


async def test_check_benefit_refuses_with_what_is_missing(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=499)
    decision = await check(world, "birthday-coupon", birth_date=BORN)
    assert not decision.allowed
    assert codes(decision) == ["SCORE_TOO_LOW"]
    assert (decision.reasons[0].required, decision.reasons[0].missing) == (500, 1)
    assert decision.near_miss.missing == 1


async def test_check_benefit_says_when_its_window_opens(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(published=10000)
    world.clock.set(datetime(2026, 3, 21, 4, tzinfo=UTC))
    decision = await check(world, "gift-pack")
    assert codes(decision) == ["OUTSIDE_WINDOW"]
    opens = instant(datetime(2026, 4, 4, 16, tzinfo=UTC))
    assert decision.reasons[0].available_from == decision.near_miss.available_from == opens


async def test_check_benefit_looks_at_the_published_score_where_the_program_says_so(
    world: World,
) -> None:
    world.scoring.standings[MEMBER] = Standing(score=99999, published=9999)
    assert codes(await check(world, "gift-pack")) == ["SCORE_TOO_LOW"]
    world.scoring.standings[MEMBER] = Standing(score=0, published=10000)
    decision = await check(world, "gift-pack")
    assert decision.allowed
    assert not decision.evidence.score.live


async def test_check_benefit_takes_a_score_that_was_never_published_as_none(
    world: World,
) -> None:
    world.scoring.standings[MEMBER] = Standing(score=99999, published=None)
    decision = await check(world, "gift-pack")
    assert codes(decision) == ["SCORE_TOO_LOW"]
    assert not decision.evidence.HasField("score")
    assert list(decision.evidence.attributes) == ["real_name"]


async def test_check_benefit_says_what_it_takes_off(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=5000)
    decision = await check(world, "plus-fee-reduction")
    assert decision.value.amount_off == money("50.00")


async def test_check_benefit_of_members_does_not_need_scoring(world: World) -> None:
    assert codes(await check(world, "plus-member-price")) == ["NOT_MEMBER"]
    bought = await world.buy()
    world.scoring.away = True
    decision = await check(world, "plus-member-price")
    assert decision.allowed
    assert not decision.degraded
    assert decision.evidence.membership_id == bought.membership_id


async def test_check_benefit_without_scoring_uses_what_was_seen_last_with_its_age(
    world: World,
) -> None:
    world.scoring.standings[MEMBER] = Standing(score=500)
    await check(world, "single-free-return")
    world.scoring.away = True
    world.clock.set(world.clock.now() + timedelta(days=2))
    decision = await check(world, "single-free-return")
    assert decision.allowed
    assert decision.degraded
    assert codes(decision) == ["DEGRADED_DATA"]
    assert decision.evidence.score.age.ToTimedelta() == timedelta(days=2)


async def test_check_benefit_without_scoring_decides_nothing_on_what_is_too_old(
    world: World,
) -> None:
    world.scoring.standings[MEMBER] = Standing(score=500)
    await check(world, "single-free-return")
    world.scoring.away = True
    world.clock.set(world.clock.now() + timedelta(days=7, seconds=1))
    decision = await check(world, "single-free-return")
    assert not decision.allowed
    assert decision.degraded
    assert codes(decision) == ["DEGRADED_DATA"]


async def test_check_benefit_is_degraded_where_scoring_does_not_know_the_program(
    world: World,
) -> None:
    world.scoring.refusal = (grpc.StatusCode.NOT_FOUND, "PROGRAM_NOT_FOUND")
    decision = await check(world, "single-free-return")
    assert not decision.allowed
    assert decision.degraded


@pytest.mark.parametrize(
    ("benefit_id", "options", "reason"),
    [
        ("free-lunch", {}, "BENEFIT_NOT_FOUND"),
        ("vip-line", {"program_id": "unknown"}, "PROGRAM_NOT_FOUND"),
        ("vip-line", {"member_id": "no spaces"}, "REQUEST_INVALID"),
        ("vip-line", {"birth_date": Date(month=2, day=30)}, "REQUEST_INVALID"),
    ],
)
async def test_check_benefit_that_can_never_be_right_leaves_no_row(
    world: World, benefit_id: str, options: dict[str, Any], reason: str
) -> None:
    before = await world.rows()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await check(world, benefit_id, **options)
    assert refusal_of(error.value)[1] == reason
    assert await world.rows() == before
