"""Limits of speed, and who may decide on a reward that waits (B10, B11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from laurel_benefits.domain.activity_errors import ResolverInvolved, ReviewCaseResolved
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.ids import ActivityId, RequestId, ReviewCaseId
from laurel_benefits.domain.review_cases import ReviewCase, ReviewCaseState, decide_case
from laurel_benefits.domain.risk_rules import VelocityAction
from laurel_benefits.domain.risks import MemberRisk, RiskState
from laurel_benefits.domain.velocities import next_window, rules_of, window_key

from tests.support.benefits_activities import acted, bought, reviewed, scene
from tests.support.benefits_rules import MEMBER, NOON, REVISION, jd


def guards(kind: str):
    risk = jd().risk
    assert risk
    return rules_of(risk.velocity, kind)


def watched() -> MemberRisk:
    return MemberRisk(
        member=MEMBER,
        position=1,
        state=RiskState.WATCH,
        reason="",
        maker="",
        create_time=NOON,
        expire_time=None,
    )


def at_speed(kind: str, times: int, risk: MemberRisk | None = None):
    rules = guards(kind)
    used = {window_key(rule, NOON): times for rule in rules if rule.action is VelocityAction.REVIEW}
    return scene(used, velocity=rules, risk=risk)


@pytest.mark.parametrize(
    ("times", "risk", "rule"),
    [(59, None, ""), (60, None, "reviews"), (4, watched(), ""), (5, watched(), "reviews")],
)
def test_a_reward_that_comes_too_fast_waits_for_somebody(times, risk, rule) -> None:
    verdict = reviewed(bought(2000), at=at_speed("review", times, risk))
    assert (verdict.points, verdict.review_rule) == (20, rule)
    assert verdict.decision.allowed
    reasons = [reason.code for reason in verdict.decision.reasons]
    assert reasons == ([ReasonCode.RISK_REVIEW] if rule else [])


def test_what_pays_nothing_has_nothing_to_wait_for() -> None:
    verdict = reviewed(bought(1999), at=at_speed("review", 60))
    assert (verdict.points, verdict.review_rule) == (0, "")


@pytest.mark.parametrize(("times", "points"), [(99, 1), (100, 0)])
def test_a_rule_may_refuse_what_comes_too_fast(times, points) -> None:
    rules = guards("login")
    used = {window_key(rule, NOON): times for rule in rules}
    verdict = acted("login", scene(used, velocity=rules))
    assert verdict.points == points
    if not points:
        (reason,) = verdict.decision.reasons
        assert (reason.code, reason.subject) == (ReasonCode.TOO_FAST, "everything")
        assert reason.available_from == NOON + timedelta(minutes=1)


def test_windows_follow_one_another() -> None:
    (hour,) = (rule for rule in guards("review") if rule.rule_id == "reviews")
    late = datetime(2026, 3, 10, 4, 59, 59, tzinfo=UTC)
    assert window_key(hour, NOON) == window_key(hour, late)
    assert next_window(hour, late) == datetime(2026, 3, 10, 5, tzinfo=UTC)
    assert window_key(hour, next_window(hour, late)) != window_key(hour, late)


def a_case() -> ReviewCase:
    return ReviewCase(
        member=MEMBER,
        case_id=ReviewCaseId("c"),
        activity_id=ActivityId("a"),
        kind="review",
        rule_id="reviews",
        points=20,
        asset_id="a",
        ledger_request_id=RequestId("r"),
        raised_by="shop",
        raise_time=NOON,
        program_revision=REVISION,
    )


@pytest.mark.parametrize("resolver", ["shop", MEMBER.member_id])
def test_who_raised_or_caused_a_case_does_not_decide_it(resolver) -> None:
    with pytest.raises(ResolverInvolved):
        decide_case(a_case(), approved=True, resolver=resolver, reason="r", now=NOON)


def test_a_case_is_decided_once() -> None:
    decided = decide_case(a_case(), approved=False, resolver="ann", reason="r", now=NOON)
    assert (decided.state, decided.resolver) == (ReviewCaseState.REJECTED, "ann")
    with pytest.raises(ReviewCaseResolved):
        decide_case(decided, approved=True, resolver="bob", reason="r", now=NOON)
    assert replace(decided, resolve_time=None) != a_case()
