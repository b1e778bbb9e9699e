"""Campaigns, caps and budgets on what orders earn (H3, D4), each with what is just not so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from laurel_benefits.domain.bonuses import Campaign, CapPeriod, PointsCap, Schedule, Scope
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.drafts import OrderDraft
from laurel_benefits.domain.earning import EarningTerms, LineEarning, earn, running_campaigns
from laurel_benefits.domain.ids import CampaignId
from laurel_benefits.domain.orders import GrantKind, decide_completion
from laurel_benefits.domain.programs import EarningRules
from laurel_benefits.domain.risks import RiskState
from laurel_benefits.domain.rooms import Room, RoomKind, caps_of, rooms_of

from tests.support.benefits_rules import (
    NOON,
    PLUS,
    SHANGHAI,
    earning_rules,
    jd,
    line,
    order,
    rebate,
)


def campaign(campaign_id: str = "double", **options: Any) -> Campaign:
    content = Campaign(
        campaign_id=CampaignId(campaign_id),
        display_name="Twice",
        funding_account_id="platform",
        merchant_funded=False,
        stack_group="",
        schedule=Schedule(),
        scope=Scope(),
        multiple=2,
        rate_bps=0,
        member_cap=None,
        budget_points=None,
    )
    return replace(content, **options)


def uncapped(**options: Any) -> EarningRules:
    return replace(earning_rules(), **({"item_cap_points": None} | options))


def earned(
    draft: OrderDraft, *campaigns: Campaign, rules: EarningRules | None = None, **options: Any
) -> tuple[LineEarning, ...]:
    terms = EarningTerms(rules=rules or uncapped(), campaigns=campaigns, **options)
    return earn(draft, terms).lines


def bonuses(earning: LineEarning) -> dict[str, int]:
    return {each.campaign_id: each.points for each in earning.campaigns}


def reasons(earning: LineEarning) -> set[ReasonCode]:
    return {entry.reason for entry in earning.trace if entry.reason}


@pytest.mark.parametrize(("multiple", "expected"), [(2, 100), (5, 400), (10, 900)])
def test_a_multiple_counts_the_base_points_in_h3(multiple, expected) -> None:
    (earning,) = earned(order(line(10000)), campaign(multiple=multiple))
    assert (earning.base_points, bonuses(earning)) == (100, {"double": expected})


def test_a_rate_is_one_of_the_money_that_may_earn() -> None:
    (earning,) = earned(order(line(12850)), campaign(multiple=0, rate_bps=10))
    assert (earning.base_points, bonuses(earning)) == (128, {"double": 12})


def test_a_rebate_in_the_place_of_base_points_leaves_the_bonus_f10() -> None:
    (earning,) = earned(order(line(10000)), campaign(), rebate=rebate())
    assert (earning.base_points, earning.rebate_points) == (0, 500)
    assert bonuses(earning) == {"double": 100}


@pytest.mark.parametrize(
    ("words", "paid_by"),
    [
        ({"goods_class": "virtual"}, "online"),
        ({"sale_type": "auction"}, "online"),
        ({}, "company_transfer"),
    ],
)
def test_what_earns_no_base_points_earns_no_bonus_d5_d6(words, paid_by) -> None:
    (earning,) = earned(order(line(10000, **words), paid_by=paid_by), campaign())
    assert (earning.base_points, bonuses(earning)) == (0, {})


def test_of_one_group_the_best_counts_and_groups_add_up() -> None:
    several = (
        campaign("a", stack_group="day", multiple=2),
        campaign("b", stack_group="day", multiple=3),
        campaign("c", stack_group="shop", multiple=2),
        campaign("d", multiple=2),
    )
    (earning,) = earned(order(line(10000)), *several)
    assert bonuses(earning) == {"b": 200, "c": 100, "d": 100}
    lost = [each.rule for each in earning.trace if each.reason is ReasonCode.EXCLUSIVE_GROUP]
    assert lost == ["a"]


def test_of_equals_in_a_group_the_first_declared_counts() -> None:
    pair = campaign("a", stack_group="day"), campaign("b", stack_group="day")
    (earning,) = earned(order(line(10000)), *pair)
    assert bonuses(earning) == {"a": 100}


def test_the_item_cap_cuts_the_last_bonus_first_d4() -> None:
    pair = campaign("a"), campaign("b")
    rules = earning_rules()
    (earning,) = earned(order(line(40000)), *pair, rules=rules)
    assert (earning.base_points, bonuses(earning)) == (400, {"a": 400, "b": 200})
    assert reasons(earning) == {ReasonCode.ITEM_CAP}
    (earning,) = earned(order(line(100000)), *pair, rules=rules)
    assert (earning.base_points, bonuses(earning)) == (1000, {})


def room(kind: RoomKind, left: int, campaign_id: str = "", account_id: str = "") -> Room:
    return Room(
        kind=kind,
        rule="rule",
        left_points=left,
        campaign_id=CampaignId(campaign_id) if campaign_id else None,
        account_id=account_id,
    )


@pytest.mark.parametrize("kind", [RoomKind.ORDER_CAP, RoomKind.PERIOD_CAP])
@pytest.mark.parametrize(("left", "expected"), [(300, [100, 200]), (299, [100, 199]), (0, [0, 0])])
def test_caps_hold_for_the_lines_together_in_their_order(kind, left, expected) -> None:
    paid = order(line(10000), line(20000))
    lines = earned(paid, rooms=(room(kind, left),))
    assert [each.base_points for each in lines] == expected
    assert [kind.reason in reasons(each) for each in lines] == [
        expected[0] < 100,
        expected[1] < 200,
    ]


def test_caps_leave_a_rebate_alone() -> None:
    (earning,) = earned(order(line(10000)), rebate=rebate(), rooms=(room(RoomKind.ORDER_CAP, 0),))
    assert earning.rebate_points == 500


@pytest.mark.parametrize(("left", "expected"), [(100, 100), (99, 99), (1, 1), (0, 0)])
def test_a_budget_cuts_its_campaign_and_nothing_else(left, expected) -> None:
    (earning,) = earned(
        order(line(10000)),
        campaign("a"),
        campaign("b"),
        rooms=(room(RoomKind.BUDGET, left, "a"),),
    )
    assert earning.base_points == 100
    assert bonuses(earning) == ({"a": expected, "b": 100} if expected else {"b": 100})
    assert (ReasonCode.BUDGET_EXHAUSTED in reasons(earning)) is (expected < 100)


def test_what_a_merchant_has_left_is_for_all_its_campaigns_and_for_no_others() -> None:
    """H2, H3: the last of its campaigns is cut first; what others pay is not touched."""
    campaigns = (campaign("a"), campaign("shop-1"), campaign("shop-2"))
    own = tuple(
        replace(each, funding_account_id="shop", merchant_funded=True) for each in campaigns[1:]
    )
    lines = earned(
        order(line(10000), line(10000)),
        campaigns[0],
        *own,
        rooms=(room(RoomKind.FUNDS, 250, account_id="shop"),),
    )
    found = [(each.base_points, *(given.points for given in each.campaigns)) for each in lines]
    assert found == [(100, 100, 100, 100), (100, 100, 50)]


def test_the_trace_of_campaigns_leads_from_stage_to_stage() -> None:
    (earning,) = earned(
        order(line(33333)),
        campaign("a"),
        campaign("b", multiple=0, rate_bps=3),
        rules=earning_rules(),
        rooms=(room(RoomKind.BUDGET, 5, "b"),),
    )
    for earlier, later in zip(earning.trace, earning.trace[1:], strict=False):
        assert earlier.after == later.before
    assert earning.trace[-1].after == earning.within(room(RoomKind.ORDER_CAP, 0)) * 10000


@pytest.mark.parametrize(
    ("schedule", "day", "runs"),
    [
        (Schedule(), date(2026, 3, 28), True),
        (Schedule(month_days=frozenset({28})), date(2026, 3, 28), True),
        (Schedule(month_days=frozenset({28})), date(2026, 3, 27), False),
        (Schedule(weekdays=frozenset({6})), date(2026, 3, 28), True),
        (Schedule(weekdays=frozenset({7})), date(2026, 3, 28), False),
        (Schedule(first_day=date(2026, 3, 28)), date(2026, 3, 28), True),
        (Schedule(first_day=date(2026, 3, 28)), date(2026, 3, 27), False),
        (Schedule(last_day=date(2026, 3, 28)), date(2026, 3, 28), True),
        (Schedule(last_day=date(2026, 3, 28)), date(2026, 3, 29), False),
    ],
)
def test_a_schedule_holds_on_its_days(schedule: Schedule, day: date, runs: bool) -> None:
    assert schedule.holds(day) is runs


@pytest.mark.parametrize(
    ("placed", "plans", "paid_fen", "expected"),
    [
        # The business day begins at 16:00 UTC of the day before.
        (datetime(2026, 3, 27, 15, 59, tzinfo=UTC), (), 9900, []),
        (datetime(2026, 3, 27, 16, tzinfo=UTC), (), 9900, ["member-day"]),
        (datetime(2026, 3, 28, 15, 59, tzinfo=UTC), (), 9900, ["member-day"]),
        (datetime(2026, 3, 28, 16, tzinfo=UTC), (), 9900, []),
        (datetime(2026, 3, 28, 4, tzinfo=UTC), (), 9899, []),
        (datetime(2026, 3, 28, 4, tzinfo=UTC), (PLUS,), 9900, ["member-day", "plus-member-day"]),
    ],
)
def test_the_member_day_of_the_program_is_a_business_day_x5(
    placed, plans, paid_fen, expected
) -> None:
    draft = order(line(paid_fen), order_time=placed)
    running = running_campaigns(jd(), draft, plans=plans, zone=SHANGHAI)
    assert [each.campaign_id for each in running] == expected


def test_a_campaign_of_a_shop_is_for_lines_of_the_shop_h3() -> None:
    draft = order(line(10000, shop_id="xinhua-books"), line(10000))
    (running,) = running_campaigns(jd(), draft, plans=(), zone=SHANGHAI)
    first, second = earned(draft, running, rules=earning_rules())
    assert bonuses(first) == {"xinhua-five-times": 400}
    assert bonuses(second) == {}
    decided = decide_completion(
        draft, earning_rules(), None, RiskState.NORMAL, campaigns=(running,)
    )
    assert [(each.kind, each.funding_account_id, each.points) for each in decided.shares] == [
        (GrantKind.BASE, "platform", 200),
        (GrantKind.MERCHANT, "xinhua-books", 400),
    ]


def test_what_an_order_takes_of_caps_and_budgets_is_counted() -> None:
    double = campaign(
        member_cap=PointsCap(period=CapPeriod.MONTH, cap_points=500), budget_points=1000
    )
    caps = caps_of(
        order_cap_points=5000,
        period_caps=[PointsCap(period=CapPeriod.DAY, cap_points=700)],
        campaigns=[double],
        complete_time=NOON,
        zone=SHANGHAI,
    )
    earned_before = {("orders", "DAY:2026-03-10"): 650}
    rooms = rooms_of(caps, earned=earned_before, used={double.campaign_id: 1100})
    assert [each.left_points for each in rooms] == [5000, 50, 500, 0]
    decided = decide_completion(
        order(line(4000)),
        uncapped(),
        None,
        RiskState.NORMAL,
        campaigns=(double,),
        rooms=rooms_of(caps, earned=earned_before, used={}),
    )
    counted = {(each.counter_id, each.period_key): each.points for each in decided.counted}
    assert counted == {
        ("orders", "DAY:2026-03-10"): 50,
        ("campaign/double", "MONTH:2026-03-01"): 10,
        ("", ""): 10,
    }
    assert sum(share.points for share in decided.shares) == 50
