"""Checking in: the ladder of D12, day by day, and what a miss does to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from laurel_benefits.domain.check_ins import (
    CheckInCase,
    DailyCheckIn,
    decide_check_in,
    find_check_in,
    make_check_in,
    streak_of,
)
from laurel_benefits.domain.decisions import PointsGiven, ReasonCode
from laurel_benefits.domain.game_errors import CheckInNotFound
from laurel_benefits.domain.ids import ProgramId, RequestId
from laurel_benefits.domain.risk_rules import VelocityAction, VelocityRule
from laurel_benefits.domain.risks import MemberRisk, RiskDraft, RiskState, decide_risk
from laurel_benefits.domain.velocities import window_key

from tests.support.benefits_rules import MEMBER, NOON, REVISION, SHANGHAI, jd

DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)
MIDNIGHT = datetime(2026, 3, 10, 16, tzinfo=UTC)
"""The end of the day of NOON."""
LADDER = [5, 5, 10, 10, 15, 15, 30]


def case(
    now: datetime = NOON, latest: DailyCheckIn | None = None, risk: MemberRisk | None = None
) -> CheckInCase:
    return CheckInCase(
        rules=find_check_in(jd(), ProgramId("jd")),
        latest=latest,
        risk=risk,
        now=now,
        zone=SHANGHAI,
        program_revision=REVISION,
    )


def made(found: CheckInCase) -> DailyCheckIn:
    return make_check_in(found, member=MEMBER, ledger_request_id=RequestId("r"))


def on_days(*days: int) -> list[DailyCheckIn]:
    """Check-ins so many days after NOON's."""
    latest: list[DailyCheckIn] = []
    for day in days:
        latest.append(made(case(NOON + day * DAY, latest[-1] if latest else None)))
    return latest


@pytest.mark.parametrize(
    ("days", "points"),
    [
        (range(7), LADDER),
        (range(15), [*LADDER, *LADDER, 5]),
        ([0, 1, 2, 4, 5], [5, 5, 10, 5, 5]),
        ([0, 2, 4], [5, 5, 5]),
        ([0, 1, 2, 3, 4, 5, 7], [5, 5, 10, 10, 15, 15, 5]),
    ],
)
def test_the_ladder_rises_day_by_day_and_begins_again_after_a_miss_d12(days, points) -> None:
    assert [each.points for each in on_days(*days)] == points


def test_a_streak_goes_on_over_the_end_of_the_ladder() -> None:
    assert [each.streak_days for each in on_days(*range(8))] == list(range(1, 9))


@pytest.mark.parametrize(
    ("now", "allowed"), [(NOON, False), (MIDNIGHT - MOMENT, False), (MIDNIGHT, True)]
)
def test_a_day_is_claimed_once_d12(now, allowed) -> None:
    decision = decide_check_in(case(now, made(case())))
    assert decision.allowed is allowed
    if not allowed:
        (reason,) = decision.reasons
        assert (reason.code, reason.available_from) == (ReasonCode.COOLDOWN, MIDNIGHT)
        assert decision.near_miss
        assert decision.near_miss.value == PointsGiven(points=5)


@pytest.mark.parametrize(
    ("now", "streak_days"),
    [(MIDNIGHT, 2), (MIDNIGHT + DAY - MOMENT, 2), (MIDNIGHT + DAY, 1)],
)
def test_a_streak_lasts_until_the_end_of_the_next_day(now, streak_days) -> None:
    assert made(case(now, made(case()))).streak_days == streak_days


def test_a_clock_set_back_claims_no_day_again() -> None:
    decision = decide_check_in(case(NOON - DAY, made(case())))
    assert [reason.available_from for reason in decision.reasons] == [MIDNIGHT]


@pytest.mark.parametrize(
    ("state", "allowed"), [(RiskState.WATCH, True), (RiskState.BLOCKED, False)]
)
def test_a_blocked_member_is_paid_nothing_for_coming_b10(state, allowed) -> None:
    draft = RiskDraft(member=MEMBER, state=state, reason="", maker="", expire_time=None)
    decision = decide_check_in(case(risk=decide_risk(draft, None, NOON)))
    assert decision.allowed is allowed
    assert (decision.value is not None) is allowed


@pytest.mark.parametrize(
    ("state", "used", "action", "codes"),
    [
        (RiskState.NORMAL, 1, VelocityAction.REFUSE, []),
        (RiskState.NORMAL, 2, VelocityAction.REFUSE, [ReasonCode.TOO_FAST]),
        (RiskState.NORMAL, 2, VelocityAction.REVIEW, [ReasonCode.RISK_REVIEW]),
        (RiskState.WATCH, 1, VelocityAction.REVIEW, [ReasonCode.RISK_REVIEW]),
        (RiskState.WATCH, 0, VelocityAction.REVIEW, []),
    ],
)
def test_a_check_in_that_comes_too_fast_is_refused_or_looked_at_b10(
    state, used, action, codes
) -> None:
    rule = VelocityRule(
        rule_id="speed",
        kinds=frozenset({"check_in"}),
        window=timedelta(days=7),
        times_max=2,
        watched_times_max=1,
        action=action,
    )
    draft = RiskDraft(member=MEMBER, state=state, reason="", maker="", expire_time=None)
    found = replace(
        case(risk=decide_risk(draft, None, NOON)),
        velocity=(rule,),
        used={window_key(rule, NOON): used},
    )
    decision = decide_check_in(found)
    assert [reason.code for reason in decision.reasons] == codes
    assert decision.allowed is (ReasonCode.TOO_FAST not in codes)
    assert found.review_rule == ("speed" if ReasonCode.RISK_REVIEW in codes else "")


@pytest.mark.parametrize(
    ("now", "days", "next_points", "next_time", "break_time"),
    [
        (NOON, 1, 5, MIDNIGHT, MIDNIGHT + DAY),
        (MIDNIGHT, 1, 5, MIDNIGHT, MIDNIGHT + DAY),
        (MIDNIGHT + DAY, 0, 5, MIDNIGHT + DAY, None),
    ],
)
def test_a_streak_says_when_it_goes_on_and_when_it_breaks(
    now, days, next_points, next_time, break_time
) -> None:
    streak = streak_of(case(now, made(case())))
    assert (streak.days, streak.next_points) == (days, next_points)
    assert (streak.next_time, streak.break_time) == (next_time, break_time)


def test_who_never_came_has_no_streak() -> None:
    streak = streak_of(case())
    assert (streak.days, streak.last_day, streak.break_time) == (0, None, None)
    assert streak.next_time == MIDNIGHT - DAY


def test_a_program_without_a_ladder_has_no_check_in() -> None:
    with pytest.raises(CheckInNotFound):
        find_check_in(replace(jd(), check_in=None), ProgramId("jd"))
