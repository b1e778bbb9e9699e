"""Shows campaigns with their budgets, and plans points for the steps of a funnel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from laurel_kit.calendar import business_day
from laurel_kit.programs.registry import Revision

from laurel_benefits.domain.bonuses import Campaign
from laurel_benefits.domain.campaigns import (
    Budget,
    CampaignState,
    budget_of,
    campaign_state,
    find_campaign,
)
from laurel_benefits.domain.funnels import (
    Funnel,
    PointsPlan,
    check_funnel,
    plan_in_expectation,
    plan_per_buyer,
)
from laurel_benefits.domain.ids import CampaignId, ProgramId, RevisionId
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import earning


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCampaign:
    """A campaign and how it stands."""

    campaign: Campaign
    state: CampaignState
    budget: Budget | None
    program_revision: RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPage:
    """Campaigns by their names."""

    shown: tuple[ShownCampaign, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPoints:
    """Both readings of a budget."""

    budget_points: int
    per_buyer: PointsPlan
    in_expectation: PointsPlan


async def get_campaign(
    program_id: ProgramId, campaign_id: CampaignId, *, resources: Resources
) -> ShownCampaign:
    """A campaign as the program of now has it. Raises CampaignNotFound."""
    revision = await revision_now(program_id, resources)
    campaign = find_campaign(revision.model, campaign_id)
    (shown,) = await show(program_id, [campaign], revision, resources)
    return shown


async def list_campaigns(
    program_id: ProgramId,
    *,
    after: CampaignId | None,
    page_size: int,
    resources: Resources,
) -> CampaignPage:
    """The campaigns of the program of now after a name."""
    revision = await revision_now(program_id, resources)
    catalogue = sorted(revision.model.campaigns.values(), key=lambda each: each.campaign_id)
    rest = [each for each in catalogue if after is None or each.campaign_id > after]
    shown = await show(program_id, rest[:page_size], revision, resources)
    return CampaignPage(shown=shown, more=len(rest) > page_size)


async def get_budget(
    program_id: ProgramId, campaign_id: CampaignId, *, resources: Resources
) -> Budget | None:
    """What a campaign can still give; None where it has no budget. Raises CampaignNotFound."""
    return (await get_campaign(program_id, campaign_id, resources=resources)).budget


def plan_points(funnel: Funnel) -> PlannedPoints:
    """What the steps of a funnel may give, in both readings of the budget. Raises FunnelRises."""
    check_funnel(funnel)
    return PlannedPoints(
        budget_points=funnel.budget_points,
        per_buyer=plan_per_buyer(funnel),
        in_expectation=plan_in_expectation(funnel),
    )


async def show(
    program_id: ProgramId,
    campaigns: Sequence[Campaign],
    revision: Revision[BenefitsProgram],
    resources: Resources,
) -> tuple[ShownCampaign, ...]:
    """Campaigns with what their budgets have left, all as of one instant."""
    today = business_day(resources.clock.now(), revision.time_zone)
    async with resources.database.read() as connection:
        used = await earning.used_budgets(
            connection, program_id, [each.campaign_id for each in campaigns]
        )
    return tuple(
        stand(each, used.get(each.campaign_id, 0), today, RevisionId(revision.revision_id))
        for each in campaigns
    )


def stand(campaign: Campaign, used_points: int, today: date, revision: RevisionId) -> ShownCampaign:
    """How a campaign stands that has given so much."""
    budget = budget_of(campaign, used_points)
    return ShownCampaign(
        campaign=campaign,
        state=campaign_state(campaign, budget, today),
        budget=budget,
        program_revision=revision,
    )
