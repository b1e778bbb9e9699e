"""How often a benefit may be used: C15, C16 and F22 as tables, at the edges of their periods."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from laurel_benefits.domain.decisions import Quota, ReasonCode
from laurel_benefits.domain.eligibility import decide_benefit
from laurel_benefits.domain.errors import BenefitUseReversed
from laurel_benefits.domain.ids import BenefitId, BenefitUseId
from laurel_benefits.domain.programs import BenefitQuota, QuotaPeriod
from laurel_benefits.domain.quotas import period_at
from laurel_benefits.domain.rulings import RulingKind
from laurel_benefits.domain.uses import UseState, decide_reversal, make_use, with_use_counted

from tests.support.benefits_rights import case, decide, ruling
from tests.support.benefits_rules import MEMBER, NOON, SHANGHAI, sight
from tests.support.benefits_terms import MEMBERSHIP_ID, membership

USE_ID = BenefitUseId("019aa000-0000-7000-8000-0000000000ff")
APRIL = datetime(2026, 3, 31, 16, tzinfo=UTC)
NEXT_YEAR = datetime(2026, 12, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("benefit_id", "used", "limit", "reset_time"),
    [
        ("double-free-return", 2, 3, APRIL),
        ("double-free-return", 3, 3, APRIL),
        ("birthday-coupon", 0, 1, NEXT_YEAR),
        ("birthday-coupon", 1, 1, NEXT_YEAR),
        ("gift-pack", 1, 1, APRIL),
        ("welfare-coupon", 1, 1, APRIL),
    ],
)
def test_a_benefit_may_be_had_until_its_quota_is_used_c15_c16(
    benefit_id, used, limit, reset_time
) -> None:
    decision = decide(benefit_id, sight(30000), used=used)
    assert decision.quota == Quota(limit=limit, used=used, reset_time=reset_time)
    assert decision.quota.remaining == limit - used
    assert decision.allowed is (used < limit)
    if used == limit:
        (reason,) = decision.reasons
        assert (reason.code, reason.missing) == (ReasonCode.QUOTA_USED, 1)
        assert reason.available_from == reset_time
        assert decision.near_miss
        assert decision.near_miss.available_from == reset_time


@pytest.mark.parametrize(("used", "allowed"), [(4, True), (5, False)])
def test_plus_has_five_freight_coupons_a_month_f22(used, allowed) -> None:
    decision = decide("plus-freight-coupon", running=[membership()], used=used)
    assert decision.allowed is allowed


def test_a_benefit_without_a_quota_has_none() -> None:
    assert decide("vip-line", sight(20000)).quota is None


def test_a_lowered_limit_leaves_nothing_and_never_less() -> None:
    assert Quota(limit=3, used=5, reset_time=None).remaining == 0


@pytest.mark.parametrize(
    ("kind", "now", "key", "reset_time"),
    [
        (QuotaPeriod.DAY, NOON, "DAY:2026-03-10", datetime(2026, 3, 10, 16, tzinfo=UTC)),
        (QuotaPeriod.MONTH, APRIL - timedelta(microseconds=1), "MONTH:2026-03-01", APRIL),
        (QuotaPeriod.MONTH, APRIL, "MONTH:2026-04-01", datetime(2026, 4, 30, 16, tzinfo=UTC)),
        (QuotaPeriod.YEAR, NEXT_YEAR - timedelta(microseconds=1), "YEAR:2026-01-01", NEXT_YEAR),
        (QuotaPeriod.YEAR, NEXT_YEAR, "YEAR:2027-01-01", datetime(2027, 12, 31, 16, tzinfo=UTC)),
        (QuotaPeriod.EVER, NOON, "EVER", None),
    ],
)
def test_periods_are_those_of_business_days(kind, now, key, reset_time) -> None:
    period = period_at(kind, now, SHANGHAI, membership=None, grant=None)
    assert period
    assert (period.key, period.reset_time) == (key, reset_time)


def test_a_term_is_that_of_the_membership_or_of_the_grant_in_its_place() -> None:
    held, grant = membership(), ruling(RulingKind.GRANTED)
    of_membership = period_at(QuotaPeriod.TERM, NOON, SHANGHAI, membership=held, grant=grant)
    assert of_membership
    assert of_membership.key == f"TERM:{MEMBERSHIP_ID}"
    assert of_membership.reset_time == held.term.expire_time
    of_grant = period_at(QuotaPeriod.TERM, NOON, SHANGHAI, membership=None, grant=grant)
    assert of_grant
    assert (of_grant.key, of_grant.reset_time) == ("GRANT:1", grant.expire_time)
    assert period_at(QuotaPeriod.TERM, NOON, SHANGHAI, membership=None, grant=None) is None


def test_a_quota_of_a_term_is_no_quota_of_who_has_none() -> None:
    found = case("plus-freight-coupon")
    quota = BenefitQuota(limit=1, period=QuotaPeriod.TERM)
    decision = decide_benefit(replace(found, benefit=replace(found.benefit, quota=quota)))
    assert [reason.code for reason in decision.reasons] == [ReasonCode.NOT_MEMBER]
    assert decision.quota is None


def test_the_answer_to_a_use_counts_it() -> None:
    decision = with_use_counted(decide("double-free-return", sight(20000), used=2))
    assert decision.quota
    assert (decision.quota.used, decision.quota.remaining) == (3, 0)


def test_the_answer_to_a_refusal_counts_nothing() -> None:
    refused = decide("double-free-return", sight(20000), used=3)
    assert with_use_counted(refused) == refused


def used():
    found = case("double-free-return", sight(20000))
    return make_use(
        decide_benefit(found),
        found.period,
        use_id=USE_ID,
        member=MEMBER,
        benefit_id=BenefitId("double-free-return"),
        reference="o-1",
        order_id=None,
        stock_period=found.stock_period,
        now=NOON,
    )


def test_a_use_is_given_back_once() -> None:
    use = used()
    assert use
    assert use.state is UseState.USED
    given_back = decide_reversal(use, reason="parcel lost", now=NOON)
    assert (given_back.state, given_back.reverse_time) == (UseState.REVERSED, NOON)
    with pytest.raises(BenefitUseReversed) as refusal:
        decide_reversal(given_back, reason="again", now=NOON + timedelta(days=1))
    assert refusal.value.reverse_time == NOON


def test_a_refusal_makes_no_use() -> None:
    found = case("double-free-return", sight(19999))
    use = make_use(
        decide_benefit(found),
        found.period,
        use_id=USE_ID,
        member=MEMBER,
        benefit_id=BenefitId("double-free-return"),
        reference="",
        order_id=None,
        stock_period=None,
        now=NOON,
    )
    assert use is None
