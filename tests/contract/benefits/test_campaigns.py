"""Campaigns through the door: what they are, what their budgets have left, and plans of points."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import campaigns_pb2 as pb
from laurel.program.v1 import campaigns_pb2 as program_pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    PATIENCE,
    PROGRAM,
    World,
    benefits_world,
    line,
    money,
    order_request,
    refusal_of,
)
from tests.support.benefits_cases import FUNNELS
from tests.support.databases import DatabaseOf

CAMPAIGN = "member-day"
THE_28TH = datetime(2026, 3, 28, 4, tzinfo=UTC)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)


async def campaign(world: World, **options: str) -> pb.Campaign:
    request = pb.GetCampaignRequest(**({"program_id": PROGRAM, "campaign_id": CAMPAIGN} | options))
    return (await world.campaigns.GetCampaign(request, timeout=PATIENCE)).campaign


async def budget(world: World, **options: str) -> pb.GetBudgetResponse:
    request = pb.GetBudgetRequest(**({"program_id": PROGRAM, "campaign_id": CAMPAIGN} | options))
    return await world.campaigns.GetBudget(request, timeout=PATIENCE)


async def plan(world: World, yuan: str, percents: tuple[int, ...], **options: Any) -> Any:
    steps = [
        pb.FunnelStep(step_id=f"s-{position}", conversion_bps=each * 100)
        for position, each in enumerate(percents)
    ]
    content = {"budget": money(yuan), "point_value_fen": 1, "steps": steps}
    request = pb.PlanPointsRequest(**(content | options))
    return await world.campaigns.PlanPoints(request, timeout=PATIENCE)


async def test_get_campaign_answers_its_terms_and_how_it_stands(world: World) -> None:
    shown = await campaign(world)
    assert shown.terms.multiple == 2
    assert list(shown.terms.schedule.month_days) == [28]
    assert shown.terms.member_cap.period == program_pb.CAP_PERIOD_MONTH
    assert shown.state == pb.CAMPAIGN_STATE_RESTING
    assert shown.program_revision.startswith("sha256:")
    world.clock.set(THE_28TH)
    assert (await campaign(world)).state == pb.CAMPAIGN_STATE_RUNNING


async def test_get_campaign_of_another_name_is_not_found(world: World) -> None:
    assert await refusal(campaign(world, campaign_id="unknown")) == (
        grpc.StatusCode.NOT_FOUND,
        "CAMPAIGN_NOT_FOUND",
        {"campaign_id": "unknown"},
    )
    assert (await refusal(campaign(world, program_id="unknown")))[1] == "PROGRAM_NOT_FOUND"
    assert (await refusal(budget(world, campaign_id="unknown")))[1] == "CAMPAIGN_NOT_FOUND"


async def test_get_budget_counts_what_orders_have_earned(world: World) -> None:
    world.clock.set(THE_28TH)
    before = (await budget(world)).budget
    assert (before.limit_points, before.used_points) == (100000000, 0)
    await world.complete(order_request(line("128.00"), order_time=world.clock.now()))
    after = (await budget(world)).budget
    assert (after.used_points, after.remaining_points) == (128, 99999872)
    assert (await campaign(world)).budget == after
    assert not (await budget(world, campaign_id="xinhua-five-times")).HasField("budget")


async def test_list_campaigns_gives_every_campaign_once_over_its_pages(world: World) -> None:
    found, token = [], ""
    while True:
        request = pb.ListCampaignsRequest(program_id=PROGRAM, page_size=2, page_token=token)
        page = await world.campaigns.ListCampaigns(request, timeout=PATIENCE)
        assert 0 < len(page.campaigns) <= 2
        found += [each.terms.campaign_id for each in page.campaigns]
        if not (token := page.next_page_token):
            break
    assert found == ["member-day", "plus-member-day", "xinhua-five-times"]
    request = pb.ListCampaignsRequest(program_id=PROGRAM, page_size=2, page_token="no-token")
    call = world.campaigns.ListCampaigns(request, timeout=PATIENCE)
    assert (await refusal(call))[1] == "PAGE_TOKEN_INVALID"


async def test_plan_points_answers_both_readings_of_the_cases_p65_p66(world: World) -> None:
    for points, percents, per_buyer, in_expectation in FUNNELS:
        planned = await plan(world, f"{points // 100}.00", percents)
        assert planned.budget_points == points
        assert tuple(step.points for step in planned.per_buyer.steps) == per_buyer
        assert planned.per_buyer.buyer_points == points
        assert tuple(step.points for step in planned.in_expectation.steps) == in_expectation
        spread = planned.in_expectation
        assert spread.expected_points + spread.left_points == points
        assert spread.expected_points <= points


@pytest.mark.parametrize(
    ("yuan", "percents", "options", "reason"),
    [
        ("100.00", (10, 60), {}, "FUNNEL_RISES"),
        ("100.00", (), {}, "REQUEST_INVALID"),
        ("0.00", (60, 10), {}, "REQUEST_INVALID"),
        ("100.00", (60, 10), {"point_value_fen": 0}, "REQUEST_INVALID"),
        (
            "100.00",
            (),
            {"steps": [pb.FunnelStep(step_id="pay", conversion_bps=10)] * 2},
            "REQUEST_INVALID",
        ),
    ],
)
async def test_plan_points_that_can_never_be_right_is_refused(
    world: World, yuan: str, percents: tuple[int, ...], options: dict[str, Any], reason: str
) -> None:
    assert (await refusal(plan(world, yuan, percents, **options)))[:2] == (
        grpc.StatusCode.INVALID_ARGUMENT,
        reason,
    )
