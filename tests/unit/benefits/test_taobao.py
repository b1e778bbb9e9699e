"""淘金币 and 天猫积分 as Taobao's program has them: J1 to J3, J5, J6, J8, J9 and the case P56."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.drafts import OrderLine
from laurel_benefits.domain.ids import CampaignId, CouponTypeId, FruitId, LotteryId, RewardId
from laurel_benefits.domain.orders import decide_completion
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.risks import RiskState
from laurel_benefits.domain.spending import Balance, Spending, SpendingCase, decide_spending
from laurel_benefits.wire.programs import BenefitsSectionCompiler
from laurel_kit.programs.loading import examine

from tests.support.benefits_cases import COINS, TMALL
from tests.support.benefits_rules import NOON, REVISION, line, order
from tests.support.programs import shipped_text


@cache
def taobao() -> BenefitsProgram:
    examination = examine(shipped_text("taobao"), BenefitsSectionCompiler())
    assert examination.model, examination.faults
    return examination.model


def fen(yuan: str) -> int:
    whole, part = yuan.split(".")
    return int(whole) * 100 + int(part)


def spend(*lines: OrderLine, requested: int = 0, balance: int = 10_000) -> Spending:
    rules = taobao().spending
    assert rules
    case = SpendingCase(
        lines=lines,
        payment_methods=("alipay",),
        requested_points=requested,
        balance=Balance(available_points=balance),
        risk=None,
        rules=rules,
        now=NOON,
        program_revision=REVISION,
    )
    return decide_spending(case)


@pytest.mark.parametrize(("yuan", "goods_class", "share", "usable"), COINS)
def test_coins_pay_the_share_that_the_seller_says_j3_j6(
    yuan: str, goods_class: str, share: int | None, usable: int
) -> None:
    spending = spend(line(fen(yuan), goods_class=goods_class, points_share_bps=share))
    assert spending.usable_points == usable


@pytest.mark.parametrize(
    ("requested", "codes"),
    [
        (500, []),
        (501, [ReasonCode.ORDER_CAP]),
        (1001, [ReasonCode.SHARE_EXCEEDED, ReasonCode.ORDER_CAP]),
    ],
)
def test_an_order_takes_500_coins_at_most_j3(requested: int, codes: list[ReasonCode]) -> None:
    spending = spend(line(10_000, points_share_bps=1000), requested=requested)
    assert [each.code for each in spending.decision.reasons] == codes
    assert spending.points == (0 if codes else requested)


def test_an_order_says_that_it_might_have_taken_more_coins_j3() -> None:
    spending = spend(line(10_000, points_share_bps=1000))
    (cap,) = (each for each in spending.limits if each.code is ReasonCode.ORDER_CAP)
    assert (cap.required, cap.actual) == (500, 1000)
    short = spend(line(10_000, points_share_bps=1000), balance=499)
    (reason,) = (each for each in short.limits if each.code is ReasonCode.BALANCE_TOO_LOW)
    assert (short.usable_points, reason.required, reason.actual) == (499, 500, 499)


@given(
    lines=st.lists(
        st.tuples(
            st.integers(min_value=0, max_value=20_000),
            st.none() | st.integers(min_value=0, max_value=2000),
        ),
        min_size=1,
        max_size=6,
    ),
    data=st.data(),
)
def test_no_line_takes_more_coins_than_its_seller_lets_it_j3(
    lines: list[tuple[int, int | None]], data: st.DataObject
) -> None:
    drafts = [line(paid, points_share_bps=share) for paid, share in lines]
    usable = spend(*drafts).usable_points
    points = data.draw(st.integers(min_value=0, max_value=usable))
    spending = spend(*drafts, requested=points)
    assert spending.decision.allowed
    assert sum(spending.line_points) == points
    for draft, used in zip(drafts, spending.line_points, strict=True):
        said = 200 if draft.points_share_bps is None else draft.points_share_bps
        assert used <= draft.paid_fen * min(max(said, 100), 1000) // 10_000


@pytest.mark.parametrize(("yuan", "category", "goods_class", "points"), TMALL)
def test_an_order_earns_tmall_points_j8_p56(
    yuan: str, category: str, goods_class: str, points: int
) -> None:
    draft = order(line(fen(yuan), category, goods_class=goods_class), paid_by="alipay")
    earned = decide_completion(draft, taobao().earning, None, RiskState.NORMAL)
    assert {share.kind.value: share.points for share in earned.shares} == {"BASE": points}
    assert taobao().earning.asset_id == "tmall-point"


def test_a_merchant_pays_for_three_times_the_points_j9() -> None:
    campaign = taobao().campaigns[CampaignId("sport-shop-three-times")]
    draft = order(line(20_000, "apparel", shop_id="sport-shop"), paid_by="alipay")
    earned = decide_completion(
        draft, taobao().earning, None, RiskState.NORMAL, campaigns=(campaign,)
    )
    paid = {share.funding_account_id: share.points for share in earned.shares}
    assert paid == {"tmall": 100, "sport-shop": 200}


@pytest.mark.parametrize(("day", "coins"), [(1, 5), (2, 10), (6, 30), (7, 30), (8, 5)])
def test_signing_in_gives_5_to_30_coins_j2(day: int, coins: int) -> None:
    check_in = taobao().check_in
    assert check_in
    assert (check_in.asset_id, check_in.points_of(day)) == ("coin", coins)


def test_ripe_crops_give_coins_j2() -> None:
    orchard = taobao().orchard
    assert orchard
    fruit = orchard.fruits[FruitId("coins")]
    assert (fruit.asset_id, fruit.points, fruit.grams) == ("coin", 50, 0)


def test_coins_pay_are_drawn_for_and_exchanged_and_points_buy_coupons_j1_j8() -> None:
    program = taobao()
    assert program.spending
    assert program.mall
    assert program.spending.asset_id == program.lotteries[LotteryId("coin-draw")].asset_id == "coin"
    assets = {each.reward_id: each.asset_id for each in program.mall.rewards.values()}
    assert assets == {RewardId("cup"): "coin", RewardId("tmall-coupon"): "tmall-point"}


def test_what_is_won_is_bought_for_a_fen_within_twelve_hours_j5() -> None:
    program = taobao()
    assert program.coupons
    (prize,) = (
        each for each in program.lotteries[LotteryId("coin-draw")].prizes if each.coupon_type_id
    )
    won = program.coupons.types[CouponTypeId("won-for-a-fen")]
    assert prize.coupon_type_id == won.coupon_type_id
    assert won.terms.discount.of(10_000) == 9999
    assert won.lifetime == timedelta(hours=12)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("share_max_bps: 200\n", "share_max_bps: 99\n", "spending.classes[0].share_max_bps"),
        ("share_max_bps: 200\n", "share_max_bps: 1001\n", "spending.classes[0].share_max_bps"),
        (
            "goods_classes: [top_up, ticket, travel]}]",
            "goods_classes: [top_up, rocket]}]",
            "earning.base_profiles[0].goods_class_rates[0].goods_classes[1]",
        ),
        (
            "goods_classes: [top_up, ticket, travel]}]",
            "goods_classes: [travel]}, {rate_bps: 1, goods_classes: [travel]}]",
            "earning.base_profiles[0].goods_class_rates[1].goods_classes[0]",
        ),
        ("asset_id: tmall-point, coupon", "asset_id: gold, coupon", "mall.rewards[1].asset_id"),
    ],
)
def test_a_fault_is_found_at_its_path(old: str, new: str, path: str) -> None:
    text = shipped_text("taobao")
    assert old in text
    examination = examine(text.replace(old, new), BenefitsSectionCompiler())
    assert [fault.path for fault in examination.faults] == [f"benefits.{path}"]
