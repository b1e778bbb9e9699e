"""Campaigns of a program: from the message to the model, or to every fault in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from google.type.date_pb2 import Date
from laurel.program.v1 import campaigns_pb2 as pb

from laurel_benefits.domain.bonuses import Campaign, CapPeriod, PointsCap, Schedule, Scope
from laurel_benefits.domain.ids import CampaignId, PlanId
from laurel_benefits.domain.program_checks import Fault, impossible_date, repeated, undeclared


def read_campaigns(messages: Iterable[pb.Campaign]) -> dict[CampaignId, Campaign]:
    """The campaigns by their names, in the order of the program."""
    campaigns = [read_campaign(message) for message in messages]
    return {campaign.campaign_id: campaign for campaign in campaigns}


def read_campaign(message: pb.Campaign) -> Campaign:
    """A bonus on what orders earn."""
    capped = message.HasField("member_cap")
    return Campaign(
        campaign_id=CampaignId(message.campaign_id),
        display_name=message.display_name,
        funding_account_id=message.funding_account_id,
        merchant_funded=message.merchant_funded,
        stack_group=message.stack_group,
        schedule=read_schedule(message.schedule),
        scope=read_scope(message.scope),
        multiple=message.multiple,
        rate_bps=message.rate_bps,
        member_cap=read_points_cap(message.member_cap) if capped else None,
        budget_points=message.budget_points or None,
    )


def read_schedule(message: pb.CampaignSchedule) -> Schedule:
    """On which days an order must be placed. An unset message asks for nothing."""
    return Schedule(
        first_day=read_day(message.first_day) if message.HasField("first_day") else None,
        last_day=read_day(message.last_day) if message.HasField("last_day") else None,
        month_days=frozenset(message.month_days),
        weekdays=frozenset(message.weekdays),
    )


def read_scope(message: pb.CampaignScope) -> Scope:
    """Which lines and orders it is for. An unset message asks for nothing."""
    return Scope(
        categories=frozenset(message.categories),
        shop_ids=frozenset(message.shop_ids),
        order_paid_min_fen=message.order_paid_min_fen,
        membership_plans=frozenset(PlanId(plan) for plan in message.membership_plans),
    )


def read_points_cap(message: pb.PointsCap) -> PointsCap:
    """Most points of a member in a period."""
    name = pb.CapPeriod.Name(message.period).removeprefix("CAP_PERIOD_")
    return PointsCap(period=CapPeriod(name), cap_points=message.cap_points)


def read_day(message: Date) -> date:
    """A civil date."""
    return date(message.year, message.month, message.day)


def campaign_faults(
    campaigns: Sequence[pb.Campaign], plan_ids: Sequence[str], path: str
) -> Iterator[Fault]:
    """Faults of campaigns between their fields; who pays is looked at elsewhere."""
    names = [campaign.campaign_id for campaign in campaigns]
    yield from repeated(path, "campaign_id", names)
    for position, campaign in enumerate(campaigns):
        place = f"{path}[{position}]"
        plans = campaign.scope.membership_plans
        yield from undeclared(
            f"{place}.scope.membership_plans", plans, plan_ids, what="membership plan"
        )
        yield from schedule_faults(campaign.schedule, f"{place}.schedule")


def schedule_faults(schedule: pb.CampaignSchedule, path: str) -> Iterator[Fault]:
    """Dates no calendar has, and an end before the beginning."""
    wrong: list[Fault] = []
    for name in ("first_day", "last_day"):
        if schedule.HasField(name):
            day: Date = getattr(schedule, name)
            wrong += impossible_date(f"{path}.{name}", day.year, day.month, day.day)
    yield from wrong
    both = schedule.HasField("first_day") and schedule.HasField("last_day")
    if both and not wrong and read_day(schedule.last_day) < read_day(schedule.first_day):
        yield f"{path}.last_day", "must not be before first_day"


def cap_faults(caps: Sequence[pb.PointsCap], path: str) -> Iterator[Fault]:
    """Periods that stand twice."""
    periods = [pb.CapPeriod.Name(cap.period) for cap in caps]
    yield from repeated(path, "period", periods)
