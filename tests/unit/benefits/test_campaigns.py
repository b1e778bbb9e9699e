"""How campaigns stand on a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from laurel_benefits.domain.bonuses import Schedule
from laurel_benefits.domain.campaigns import (
    CampaignState,
    budget_of,
    campaign_state,
    find_campaign,
)
from laurel_benefits.domain.errors import CampaignNotFound
from laurel_benefits.domain.ids import CampaignId

from tests.support.benefits_rules import jd

MEMBER_DAY = CampaignId("member-day")
JUNE = Schedule(first_day=date(2026, 6, 1), last_day=date(2026, 6, 18), month_days=frozenset({18}))


@pytest.mark.parametrize(
    ("today", "used", "state"),
    [
        (date(2026, 5, 31), 0, CampaignState.UPCOMING),
        (date(2026, 6, 1), 0, CampaignState.RESTING),
        (date(2026, 6, 18), 0, CampaignState.RUNNING),
        (date(2026, 6, 18), 100000000, CampaignState.EXHAUSTED),
        (date(2026, 6, 19), 0, CampaignState.ENDED),
        (date(2026, 6, 19), 100000000, CampaignState.ENDED),
    ],
)
def test_a_campaign_stands_by_its_days_and_its_budget(today, used, state) -> None:
    campaign = replace(find_campaign(jd(), MEMBER_DAY), schedule=JUNE)
    assert campaign_state(campaign, budget_of(campaign, used), today) is state


def test_a_budget_that_was_lowered_leaves_nothing() -> None:
    budget = budget_of(find_campaign(jd(), MEMBER_DAY), 100000001)
    assert budget
    assert budget.remaining_points == 0


def test_a_campaign_without_a_budget_has_none() -> None:
    assert budget_of(find_campaign(jd(), CampaignId("xinhua-five-times")), 5) is None
    with pytest.raises(CampaignNotFound):
        find_campaign(jd(), CampaignId("unknown"))
