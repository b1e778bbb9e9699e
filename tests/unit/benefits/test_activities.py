"""What members are paid for beside buying: limits, reviews, photos, referrals (D1, D7 to D9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from laurel_benefits.domain.activities import POINTS_COUNTER, Referral, decide_claim
from laurel_benefits.domain.activity_errors import ActivityKindUnknown
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.ids import LineId, MemberId
from laurel_benefits.domain.referrals import Acquaintance, claim_referral
from laurel_benefits.domain.reviews import PaidReview

from tests.support.benefits_activities import acted, approved, bought, draft, reviewed, scene
from tests.support.benefits_rules import MEMBER, NOON

DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 3, 10, 16, tzinfo=UTC)
TODAY = "DAY:2026-03-10"


def codes(verdict) -> list[ReasonCode]:
    return [reason.code for reason in verdict.decision.reasons]


@pytest.mark.parametrize(("used", "points"), [(0, 2), (9, 2), (10, 0), (11, 0)])
def test_an_action_pays_as_often_as_its_limit_says(used, points) -> None:
    verdict = acted("answer", scene({("activity/answer", TODAY): used}))
    assert verdict.points == points
    assert verdict.told
    if not points:
        (reason,) = verdict.decision.reasons
        assert (reason.code, reason.available_from) == (ReasonCode.QUOTA_USED, MIDNIGHT)


@pytest.mark.parametrize(
    ("used", "points", "allowed"), [(4980, 20, True), (4990, 10, True), (5000, 0, False)]
)
def test_all_activities_of_a_day_share_a_cap(used, points, allowed) -> None:
    verdict = reviewed(bought(2000), at=scene({(POINTS_COUNTER, TODAY): used}))
    assert (verdict.points, verdict.decision.allowed) == (points, allowed)
    assert codes(verdict) == ([] if points == 20 else [ReasonCode.PERIOD_CAP])


def test_what_is_refused_takes_nothing_of_limits_and_caps() -> None:
    assert acted("login", scene()).counted == {
        ("activity/login", TODAY): 1,
        (POINTS_COUNTER, TODAY): 1,
    }
    assert acted("login", scene({("activity/login", TODAY): 1})).counted == {}
    assert reviewed(bought(1999)).counted == {}


def test_a_kind_that_pays_nothing_is_a_fact_and_takes_nothing_of_caps() -> None:
    verdict = acted("donation", scene())
    assert (verdict.decision.allowed, verdict.points, verdict.told) == (True, 0, True)
    assert verdict.counted == {}


def test_a_kind_nobody_declared_is_refused() -> None:
    with pytest.raises(ActivityKindUnknown):
        acted("dance", scene())


@pytest.mark.parametrize(
    ("found", "points"),
    [
        (bought(1999), 0),
        (bought(2000), 20),
        (bought(3998, quantity=2), 0),
        (bought(4000, quantity=2), 20),
        (bought(1000, points_fen=1000), 20),
        (bought(1000, points_fen=999), 0),
        (None, 0),
        (bought(2000, returned_pieces=1), 0),
    ],
)
def test_a_review_pays_for_an_own_purchase_from_twenty_yuan_a_piece_p20(found, points) -> None:
    assert reviewed(found).points == points


def test_a_review_of_what_was_not_bought_is_no_fact() -> None:
    assert codes(reviewed(None)) == [ReasonCode.NOT_PURCHASED]
    assert not reviewed(None).told
    assert reviewed(bought(1999)).told


@pytest.mark.parametrize(("days", "points"), [(-1, 0), (0, 20), (60, 20), (61, 0)])
def test_a_review_comes_within_sixty_days_of_the_completion_d7(days, points) -> None:
    assert reviewed(bought(2000), days=days).points == points


@pytest.mark.parametrize(
    ("quality", "points"),
    [
        ({"copied_bps": 8000, "overlap_bps": 6000, "report_count": 4, "characters": 10}, 20),
        ({"copied_bps": 8001}, 0),
        ({"overlap_bps": 6001}, 0),
        ({"report_count": 5}, 0),
        ({"punctuation_stuffed": True}, 0),
        ({"characters": 9}, 0),
    ],
)
def test_an_unqualified_review_pays_nothing_a12(quality, points) -> None:
    assert reviewed(bought(2000), **quality).points == points


@pytest.mark.parametrize(
    ("bad_days", "days", "suspended"),
    [
        ([0] * 5, 0, False),
        ([0] * 6, 0, True),
        ([0] * 6, 364, True),
        ([0] * 6, 365, False),
        ([0] * 12, 365, False),
        ([0] * 6 + [365] * 5, 365, False),
        ([0] * 6 + [365] * 6, 365, True),
    ],
)
def test_more_than_five_bad_reviews_stop_the_rest_for_a_year_a13(bad_days, days, suspended) -> None:
    verdict = reviewed(bought(2000), days=days, bad_times=[NOON + each * DAY for each in bad_days])
    subjects = [reason.subject for reason in verdict.decision.reasons]
    assert ("reviews" in subjects) is suspended


@pytest.mark.parametrize(("apart", "points"), [(0, 0), (15, 0), (16, 20)])
def test_an_article_is_paid_once_in_fifteen_days_a11(apart, points) -> None:
    earlier = PaidReview(order_id="other", line_id="l", order_time=NOON - apart * DAY)
    assert reviewed(bought(2000, earlier=(earlier,))).points == points


def test_a_line_is_paid_once_however_late_d8() -> None:
    found = bought(2000)
    same = PaidReview(
        order_id=found.order.draft.order_id,
        line_id=found.line.line_id,
        order_time=NOON - 40 * DAY,
    )
    assert codes(reviewed(replace(found, earlier=(same,)))) == [ReasonCode.REPEATED]
    other = replace(same, line_id=LineId("other"))
    assert reviewed(replace(found, earlier=(other,))).points == 20


@pytest.mark.parametrize(
    ("earned", "rewarded", "points"), [(980, 0, 20), (981, 0, 19), (900, 90, 10), (1000, 0, 0)]
)
def test_purchase_and_reviews_of_a_line_share_its_cap_d4(earned, rewarded, points) -> None:
    found = bought(2000, earned_points=earned, rewarded_points=rewarded)
    assert reviewed(found).points == points


@pytest.mark.parametrize(
    ("approvals", "points"), [(0, 10), (7, 24), (44, 98), (45, 100), (60, 100)]
)
def test_photos_pay_by_distinct_approvals_up_to_their_cap_p22(approvals, points) -> None:
    paid = reviewed(bought(2000), photos=True).points
    for place in range(approvals):
        paid += approved(f"u-{place}", paid, [f"u-{each}" for each in range(place)]).points
    assert paid == points


@pytest.mark.parametrize(
    ("approver", "score", "reason"),
    [
        (MEMBER.member_id, 201, ReasonCode.SELF_DEALING),
        ("u-1", 201, ReasonCode.REPEATED),
        ("u-2", 200, ReasonCode.SCORE_TOO_LOW),
    ],
)
def test_an_approval_that_does_not_count_pays_nothing_d9(approver, score, reason) -> None:
    verdict = approved(approver, 10, ["u-1"], score=score)
    assert (verdict.points, codes(verdict)) == (0, [reason])


def referred(**known: object):
    content = {"referred_by": None, "referrer_brought_by": None, "order_paid_max_fen": 2000}
    marks = known.pop("marks", ((), ()))
    referral = Referral(
        referred_id=MemberId(str(known.pop("referred", "new"))),
        referrer_marks=marks[0],
        referred_marks=marks[1],
    )
    moment, made = scene(), draft(referral)
    claim = claim_referral(moment, made, referral, Acquaintance(**(content | known)))
    return decide_claim(moment, made, claim)


@pytest.mark.parametrize(
    ("known", "reasons"),
    [
        ({}, []),
        ({"referred": MEMBER.member_id}, [ReasonCode.SELF_DEALING]),
        ({"marks": (("a", "b"), ("b", "c"))}, [ReasonCode.SELF_DEALING]),
        ({"marks": (("a",), ("b",))}, []),
        ({"referrer_brought_by": "new"}, [ReasonCode.SELF_DEALING]),
        ({"referrer_brought_by": "other"}, []),
        ({"referred_by": "other"}, [ReasonCode.REPEATED]),
        ({"order_paid_max_fen": 1999}, [ReasonCode.NOT_PURCHASED]),
        ({"first_order_time": NOON - 30 * DAY}, []),
        ({"first_order_time": NOON - 31 * DAY}, [ReasonCode.OUTSIDE_WINDOW]),
        ({"referred_blocked": True}, [ReasonCode.RISK_BLOCKED]),
    ],
)
def test_nobody_is_paid_for_bringing_himself(known, reasons) -> None:
    verdict = referred(**known)
    assert codes(verdict) == reasons
    assert verdict.points == (0 if reasons else 500)
