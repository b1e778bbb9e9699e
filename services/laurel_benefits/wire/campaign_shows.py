"""Campaigns as they are shown, and plans of points: from the wire and back."""

from __future__ import annotations

from datetime import date

from google.type.date_pb2 import Date
from laurel.benefits.v1 import campaigns_pb2 as pb
from laurel.program.v1 import campaigns_pb2 as program_pb
from laurel_kit.money import read_money, write_money
from laurel_kit.pages import PageTokens, page_size

from laurel_benefits.domain.bonuses import Campaign, PointsCap, Schedule, Scope
from laurel_benefits.domain.campaigns import Budget
from laurel_benefits.domain.funnels import Funnel, FunnelStep, PointsPlan
from laurel_benefits.domain.ids import CampaignId
from laurel_benefits.handlers.campaigns import CampaignPage, PlannedPoints, ShownCampaign

PAGE_SIZE_MAX = 100
"""Most campaigns of a page: each is a message of some size."""


def read_page(request: pb.ListCampaignsRequest) -> tuple[CampaignId | None, int]:
    """After which campaign a page begins, and how many it has. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, str)
    after = CampaignId(str(cursor[0])) if cursor else None
    return after, page_size(request.page_size, maximum=PAGE_SIZE_MAX)


def read_funnel(request: pb.PlanPointsRequest) -> Funnel:
    """What is to be split over which steps."""
    return Funnel(
        steps=tuple(
            FunnelStep(step_id=step.step_id, conversion_bps=step.conversion_bps)
            for step in request.steps
        ),
        budget_points=read_money(request.budget, field="budget") // request.point_value_fen,
    )


def write_get_campaign(shown: ShownCampaign) -> pb.GetCampaignResponse:
    """The answer to a question for a campaign."""
    return pb.GetCampaignResponse(campaign=write_shown(shown))


def write_list_campaigns(
    page: CampaignPage, request: pb.ListCampaignsRequest
) -> pb.ListCampaignsResponse:
    """A page of campaigns."""
    cursor = [page.shown[-1].campaign.campaign_id] if page.more else None
    return pb.ListCampaignsResponse(
        campaigns=[write_shown(each) for each in page.shown],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_get_budget(budget: Budget | None) -> pb.GetBudgetResponse:
    """The answer to a question for a budget."""
    return pb.GetBudgetResponse(budget=write_budget(budget))


def write_shown(shown: ShownCampaign) -> pb.Campaign:
    """A campaign and how it stands."""
    return pb.Campaign(
        terms=write_terms(shown.campaign),
        state=pb.CampaignState.Value(f"CAMPAIGN_STATE_{shown.state.value}"),
        budget=write_budget(shown.budget),
        program_revision=shown.program_revision,
    )


def write_budget(budget: Budget | None) -> pb.Budget | None:
    """What a campaign may give."""
    if budget is None:
        return None
    return pb.Budget(
        limit_points=budget.limit_points,
        used_points=budget.used_points,
        remaining_points=budget.remaining_points,
    )


def write_terms(campaign: Campaign) -> program_pb.Campaign:
    """A campaign as a program writes it."""
    cap = campaign.member_cap
    terms = program_pb.Campaign(
        campaign_id=campaign.campaign_id,
        display_name=campaign.display_name,
        funding_account_id=campaign.funding_account_id,
        merchant_funded=campaign.merchant_funded,
        stack_group=campaign.stack_group,
        schedule=write_schedule(campaign.schedule),
        scope=write_scope(campaign.scope),
        member_cap=write_cap(cap) if cap else None,
        budget_points=campaign.budget_points or 0,
    )
    if campaign.multiple:
        terms.multiple = campaign.multiple
    else:
        terms.rate_bps = campaign.rate_bps
    return terms


def write_schedule(schedule: Schedule) -> program_pb.CampaignSchedule:
    """The days of a campaign."""
    return program_pb.CampaignSchedule(
        first_day=write_day(schedule.first_day),
        last_day=write_day(schedule.last_day),
        month_days=sorted(schedule.month_days),
        weekdays=sorted(schedule.weekdays),
    )


def write_day(day: date | None) -> Date | None:
    """A civil date."""
    return Date(year=day.year, month=day.month, day=day.day) if day else None


def write_scope(scope: Scope) -> program_pb.CampaignScope:
    """What a campaign is for."""
    return program_pb.CampaignScope(
        categories=sorted(scope.categories),
        shop_ids=sorted(scope.shop_ids),
        order_paid_min_fen=scope.order_paid_min_fen,
        membership_plans=sorted(scope.membership_plans),
    )


def write_cap(cap: PointsCap) -> program_pb.PointsCap:
    """Most points of a member in a period."""
    return program_pb.PointsCap(
        period=program_pb.CapPeriod.Value(f"CAP_PERIOD_{cap.period.value}"),
        cap_points=cap.cap_points,
    )


def write_plan_points(
    planned: PlannedPoints, request: pb.PlanPointsRequest
) -> pb.PlanPointsResponse:
    """Both readings of a budget."""
    return pb.PlanPointsResponse(
        per_buyer=write_plan(planned.per_buyer, request.point_value_fen),
        in_expectation=write_plan(planned.in_expectation, request.point_value_fen),
        budget_points=planned.budget_points,
    )


def write_plan(plan: PointsPlan, point_value_fen: int) -> pb.PointsPlan:
    """What every step gives."""
    return pb.PointsPlan(
        steps=[
            pb.PlannedStep(
                step_id=step.step_id,
                weight_bps=step.weight_bps,
                points=step.points,
                reach_bps=step.reach_bps,
            )
            for step in plan.steps
        ],
        buyer_points=plan.buyer_points,
        expected_points=plan.expected_points,
        expected_cost=write_money(plan.expected_points * point_value_fen),
        left_points=plan.left_points,
    )
