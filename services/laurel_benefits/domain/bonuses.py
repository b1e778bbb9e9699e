"""Campaigns of a program: when they run, whom and what they are for, what they give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from laurel_kit.calendar import month_start, year_start

from laurel_benefits.domain.ids import CampaignId, PlanId


class CapPeriod(StrEnum):
    """What points of a member are counted in."""

    DAY = "DAY"
    MONTH = "MONTH"
    YEAR = "YEAR"
    EVER = "EVER"

    def key_of(self, day: date) -> str:
        """The name of the period that a business day lies in."""
        match self:
            case CapPeriod.DAY:
                return f"DAY:{day}"
            case CapPeriod.MONTH:
                return f"MONTH:{month_start(day)}"
            case CapPeriod.YEAR:
                return f"YEAR:{year_start(day)}"
        return "EVER"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsCap:
    """Most points of a member in a period."""

    period: CapPeriod
    cap_points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Business days on which an order must be placed; what is empty is not asked for."""

    first_day: date | None = None
    last_day: date | None = None
    month_days: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()

    def holds(self, day: date) -> bool:
        """Whether it holds on a day, both ends included."""
        begun = self.first_day is None or self.first_day <= day
        over = self.last_day is not None and self.last_day < day
        of_month = not self.month_days or day.day in self.month_days
        of_week = not self.weekdays or day.isoweekday() in self.weekdays
        return begun and not over and of_month and of_week


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Lines and orders that earn a bonus; what is empty is not asked for."""

    categories: frozenset[str] = frozenset()
    shop_ids: frozenset[str] = frozenset()
    order_paid_min_fen: int = 0
    membership_plans: frozenset[PlanId] = frozenset()

    def takes_order(self, paid_fen: int, plans: Iterable[PlanId]) -> bool:
        """Whether an order of so much, of a member with these memberships, is meant."""
        member = not self.membership_plans or bool(self.membership_plans & set(plans))
        return member and paid_fen >= self.order_paid_min_fen

    def takes_line(self, *, category_id: str, shop_id: str) -> bool:
        """Whether a line is meant."""
        of_category = not self.categories or category_id in self.categories
        return of_category and (not self.shop_ids or shop_id in self.shop_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A bonus on what orders earn: so many times the base points, or a rate of its own (H3)."""

    campaign_id: CampaignId
    display_name: str
    funding_account_id: str
    merchant_funded: bool
    stack_group: str
    schedule: Schedule
    scope: Scope
    multiple: int
    """How many times the base points, they included; 0 where it has a rate."""
    rate_bps: int
    member_cap: PointsCap | None
    budget_points: int | None

    def amount(self, *, base: int, money_fen: int) -> int:
        """What a line earns beside its base points, in ten-thousandths of a point."""
        return base * (self.multiple - 1) if self.multiple else money_fen * self.rate_bps
