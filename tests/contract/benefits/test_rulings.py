"""Benefits given and taken by hand through the door: by whom, why and until when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import decisions_pb2
from laurel.benefits.v1 import eligibility_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    World,
    benefits_world,
    instant,
    number,
    refusal_of,
)
from tests.support.databases import DatabaseOf

DAY = timedelta(days=1)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


def content(**options: Any) -> dict[str, Any]:
    usual = {
        "program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r"),
        "benefit_id": "vip-line", "reason": "goodwill",
    }  # fmt: skip
    return usual | options


async def grant(world: World, ends: datetime, **options: Any) -> pb.GrantBenefitResponse:
    request = pb.GrantBenefitRequest(**content(expire_time=instant(ends), **options))
    return await world.eligibility.GrantBenefit(request, timeout=PATIENCE)


async def revoke(
    world: World, ends: datetime | None = None, **options: Any
) -> pb.RevokeBenefitResponse:
    until = {"expire_time": instant(ends)} if ends else {}
    request = pb.RevokeBenefitRequest(**content(**until, **options))
    return await world.eligibility.RevokeBenefit(request, timeout=PATIENCE)


async def check(world: World, benefit_id: str = "vip-line") -> decisions_pb2.Decision:
    request = pb.CheckBenefitRequest(program_id=PROGRAM, member_id=MEMBER, benefit_id=benefit_id)
    return (await world.eligibility.CheckBenefit(request, timeout=PATIENCE)).decision


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)


async def test_grant_benefit_gives_it_until_the_end(world: World) -> None:
    now = world.clock.now()
    assert not (await check(world)).allowed
    ruling = (await grant(world, now + DAY, reason="a late parcel")).ruling
    assert (ruling.kind, ruling.reason) == (pb.BENEFIT_RULING_KIND_GRANTED, "a late parcel")
    assert ruling.maker == "anyone"
    assert (ruling.create_time, ruling.expire_time) == (instant(now), instant(now + DAY))
    decision = await check(world)
    assert decision.allowed
    assert decision.evidence.granted
    world.clock.set(now + DAY)
    assert not (await check(world)).allowed


async def test_grant_benefit_counts_its_uses_as_of_everybody(world: World) -> None:
    await grant(world, world.clock.now() + 30 * DAY, benefit_id="double-free-return")
    answers = []
    for _ in range(4):
        request = pb.UseBenefitRequest(
            program_id=PROGRAM,
            member_id=MEMBER,
            request_id=number("r"),
            benefit_id="double-free-return",
        )
        answer = await world.eligibility.UseBenefit(request, timeout=PATIENCE)
        answers.append(answer.decision.allowed)
    assert answers == [True, True, True, False]


async def test_grant_benefit_again_answers_the_same(world: World) -> None:
    request = pb.GrantBenefitRequest(**content(expire_time=instant(world.clock.now() + DAY)))
    first = await world.eligibility.GrantBenefit(request, timeout=PATIENCE)
    world.clock.set(world.clock.now() + 2 * DAY)
    again = await world.eligibility.GrantBenefit(request, timeout=PATIENCE)
    assert again.replayed
    assert again.ruling == first.ruling
    assert (await world.rows())["benefit_ruling"] == 1


async def test_rulings_at_once_are_kept_one_after_the_other(world: World) -> None:
    ends = world.clock.now() + DAY
    answers = await asyncio.gather(
        *(grant(world, ends) for _ in range(3)),
        *(revoke(world, ends) for _ in range(3)),
        *(grant(world, ends, request_id="the-same") for _ in range(3)),
    )
    assert sum(not each.replayed for each in answers) == 7
    assert (await world.rows())["benefit_ruling"] == 7
    decision = await check(world)
    assert decision.allowed is decision.evidence.granted


async def test_revoke_benefit_without_an_end_takes_a_grant_back(world: World) -> None:
    await grant(world, world.clock.now() + DAY)
    ruling = (await revoke(world, reason="by mistake")).ruling
    assert ruling.kind == pb.BENEFIT_RULING_KIND_WITHDRAWN
    assert not ruling.HasField("expire_time")
    decision = await check(world)
    assert [each.code for each in decision.reasons] == [decisions_pb2.DECISION_REASON_SCORE_TOO_LOW]


async def test_revoke_benefit_with_an_end_takes_it_until_then_b11(world: World) -> None:
    await world.buy()
    now = world.clock.now()
    assert (await check(world, "plus-member-price")).allowed
    ruling = (await revoke(world, now + DAY, benefit_id="plus-member-price")).ruling
    assert ruling.kind == pb.BENEFIT_RULING_KIND_WITHHELD
    decision = await check(world, "plus-member-price")
    (reason,) = decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_WITHHELD
    assert reason.available_from == decision.near_miss.available_from == instant(now + DAY)
    world.clock.set(now + DAY)
    assert (await check(world, "plus-member-price")).allowed


async def test_revoke_benefit_is_ended_by_a_later_grant(world: World) -> None:
    now = world.clock.now()
    await revoke(world, now + 2 * DAY)
    await grant(world, now + DAY)
    assert (await check(world)).allowed
    assert (await world.rows())["benefit_ruling"] == 2


async def test_revoke_benefit_that_was_not_granted_is_refused(world: World) -> None:
    code, reason, metadata = await refusal(revoke(world))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BENEFIT_NOT_GRANTED")
    assert metadata == {"benefit_id": "vip-line"}


async def test_revoke_benefit_again_answers_the_same(world: World) -> None:
    await grant(world, world.clock.now() + DAY)
    request = pb.RevokeBenefitRequest(**content())
    first = await world.eligibility.RevokeBenefit(request, timeout=PATIENCE)
    again = await world.eligibility.RevokeBenefit(request, timeout=PATIENCE)
    assert again.replayed
    assert again.ruling == first.ruling


async def test_a_request_id_of_a_grant_is_none_of_a_revocation(world: World) -> None:
    await grant(world, world.clock.now() + DAY, request_id="same")
    assert (await refusal(revoke(world, request_id="same")))[1] == "REQUEST_ID_REUSED"


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"benefit_id": "free-lunch"}, "BENEFIT_NOT_FOUND"),
    ({"program_id": "unknown"}, "PROGRAM_NOT_FOUND"),
    ({"reason": ""}, "REQUEST_INVALID"),
    ({"reason": "nul\0"}, "REQUEST_INVALID"),
    ({"request_id": ""}, "REQUEST_INVALID"),
]


@pytest.mark.parametrize(("options", "reason"), INVALID)
@pytest.mark.parametrize("call", [grant, revoke])
async def test_a_ruling_that_can_never_be_right_leaves_no_row(
    world: World, call: Any, options: dict[str, Any], reason: str
) -> None:
    before = await world.rows()
    assert (await refusal(call(world, world.clock.now() + DAY, **options)))[1] == reason
    assert await world.rows() == before


@pytest.mark.parametrize("call", [grant, revoke])
async def test_a_ruling_that_is_over_at_once_leaves_no_row(world: World, call: Any) -> None:
    before = await world.rows()
    code, reason, _ = await refusal(call(world, world.clock.now()))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "END_PASSED")
    assert await world.rows() == before


async def test_grant_benefit_without_an_end_is_refused(world: World) -> None:
    request = pb.GrantBenefitRequest(**content())
    call = world.eligibility.GrantBenefit(request, timeout=PATIENCE)
    assert (await refusal(call))[1] == "REQUEST_INVALID"
