"""What orders earn: the rules D2 to D6 and F1 to F10 as tables, each with what is just not so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from laurel_benefits.domain.amounts import ONE_POINT
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.earning import STAGES, LineEarning, Stage

from tests.support.benefits_rules import (
    earn,
    earning_rules,
    line,
    order,
    profile,
    rebate,
    rebate_terms,
)


def points(earnings: tuple[LineEarning, ...]) -> list[tuple[int, int]]:
    return [(each.base_points, each.rebate_points) for each in earnings]


def reasons(earning: LineEarning) -> set[ReasonCode]:
    return {entry.reason for entry in earning.trace if entry.reason}


@pytest.mark.parametrize(
    ("profile_id", "category", "paid_fen", "expected"),
    [
        ("seed", "books", 0, 0),
        ("seed", "books", 99, 0),
        ("seed", "books", 100, 1),
        ("seed", "books", 12850, 128),
        ("seed", "phones", 99999, 999),
        ("jd2019", "books", 4999, 0),
        ("jd2019", "books", 5000, 5),
        ("jd2019", "books", 5999, 5),
        ("jd2019", "books", 6000, 6),
        ("jd2019", "digital", 5000, 2),
        ("jd2019", "digital", 4999, 0),
        ("jd2019", "digital", 6000, 3),
        ("jd2019", "no-such-category", 5000, 5),
    ],
)
def test_base_points_follow_the_profile_d2_d3(profile_id, category, paid_fen, expected) -> None:
    earnings = earn(order(line(paid_fen, category)), earning_rules(profile_id), None)
    assert points(earnings) == [(expected, 0)]


def test_a_line_too_cheap_says_so_d3() -> None:
    (earning,) = earn(order(line(4999)), earning_rules("jd2019"), None)
    assert reasons(earning) == {ReasonCode.ITEM_TOO_CHEAP}


@pytest.mark.parametrize(
    ("paid_fen", "expected", "cut"),
    [(100000, 1000, False), (100099, 1000, False), (100100, 1000, True), (999900, 1000, True)],
)
def test_one_line_earns_at_most_the_item_cap_d4_o5(paid_fen, expected, cut) -> None:
    (earning,) = earn(order(line(paid_fen)), earning_rules(), None)
    assert earning.base_points == expected
    assert (ReasonCode.ITEM_CAP in reasons(earning)) is cut


def test_the_item_cap_holds_for_each_line_and_not_for_the_order_d4() -> None:
    earnings = earn(order(line(100000), line(100000)), earning_rules(), None)
    assert points(earnings) == [(1000, 0), (1000, 0)]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("online", 100),
        ("cash_on_delivery", 100),
        ("balance", 100),
        ("gift_card", 100),
        ("company_transfer", 0),
        ("post_remittance", 0),
        ("mobile_red_packet", 0),
    ],
)
def test_only_eligible_money_earns_base_points_d5(method, expected) -> None:
    earnings = earn(order(line(10000), paid_by=method), earning_rules(), None)
    assert points(earnings) == [(expected, 0)]


def test_freight_earns_nothing_d5() -> None:
    paid = order(line(10000), freight_fen=600)
    assert points(earn(paid, earning_rules(), None)) == [(100, 0)]


def test_money_of_several_means_is_split_over_lines_and_freight_by_their_cost_d5_x4_o16() -> None:
    mixed = order(
        line(6000), line(3000), freight_fen=1000, paid_by={"online": 5000, "company_transfer": 5000}
    )
    earnings = earn(mixed, earning_rules(), None)
    assert points(earnings) == [(30, 0), (15, 0)]
    assert reasons(earnings[0]) == {ReasonCode.PAYMENT_EXCLUDED}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ({"goods_class": "physical"}, 100),
        ({"goods_class": "collectible"}, 100),
        ({"goods_class": "virtual"}, 0),
        ({"goods_class": "service"}, 0),
        ({"goods_class": "investment_gold"}, 0),
        ({"goods_class": "farm_supplies"}, 0),
        ({"goods_class": "car"}, 0),
        ({"sale_type": "auction"}, 0),
        ({"sale_type": "group_buying"}, 0),
    ],
)
@pytest.mark.parametrize("member_of_plus", [False, True])
def test_some_goods_and_sales_earn_nothing_d6_f2(word, expected, member_of_plus) -> None:
    running = rebate() if member_of_plus else None
    (earning,) = earn(order(line(10000, "books", **word)), earning_rules(), running)
    if member_of_plus:
        assert (earning.base_points, earning.rebate_points) == (0, 5 * expected)
    else:
        assert (earning.base_points, earning.rebate_points) == (expected, 0)
    assert (ReasonCode.ITEM_EXCLUDED in reasons(earning)) is (expected == 0)


@pytest.mark.parametrize(
    ("category", "paid_fen", "expected"),
    [
        ("books", 10000, 500),
        ("luggage", 10000, 500),
        ("beauty", 10000, 400),
        ("jewellery", 10000, 400),
        ("food", 10000, 300),
        ("anything-else", 10000, 300),
        ("computers", 10000, 200),
        ("phones", 10000, 200),
        # F3, X3: fractions of a bean are dropped.
        ("books", 12850, 642),
        ("books", 19, 0),
        ("books", 20, 1),
        ("phones", 499900, 9998),
    ],
)
def test_a_rebate_is_a_share_of_the_money_by_category_f1_f2_f3(
    category, paid_fen, expected
) -> None:
    earnings = earn(order(line(paid_fen, category)), earning_rules(), rebate())
    assert points(earnings) == [(0, expected)]


@pytest.mark.parametrize(
    ("method", "expected"),
    [("online", 500), ("cash_on_delivery", 500), ("balance", 0), ("gift_card", 0)],
)
def test_only_online_payment_and_cash_on_delivery_earn_a_rebate_f4_o24(method, expected) -> None:
    (earning,) = earn(order(line(10000), paid_by=method), earning_rules(), rebate())
    assert (earning.base_points, earning.rebate_points) == (0, expected)
    assert (ReasonCode.PAYMENT_EXCLUDED in reasons(earning)) is (expected == 0)


@pytest.mark.parametrize(
    ("invoice", "expected"), [("", 500), ("vat_ordinary", 500), ("vat_special", 0)]
)
def test_an_order_with_a_special_invoice_earns_no_rebate_f5_o23(invoice, expected) -> None:
    (earning,) = earn(order(line(10000), invoice_type=invoice), earning_rules(), rebate())
    assert (earning.base_points, earning.rebate_points) == (0, expected)
    assert (ReasonCode.INVOICE_EXCLUDED in reasons(earning)) is (expected == 0)


def test_a_special_invoice_leaves_base_points_where_there_is_no_membership_f5() -> None:
    paid = order(line(10000), invoice_type="vat_special")
    assert points(earn(paid, earning_rules(), None)) == [(100, 0)]


def test_a_program_may_let_base_points_go_on_where_a_rebate_is_excluded() -> None:
    kind = replace(rebate(), terms=replace(rebate_terms(), base_when_excluded=True))
    paid = order(line(10000), invoice_type="vat_special")
    assert points(earn(paid, earning_rules(), kind)) == [(100, 0)]


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        (501, [(0, 500)]),
        (500, [(0, 500)]),
        # F9: the grant that crosses the cap is cut to what is left.
        (499, [(0, 499)]),
        (1, [(0, 1)]),
        # F9, F10: afterwards base beans go on.
        (0, [(100, 0)]),
        (None, [(0, 500)]),
    ],
)
def test_the_term_grants_no_more_than_its_cap_f6_f9_o21(room, expected) -> None:
    assert points(earn(order(line(10000)), earning_rules(), rebate(room))) == expected


def test_the_lines_of_one_order_share_the_room_in_their_order_f9() -> None:
    paid = order(line(10000), line(10000), line(10000))
    earnings = earn(paid, earning_rules(), rebate(700))
    assert points(earnings) == [(0, 500), (0, 200), (100, 0)]
    assert [ReasonCode.TERM_CAP in reasons(each) for each in earnings] == [False, True, True]


def test_a_fraction_does_not_use_up_room_f9_x3() -> None:
    paid = order(line(50), line(50))
    assert points(earn(paid, earning_rules(), rebate(3))) == [(0, 2), (0, 1)]


def test_the_item_cap_does_not_touch_a_rebate_d4() -> None:
    assert points(earn(order(line(499900, "phones")), earning_rules(), rebate())) == [(0, 9998)]


def test_the_trace_leads_from_nothing_to_the_rounded_points() -> None:
    (earning,) = earn(order(line(12850)), earning_rules(), rebate(600))
    assert [entry.stage for entry in earning.trace] == [
        Stage.BASE,
        Stage.TIER,
        Stage.TERM_CAP,
        Stage.ROUNDING,
    ]
    assert earning.trace[0].before == 0
    for earlier, later in zip(earning.trace, earning.trace[1:], strict=False):
        assert earlier.after == later.before
    assert earning.trace[-1].after == (earning.base_points + earning.rebate_points) * ONE_POINT


def test_the_stages_stand_in_the_published_order() -> None:
    assert [stage for stage, _ in STAGES] == [
        Stage.BASE,
        Stage.EXCLUSIONS,
        Stage.TIER,
        Stage.CAMPAIGN,
        Stage.ITEM_CAP,
        Stage.ORDER_CAP,
        Stage.PERIOD_CAP,
        Stage.TERM_CAP,
        Stage.BUDGET,
        Stage.FUNDS,
        Stage.RISK,
        Stage.ROUNDING,
    ]


def test_the_profile_in_force_is_the_seed_one() -> None:
    assert earning_rules().profile == profile("seed")
