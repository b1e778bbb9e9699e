"""The golden cases P01 to P09, P17, P24, P25, P27, P31, P34 and P48 against the rules."""

from __future__ import annotations

import pytest
from laurel_benefits.domain.decisions import Price
from laurel_benefits.domain.memberships import decide_quote
from laurel_benefits.domain.orders import decide_completion
from laurel_benefits.domain.risks import RiskState

from tests.support.benefits_cases import CAPS, EARNING, PRICES, RIGHTS, EarningCase
from tests.support.benefits_rights import decide
from tests.support.benefits_rules import (
    NOON,
    REVISION,
    earning_rules,
    line,
    order,
    plus,
    sight,
)
from tests.support.benefits_terms import membership


def fen(yuan: str) -> int:
    whole, part = yuan.split(".")
    return int(whole) * 100 + int(part)


@pytest.mark.parametrize("case", EARNING, ids=lambda case: case.name)
def test_an_order_earns_what_the_case_says(case: EarningCase) -> None:
    options = dict(case.options)
    draft = order(
        *(line(fen(paid), category) for paid, category in case.lines),
        paid_by=options.pop("payment_method", "online"),
        **options,
    )
    running = membership(granted=case.granted_before) if case.member_of_plus else None
    earned = decide_completion(draft, earning_rules(), running, RiskState.NORMAL)
    points = {share.kind.value: share.points for share in earned.shares}
    assert points.get("BASE", 0) == case.base
    assert points.get("REBATE", 0) == case.rebate


@pytest.mark.parametrize(("bought", "cap"), CAPS)
def test_a_term_has_the_cap_of_its_day_p27(bought, cap) -> None:
    assert membership(at=bought).rebate_cap_points == cap


@pytest.mark.parametrize(("score", "credit", "yuan"), PRICES)
def test_a_score_has_its_price_p34(score, credit, yuan) -> None:
    decision = decide_quote(
        plus(),
        sight(score, credit_score=credit),
        running_plans=(),
        risk=None,
        now=NOON,
        program_revision=REVISION,
    )
    assert decision.value == (Price(price_fen=yuan * 100) if yuan else None)
    assert decision.allowed is (yuan is not None)


@pytest.mark.parametrize(("score", "allowed"), RIGHTS)
def test_a_score_opens_the_birthday_right_p48(score, allowed) -> None:
    assert decide("birthday-coupon", sight(score)).allowed is allowed
