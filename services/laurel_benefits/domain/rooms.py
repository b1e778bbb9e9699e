"""What caps and budgets leave an order to earn, and what it takes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day

from laurel_benefits.domain.bonuses import Campaign, PointsCap
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.ids import CampaignId


class RoomKind(StrEnum):
    """What keeps an order from earning more. The names are those of the stages."""

    ORDER_CAP = "ORDER_CAP"
    PERIOD_CAP = "PERIOD_CAP"
    BUDGET = "BUDGET"
    FUNDS = "FUNDS"

    @property
    def reason(self) -> ReasonCode:
        """Why less is earned where it cuts."""
        if self in {RoomKind.BUDGET, RoomKind.FUNDS}:
            return ReasonCode[f"{self.value}_EXHAUSTED"]
        return ReasonCode[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Points that a cap, a budget or a merchant has left.

    It covers the bonuses of one campaign, or those that one account pays, or else everything but a
    rebate.
    """

    kind: RoomKind
    rule: str
    left_points: int
    campaign_id: CampaignId | None = None
    counter_id: str = ""
    """Under which name its points are counted for the member; empty where they are not."""
    period_key: str = ""
    account_id: str = ""
    """The funding account of the merchant; empty where it is a cap or a budget."""

    @property
    def covers_base(self) -> bool:
        """Whether it covers base points too."""
        return self.campaign_id is None and not self.account_id

    def covers(self, campaign_id: CampaignId, account_id: str) -> bool:
        """Whether it covers the bonuses of a campaign that an account pays."""
        if self.account_id:
            return account_id == self.account_id
        return self.campaign_id is None or campaign_id == self.campaign_id

    def less(self, points: int) -> Room:
        """The same after so many points were earned."""
        if not points:
            return self
        assert points <= self.left_points, "no more is earned than a cap leaves"
        # Written out: `replace` takes three times as long, and hundreds of campaigns have rooms.
        return Room(
            kind=self.kind,
            rule=self.rule,
            left_points=self.left_points - points,
            campaign_id=self.campaign_id,
            counter_id=self.counter_id,
            period_key=self.period_key,
            account_id=self.account_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Points of a member that are counted against a cap, or of all against budget or merchant."""

    rule: str
    kind: RoomKind
    counter_id: str
    period_key: str
    points: int
    campaign_id: CampaignId | None = None
    account_id: str = ""

    @property
    def covers_base(self) -> bool:
        """Whether it is a cap on all that orders earn, not on what one campaign gives."""
        return self.kind is RoomKind.PERIOD_CAP and self.campaign_id is None

    @property
    def place(self) -> tuple[RoomKind, str, str, str, CampaignId | None]:
        """Where it is counted."""
        return self.kind, self.counter_id, self.period_key, self.account_id, self.campaign_id


CounterKey = tuple[str, str]
"""Name of a counter and key of the period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The caps of a program that an order may meet, by where they are counted."""

    order_cap_points: int | None
    counters: Mapping[CounterKey, Room]
    """Rooms as they were if nothing had been earned."""
    budgets: Mapping[CampaignId, int]
    merchant_accounts: frozenset[str] = frozenset()
    """Accounts of merchants that campaigns give from."""


def caps_of(
    *,
    order_cap_points: int | None,
    period_caps: Iterable[PointsCap],
    campaigns: Iterable[Campaign],
    complete_time: datetime,
    zone: ZoneInfo,
) -> Caps:
    """What an order that is completed then has to keep."""
    day = business_day(complete_time, zone)
    chosen = tuple(campaigns)
    rooms = [_period_room(cap, day) for cap in period_caps]
    rooms += [
        _campaign_room(each, each.member_cap, day) for each in chosen if each.member_cap is not None
    ]
    return Caps(
        order_cap_points=order_cap_points,
        counters={(room.counter_id, room.period_key): room for room in rooms},
        budgets={
            each.campaign_id: each.budget_points
            for each in chosen
            if each.budget_points is not None
        },
        merchant_accounts=frozenset(
            each.funding_account_id for each in chosen if each.merchant_funded
        ),
    )


def _period_room(cap: PointsCap, day: date) -> Room:
    return Room(
        kind=RoomKind.PERIOD_CAP,
        rule="period_caps",
        left_points=cap.cap_points,
        counter_id="orders",
        period_key=cap.period.key_of(day),
    )


def _campaign_room(campaign: Campaign, cap: PointsCap, day: date) -> Room:
    return Room(
        kind=RoomKind.PERIOD_CAP,
        rule=campaign.campaign_id,
        left_points=cap.cap_points,
        campaign_id=campaign.campaign_id,
        counter_id=f"campaign/{campaign.campaign_id}",
        period_key=cap.period.key_of(day),
    )


def rooms_of(
    caps: Caps,
    *,
    earned: Mapping[CounterKey, int],
    used: Mapping[CampaignId, int],
    funds: Iterable[Room] = (),
    freed: Iterable[Counted] = (),
) -> tuple[Room, ...]:
    """What caps, budgets and merchants (`funds`) have left, in the order of the stages.

    A cap or budget that was lowered leaves nothing, never less. `freed` is counted in what was
    earned and used, and is about to be given back.
    """
    back = tuple(freed)
    rooms: list[Room] = []
    if caps.order_cap_points is not None:
        order_cap = Room(
            kind=RoomKind.ORDER_CAP, rule="order_cap_points", left_points=caps.order_cap_points
        )
        rooms.append(order_cap)
    for key, room in caps.counters.items():
        taken = earned.get(key, 0) - points_within(back, room)
        rooms.append(replace(room, left_points=max(room.left_points - taken, 0)))
    for campaign_id, budget in caps.budgets.items():
        taken = used.get(campaign_id, 0) - points_of_budget(back, campaign_id)
        left = max(budget - taken, 0)
        rooms.append(
            Room(
                kind=RoomKind.BUDGET,
                rule=campaign_id,
                left_points=left,
                campaign_id=campaign_id,
            )
        )
    rooms += [
        replace(room, left_points=room.left_points + points_within(back, room)) for room in funds
    ]
    return tuple(rooms)


def points_within(counted: Iterable[Counted], room: Room) -> int:
    """What was counted where a room is counted."""
    place = (room.kind, room.counter_id, room.period_key, room.account_id)
    return sum(each.points for each in counted if each.place[:4] == place)


def points_of_budget(counted: Iterable[Counted], campaign_id: CampaignId) -> int:
    """What was counted against the budget of a campaign."""
    return sum(
        each.points
        for each in counted
        if each.kind is RoomKind.BUDGET and each.campaign_id == campaign_id
    )


def counted_between(before: Iterable[Room], after: Iterable[Room]) -> tuple[Counted, ...]:
    """What an order took of rooms that are counted beyond it."""
    return tuple(
        Counted(
            rule=first.rule,
            kind=first.kind,
            counter_id=first.counter_id,
            period_key=first.period_key,
            points=first.left_points - last.left_points,
            campaign_id=first.campaign_id,
            account_id=first.account_id,
        )
        for first, last in zip(before, after, strict=True)
        if first.kind is not RoomKind.ORDER_CAP and first.left_points > last.left_points
    )


def net_of(counted: Iterable[Counted]) -> tuple[Counted, ...]:
    """The same with one entry for each place that changes."""
    found: dict[object, Counted] = {}
    for each in counted:
        before = found.get(each.place)
        found[each.place] = replace(each, points=each.points + (before.points if before else 0))
    return tuple(each for each in found.values() if each.points)


def given_back(counted: Iterable[Counted]) -> tuple[Counted, ...]:
    """The same the other way round."""
    return tuple(replace(each, points=-each.points) for each in counted)
