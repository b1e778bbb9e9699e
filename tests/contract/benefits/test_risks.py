"""Judgements of members through the door, and what a blocked one is refused (B10, B11, O55)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import decisions_pb2, earnings_pb2, eligibility_pb2
from laurel.benefits.v1 import risk_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    Standing,
    World,
    benefits_world,
    instant,
    number,
    order_request,
    refusal_of,
    risk_request,
)
from tests.support.databases import DatabaseOf
from tests.support.programs import program_text

DAY = timedelta(days=1)
BLOCKED = decisions_pb2.DECISION_REASON_RISK_BLOCKED


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        world.scoring.standings[MEMBER] = Standing(score=20001)
        yield world


async def get_member_risk(world: World, **options: Any) -> pb.GetMemberRiskResponse:
    request = pb.GetMemberRiskRequest(**({"program_id": PROGRAM, "member_id": MEMBER} | options))
    return await world.risks.GetMemberRisk(request, timeout=PATIENCE)


async def use_vip_line(world: World) -> decisions_pb2.Decision:
    request = eligibility_pb2.UseBenefitRequest(
        program_id=PROGRAM, member_id=MEMBER, request_id=number("r"), benefit_id="vip-line"
    )
    return (await world.eligibility.UseBenefit(request, timeout=PATIENCE)).decision


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)


async def test_get_member_risk_of_a_member_nobody_judged_is_normal(world: World) -> None:
    shown = await get_member_risk(world)
    assert shown.state == decisions_pb2.RISK_STATE_NORMAL
    assert not shown.judgements


async def test_set_member_risk_holds_until_its_end_and_is_remembered(world: World) -> None:
    now = world.clock.now()
    risk = (await world.judge("BLOCKED", ends=now + DAY)).risk
    assert (risk.state, risk.reason, risk.maker) == (
        decisions_pb2.RISK_STATE_BLOCKED, "sells benefits", "anyone",
    )  # fmt: skip
    assert (risk.create_time, risk.expire_time) == (instant(now), instant(now + DAY))
    assert (await get_member_risk(world)).state == decisions_pb2.RISK_STATE_BLOCKED
    world.clock.set(now + DAY)
    shown = await get_member_risk(world)
    assert shown.state == decisions_pb2.RISK_STATE_NORMAL
    assert list(shown.judgements) == [risk]


async def test_set_member_risk_is_replaced_by_the_next_judgement(world: World) -> None:
    for state in ("BLOCKED", "WATCH", "NORMAL"):
        await world.judge(state)
    shown = await get_member_risk(world)
    assert shown.state == decisions_pb2.RISK_STATE_NORMAL
    assert [each.state for each in shown.judgements] == [
        decisions_pb2.RISK_STATE_NORMAL,
        decisions_pb2.RISK_STATE_WATCH,
        decisions_pb2.RISK_STATE_BLOCKED,
    ]


async def test_set_member_risk_again_answers_the_same(world: World) -> None:
    request = risk_request("BLOCKED")
    first = await world.risks.SetMemberRisk(request, timeout=PATIENCE)
    await world.judge("NORMAL")
    again = await world.risks.SetMemberRisk(request, timeout=PATIENCE)
    assert again.replayed
    assert again.risk == first.risk
    assert (await get_member_risk(world)).state == decisions_pb2.RISK_STATE_NORMAL
    request.reason = "another"
    assert (await refusal(world.risks.SetMemberRisk(request, timeout=PATIENCE)))[1] == (
        "REQUEST_ID_REUSED"
    )


async def test_a_blocked_member_is_refused_benefits_and_prices_f18_o55(world: World) -> None:
    quoted = await world.quote()
    assert (await use_vip_line(world)).allowed
    await world.judge("BLOCKED")
    decision = await use_vip_line(world)
    assert [each.code for each in decision.reasons] == [BLOCKED]
    assert decision.evidence.risk_state == decisions_pb2.RISK_STATE_BLOCKED
    refused = (await world.quote()).decision
    assert [each.code for each in refused.reasons] == [BLOCKED]
    code, reason, metadata = await refusal(world.purchase(quoted.quote.quote_id))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MEMBER_BLOCKED")
    assert metadata == {"member_id": MEMBER}
    await world.judge("NORMAL")
    assert (await use_vip_line(world)).allowed
    await world.purchase(quoted.quote.quote_id)


async def test_a_blocked_member_earns_nothing_and_scoring_is_told_o55(world: World) -> None:
    await world.buy()
    await world.judge("BLOCKED")
    order = (await world.complete(order_request(order_time=world.clock.now()))).order
    assert not order.grants
    (earning,) = order.line_earnings
    assert (earning.base_points, earning.rebate_points) == (0, 0)
    entry = next(e for e in earning.trace if e.stage == earnings_pb2.EARNING_STAGE_RISK)
    assert (entry.reason, entry.after_ten_thousandths) == (BLOCKED, 0)
    assert world.ledger.amounts == {}
    assert len(world.scoring.facts) == 1


async def test_a_watched_member_earns_by_so_many_orders_an_hour_b10(world: World) -> None:
    text = program_text().replace("watched_times_max: 20", "watched_times_max: 1")
    await world.apply(text, effective_time=world.clock.now())
    await world.judge("WATCH")
    sent = [await world.complete(order_request(order_time=world.clock.now())) for _ in range(2)]
    earned = [sum(each.points for each in answer.order.grants) for answer in sent]
    assert earned == [100, 0]
    entry = next(
        each
        for each in sent[-1].order.line_earnings[0].trace
        if each.stage == earnings_pb2.EARNING_STAGE_RISK
    )
    assert (entry.rule, entry.reason) == ("orders", decisions_pb2.DECISION_REASON_TOO_FAST)
    world.clock.set(world.clock.now() + timedelta(hours=1))
    again = await world.complete(order_request(order_time=world.clock.now()))
    assert again.order.grants


async def test_a_watched_member_is_served_as_everybody_and_decisions_say_it(
    world: World,
) -> None:
    await world.judge("WATCH")
    decision = await use_vip_line(world)
    assert decision.allowed
    assert decision.evidence.risk_state == decisions_pb2.RISK_STATE_WATCH
    await world.complete(order_request(order_time=world.clock.now()))
    assert world.ledger.amounts == {"base": 100}


async def test_a_block_of_one_member_leaves_the_others(world: World) -> None:
    await world.judge("BLOCKED", member_id="m-2")
    assert (await use_vip_line(world)).allowed


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"state": "RISK_STATE_UNSPECIFIED"}, "REQUEST_INVALID"),
        ({"program_id": "unknown"}, "PROGRAM_NOT_FOUND"),
        ({"reason": ""}, "REQUEST_INVALID"),
        ({"request_id": ""}, "REQUEST_INVALID"),
        ({"member_id": "no spaces"}, "REQUEST_INVALID"),
        ({"state": "RISK_STATE_NORMAL", "expire_time": {"seconds": 4102444800}}, "REQUEST_INVALID"),
        ({"expire_time": {"seconds": 946684800}}, "END_PASSED"),
    ],
)
async def test_set_member_risk_that_can_never_be_right_leaves_no_row(
    world: World, options: dict[str, Any], reason: str
) -> None:
    before = await world.rows()
    assert (await refusal(world.judge("BLOCKED", **options)))[1] == reason
    assert await world.rows() == before


async def test_get_member_risk_of_an_unknown_program_is_refused(world: World) -> None:
    assert (await refusal(get_member_risk(world, program_id="unknown")))[1] == "PROGRAM_NOT_FOUND"
