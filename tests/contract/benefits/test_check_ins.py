"""Check-ins through the door: once a day, paid once, and never lost while the ledger is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.type.date_pb2 import Date
from laurel.benefits.v1 import decisions_pb2, risk_pb2
from laurel.benefits.v1 import engagement_pb2 as pb
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
from tests.support.programs import program_text

DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 3, 10, 16, tzinfo=UTC)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


def request_of(kind: Any, **options: Any) -> Any:
    return kind(**({"program_id": PROGRAM, "member_id": MEMBER} | options))


async def check_in(world: World, **options: Any) -> pb.CheckInResponse:
    request = request_of(pb.CheckInRequest, **({"request_id": number("r")} | options))
    return await world.engagement.CheckIn(request, timeout=PATIENCE)


async def get_streak(world: World, **options: Any) -> pb.Streak:
    request = request_of(pb.GetStreakRequest, **options)
    return (await world.engagement.GetStreak(request, timeout=PATIENCE)).streak


async def preview(world: World, **options: Any) -> decisions_pb2.Decision:
    request = request_of(pb.PreviewRewardRequest, **({"check_in": True} | options))
    return (await world.engagement.PreviewReward(request, timeout=PATIENCE)).decision


async def guard(world: World, rule: str) -> None:
    """Let the program have this limit of speed alone, from now on."""
    text = program_text()
    start = text.index("    velocity:\n") + len("    velocity:\n")
    end = text.index("\n  merchants:\n")
    changed = f"{text[:start]}      - {rule}\n{text[end:]}"
    await world.apply(changed, effective_time=world.clock.now())


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)


async def test_check_in_pays_the_ladder_day_by_day_d12(world: World) -> None:
    points = []
    for day in range(8):
        world.clock.set(MIDNIGHT + day * DAY)
        answer = await check_in(world)
        assert answer.decision.value.points == answer.check_in.points
        assert answer.check_in.streak_days == day + 1
        points.append(answer.check_in.points)
    assert points == [5, 5, 10, 10, 15, 15, 30, 5]
    assert world.ledger.amounts == {"check_in": sum(points)}


async def test_check_in_is_posted_with_what_it_is_for(world: World) -> None:
    stored = (await check_in(world)).check_in
    draft = world.ledger.posted[stored.ledger_request_id]
    assert stored.state == pb.REWARD_STATE_POSTED
    assert stored.commit_token == f"token-{stored.ledger_request_id}"
    assert stored.day == Date(year=2026, month=3, day=10)
    assert (draft.earn.asset_id, draft.earn.amount) == (stored.asset_id, 5)
    assert draft.earn.funding_account_id == stored.funding_account_id
    assert draft.effective_time == stored.check_in_time == instant(world.clock.now())
    assert dict(draft.labels) == {"kind": "check_in", "day": "2026-03-10"}
    assert draft.program_revision == stored.program_revision


async def test_check_in_is_refused_a_second_time_on_the_day(world: World) -> None:
    await check_in(world)
    answer = await check_in(world)
    assert not answer.decision.allowed
    assert not answer.HasField("check_in")
    (reason,) = answer.decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_COOLDOWN
    assert reason.available_from == instant(MIDNIGHT)
    assert world.ledger.amounts == {"check_in": 5}


async def test_check_in_again_answers_the_same_and_pays_once(world: World) -> None:
    first = await check_in(world, request_id="again")
    world.clock.set(world.clock.now() + DAY)
    again = await check_in(world, request_id="again")
    assert again.replayed
    assert (again.decision, again.check_in) == (first.decision, first.check_in)
    assert world.ledger.amounts == {"check_in": 5}


async def test_check_in_under_a_used_request_id_is_refused(world: World) -> None:
    await world.judge("WATCH", request_id="used")
    assert (await refusal(check_in(world, request_id="used")))[1] == "REQUEST_ID_REUSED"


async def test_check_in_of_a_blocked_member_is_refused_o55(world: World) -> None:
    await world.judge("BLOCKED")
    (reason,) = (await check_in(world)).decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_RISK_BLOCKED
    assert world.ledger.posted == {}


@pytest.mark.parametrize("trouble", ["away", "loses_answers"])
async def test_check_in_is_finished_by_a_repeat_when_the_ledger_was_away(
    world: World, trouble: str
) -> None:
    setattr(world.ledger, trouble, True)
    assert (await refusal(check_in(world, request_id="again")))[1] == "DEPENDENCY_DOWN"
    assert (await get_streak(world)).days == 1
    setattr(world.ledger, trouble, False)
    answer = await check_in(world, request_id="again")
    assert answer.replayed
    assert answer.check_in.state == pb.REWARD_STATE_POSTED
    assert world.ledger.amounts == {"check_in": 5}


async def test_check_in_is_told_to_scoring_as_a_fact_once(world: World) -> None:
    world.scoring.away = True
    first = await check_in(world, request_id="again")
    assert first.check_in.state == pb.REWARD_STATE_POSTED
    world.scoring.away = False
    await check_in(world, request_id="again")
    world.clock.set(MIDNIGHT)
    await check_in(world)
    told = list(world.scoring.facts.values())
    assert [fact.engagement.kind for fact in told] == ["check_in"] * 2
    assert told[0].activity_id == first.check_in.ledger_request_id
    assert told[0].activity_time == first.check_in.check_in_time


async def test_check_in_that_comes_too_fast_waits_for_its_case(world: World) -> None:
    rule = "{rule_id: days, kinds: [check_in], window: 8784h, times_max: 1, action: review}"
    await guard(world, rule)
    await check_in(world)
    world.clock.set(MIDNIGHT)
    stored = (await check_in(world)).check_in
    asked = risk_pb2.ListReviewCasesRequest(program_id=PROGRAM)
    (found,) = (await world.risks.ListReviewCases(asked, timeout=PATIENCE)).cases
    assert (found.kind, found.rule_id, found.points) == ("check_in", "days", 5)
    posted = world.ledger.posted[stored.ledger_request_id]
    assert posted.earn.activation_key == found.case_id
    resolved = await world.risks.ResolveReviewCase(
        risk_pb2.ResolveReviewCaseRequest(
            program_id=PROGRAM,
            member_id=MEMBER,
            request_id=number("r"),
            case_id=found.case_id,
            verdict=risk_pb2.REVIEW_VERDICT_APPROVE,
            reason="a daily guest",
            resolver="ann",
        ),
        timeout=PATIENCE,
    )
    assert resolved.review_case.state == risk_pb2.REVIEW_CASE_STATE_APPROVED


async def test_check_in_counts_against_the_speed_of_everything(world: World) -> None:
    await guard(world, "{rule_id: all, window: 8784h, times_max: 1, action: refuse}")
    assert (await check_in(world)).decision.allowed
    world.clock.set(MIDNIGHT)
    refused = await check_in(world)
    assert [each.code for each in refused.decision.reasons] == [
        decisions_pb2.DECISION_REASON_TOO_FAST
    ]
    assert refused.decision == await preview(world)
    assert not refused.HasField("check_in")


async def test_check_in_the_ledger_refuses_for_good_says_why(world: World) -> None:
    world.ledger.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "BALANCE_LIMIT_EXCEEDED")
    stored = (await check_in(world)).check_in
    assert stored.state == pb.REWARD_STATE_REFUSED
    assert stored.refusal == "BALANCE_LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"program_id": "unknown"}, "PROGRAM_NOT_FOUND"),
        ({"request_id": ""}, "REQUEST_INVALID"),
        ({"member_id": "no spaces"}, "REQUEST_INVALID"),
    ],
)
async def test_check_in_that_can_never_be_right_leaves_no_row(
    world: World, options: dict[str, Any], reason: str
) -> None:
    before = await world.rows()
    assert (await refusal(check_in(world, **options)))[1] == reason
    assert await world.rows() == before


async def test_check_in_to_a_program_without_a_ladder_is_refused(world: World) -> None:
    text = program_text()
    now = world.clock.now()
    await world.apply(text[: text.index("  # D12: seven days")], effective_time=now)
    before = await world.rows()
    for call in (check_in(world), get_streak(world), preview(world)):
        code, reason, metadata = await refusal(call)
        assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "CHECK_IN_NOT_FOUND")
        assert metadata == {"program_id": PROGRAM}
    assert await world.rows() == before


async def test_get_streak_counts_and_says_what_comes_next(world: World) -> None:
    assert (await get_streak(world)).days == 0
    await check_in(world)
    world.clock.set(MIDNIGHT)
    await check_in(world)
    streak = await get_streak(world)
    assert (streak.days, streak.next_points) == (2, 10)
    assert streak.last_day == Date(year=2026, month=3, day=11)
    assert streak.next_time == instant(MIDNIGHT + DAY)
    assert streak.break_time == instant(MIDNIGHT + 2 * DAY)
    world.clock.set(MIDNIGHT + 2 * DAY)
    lost = await get_streak(world)
    assert (lost.days, lost.next_points) == (0, 5)
    assert not lost.HasField("break_time")


async def test_preview_reward_says_what_a_check_in_would_pay_and_stores_nothing(
    world: World,
) -> None:
    before = await world.rows()
    decision = await preview(world)
    assert decision.allowed
    assert decision.value.points == 5
    assert await world.rows() == before
    await check_in(world)
    refused = await preview(world)
    assert not refused.allowed
    assert refused.near_miss.available_from == instant(MIDNIGHT)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"check_in": False}, "REQUEST_INVALID"),
        ({"program_id": "unknown"}, "PROGRAM_NOT_FOUND"),
    ],
)
async def test_preview_reward_of_nothing_is_refused(
    world: World, options: dict[str, Any], reason: str
) -> None:
    assert (await refusal(preview(world, **options)))[1] == reason
