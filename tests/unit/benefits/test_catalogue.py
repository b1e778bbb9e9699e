"""The catalogue of JD's benefits: tiers, thresholds, partners and stocks as tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from laurel_benefits.domain.decisions import ReasonCode

from tests.support.benefits_rights import decide
from tests.support.benefits_rules import growth, jd, sight
from tests.support.benefits_terms import membership

CATALOGUE = {
    "member prices": ("bronze-member-price", "gold-member-price", "plus-member-price"),
    "freight threshold": ("free-shipping", "gold-free-shipping", "plus-free-shipping"),
    "freight coupons": ("plus-freight-coupon", "plus-trial-freight-coupon"),
    "returns, one way free": ("single-free-return", "gold-single-free-return"),
    "returns, both ways free": ("double-free-return", "plus-double-free-return"),
    "repair by replacement": ("repair-by-replacement",),
    "VIP line": ("vip-line", "diamond-vip-line", "plus-service-line"),
    "birthday": ("birthday-coupon", "gold-birthday-pack"),
    "monthly gift pack": ("gift-pack", "welfare-coupon"),
    "fast refund": ("fast-refund", "fast-exchange"),
    "partners": ("car-care", "parcel-sending", "travel-service", "online-doctor", "plus-e-books"),
}


@pytest.mark.parametrize("kind", CATALOGUE)
def test_the_program_has_every_kind_of_benefit_a21_a25_c15_c17_f22(kind) -> None:
    assert set(CATALOGUE[kind]) <= set(jd().benefits)


@pytest.mark.parametrize(
    ("benefit_id", "least"),
    [
        ("silver-member-price", 2000),
        ("gold-member-price", 10000),
        ("gold-single-free-return", 10000),
        ("gold-birthday-pack", 10000),
        ("gold-pack", 10000),
        ("diamond-double-free-return", 30000),
        ("diamond-vip-line", 30000),
    ],
)
def test_a_tier_of_growth_opens_its_benefits_a21(benefit_id, least) -> None:
    refused = decide(benefit_id, growth(least - 1))
    assert [each.code for each in refused.reasons] == [ReasonCode.TIER_TOO_LOW]
    assert refused.near_miss
    assert refused.near_miss.missing == 1
    assert decide(benefit_id, growth(least)).allowed


@pytest.mark.parametrize(
    ("benefit_id", "least_fen"),
    [("free-shipping", 9900), ("gold-free-shipping", 7900), ("plus-free-shipping", 5900)],
)
def test_freight_is_free_from_an_amount_on_a21(benefit_id, least_fen) -> None:
    options = {"running": [membership()]}
    short = decide(benefit_id, growth(10000), order_fen=least_fen - 1, **options)
    (reason,) = short.reasons
    assert (reason.code, reason.subject) == (ReasonCode.ORDER_TOO_SMALL, "order_amount")
    assert (reason.required, reason.actual, reason.missing) == (least_fen, least_fen - 1, 1)
    assert short.near_miss
    assert short.near_miss.missing == 1
    assert decide(benefit_id, growth(10000), order_fen=least_fen, **options).allowed


def test_the_gift_packs_of_a_month_go_to_who_comes_first_c16() -> None:
    assert decide("gift-pack", sight(10000), given=99999).allowed
    (reason,) = decide("gift-pack", sight(10000), given=100000).reasons
    assert (reason.code, reason.subject) == (ReasonCode.STOCK_EXHAUSTED, "stock")
    assert reason.available_from == datetime(2026, 3, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (datetime(2026, 5, 31, 15, 59, tzinfo=UTC), datetime(2026, 5, 31, 16, tzinfo=UTC)),
        (datetime(2026, 5, 31, 16, tzinfo=UTC), None),
        (datetime(2026, 6, 17, 15, 59, tzinfo=UTC), None),
        (datetime(2026, 6, 17, 16, tzinfo=UTC), datetime(2027, 5, 31, 16, tzinfo=UTC)),
    ],
)
def test_small_gifts_are_there_on_the_days_before_the_18th_of_june_a25(now, opens) -> None:
    decision = decide("june-gift", sight(201), now=now)
    assert decision.allowed is (opens is None)
    assert [each.available_from for each in decision.reasons] == ([opens] if opens else [])


@pytest.mark.parametrize(("score", "allowed"), [(10000, False), (10001, True)])
def test_services_of_partners_open_with_the_fourth_level_c17(score, allowed) -> None:
    assert decide("car-care", sight(score)).allowed is allowed
    assert decide("online-doctor", sight(score), used=1).allowed is False
