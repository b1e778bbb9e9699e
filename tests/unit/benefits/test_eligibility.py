"""Which benefits a member may have: C15, C16, C18, F25 as a table, with what is just not enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from laurel_benefits.domain.decisions import AmountOff, ReasonCode
from laurel_benefits.domain.eligibility import find_benefit
from laurel_benefits.domain.errors import BenefitNotFound
from laurel_benefits.domain.gates import BirthDate
from laurel_benefits.domain.ids import BenefitId
from laurel_benefits.domain.standings import NOT_ASKED, Sight

from tests.support.benefits_rights import decide
from tests.support.benefits_rules import NOON, jd, sight
from tests.support.benefits_terms import membership

TOO_LOW = ReasonCode.SCORE_TOO_LOW


@pytest.mark.parametrize(
    ("benefit_id", "score", "codes"),
    [
        ("single-free-return", 200, [TOO_LOW]),
        ("single-free-return", 201, []),
        ("birthday-coupon", 499, [TOO_LOW]),
        ("birthday-coupon", 500, []),
        ("plus-fee-reduction", 4999, [TOO_LOW]),
        ("plus-fee-reduction", 5000, []),
        ("gift-pack", 9999, [TOO_LOW]),
        ("gift-pack", 10000, []),
        ("double-free-return", 19999, [TOO_LOW]),
        ("double-free-return", 20000, []),
        ("vip-line", 19999, [TOO_LOW]),
        ("vip-line", 20000, []),
        ("repair-by-replacement", 19999, [TOO_LOW]),
        ("repair-by-replacement", 20000, []),
        ("internal-coupons", 5000, [ReasonCode.TIER_TOO_LOW]),
        ("internal-coupons", 5001, []),
        ("welfare-coupon", 9999, [TOO_LOW]),
        ("welfare-coupon", 10000, []),
        ("fast-refund", 5000, [TOO_LOW]),
        ("fast-refund", 5001, []),
    ],
)
def test_a_benefit_opens_at_its_score_or_level_c15_c18(benefit_id, score, codes) -> None:
    decision = decide(benefit_id, sight(score))
    assert [each.code for each in decision.reasons] == codes
    assert decision.allowed is (not codes)


def test_a_refusal_has_its_numbers_and_its_near_miss() -> None:
    decision = decide("birthday-coupon", sight(499))
    (reason,) = decision.reasons
    assert (reason.required, reason.actual, reason.missing) == (500, 499, 1)
    assert decision.near_miss
    assert decision.near_miss.missing == 1


def test_a_level_is_counted_in_positions() -> None:
    (reason,) = decide("internal-coupons", sight(5000)).reasons
    assert (reason.subject, reason.required, reason.actual) == ("L3", 3, 2)


@pytest.mark.parametrize(("stars", "allowed"), [(None, False), (1, False), (2, True), (5, True)])
def test_repair_by_replacement_also_needs_credit_c15(stars, allowed) -> None:
    decision = decide("repair-by-replacement", sight(20000, credit_stars=stars))
    assert decision.allowed is allowed


def test_a_company_user_has_no_birthday_c15() -> None:
    (reason,) = decide("birthday-coupon", sight(500, attributes=("company",))).reasons
    assert (reason.code, reason.subject) == (ReasonCode.ATTRIBUTE_EXCLUDED, "company")


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (datetime(2026, 3, 9, 15, 59, tzinfo=UTC), datetime(2026, 3, 9, 16, tzinfo=UTC)),
        (datetime(2026, 3, 9, 16, tzinfo=UTC), None),
        (datetime(2026, 3, 10, 15, 59, tzinfo=UTC), None),
        (datetime(2026, 3, 10, 16, tzinfo=UTC), datetime(2027, 3, 9, 16, tzinfo=UTC)),
    ],
)
def test_the_birthday_coupon_can_be_had_on_the_birthday_alone_c15(now, opens) -> None:
    decision = decide("birthday-coupon", sight(500), now=now)
    assert decision.allowed is (opens is None)
    if opens:
        (reason,) = decision.reasons
        assert (reason.code, reason.available_from) == (ReasonCode.OUTSIDE_WINDOW, opens)


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        (datetime(2026, 2, 28, 4, tzinfo=UTC), True),
        (datetime(2028, 2, 28, 4, tzinfo=UTC), False),
        (datetime(2028, 2, 29, 4, tzinfo=UTC), True),
    ],
)
def test_who_was_born_on_a_leap_day_has_a_birthday_every_year(now, allowed) -> None:
    born = BirthDate(month=2, day=29)
    assert decide("birthday-coupon", sight(500), birth_date=born, now=now).allowed is allowed


def test_a_birthday_that_is_not_known_is_missing() -> None:
    (reason,) = decide("birthday-coupon", sight(500), birth_date=None).reasons
    assert (reason.code, reason.subject) == (ReasonCode.ATTRIBUTE_MISSING, "birth_date")


@pytest.mark.parametrize(
    ("day", "allowed", "opens"),
    [
        (4, False, datetime(2026, 3, 4, 16, tzinfo=UTC)),
        (5, True, None),
        (20, True, None),
        (21, False, datetime(2026, 4, 4, 16, tzinfo=UTC)),
    ],
)
def test_the_gift_pack_is_there_from_the_5th_to_the_20th_c16(day, allowed, opens) -> None:
    now = datetime(2026, 3, day, 4, tzinfo=UTC)
    decision = decide("gift-pack", sight(10000), now=now)
    assert decision.allowed is allowed
    assert [each.available_from for each in decision.reasons] == ([opens] if opens else [])


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        (datetime(2026, 2, 1, 15, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 2, 1, 16, tzinfo=UTC), True),
        (datetime(2026, 2, 28, 15, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 2, 28, 16, tzinfo=UTC), False),
        (datetime(2026, 3, 31, 4, tzinfo=UTC), True),
    ],
)
def test_the_welfare_coupon_is_there_from_the_2nd_to_the_end_of_the_month_c16(now, allowed) -> None:
    assert decide("welfare-coupon", sight(10000), now=now).allowed is allowed


@pytest.mark.parametrize(
    ("score", "amount_off_fen", "missing"),
    [(10000, 1000, 10000), (19999, 1000, 1), (20000, 2000, None)],
)
def test_the_size_of_the_welfare_coupon_goes_by_the_score_c16(
    score, amount_off_fen, missing
) -> None:
    decision = decide("welfare-coupon", sight(score))
    assert decision.value == AmountOff(amount_off_fen=amount_off_fen)
    assert (decision.near_miss.missing if decision.near_miss else None) == missing


def test_who_has_no_published_score_stands_at_zero() -> None:
    decision = decide("gift-pack", sight(None))
    (reason,) = decision.reasons
    assert (reason.code, reason.actual) == (TOO_LOW, 0)
    assert decision.evidence.score is None


def test_a_benefit_of_members_asks_for_the_membership_f25() -> None:
    refused = decide("plus-member-price", NOT_ASKED)
    assert [each.code for each in refused.reasons] == [ReasonCode.NOT_MEMBER]
    allowed = decide("plus-member-price", NOT_ASKED, running=[membership()])
    assert allowed.allowed
    assert allowed.evidence.membership_id == membership().membership_id


def test_what_a_benefit_takes_off_a_price_is_its_value_c15() -> None:
    assert decide("plus-fee-reduction", sight(5000)).value == AmountOff(amount_off_fen=5000)
    assert decide("plus-fee-reduction", sight(4999)).value is None


def test_what_was_seen_earlier_decides_while_scoring_is_away() -> None:
    seen = sight(500, degraded=True, seen_time=NOON - timedelta(days=1))
    decision = decide("birthday-coupon", seen)
    assert decision.allowed
    assert decision.degraded
    assert [each.code for each in decision.reasons] == [ReasonCode.DEGRADED_DATA]
    assert decision.evidence.score_age == timedelta(days=1)


def test_nothing_is_allowed_on_no_data() -> None:
    decision = decide("birthday-coupon", Sight(standing=None, degraded=True))
    assert not decision.allowed
    assert [each.code for each in decision.reasons] == [ReasonCode.DEGRADED_DATA]
    assert decision.near_miss is None


@pytest.mark.parametrize(
    ("age", "known"),
    [(timedelta(days=7), True), (timedelta(days=7, microseconds=1), False)],
)
def test_what_was_seen_too_long_ago_decides_nothing(age, known) -> None:
    seen = sight(500, degraded=True, seen_time=NOON - age)
    kept = seen.no_older_than(timedelta(days=7), NOON)
    assert (kept.standing is not None) is known
    assert kept.degraded


def test_an_unknown_benefit_is_refused() -> None:
    with pytest.raises(BenefitNotFound):
        find_benefit(jd(), BenefitId("free-lunch"))
