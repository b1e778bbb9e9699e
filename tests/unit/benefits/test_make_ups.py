"""Cards that make up for missed days: how they are earned, which days they join, which is used."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.make_up_rules import MakeUpRules
from laurel_benefits.domain.make_ups import (
    MakeUpCard,
    MakeUpCase,
    card_for,
    decide_make_up,
    earns_card,
    missed_days,
    streaks_with,
)
from laurel_benefits.domain.risks import RiskDraft, RiskState, decide_risk

from tests.support.benefits_rules import MEMBER, NOON, REVISION, SHANGHAI

TODAY, DAY = date(2026, 3, 10), timedelta(days=1)
RULES = MakeUpRules(earned_every_days=7, held_max=2, lifetime_days=90, days_back_max=7)
CARD = MakeUpCard(earn_day=TODAY - DAY, last_day=TODAY)
BLOCKED = decide_risk(
    RiskDraft(member=MEMBER, state=RiskState.BLOCKED, reason="", maker="", expire_time=None),
    None,
    NOON,
)


def ago(days: int) -> date:
    """The day so many days before today."""
    return TODAY - days * DAY


def case(back: int = 1, **options: object) -> MakeUpCase:
    content = {
        "day": ago(back),
        "rules": RULES,
        "streaks": {ago(back + 1): 3},
        "cards": (CARD,),
        "risk": None,
        "now": NOON,
        "zone": SHANGHAI,
        "program_revision": REVISION,
    }
    return MakeUpCase(**(content | options))


@pytest.mark.parametrize(
    ("streak_days", "held", "earned"),
    [(6, 0, False), (7, 0, True), (8, 0, False), (14, 1, True), (14, 2, False)],
)
def test_days_in_a_row_earn_a_card_as_long_as_there_are_not_enough(
    streak_days, held, earned
) -> None:
    cards = [CARD] * held
    card = earns_card(RULES, streak_days=streak_days, cards=cards, today=TODAY)
    assert (card is not None) is earned
    if card:
        assert (card.earn_day, card.last_day) == (TODAY, TODAY + 89 * DAY)


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({}, []),
        ({"back": 7}, []),
        ({"back": 8}, [ReasonCode.OUTSIDE_WINDOW]),
        ({"back": 0}, [ReasonCode.OUTSIDE_WINDOW]),
        ({"streaks": {ago(1): 1}}, [ReasonCode.REPEATED]),
        ({"cards": ()}, [ReasonCode.CARD_MISSING]),
        ({"cards": (MakeUpCard(earn_day=ago(9), last_day=ago(1)),)}, [ReasonCode.CARD_MISSING]),
        ({"risk": BLOCKED}, [ReasonCode.RISK_BLOCKED]),
    ],
)
def test_a_card_makes_up_for_a_missed_day_of_the_last_week(options, codes) -> None:
    decision = decide_make_up(case(**options))
    assert [reason.code for reason in decision.reasons] == codes
    assert decision.allowed is not bool(codes)


def test_the_card_that_ends_first_is_used() -> None:
    later = MakeUpCard(earn_day=ago(9), last_day=TODAY + DAY)
    used = MakeUpCard(earn_day=ago(8), last_day=TODAY, used_day=ago(2))
    assert card_for([later, used, CARD], TODAY) == CARD
    assert card_for([later, used], TODAY) == later
    assert card_for([used], TODAY) is None


@pytest.mark.parametrize(
    ("streaks", "changed"),
    [
        ({ago(3): 5}, {ago(2): 6}),
        ({ago(3): 5, ago(1): 1, TODAY: 2}, {ago(2): 6, ago(1): 7, TODAY: 8}),
        ({ago(1): 1}, {ago(2): 1, ago(1): 2}),
        ({ago(3): 5, TODAY: 1}, {ago(2): 6}),
    ],
)
def test_a_day_that_is_made_up_for_joins_the_days_around_it(streaks, changed) -> None:
    assert streaks_with(streaks, ago(2)) == changed


def test_missed_days_are_those_of_the_last_week_since_the_member_came_first() -> None:
    streaks = {ago(5): 1, ago(2): 1}
    assert missed_days(RULES, streaks, first_day=ago(5), today=TODAY) == (ago(4), ago(3), ago(1))
    assert missed_days(RULES, streaks, first_day=ago(30), today=TODAY)[:2] == (ago(7), ago(6))
    assert missed_days(RULES, {}, first_day=None, today=TODAY) == ()
