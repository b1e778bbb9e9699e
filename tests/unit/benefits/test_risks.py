"""Members who are watched or blocked: what a blocked one earns and may have (B10, B11, O55)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from laurel_benefits.domain.decisions import Reason, ReasonCode
from laurel_benefits.domain.earning import Stage
from laurel_benefits.domain.eligibility import decide_benefit
from laurel_benefits.domain.errors import EndPassed, MemberBlocked
from laurel_benefits.domain.memberships import decide_purchase, decide_quote
from laurel_benefits.domain.orders import decide_completion
from laurel_benefits.domain.risks import MemberRisk, RiskDraft, RiskState, decide_risk, risk_at
from laurel_benefits.domain.rulings import RulingKind

from tests.support.benefits_rights import case, ruling
from tests.support.benefits_rules import (
    MEMBER,
    NOON,
    REVISION,
    earning_rules,
    line,
    order,
    plus,
    sight,
)
from tests.support.benefits_terms import MEMBERSHIP_ID, membership, quote

DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)


def risk(state: RiskState, *, ends=None) -> MemberRisk:
    draft = RiskDraft(
        member=MEMBER, state=state, reason="sells benefits", maker="anna", expire_time=ends
    )
    return decide_risk(draft, None, NOON)


BLOCKED = risk(RiskState.BLOCKED)


def decide(benefit_id, judged, **options):
    found = case(benefit_id, sight(30000), **options)
    return decide_benefit(replace(found, holdings=replace(found.holdings, risk=judged)))


@pytest.mark.parametrize(
    ("judged", "state"),
    [
        (None, RiskState.NORMAL),
        (risk(RiskState.WATCH), RiskState.WATCH),
        (BLOCKED, RiskState.BLOCKED),
        (risk(RiskState.BLOCKED, ends=NOON + DAY), RiskState.NORMAL),
        (risk(RiskState.BLOCKED, ends=NOON + DAY + MOMENT), RiskState.BLOCKED),
    ],
)
def test_a_judgement_holds_until_its_end(judged, state) -> None:
    assert risk_at(judged, NOON + DAY) is state


def test_a_judgement_that_is_over_at_once_is_refused() -> None:
    with pytest.raises(EndPassed):
        risk(RiskState.BLOCKED, ends=NOON)


def test_the_next_judgement_takes_the_next_place() -> None:
    draft = RiskDraft(member=MEMBER, state=RiskState.NORMAL, reason="", maker="", expire_time=None)
    assert (BLOCKED.position, decide_risk(draft, BLOCKED, NOON).position) == (1, 2)


@pytest.mark.parametrize("benefit_id", ["vip-line", "double-free-return", "gift-pack"])
def test_a_blocked_member_may_have_nothing_b10(benefit_id) -> None:
    decision = decide(benefit_id, BLOCKED)
    assert [reason.code for reason in decision.reasons] == [ReasonCode.RISK_BLOCKED]
    assert decision.evidence.risk_state is RiskState.BLOCKED


def test_a_block_says_when_it_ends() -> None:
    (reason,) = decide("vip-line", risk(RiskState.BLOCKED, ends=NOON + DAY)).reasons
    assert reason.available_from == NOON + DAY


def test_a_grant_does_not_help_a_blocked_member() -> None:
    assert not decide("vip-line", BLOCKED, ruling=ruling(RulingKind.GRANTED)).allowed


def test_a_watched_member_loses_nothing_and_decisions_say_it() -> None:
    decision = decide("vip-line", risk(RiskState.WATCH))
    assert decision.allowed
    assert decision.evidence.risk_state is RiskState.WATCH


def test_a_blocked_member_is_quoted_no_price_f18() -> None:
    decision = decide_quote(
        plus(), sight(20001), running_plans=(), risk=BLOCKED, now=NOON, program_revision=REVISION
    )
    assert [reason.code for reason in decision.reasons] == [ReasonCode.RISK_BLOCKED]
    assert decision.value is None


def test_a_blocked_member_buys_nothing_by_an_earlier_quote_f18() -> None:
    with pytest.raises(MemberBlocked):
        decide_purchase(
            quote(),
            (),
            risk=BLOCKED,
            membership_id=MEMBERSHIP_ID,
            payment_reference="",
            now=NOON,
        )


@pytest.mark.parametrize("running", [None, membership()])
def test_a_blocked_member_earns_nothing_o55(running) -> None:
    paid = order(line(10000), line(5000))
    earned = decide_completion(paid, earning_rules(), running, RiskState.BLOCKED)
    assert earned.shares == ()
    assert earned.rebate_points == 0
    for each in earned.lines:
        entry = next(entry for entry in each.trace if entry.stage is Stage.RISK)
        assert (entry.after, entry.reason) == (0, ReasonCode.RISK_BLOCKED)
        assert entry.before > 0


def test_an_order_that_comes_too_fast_earns_nothing_b10() -> None:
    fast = Reason(code=ReasonCode.TOO_FAST, subject="orders")
    earned = decide_completion(
        order(line(10000)), earning_rules(), None, RiskState.NORMAL, speeding=fast
    )
    assert earned.shares == ()
    (entry,) = (each for each in earned.lines[0].trace if each.stage is Stage.RISK)
    assert (entry.rule, entry.after, entry.reason) == ("orders", 0, ReasonCode.TOO_FAST)


def test_a_watched_member_earns_as_everybody() -> None:
    watched = decide_completion(order(line(10000)), earning_rules(), None, RiskState.WATCH)
    assert [share.points for share in watched.shares] == [100]
    assert all(entry.stage is not Stage.RISK for entry in watched.lines[0].trace)
