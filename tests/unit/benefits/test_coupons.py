"""Coupons: who may claim one, which go together, and what they take off which lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from laurel_benefits.domain.coupon_application import CouponApplication, CouponLine, apply_coupons
from laurel_benefits.domain.coupon_rules import CouponRules
from laurel_benefits.domain.coupons import (
    Coupon,
    CouponCase,
    CouponSource,
    CouponState,
    decide_claim,
    decide_redemption,
    decide_release,
    decide_reservation,
    decide_void,
    make_coupon,
)
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.gate_terms import Gate, LevelGate
from laurel_benefits.domain.holdings import Holdings
from laurel_benefits.domain.ids import CouponId, CouponTypeId, LineId, OrderId
from laurel_benefits.domain.mall_errors import CouponNotAvailable

from tests.support.benefits_rules import MEMBER, NOON, REVISION, jd, sight

ORDER = OrderId("o-1")


def rules() -> CouponRules:
    found = jd().coupons
    assert found is not None
    return found


def case(score: int = 201, type_id: str = "jing-5", **options: object) -> CouponCase:
    content = {
        "rules": rules(),
        "coupon_type": rules().types[CouponTypeId(type_id)],
        "sight": sight(score),
        "holdings": Holdings(),
        "issued": 0,
        "stock_left": 10,
        "now": NOON,
        "program_revision": REVISION,
    }
    return CouponCase(**(content | options))


def coupon(type_id: str, coupon_id: str = "c-1", **options: object) -> Coupon:
    made = make_coupon(
        rules().types[CouponTypeId(type_id)],
        coupon_id=CouponId(coupon_id),
        member=MEMBER,
        code="",
        source=CouponSource.CLAIM,
        reference="",
        now=NOON,
        program_revision=REVISION,
    )
    return replace(made, **options)


def line(price_fen: int, category: str = "phones", line_id: str = "l-1") -> CouponLine:
    return CouponLine(
        line_id=LineId(line_id),
        category_id=category,
        goods_class="physical",
        shop_id="s-1",
        price_fen=price_fen,
    )


def applied(coupons: list[Coupon], lines: list[CouponLine]) -> CouponApplication:
    return apply_coupons(coupons, lines, rules().classes, now=NOON)


def codes(case_: CouponCase) -> list[ReasonCode]:
    return [reason.code for reason in decide_claim(case_).reasons]


@pytest.mark.parametrize(("score", "allowed"), [(0, False), (200, False), (201, True)])
def test_a_claim_needs_a_score_of_201_o1(score: int, allowed: bool) -> None:
    decision = decide_claim(case(score))
    assert decision.allowed is allowed
    if not allowed:
        assert decision.near_miss
        assert decision.near_miss.missing == 201 - score


@pytest.mark.parametrize(("position", "allowed"), [(1, False), (2, True)])
def test_a_claim_needs_bronze_where_there_is_bronze_o1(position: int, allowed: bool) -> None:
    bronze = replace(rules(), claim_gate=Gate(level_min=LevelGate(level_id="bronze", position=2)))
    assert decide_claim(case(0 if position == 1 else 201, rules=bronze)).allowed is allowed


def test_a_claim_is_refused_for_every_reason_at_once() -> None:
    late = replace(rules().types[CouponTypeId("jing-5")], claimable=False, claim_end_time=NOON)
    assert codes(case(0, coupon_type=late, issued=1, stock_left=0)) == [
        ReasonCode.NOT_CLAIMABLE,
        ReasonCode.SCORE_TOO_LOW,
        ReasonCode.OUTSIDE_WINDOW,
        ReasonCode.QUOTA_USED,
        ReasonCode.STOCK_EXHAUSTED,
    ]


def test_a_claim_before_its_time_says_from_when_on() -> None:
    soon = NOON + timedelta(hours=1)
    early = replace(rules().types[CouponTypeId("jing-5")], claim_start_time=soon)
    (reason,) = decide_claim(case(coupon_type=early)).reasons
    assert (reason.code, reason.available_from) == (ReasonCode.OUTSIDE_WINDOW, soon)


def test_jing_and_dong_never_combine_whichever_says_so_m9() -> None:
    both = [coupon("dong-20-of-199", "c-1"), coupon("jing-5", "c-2")]
    outcome = applied(both, [line(30000)])
    assert [each.coupon_id for each in outcome.applied] == ["c-2", "c-1"]
    assert [each.off_fen for each in outcome.applied] == [500, 0]
    reason = outcome.applied[1].reason
    assert reason
    assert reason.code is ReasonCode.EXCLUSIVE_GROUP


def test_several_jing_go_together_and_one_dong_alone_m9() -> None:
    assert applied([coupon("jing-5", f"c-{n}") for n in range(3)], [line(10000)]).off_fen == 1500
    assert (
        applied([coupon("dong-20-of-199", f"c-{n}") for n in range(2)], [line(50000)]).off_fen
        == 2000
    )


@pytest.mark.parametrize(("price", "off"), [(19899, 0), (19900, 2000)])
def test_a_dong_asks_for_its_minimum(price: int, off: int) -> None:
    outcome = applied([coupon("dong-20-of-199")], [line(price)])
    assert outcome.off_fen == off
    if not off:
        reason = outcome.applied[0].reason
        assert reason
        assert (reason.code, reason.missing) == (ReasonCode.ORDER_TOO_SMALL, 1)


def test_a_jing_takes_off_no_more_than_the_lines_cost() -> None:
    assert applied([coupon("jing-5")], [line(300)]).off_fen == 300


def test_a_share_looks_at_its_own_lines_and_is_floored_x3() -> None:
    lines = [line(1999, "books", "l-1"), line(90000, "phones", "l-2")]
    outcome = applied([coupon("books-5-percent")], lines)
    assert (outcome.off_line(LineId("l-1")), outcome.off_line(LineId("l-2"))) == (99, 0)
    dear = applied([coupon("books-5-percent")], [line(200000, "books")])
    assert dear.off_fen == 5000


def test_what_is_taken_off_is_split_over_the_lines_by_largest_remainder_x4() -> None:
    lines = [line(100, line_id=f"l-{n}") for n in range(3)]
    jing = coupon("jing-5")
    cheap = replace(
        jing, terms=replace(jing.terms, discount=replace(jing.terms.discount, amount_off_fen=100))
    )
    outcome = applied([cheap], lines)
    assert [outcome.off_line(each.line_id) for each in lines] == [34, 33, 33]


def test_a_later_coupon_sees_what_earlier_ones_left() -> None:
    lines = [line(10000, "books")]
    outcome = applied([coupon("books-5-percent", "c-1"), coupon("jing-5", "c-2")], lines)
    assert [each.off_fen for each in outcome.applied] == [500, 475]


def test_a_coupon_for_other_goods_takes_off_nothing() -> None:
    (only,) = applied([coupon("books-5-percent")], [line(10000, "phones")]).applied
    assert only.reason
    assert only.reason.code is ReasonCode.ITEM_EXCLUDED


def test_a_coupon_whose_time_is_over_takes_off_nothing() -> None:
    over = coupon("jing-5", expire_time=NOON)
    assert over.state_at(NOON) is CouponState.EXPIRED
    (only,) = applied([over], [line(10000)]).applied
    assert only.reason
    assert only.reason.code is ReasonCode.COUPON_NOT_AVAILABLE


def test_a_coupon_is_reserved_used_and_given_back_by_its_order_alone() -> None:
    reserved = decide_reservation(coupon("jing-5"), ORDER, NOON)
    assert decide_reservation(reserved, ORDER, NOON) == reserved
    with pytest.raises(CouponNotAvailable):
        decide_reservation(reserved, OrderId("o-2"), NOON)
    with pytest.raises(CouponNotAvailable):
        decide_redemption(reserved, OrderId("o-2"), NOON)
    with pytest.raises(CouponNotAvailable):
        decide_void(reserved, reason="abuse", now=NOON)
    used = decide_redemption(reserved, ORDER, NOON + timedelta(days=400))
    assert decide_redemption(used, ORDER, NOON) == used
    assert decide_release(used, OrderId("o-2")) == used
    back = decide_release(used, ORDER)
    assert (back.state, back.order_id) == (CouponState.AVAILABLE, None)


def test_apply_takes_a_coupon_reserved_for_the_same_order() -> None:
    reserved = decide_reservation(coupon("jing-5"), ORDER, NOON)
    lines = [line(10000)]
    ours = apply_coupons([reserved], lines, rules().classes, now=NOON, order_id=ORDER)
    assert (ours.off_fen, applied([reserved], lines).off_fen) == (500, 0)
