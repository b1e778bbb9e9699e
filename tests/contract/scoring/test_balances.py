"""A running balance through a server: the same doors as every other score."""

from __future__ import annotations

from typing import Any

import pytest
from google.type.date_pb2 import Date
from laurel.scoring.v1 import activities_pb2, scores_pb2
from laurel_kit.clock import SettableClock

from tests.support.databases import DatabaseOf
from tests.support.scoring import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    Scoring,
    activity,
    credit,
    engagement,
    instant,
    line,
    purchase,
    returned,
    scoring,
)

BALANCE = "chengzhang"


@pytest.fixture
async def whole(database_of: DatabaseOf, clock: SettableClock) -> Any:
    clock.set(instant("2026-03-10T12:00"))
    async with scoring(database_of, clock) as served:
        yield served


def paid(time: str, yuan: int, order_id: str, **fields: str) -> activities_pb2.Activity:
    """An order paid online."""
    bought = purchase(time, line(yuan * 100, sku_id="cup", **fields), order_id=order_id)
    payment = bought.purchase.payments.add(payment_method="online")
    payment.amount.CopyFrom(bought.purchase.lines[0].paid)
    return bought


def review(time: str, order_id: str, **quality: Any) -> activities_pb2.Activity:
    done = activities_pb2.Engagement(kind="review", subject_id="cup", order_id=order_id)
    done.review_quality.CopyFrom(activities_pb2.ReviewQuality(**quality))
    return activity(time, engagement=done)


async def explained(whole: Scoring) -> scores_pb2.ExplainScoreResponse:
    """The explanation of the balance, held to sum to it."""
    whole_answer = await whole.explain(model_id=BALANCE)
    parts = sum(each.counted_points for each in whole_answer.contributions)
    changes = sum(each.points for each in whole_answer.adjustments)
    assert parts + changes == whole_answer.score.value
    return whole_answer


async def test_a_balance_is_read_explained_and_foreseen(
    whole: Scoring, clock: SettableClock
) -> None:
    await whole.recorded(
        credit("2025-01-01T00:00", credit_score=80),
        engagement("2025-02-28T10:00", "login"),
        paid("2025-03-01T10:00", 2_000, "o-1"),
        engagement("2025-03-02T10:00", "login"),
        review("2025-03-05T10:00", "o-1"),
        review("2025-03-06T10:00", "o-1"),
    )
    clock.set(instant("2025-12-31T12:00"))
    before = (await whole.score(model_id=BALANCE)).score
    assert (before.value, before.level.level_id) == (2400 + 6 + 24, "silver")
    assert before.term_end_date == Date(year=2026, month=3, day=1)
    request = scores_pb2.ForecastScoreRequest(
        program_id=PROGRAM, member_id=MEMBER, model_id=BALANCE, days=90
    )
    ahead = await whole.scores.ForecastScore(request, timeout=PATIENCE)
    assert [(each.date, each.value, each.level.level_id) for each in ahead.steps] == [
        (Date(year=2026, month=3, day=1), 1430, "bronze")
    ]
    clock.set(instant("2026-03-10T12:00"))
    await whole.recorded(returned("2026-03-05T10:00", "o-1"), paid("2026-03-06T10:00", 100, "o-2"))
    answer = await explained(whole)
    # The term took 1,000 before the return took 2,400 and the review's 24 of what was left.
    assert [(each.kind, each.points, each.level_id) for each in answer.adjustments] == [
        (scores_pb2.ADJUSTMENT_KIND_TERM_END, -1000, "silver"),
        (scores_pb2.ADJUSTMENT_KIND_FORGIVEN, 970, ""),
        (scores_pb2.ADJUSTMENT_KIND_FORGIVEN, 24, ""),
    ]
    assert (answer.score.value, answer.score.level.level_id) == (120, "bronze")
    assert not answer.score.HasField("term_end_date")
    cuts = [cut.kind for each in answer.contributions for cut in each.cuts]
    assert cuts == [scores_pb2.CUT_KIND_BEFORE_PURCHASE, scores_pb2.CUT_KIND_REPEATED]
    bought = next(each for each in answer.contributions if each.uncapped_points == 2000)
    assert (bought.base_points, bought.rate_bps, bought.counted_points) == (2000, 12000, 2400)


async def test_a_simulated_balance_is_the_one_that_comes(whole: Scoring) -> None:
    facts = [
        credit("2025-01-01T00:00", credit_score=60),
        paid("2026-03-01T10:00", 1_001, "o-1"),
        review("2026-03-05T10:00", "o-1", report_count=4),
        review("2026-03-05T11:00", "o-1", copied_bps=9000),
    ]
    request = scores_pb2.SimulateScoreRequest(
        program_id=PROGRAM, member_id=MEMBER, model_id=BALANCE, activities=facts
    )
    simulated = (await whole.scores.SimulateScore(request, timeout=PATIENCE)).simulated
    assert simulated.value == 1101 + 22
    await whole.recorded(*facts)
    came = (await whole.score(model_id=BALANCE)).score
    assert (came.value, came.level) == (simulated.value, simulated.level)


async def test_a_deleted_review_takes_its_growth_with_it_a14(whole: Scoring) -> None:
    told = review("2026-03-05T10:00", "o-1", overlap_bps=100)
    await whole.recorded(
        credit("2025-01-01T00:00", credit_score=30), paid("2026-03-01T10:00", 50, "o-1"), told
    )
    assert (await whole.score(model_id=BALANCE)).score.value == 70
    asked = activities_pb2.GetActivityRequest(
        program_id=PROGRAM, member_id=MEMBER, activity_id=told.activity_id
    )
    record = (await whole.activities.GetActivity(asked, timeout=PATIENCE)).record
    assert record.activity == told
    await whole.retract(told.activity_id)
    assert (await whole.score(model_id=BALANCE)).score.value == 50
