"""Orders that can never be right, and what a whole order earns."""

from __future__ import annotations

from datetime import timedelta

import pytest
from laurel_benefits.domain.drafts import Payment, check_order, with_defaults
from laurel_benefits.domain.errors import (
    BenefitsError,
    OrderPaymentsMismatch,
    OrderTimesReversed,
    OrderWordUnknown,
    TimeInFuture,
)
from laurel_benefits.domain.ids import ProgramId
from laurel_benefits.domain.orders import GrantKind, decide_completion
from laurel_benefits.domain.risks import RiskState

from tests.support.benefits_rules import MEMBER, NOON, earning_rules, jd, line, order
from tests.support.benefits_terms import membership

SKEW = timedelta(minutes=5)
MOMENT = timedelta(microseconds=1)


def check(draft, *, complete_time=NOON) -> None:
    check_order(
        draft,
        jd().vocabulary,
        program_id=ProgramId("jd"),
        complete_time=complete_time,
        now=NOON,
        clock_skew_max=SKEW,
    )


@pytest.mark.parametrize(
    ("draft", "refusal"),
    [
        (order(line(10000)), None),
        (order(line(10000), invoice_type="vat_special"), None),
        (order(line(10000), invoice_type="receipt"), OrderWordUnknown),
        (order(line(10000), paid_by="barter"), OrderWordUnknown),
        (order(line(10000, goods_class="gadget")), OrderWordUnknown),
        (order(line(10000, sale_type="raffle")), OrderWordUnknown),
        (order(line(10000), paid_by={"online": 9999}), OrderPaymentsMismatch),
        (order(line(10000), paid_by={"online": 10001}), OrderPaymentsMismatch),
        (order(line(10000), paid_by={"online": 10000}, freight_fen=1), OrderPaymentsMismatch),
        (order(line(10000), paid_by={"online": 9000, "gift_card": 1000}), None),
        (order(line(0), paid_by={}), None),
    ],
)
def test_an_order_must_use_known_words_and_be_paid_exactly(draft, refusal) -> None:
    if refusal is None:
        check(draft)
        return
    with pytest.raises(refusal):
        check(draft)


@pytest.mark.parametrize(
    ("complete_time", "refusal"),
    [
        (NOON, None),
        (NOON - MOMENT, OrderTimesReversed),
        (NOON + SKEW, None),
        (NOON + SKEW + MOMENT, TimeInFuture),
    ],
)
def test_an_order_is_delivered_after_it_was_placed_and_not_in_the_future(
    complete_time, refusal: type[BenefitsError] | None
) -> None:
    if refusal is None:
        check(order(line(100)), complete_time=complete_time)
        return
    with pytest.raises(refusal):
        check(order(line(100)), complete_time=complete_time)


def test_every_unknown_word_is_named_with_its_path() -> None:
    draft = order(line(100, goods_class="gadget"), line(100, sale_type="raffle"), paid_by="barter")
    with pytest.raises(OrderWordUnknown) as refused:
        check(draft)
    assert refused.value.listing == (
        ("order.lines[0].goods_class", "gadget"),
        ("order.lines[1].sale_type", "raffle"),
        ("order.payments[0].payment_method", "barter"),
    )


def test_a_line_without_a_sale_type_has_the_first_of_the_program() -> None:
    draft = with_defaults(order(line(100, sale_type="")), jd().vocabulary)
    assert draft.lines[0].sale_type == "retail"


def test_the_points_of_all_lines_become_one_grant_for_each_kind() -> None:
    paid = order(line(10000), line(10000), line(10000))
    earned = decide_completion(
        paid, earning_rules(), membership(granted=50000 - 700), RiskState.NORMAL
    )
    assert [(share.kind, share.points) for share in earned.shares] == [
        (GrantKind.BASE, 100),
        (GrantKind.REBATE, 700),
    ]
    assert earned.rebate_points == 700


def test_an_order_that_earns_nothing_has_no_grants() -> None:
    paid = order(line(99), payments=(Payment(payment_method="online", amount_fen=99),))
    earned = decide_completion(paid, earning_rules(), None, RiskState.NORMAL)
    assert earned.shares == ()
    assert earned.membership_id is None


def test_the_membership_that_counted_is_named() -> None:
    earned = decide_completion(order(line(10000)), earning_rules(), membership(), RiskState.NORMAL)
    assert earned.membership_id == membership().membership_id
    assert membership().member == MEMBER
