"""RetractActivity, GetActivity, ListActivities and StreamActivities through a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
import pytest
from laurel.scoring.v1 import activities_pb2 as pb
from laurel_kit.clock import SettableClock
from laurel_scoring.handlers.activities import RecordActivities, stream_activities
from laurel_scoring.service import resources_of
from laurel_scoring.wire.activities import read_record_activities

from tests.support.databases import DatabaseOf
from tests.support.scoring import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    PUBLISHED,
    Scoring,
    credit,
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


async def worth(whole: Scoring, **fields: Any) -> int:
    """The live score."""
    return int((await whole.score(**fields)).score.value)


async def record_of(whole: Scoring, activity_id: str) -> pb.ActivityRecord:
    request = pb.GetActivityRequest(program_id=PROGRAM, member_id=MEMBER, activity_id=activity_id)
    answer = await whole.activities.GetActivity(request, timeout=PATIENCE)
    return answer.record


async def listed(whole: Scoring, **fields: Any) -> pb.ListActivitiesResponse:
    request = pb.ListActivitiesRequest(program_id=PROGRAM, member_id=MEMBER, **fields)
    return await whole.activities.ListActivities(request, timeout=PATIENCE)


async def test_retract_activity_lowers_the_live_score(whole: Scoring) -> None:
    review = engagement("2026-03-02T10:00", "answer")
    await whole.recorded(engagement("2026-03-01T10:00", "answer"), review)
    assert await worth(whole) == 4
    answer = await whole.retract(review.activity_id, reason="answer_deleted")
    assert answer.retraction.activity_id == review.activity_id
    assert (answer.retraction.reason, answer.replayed) == ("answer_deleted", False)
    assert await worth(whole) == 2
    assert await worth(whole, as_of_time=stamp(instant("2026-03-09T10:00"))) == 2


async def test_retract_activity_repeated_takes_back_once(
    whole: Scoring, clock: SettableClock
) -> None:
    review = engagement("2026-03-02T10:00", "answer")
    await whole.recorded(review)
    first = await whole.retract(review.activity_id, request_id="t")
    clock.set(instant("2026-03-12T12:00"))
    again = await whole.retract(review.activity_id, request_id="t")
    assert (again.replayed, again.retraction) == (True, first.retraction)
    other = whole.retract(review.activity_id, request_id="t", reason="other")
    assert await refusal(other) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    later = whole.retract(review.activity_id)
    assert await refusal(later) == ("FAILED_PRECONDITION", "ACTIVITY_RETRACTED")


async def test_retract_activity_at_the_same_time_takes_back_once(whole: Scoring) -> None:
    review = engagement("2026-03-02T10:00", "answer")
    await whole.recorded(review)
    same = await asyncio.gather(
        *(whole.retract(review.activity_id, request_id="t") for _ in range(5))
    )
    assert sorted(answer.replayed for answer in same) == [False, True, True, True, True]


async def test_retract_activity_keeps_the_name_in_use(whole: Scoring) -> None:
    """A late repeat of the fact brings nothing back."""
    review = engagement("2026-03-02T10:00", "answer")
    await whole.recorded(review)
    await whole.retract(review.activity_id)
    (late,) = await whole.record(review)
    assert late.recorded.replayed
    assert await worth(whole) == 0
    review.engagement.kind = "share"
    (other,) = await whole.record(review)
    assert reason_of(other.error) == "ACTIVITY_ID_REUSED"


async def test_retract_activity_refuses_what_is_not_there(whole: Scoring) -> None:
    not_found = await refusal(whole.retract("unknown"))
    assert not_found == ("NOT_FOUND", "ACTIVITY_NOT_FOUND")
    review = engagement("2026-03-02T10:00", "answer")
    await whole.recorded(review)
    for field in ("program_id", "member_id"):
        call = whole.retract(review.activity_id, **{field: "x"})
        reason = "PROGRAM_NOT_FOUND" if field == "program_id" else "ACTIVITY_NOT_FOUND"
        assert await refusal(call) == ("NOT_FOUND", reason)
    answer = await whole.score(member_id="x")
    assert answer.score.value == 0


async def test_retract_activity_of_a_purchase_waits_for_its_returns(whole: Scoring) -> None:
    bought = purchase("2026-03-01T10:00", line(500_00, quantity=2), order_id="o-1")
    back = returned("2026-03-02T10:00", "o-1")
    await whole.recorded(bought, back)
    call = whole.retract(bought.activity_id)
    assert await refusal(call) == ("FAILED_PRECONDITION", "ACTIVITY_IN_USE")
    await whole.retract(back.activity_id)
    await whole.retract(bought.activity_id)
    assert await worth(whole) == 0
    # The lines are free again.
    await whole.recorded(purchase("2026-03-01T10:00", line(100_00), order_id="o-1"))
    assert await worth(whole) == 100 + 20


async def test_retract_activity_corrects_a_purchase_with_its_returns(whole: Scoring) -> None:
    bought = purchase("2026-03-01T10:00", line(500_00, quantity=2), order_id="o-1")
    await whole.recorded(bought, returned("2026-03-02T10:00", "o-1"))
    assert await worth(whole) == 250 + 20
    late = purchase("2026-03-03T10:00", line(300_00, quantity=2), order_id="o-1")
    call = whole.retract(bought.activity_id, replacement=late)
    assert await refusal(call) == ("FAILED_PRECONDITION", "ACTIVITY_IN_USE")
    right = purchase("2026-03-01T10:00", line(300_00, quantity=2), order_id="o-1")
    answer = await whole.retract(bought.activity_id, replacement=right)
    assert answer.retraction.replacement_id == right.activity_id
    assert await worth(whole) == 150 + 20


async def test_retract_activity_takes_nothing_back_when_the_replacement_is_refused(
    whole: Scoring,
) -> None:
    review = engagement("2026-03-02T10:00", "answer")
    await whole.recorded(review)
    wrong = {
        "NOT_IN_VOCABULARY": engagement("2026-03-02T10:00", "sing"),
        "TIME_IN_FUTURE": engagement("2026-03-12T10:00", "answer"),
        "RETURN_NOT_BOUGHT": returned("2026-03-02T10:00", "o-9"),
        "AMOUNT_NEGATIVE": purchase("2026-03-02T10:00", line(-1)),
    }
    for reason, replacement in wrong.items():
        call = whole.retract(review.activity_id, replacement=replacement)
        assert (await refusal(call))[1] == reason
    assert not (await record_of(whole, review.activity_id)).HasField("retraction")
    of_another = engagement("2026-03-02T10:00", "answer", member_id="m-2")
    for replacement in (of_another, review):
        call = whole.retract(review.activity_id, replacement=replacement)
        assert await refusal(call) == ("INVALID_ARGUMENT", "REQUEST_INVALID")


async def test_retract_activity_leaves_what_was_published(
    whole: Scoring, clock: SettableClock
) -> None:
    review = engagement("2026-02-02T10:00", "answer")
    await whole.recorded(engagement("2026-02-01T10:00", "answer"), review)
    await settled_month(whole, "2026-03")
    published = (await whole.score(PUBLISHED)).score
    clock.set(instant("2026-03-11T12:00"))
    await whole.retract(review.activity_id)
    assert (await whole.score(PUBLISHED)).score == published
    explained = await whole.explain(PUBLISHED)
    assert [each.activity_id for each in explained.contributions][-1] == review.activity_id
    assert await worth(whole) == 2
    await settled_month(whole, "2026-03", correction_reason="a deleted answer")
    assert (await whole.score(PUBLISHED)).score.value == 2


async def test_get_activity_answers_what_was_reported(whole: Scoring) -> None:
    online = pb.Payment(payment_method="online", amount=line(125_00).paid)
    bought = purchase(
        "2026-03-01T10:00",
        line(124_99, sku_id="s", category_id="c", shop_id="h", goods_class="physical"),
        line(1, line_id="2", quantity=3),
        order_id="o-1",
    )
    bought.purchase.payments.append(online)
    facts = [
        bought,
        returned("2026-03-02T10:00", "o-1"),
        engagement("2026-03-02T11:00", "answer"),
        profile("2026-03-02T12:00", "wechat", is_set=False),
        credit("2026-03-02T12:00", credit_score=0),
    ]
    await whole.recorded(*facts)
    for fact in facts:
        record = await record_of(whole, fact.activity_id)
        assert record.activity == fact
        assert not record.HasField("retraction")
    answer = await whole.retract(facts[2].activity_id)
    assert (await record_of(whole, facts[2].activity_id)).retraction == answer.retraction
    assert await refusal(record_of(whole, "x")) == ("NOT_FOUND", "ACTIVITY_NOT_FOUND")


async def test_list_activities_gives_the_latest_first(whole: Scoring) -> None:
    facts = [engagement(f"2026-03-0{day}T10:00", "answer") for day in (3, 1, 2, 2, 5)]
    await whole.recorded(*facts, profile("2026-03-04T10:00", "wechat"))
    await whole.recorded(engagement("2026-03-04T10:00", "answer", member_id="m-2"))
    await whole.retract(facts[4].activity_id)
    answers = (pb.ACTIVITY_KIND_ENGAGEMENT,)

    async def names(**fields: Any) -> list[int]:
        """Which of the facts are on all pages, each by its place above."""
        token, found = "", list[str]()
        while True:
            page = await listed(whole, kinds=answers, page_size=2, page_token=token, **fields)
            found += [each.activity.activity_id for each in page.records]
            token = page.next_page_token
            if not token:
                return [[fact.activity_id for fact in facts].index(name) for name in found]

    assert await names() == [0, 3, 2, 1]
    assert await names(include_retracted=True) == [4, 0, 3, 2, 1]
    first, end = stamp(instant("2026-03-02T10:00")), stamp(instant("2026-03-03T10:00"))
    assert await names(start_time=first) == [0, 3, 2]
    assert await names(start_time=first, end_time=end) == [3, 2]
    assert len((await listed(whole)).records) == 5
    assert not (await listed(whole, kinds=[pb.ACTIVITY_KIND_PURCHASE])).records
    forged = listed(whole, page_token="x")
    assert await refusal(forged) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")


def message(*facts: pb.Activity, program_id: str = PROGRAM) -> pb.StreamActivitiesRequest:
    return pb.StreamActivitiesRequest(program_id=program_id, activities=facts)


async def test_stream_activities_acknowledges_each_message_in_order(whole: Scoring) -> None:
    back = returned("2026-03-02T10:00", "o-1")
    bought = purchase("2026-03-01T10:00", line(500_00), order_id="o-1")
    call = whole.activities.StreamActivities(
        iter([message(back), message(bought, bought), message(back)]), timeout=PATIENCE
    )
    acks = [ack async for ack in call]
    assert [ack.messages_done for ack in acks] == [1, 2, 3]
    assert [ack.activities_recorded for ack in acks] == [0, 2, 3]
    assert [ack.activities_refused for ack in acks] == [1, 1, 1]
    assert reason_of(acks[0].results[0].error) == "RETURN_NOT_BOUGHT"
    assert [each.recorded.replayed for each in acks[1].results] == [False, True]
    assert await worth(whole) == 0


async def test_stream_activities_reads_no_further_than_it_has_recorded(whole: Scoring) -> None:
    """A caller that sends faster is held up by the transport: one message is in memory."""
    read = 0

    async def endless() -> AsyncIterator[RecordActivities]:
        nonlocal read
        while True:
            read += 1
            yield read_record_activities(message(engagement("2026-03-01T10:00", "answer")))

    resources = resources_of(whole.served.running.foundation)
    async with aclosing(stream_activities(endless(), resources=resources)) as acknowledgements:
        async for each in acknowledgements:
            assert each.done == each.recorded == read
            if read == 3:
                break
    assert (read, await worth(whole)) == (3, 6)


async def test_stream_activities_ends_at_a_message_that_breaks_the_contract(
    whole: Scoring,
) -> None:
    right, wrong = engagement("2026-03-01T10:00", "answer"), pb.Activity()
    for bad, reason in (
        (message(wrong), "REQUEST_INVALID"),
        (message(right, program_id="unknown"), "PROGRAM_NOT_FOUND"),
    ):
        call = whole.activities.StreamActivities(iter([message(right), bad]), timeout=PATIENCE)
        assert (await call.read()).activities_recorded == 1
        assert (await refusal(call.read()))[1] == reason
    assert await worth(whole) == 2


async def test_stream_activities_needs_a_deadline(whole: Scoring) -> None:
    call = whole.activities.StreamActivities(iter([]))
    assert await refusal(call.read()) == ("INVALID_ARGUMENT", "DEADLINE_REQUIRED")
    nothing = whole.activities.StreamActivities(iter([]), timeout=PATIENCE)
    assert await nothing.read() == grpc.aio.EOF
