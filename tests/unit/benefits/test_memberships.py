"""Prices, terms and caps of memberships: B8, F6, F7, F18 to F20, F27 as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from laurel_benefits.domain.decisions import Price, ReasonCode
from laurel_benefits.domain.errors import MembershipActive, PlanNotFound, QuoteExpired, QuoteUsed
from laurel_benefits.domain.ids import PlanId
from laurel_benefits.domain.memberships import (
    MembershipState,
    decide_purchase,
    decide_quote,
    find_plan,
    make_quote,
    term_of,
)
from laurel_benefits.domain.standings import Sight

from tests.support.benefits_rules import (
    MEMBER,
    NOON,
    PLUS,
    REVISION,
    SHANGHAI,
    jd,
    plus,
    rebate_terms,
    sight,
)
from tests.support.benefits_terms import MEMBERSHIP_ID, QUOTE_ID, membership, quote

MOMENT = timedelta(microseconds=1)


def decide(seen: Sight, *, running_plans=(), risk=None):
    return decide_quote(
        plus(), seen, running_plans=running_plans, risk=risk, now=NOON, program_revision=REVISION
    )


@pytest.mark.parametrize(
    ("score", "yuan"),
    [
        (0, 299),
        (4500, 299),
        (4501, 198),
        (20000, 198),
        (20001, 148),
        (10**9, 148),
    ],
)
def test_the_price_follows_the_score_f19(score, yuan) -> None:
    decision = decide(sight(score))
    assert decision.allowed
    assert decision.value == Price(price_fen=yuan * 100)


@pytest.mark.parametrize("score", [0, 4501, 20001])
@pytest.mark.parametrize(
    ("credit", "allowed"), [(None, False), (0, False), (29, False), (30, True), (110, True)]
)
def test_credit_below_the_limit_refuses_at_any_score_b8_o2(score, credit, allowed) -> None:
    decision = decide(sight(score, credit_score=credit))
    assert decision.allowed is allowed
    if not allowed:
        (reason,) = decision.reasons
        assert reason.code is ReasonCode.CREDIT_TOO_LOW
        assert (reason.required, reason.actual) == (30, credit or 0)
        assert reason.missing == 30 - (credit or 0)
        assert decision.value is None


def test_the_real_name_is_required_f18() -> None:
    decision = decide(sight(attributes=("wechat",)))
    assert [(each.code, each.subject) for each in decision.reasons] == [
        (ReasonCode.ATTRIBUTE_MISSING, "real_name")
    ]


def test_every_reason_is_given_at_once() -> None:
    decision = decide(sight(attributes=(), credit_score=1))
    assert {each.code for each in decision.reasons} == {
        ReasonCode.CREDIT_TOO_LOW,
        ReasonCode.ATTRIBUTE_MISSING,
    }
    assert decision.near_miss is None


@pytest.mark.parametrize(
    ("score", "missing", "yuan"), [(0, 4501, 198), (4500, 1, 198), (4501, 15500, 148)]
)
def test_the_near_miss_of_a_price_is_the_next_lower_one(score, missing, yuan) -> None:
    near = decide(sight(score)).near_miss
    assert near
    assert (near.missing, near.value) == (missing, Price(price_fen=yuan * 100))


def test_the_lowest_price_has_no_near_miss() -> None:
    assert decide(sight(20001)).near_miss is None


def test_the_near_miss_of_a_refusal_is_its_only_reason() -> None:
    near = decide(sight(4501, credit_score=29)).near_miss
    assert near
    assert (near.code, near.missing, near.value) == (
        ReasonCode.CREDIT_TOO_LOW,
        1,
        Price(price_fen=19800),
    )


def test_a_price_by_what_was_seen_earlier_says_so() -> None:
    decision = decide(sight(4501, degraded=True, seen_time=NOON - timedelta(hours=2)))
    assert decision.allowed
    assert decision.degraded
    assert [each.code for each in decision.reasons] == [ReasonCode.DEGRADED_DATA]
    assert decision.evidence.score_age == timedelta(hours=2)


def test_nothing_is_offered_on_no_data() -> None:
    decision = decide(Sight(standing=None, degraded=True))
    assert not decision.allowed
    assert [each.code for each in decision.reasons] == [ReasonCode.DEGRADED_DATA]
    refused = make_quote(
        decision, plus(), quote_id=QUOTE_ID, member=MEMBER, zone=SHANGHAI, now=NOON
    )
    assert refused is None


def test_a_quote_keeps_price_terms_and_evidence_for_a_while_f20() -> None:
    made = quote(seen=sight(4501))
    assert made.price_fen == 19800
    assert made.band_score_from == 4501
    assert made.expire_time == NOON + timedelta(minutes=15)
    assert made.terms.rebate == rebate_terms()
    assert made.evidence.score
    assert made.evidence.score.value == 4501


@pytest.mark.parametrize(
    ("wait", "refusal"),
    [
        (timedelta(0), None),
        (timedelta(minutes=15) - MOMENT, None),
        (timedelta(minutes=15), QuoteExpired),
        (timedelta(days=1), QuoteExpired),
    ],
)
def test_a_quote_can_be_used_until_it_expires_f20(wait, refusal) -> None:
    if refusal is None:
        assert purchase(quote(), now=NOON + wait).price_fen == 29900
        return
    with pytest.raises(refusal):
        purchase(quote(), now=NOON + wait)


def purchase(by, *held, now=NOON):
    return decide_purchase(
        by, held, risk=None, membership_id=MEMBERSHIP_ID, payment_reference="p", now=now
    )


def test_a_used_quote_is_refused_before_it_is_found_expired() -> None:
    used = replace(quote(), membership_id=MEMBERSHIP_ID)
    with pytest.raises(QuoteUsed):
        purchase(used, now=NOON + timedelta(days=1))


@pytest.mark.parametrize(
    ("start", "expire"),
    [
        # The day of purchase is the first of 365, whenever in the day it was bought.
        (datetime(2026, 3, 9, 16, tzinfo=UTC), datetime(2027, 3, 9, 16, tzinfo=UTC)),
        (datetime(2026, 3, 10, 15, 59, tzinfo=UTC), datetime(2027, 3, 9, 16, tzinfo=UTC)),
        (datetime(2026, 3, 10, 16, tzinfo=UTC), datetime(2027, 3, 10, 16, tzinfo=UTC)),
        # A leap year: 365 days end a day of the month earlier.
        (datetime(2027, 12, 31, 16, tzinfo=UTC), datetime(2028, 12, 30, 16, tzinfo=UTC)),
    ],
)
def test_a_term_has_365_business_days_f27(start, expire) -> None:
    assert term_of(quote().terms, start).expire_time == expire


def test_a_term_holds_from_its_first_instant_to_before_its_end_x7() -> None:
    term = membership().term
    assert term.holds_at(term.start_time)
    assert not term.holds_at(term.start_time - MOMENT)
    assert term.holds_at(term.expire_time - MOMENT)
    assert not term.holds_at(term.expire_time)


def test_a_running_term_refuses_another_of_its_plan_until_it_ends() -> None:
    running = membership()
    end = running.term.expire_time
    with pytest.raises(MembershipActive):
        purchase(quote(at=end - MOMENT), running, now=end - MOMENT)
    assert purchase(quote(at=end), running, now=end).term.start_time == end


def test_a_membership_is_formal_until_its_end_f27() -> None:
    bought = membership()
    end = bought.term.expire_time
    assert bought.state_at(end - MOMENT) is MembershipState.FORMAL
    assert bought.state_at(end) is MembershipState.EXPIRED


@pytest.mark.parametrize(
    ("bought", "cap"),
    [
        (datetime(2016, 6, 1, 4, tzinfo=UTC), 200000),
        (datetime(2017, 9, 11, 15, 59, 59, tzinfo=UTC), 200000),
        (datetime(2017, 9, 11, 16, tzinfo=UTC), 50000),
        (NOON, 50000),
    ],
)
def test_the_cap_of_a_term_follows_the_day_of_purchase_f6_f7_o22(bought, cap) -> None:
    assert membership(at=bought).rebate_cap_points == cap


def test_the_room_of_a_term_is_its_cap_less_what_was_granted_f6() -> None:
    assert membership(granted=3000).rebate_room_points == 47000


def test_an_unknown_plan_is_refused() -> None:
    assert find_plan(jd(), PLUS).plan_id == PLUS
    with pytest.raises(PlanNotFound):
        find_plan(jd(), PlanId("plus-decade"))
