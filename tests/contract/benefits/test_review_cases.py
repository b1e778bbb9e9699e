"""Rewards that wait for somebody through the door: listed, approved, rejected, by another one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import activities_pb2 as facts
from laurel.benefits.v1 import decisions_pb2
from laurel.benefits.v1 import engagement_pb2 as engagement
from laurel.benefits.v1 import risk_pb2 as pb
from laurel_kit.clock import SettableClock

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
    refusal_of,
)
from tests.support.databases import DatabaseOf

APPROVE, REJECT = pb.REVIEW_VERDICT_APPROVE, pb.REVIEW_VERDICT_REJECT
CALLERS = 6


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        await world.judge("WATCH")
        yield world


async def refer(world: World) -> engagement.RecordedActivity:
    """A watched member brings another one: that waits for somebody."""
    brought = number("new")
    await world.complete(
        order_request(line("100.00"), order_time=world.clock.now(), member_id=brought)
    )
    made = facts.Activity(
        activity_id=number("a"),
        activity_time=instant(world.clock.now()),
        referral=facts.Referral(referred_member_id=brought),
    )
    request = engagement.RecordActivitiesRequest(
        program_id=PROGRAM, member_id=MEMBER, request_id=number("r"), activities=[made]
    )
    response = await world.engagement.RecordActivities(request, timeout=PATIENCE)
    return response.results[0].recorded


async def cases(world: World, **options: Any) -> pb.ListReviewCasesResponse:
    request = pb.ListReviewCasesRequest(**({"program_id": PROGRAM} | options))
    return await world.risks.ListReviewCases(request, timeout=PATIENCE)


async def resolve(
    world: World, case_id: str, verdict: pb.ReviewVerdict.ValueType = APPROVE, **options: Any
) -> pb.ResolveReviewCaseResponse:
    content = {
        "program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r"),
        "case_id": case_id, "verdict": verdict, "reason": "looked at", "resolver": "ann",
    }  # fmt: skip
    request = pb.ResolveReviewCaseRequest(**(content | options))
    return await world.risks.ResolveReviewCase(request, timeout=PATIENCE)


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)


async def test_a_reward_under_review_lands_and_waits_for_its_case(world: World) -> None:
    stored = await refer(world)
    (reason,) = stored.decision.reasons
    assert (reason.code, reason.subject) == (
        decisions_pb2.DECISION_REASON_RISK_REVIEW,
        "referrals",
    )
    assert (stored.points, stored.state) == (500, engagement.REWARD_STATE_POSTED)
    assert world.ledger.points.of(MEMBER).posted == 0
    assert world.ledger.points.of(MEMBER).waiting == {stored.case_id: 500}
    (case,) = (await cases(world)).cases
    assert (case.case_id, case.points, case.kind) == (stored.case_id, 500, "referral")
    assert (case.state, case.raised_by) == (pb.REVIEW_CASE_STATE_OPEN, "anyone")
    assert not case.HasField("resolve_time")


@pytest.mark.parametrize(
    ("verdict", "state", "posted"),
    [
        (APPROVE, pb.REVIEW_CASE_STATE_APPROVED, 500),
        (REJECT, pb.REVIEW_CASE_STATE_REJECTED, 0),
    ],
)
async def test_resolve_review_case_frees_the_points_or_voids_them(
    world: World, verdict: pb.ReviewVerdict.ValueType, state: int, posted: int
) -> None:
    stored = await refer(world)
    case = (await resolve(world, stored.case_id, verdict)).review_case
    assert (case.state, case.resolver, case.resolve_reason) == (state, "ann", "looked at")
    purse = world.ledger.points.of(MEMBER)
    assert (purse.posted, purse.waiting) == (posted, {})
    code, reason, metadata = await refusal(resolve(world, stored.case_id, resolver="bob"))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REVIEW_CASE_RESOLVED")
    assert metadata["case_id"] == stored.case_id
    assert not (await cases(world, state=pb.REVIEW_CASE_STATE_OPEN)).cases


async def test_resolve_review_case_is_not_for_who_raised_or_caused_it(world: World) -> None:
    stored = await refer(world)
    for resolver in ("anyone", MEMBER):
        code, reason, _ = await refusal(resolve(world, stored.case_id, resolver=resolver))
        assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "RESOLVER_INVOLVED")
    assert (await refusal(resolve(world, stored.case_id, resolver="")))[1] == "RESOLVER_REQUIRED"
    assert (await cases(world)).cases[0].state == pb.REVIEW_CASE_STATE_OPEN


async def test_resolve_review_case_again_answers_the_same(world: World) -> None:
    stored = await refer(world)
    first = await resolve(world, stored.case_id, request_id="again")
    again = await resolve(world, stored.case_id, request_id="again")
    assert (again.replayed, again.review_case) == (True, first.review_case)
    reused = resolve(world, stored.case_id, REJECT, request_id="again")
    assert (await refusal(reused))[1] == "REQUEST_ID_REUSED"
    assert world.ledger.points.of(MEMBER).posted == 500


async def test_resolve_review_case_by_several_at_once_is_decided_once(world: World) -> None:
    stored = await refer(world)
    verdicts = [(APPROVE, REJECT)[place % 2] for place in range(CALLERS)]
    answers = await asyncio.gather(
        *(
            resolve(world, stored.case_id, verdict, resolver=f"u-{place}")
            for place, verdict in enumerate(verdicts)
        ),
        return_exceptions=True,
    )
    kinds = Counter(type(each).__name__ for each in answers)
    assert kinds == {"ResolveReviewCaseResponse": 1, "AioRpcError": CALLERS - 1}
    (case,) = (await cases(world)).cases
    approved = case.state == pb.REVIEW_CASE_STATE_APPROVED
    assert world.ledger.points.of(MEMBER).posted == (500 if approved else 0)


async def test_resolve_review_case_is_finished_by_a_repeat_when_the_ledger_was_away(
    world: World,
) -> None:
    stored = await refer(world)
    world.ledger.away = True
    call = resolve(world, stored.case_id, request_id="again")
    assert (await refusal(call))[1] == "DEPENDENCY_DOWN"
    world.ledger.away = False
    again = await resolve(world, stored.case_id, request_id="again")
    assert again.review_case.state == pb.REVIEW_CASE_STATE_APPROVED
    assert world.ledger.points.of(MEMBER).posted == 500


async def test_resolve_review_case_of_none_leaves_no_row(world: World) -> None:
    before = await world.rows()
    unknown = "0197c1f0-0000-7000-8000-000000000000"
    for options, reason in (
        ({}, "REVIEW_CASE_NOT_FOUND"),
        ({"program_id": "unknown"}, "PROGRAM_NOT_FOUND"),
        ({"case_id": "none"}, "REQUEST_INVALID"),
        ({"verdict": 0}, "REQUEST_INVALID"),
        ({"reason": ""}, "REQUEST_INVALID"),
    ):
        content = {"case_id": unknown} | options
        assert (await refusal(resolve(world, content.pop("case_id"), **content)))[1] == reason
    assert await world.rows() == before


async def test_list_review_cases_has_pages_and_filters(world: World) -> None:
    made = [(await refer(world)).case_id for _ in range(3)]
    await resolve(world, made[1])
    first = await cases(world, page_size=2)
    second = await cases(world, page_size=2, page_token=first.next_page_token)
    assert [each.case_id for each in (*first.cases, *second.cases)] == made
    assert second.next_page_token == ""
    still = await cases(world, state=pb.REVIEW_CASE_STATE_OPEN, member_id=MEMBER)
    assert [each.case_id for each in still.cases] == [made[0], made[2]]
    assert not (await cases(world, member_id="m-2")).cases
    other = cases(world, member_id="m-2", page_token=first.next_page_token)
    assert (await refusal(other))[1] == "PAGE_TOKEN_INVALID"
    assert (await refusal(cases(world, program_id="unknown")))[1] == "PROGRAM_NOT_FOUND"
