"""How campaigns stand on a day, and what is left of their budgets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from laurel_benefits.domain.bonuses import Campaign
from laurel_benefits.domain.errors import CampaignNotFound
from laurel_benefits.domain.ids import CampaignId
from laurel_benefits.domain.programs import BenefitsProgram


class CampaignState(StrEnum):
    """How a campaign stands."""

    UPCOMING = "UPCOMING"
    RUNNING = "RUNNING"
    RESTING = "RESTING"
    EXHAUSTED = "EXHAUSTED"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a campaign may give to all members together, and has given."""

    limit_points: int
    used_points: int

    @property
    def remaining_points(self) -> int:
        """What it can still give; a limit that was lowered leaves nothing, never less."""
        return max(self.limit_points - self.used_points, 0)


def find_campaign(program: BenefitsProgram, campaign_id: CampaignId) -> Campaign:
    """The campaign of that name. Raises CampaignNotFound."""
    if campaign := program.campaigns.get(campaign_id):
        return campaign
    raise CampaignNotFound(campaign_id=campaign_id)


def budget_of(campaign: Campaign, used_points: int) -> Budget | None:
    """The budget of a campaign that has given so much; None where it has none."""
    if campaign.budget_points is None:
        return None
    return Budget(limit_points=campaign.budget_points, used_points=used_points)


def campaign_state(campaign: Campaign, budget: Budget | None, today: date) -> CampaignState:
    """How a campaign stands on a business day; one that is over stays over."""
    schedule = campaign.schedule
    if schedule.last_day is not None and schedule.last_day < today:
        return CampaignState.ENDED
    if budget and budget.remaining_points == 0:
        return CampaignState.EXHAUSTED
    if schedule.first_day is not None and today < schedule.first_day:
        return CampaignState.UPCOMING
    return CampaignState.RUNNING if schedule.holds(today) else CampaignState.RESTING
