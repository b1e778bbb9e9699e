"""BatchGetScores, ListScoreHistory, SimulateScore and ForecastScore through a server."""

from __future__ import annotations

from typing import Any

import pytest
from laurel.scoring.v1 import scores_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.databases import DatabaseOf
from tests.support.programs import program_text
from tests.support.scoring import (
    LIVE,
    MEMBER,
    MODEL,
    PATIENCE,
    PROGRAM,
    PUBLISHED,
    Scoring,
    engagement,
    instant,
    line,
    profile,
    purchase,
    reason_of,
    refusal,
    returned,
    scoring,
    settled_month,
    stamp,
)


@pytest.fixture
async def whole(database_of: DatabaseOf, clock: SettableClock) -> Any:
    async with scoring(database_of, clock) as served:
        yield served


async def batch(whole: Scoring, *member_ids: str, **fields: Any) -> pb.BatchGetScoresResponse:
    asked = {"program_id": PROGRAM, "model_id": MODEL, "basis": LIVE, "member_ids": member_ids}
    request = pb.BatchGetScoresRequest(**{**asked, **fields})
    return await whole.scores.BatchGetScores(request, timeout=PATIENCE)


async def history(whole: Scoring, **fields: Any) -> pb.ListScoreHistoryResponse:
    asked = {"program_id": PROGRAM, "member_id": MEMBER, "model_id": MODEL}
    request = pb.ListScoreHistoryRequest(**{**asked, **fields})
    return await whole.scores.ListScoreHistory(request, timeout=PATIENCE)


async def simulate(whole: Scoring, **fields: Any) -> pb.SimulateScoreResponse:
    asked = {"program_id": PROGRAM, "member_id": MEMBER, "model_id": MODEL}
    request = pb.SimulateScoreRequest(**{**asked, **fields})
    return await whole.scores.SimulateScore(request, timeout=PATIENCE)


async def forecast(whole: Scoring, **fields: Any) -> pb.ForecastScoreResponse:
    asked = {"program_id": PROGRAM, "member_id": MEMBER, "model_id": MODEL}
    request = pb.ForecastScoreRequest(**{**asked, **fields})
    return await whole.scores.ForecastScore(request, timeout=PATIENCE)


async def test_batch_get_scores_answers_as_get_score_does(
    whole: Scoring, clock: SettableClock
) -> None:
    await whole.recorded(
        purchase("2026-02-01T10:00", line(100_00)),
        profile("2026-02-01T10:00", "wechat", member_id="m-2"),
        engagement("2026-02-01T10:00", "answer", member_id="m-3"),
    )
    await settled_month(whole, "2026-03")
    gone = engagement("2026-02-01T10:00", "answer", member_id="m-2")
    await whole.recorded(gone, engagement("2026-02-01T10:00", "answer", member_id="m-4"))
    await whole.retract(gone.activity_id, member_id="m-2")
    clock.set(instant("2026-03-11T12:00"))
    members = ["m-3", MEMBER, "m-2", "nobody", "m-4"]
    for basis, strangers in ((LIVE, []), (PUBLISHED, ["nobody", "m-4"])):
        results = (await batch(whole, *members, basis=basis)).results
        assert [each.member_id for each in results] == members
        for each in results:
            if each.member_id in strangers:
                assert reason_of(each.error) == "SCORE_NOT_PUBLISHED"
            else:
                assert each.answer == await whole.score(basis, member_id=each.member_id)


async def test_batch_get_scores_refuses_what_is_not_there(whole: Scoring) -> None:
    unknown = {"program_id": "PROGRAM_NOT_FOUND", "model_id": "MODEL_NOT_FOUND"}
    for field, reason in unknown.items():
        for basis in (LIVE, PUBLISHED):
            call = batch(whole, MEMBER, basis=basis, **{field: "x"})
            assert await refusal(call) == ("NOT_FOUND", reason)
    for members in ([], [MEMBER, MEMBER], [f"m-{place}" for place in range(501)]):
        assert (await refusal(batch(whole, *members)))[1] == "REQUEST_INVALID"


async def test_list_score_history_has_every_published_score(
    whole: Scoring, clock: SettableClock
) -> None:
    review = engagement("2026-01-02T10:00", "answer")
    await whole.recorded(engagement("2026-01-01T10:00", "answer"), review)
    await settled_month(whole, "2026-02")
    await settled_month(whole, "2026-03")
    await whole.retract(review.activity_id)
    await settled_month(whole, "2026-02", correction_reason="a deleted answer")
    entries = (await history(whole)).entries
    found = [
        (each.settlement_month.month, each.run, each.score.value, each.score.correction_reason)
        for each in entries
    ]
    assert found == [(3, 1, 4, ""), (2, 2, 2, "a deleted answer"), (2, 1, 4, "")]
    clock.set(instant("2026-03-11T12:00"))
    assert entries[0].score == (await whole.score(PUBLISHED)).score
    token, paged = "", []
    for _ in range(3):
        page = await history(whole, page_size=1, page_token=token)
        paged += page.entries
        token = page.next_page_token
    assert (paged, token) == (list(entries), "")
    assert not (await history(whole, member_id="nobody")).entries
    assert (await refusal(history(whole, page_token="x")))[1] == "PAGE_TOKEN_INVALID"


async def test_simulate_score_equals_what_really_comes(
    whole: Scoring, clock: SettableClock
) -> None:
    review = engagement("2026-02-02T10:00", "answer")
    bought = purchase("2026-02-01T10:00", line(900_00, quantity=3), order_id="o-1")
    await whole.recorded(review, bought)
    added = [
        purchase("2026-03-11T10:00", line(5000_00, category_id="books")),
        returned("2026-03-12T10:00", "o-1"),
    ]
    then = stamp(instant("2026-03-15T12:00"))
    supposed = {"activities": added, "retracted_activity_ids": [review.activity_id]}
    answer = await simulate(whole, as_of_time=then, **supposed)
    assert answer.present == (await whole.score(as_of_time=then)).score
    assert (await whole.score()).score.value == 2 + 900 + 20
    clock.set(instant("2026-03-15T12:00"))
    await whole.recorded(*added)
    await whole.retract(review.activity_id)
    explained = await whole.explain(as_of_time=then)
    assert answer.simulated == explained.score
    assert answer.profile == explained.profile
    assert (answer.dimensions, answer.adjustments) == (explained.dimensions, explained.adjustments)


async def test_simulate_score_by_a_draft_of_the_program(whole: Scoring) -> None:
    await whole.recorded(engagement("2026-02-02T10:00", "answer"))
    text = program_text()
    draft = text.replace("answer", "reply_given")
    sung = engagement("2026-02-03T10:00", "reply_given")
    answer = await simulate(whole, draft_source=draft, activities=[sung])
    assert (answer.present.value, answer.simulated.value) == (2, 2)
    assert answer.simulated.program_revision != answer.present.program_revision
    only_draft = text.replace("jingxiang", "other")
    answer = await simulate(whole, draft_source=only_draft, model_id="other")
    assert not answer.HasField("present")
    for wrong in ("scoring: 7", text.replace("program_id: jd", "program_id: other")):
        assert (await refusal(simulate(whole, draft_source=wrong)))[1] == "PROGRAM_INVALID"
    missing = simulate(whole, draft_source=only_draft)
    assert await refusal(missing) == ("NOT_FOUND", "MODEL_NOT_FOUND")


async def test_simulate_score_refuses_what_could_not_come(whole: Scoring) -> None:
    bought = purchase("2026-02-01T10:00", line(100_00), order_id="o-1")
    back = returned("2026-02-02T10:00", "o-1")
    await whole.recorded(bought, back)
    wrong: dict[str, dict[str, Any]] = {
        "NOT_IN_VOCABULARY": {"activities": [engagement("2026-03-02T10:00", "sing")]},
        "RETURN_EXCEEDS_PURCHASE": {"activities": [returned("2026-02-02T10:00", "o-1")]},
        "AMOUNT_NEGATIVE": {"activities": [purchase("2026-03-02T10:00", line(-1))]},
        "PROGRAM_NOT_FOUND": {"program_id": "x"},
        "ACTIVITY_NOT_FOUND": {"retracted_activity_ids": ["x"]},
        "ACTIVITY_IN_USE": {"retracted_activity_ids": [bought.activity_id]},
        "MODEL_NOT_FOUND": {"model_id": "x"},
        "REQUEST_INVALID": {"activities": [engagement("2026-03-02T10:00", "a", member_id="x")]},
    }
    for reason, fields in wrong.items():
        assert (await refusal(simulate(whole, **fields)))[1] == reason, reason


async def test_forecast_score_says_when_what_rolls_off(whole: Scoring) -> None:
    bought = purchase("2025-03-20T10:00", line(300_00))
    today = engagement("2026-03-10T10:00", "answer")
    await whole.recorded(bought, today, profile("2025-03-01T10:00", "wechat"))
    answer = await forecast(whole)
    assert answer.score == (await whole.score()).score
    steps = [(each.date.month, each.date.day, each.value) for each in answer.steps]
    assert steps == [(3, 11, 342), (3, 21, 42)]
    last = answer.steps[-1]
    assert last.level.level_id == "L1"
    assert {each.activity_id for each in last.rolled_off} == {bought.activity_id}
    assert len((await forecast(whole, days=1)).steps) == 1
    for field in ("program_id", "model_id"):
        assert (await refusal(forecast(whole, **{field: "x"})))[0] == "NOT_FOUND"
    assert (await refusal(forecast(whole, days=401)))[1] == "REQUEST_INVALID"
