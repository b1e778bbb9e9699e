"""What points may pay of an order: E1 to E9 and the cases P01 to P09, with what is just not so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laurel_benefits.domain.decisions import PointsGiven, ReasonCode
from laurel_benefits.domain.risks import MemberRisk, RiskState
from laurel_benefits.domain.spending import Balance, Spending, SpendingCase, decide_spending

from tests.support import benefits_cases as cases
from tests.support.benefits_rules import MEMBER, NOON, REVISION, jd, line


def fen(yuan: str) -> int:
    whole, part = yuan.split(".")
    return int(whole) * 100 + int(part)


def decide(
    *lines: tuple[int, str],
    balance: int = 100000,
    requested: int = 0,
    methods: tuple[str, ...] = ("online",),
    risk: MemberRisk | None = None,
) -> Spending:
    rules = jd().spending
    assert rules
    case = SpendingCase(
        lines=tuple(line(paid_fen, goods_class=word) for paid_fen, word in lines),
        payment_methods=methods,
        requested_points=requested,
        balance=Balance(available_points=max(balance, 0), debt_points=max(-balance, 0)),
        risk=risk,
        rules=rules,
        now=NOON,
        program_revision=REVISION,
    )
    return decide_spending(case)


@pytest.mark.parametrize("case", cases.SPENDING, ids=lambda case: case.name)
def test_points_pay_what_the_case_says(case: cases.SpendingCase) -> None:
    spending = decide(
        *((fen(yuan), word) for yuan, word in case.lines),
        balance=case.balance,
        requested=case.requested,
        methods=("online", *case.others),
    )
    assert spending.usable_points == case.usable
    assert spending.decision.allowed is not bool(case.refused)
    assert spending.points == (0 if case.refused else case.requested)
    found = {reason.code.value for reason in spending.decision.reasons}
    assert not case.refused or case.refused in found


def refused(*lines: tuple[int, str], **options: Any) -> set[ReasonCode]:
    """Why points may not be used; none when they may."""
    return {reason.code for reason in decide(*lines, **options).decision.reasons}


def test_points_pay_at_most_half_of_what_is_to_be_paid_e3_o7() -> None:
    assert not refused((10000, "physical"), requested=5000)
    assert refused((10000, "physical"), requested=6000) == {ReasonCode.SHARE_EXCEEDED}


def test_points_of_physical_orders_are_multiples_of_a_thousand_e2_o9() -> None:
    assert not refused((10000, "physical"), requested=2000)
    assert refused((10000, "physical"), requested=1999) == {ReasonCode.NOT_A_MULTIPLE}


def test_a_balance_below_a_thousand_pays_nothing_of_physical_orders_e2_o10() -> None:
    assert decide((10000, "physical"), balance=1000).usable_points == 1000
    assert decide((10000, "physical"), balance=999).usable_points == 0
    assert ReasonCode.BALANCE_TOO_LOW in refused((10000, "physical"), balance=999, requested=1000)


def test_points_pay_a_fifth_of_game_cards_from_fifty_yuan_e6_o11() -> None:
    assert decide((5000, "game_card")).usable_points == 1000
    assert refused((5000, "game_card"), requested=1001) == {ReasonCode.SHARE_EXCEEDED}
    assert ReasonCode.ORDER_TOO_SMALL in refused((4999, "game_card"), requested=1)


def test_points_pay_half_of_movie_tickets_from_ten_yuan_e6_o12() -> None:
    assert decide((1000, "movie_ticket")).usable_points == 500
    assert refused((1000, "movie_ticket"), requested=501) == {ReasonCode.SHARE_EXCEEDED}
    assert ReasonCode.ORDER_TOO_SMALL in refused((999, "movie_ticket"), requested=1)


@pytest.mark.parametrize("word", ["investment_gold", "collectible"])
def test_points_pay_nothing_of_excluded_goods_e8_o13(word: str) -> None:
    assert decide((100000, word)).usable_points == 0
    assert ReasonCode.ITEM_EXCLUDED in refused((100000, word), requested=1000)


def test_points_do_not_go_with_mobile_red_packets_e9_o14() -> None:
    assert not refused((10000, "physical"), requested=1000, methods=("online", "gift_card"))
    methods = ("online", "mobile_red_packet")
    assert refused((10000, "physical"), requested=1000, methods=methods) == {
        ReasonCode.PAYMENT_EXCLUDED
    }


def test_a_refusal_says_how_many_may_be_used_and_what_is_missing() -> None:
    decision = decide((10000, "physical"), balance=8000, requested=6000).decision
    assert decision.value == PointsGiven(points=5000)
    (reason,) = decision.reasons
    assert (reason.code, reason.required, reason.actual) == (
        ReasonCode.SHARE_EXCEEDED,
        5000,
        6000,
    )
    decision = decide((10000, "physical"), balance=500, requested=1000).decision
    assert decision.near_miss
    assert (decision.near_miss.code, decision.near_miss.missing) == (
        ReasonCode.BALANCE_TOO_LOW,
        500,
    )


def test_groups_say_why_not_more() -> None:
    spending = decide(
        (3999, "physical"), (4999, "game_card"), (5000, "investment_gold"), balance=500
    )
    limits = {
        group.goods_classes[0]: [reason.code for reason in group.limits]
        for group in spending.groups
    }
    assert limits == {
        "physical": [ReasonCode.SHARE_EXCEEDED, ReasonCode.NOT_A_MULTIPLE],
        "game_card": [ReasonCode.ORDER_TOO_SMALL],
        "investment_gold": [ReasonCode.ITEM_EXCLUDED],
    }
    assert [reason.code for reason in spending.limits] == [ReasonCode.BALANCE_TOO_LOW]
    assert spending.usable_points == 0


def test_a_blocked_member_spends_nothing_until_the_block_ends_b11() -> None:
    def blocked(ends: timedelta) -> MemberRisk:
        return MemberRisk(
            member=MEMBER,
            position=1,
            state=RiskState.BLOCKED,
            reason="sells benefits",
            maker="m",
            create_time=NOON,
            expire_time=NOON + ends,
        )

    now = decide((10000, "physical"), requested=1000, risk=blocked(timedelta(hours=1)))
    assert [reason.code for reason in now.decision.reasons] == [ReasonCode.RISK_BLOCKED]
    after = decide((10000, "physical"), requested=1000, risk=blocked(timedelta(0)))
    assert after.decision.allowed


def test_points_fall_on_lines_by_what_they_cost_e12_p14() -> None:
    assert decide((6000, "physical"), (4000, "physical"), requested=4000).line_points == (
        2400,
        1600,
    )


def test_points_of_movies_never_pay_for_gold_e8() -> None:
    spending = decide((2000, "movie_ticket"), (100000, "investment_gold"), requested=1000)
    assert spending.line_points == (1000, 0)


@settings(max_examples=60, deadline=None)
@given(
    amounts=st.lists(
        st.tuples(
            st.integers(0, 30000),
            st.sampled_from(["physical", "movie_ticket", "game_card", "collectible"]),
        ),
        min_size=1,
        max_size=6,
    ),
    balance=st.integers(0, 20000),
)
def test_what_is_usable_can_be_used_and_one_more_cannot(amounts, balance) -> None:
    usable = decide(*amounts, balance=balance).usable_points
    used = decide(*amounts, balance=balance, requested=usable)
    assert used.decision.allowed
    assert sum(used.line_points) == usable <= balance
    for points, (paid_fen, word) in zip(used.line_points, amounts, strict=True):
        assert points <= paid_fen // 2 + 1
        assert word != "collectible" or points == 0
    assert not decide(*amounts, balance=balance, requested=usable + 1).decision.allowed
