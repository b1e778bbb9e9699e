"""Activities through the door: what each pays, what it is refused for, and what scoring is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.type.date_pb2 import Date
from laurel.benefits.v1 import activities_pb2 as facts
from laurel.benefits.v1 import engagement_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PROGRAM,
    Standing,
    World,
    benefits_world,
    instant,
    refusal_of,
)
from tests.support.benefits_engagement import (
    act,
    approval,
    codes,
    login,
    ordered,
    preview,
    reason_in,
    recorded,
    review,
    send,
)
from tests.support.databases import DatabaseOf
from tests.support.programs import program_text

DAY = timedelta(days=1)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)


async def test_record_activities_pays_a_login_once_a_day_and_tells_of_every_one(
    world: World,
) -> None:
    first, second = await recorded(world, login(world), login(world))
    assert (first.points, first.state) == (1, pb.REWARD_STATE_POSTED)
    assert first.decision.value.points == 1
    assert first.fact_state == second.fact_state == pb.FACT_STATE_TOLD
    assert codes(second.decision) == ["QUOTA_USED"]
    (reason,) = second.decision.reasons
    assert (reason.subject, reason.actual) == ("login", 1)
    assert second.decision.quota.remaining == 0
    assert reason.available_from == second.decision.quota.reset_time
    assert world.ledger.amounts == {"activity": 1}
    assert [fact.engagement.kind for fact in world.scoring.facts.values()] == ["login"] * 2
    world.clock.set(world.clock.now() + DAY)
    assert (await recorded(world, login(world)))[0].points == 1


async def test_record_activities_posts_with_what_it_is_for(world: World) -> None:
    activity = login(world)
    (stored,) = await recorded(world, activity)
    ((request_id, draft),) = world.ledger.posted.items()
    assert stored.commit_token == f"token-{request_id}"
    assert (draft.earn.asset_id, draft.earn.funding_account_id) == ("bean", "platform")
    assert draft.effective_time == activity.activity_time
    assert dict(draft.labels) == {"kind": "activity", "source_id": activity.activity_id}
    assert draft.program_revision == stored.decision.program_revision


async def test_record_activities_pays_one_answer_to_a_question(world: World) -> None:
    def answer(subject_id: str) -> facts.Activity:
        return act(world, action=facts.Action(kind="answer", subject_id=subject_id))

    paid = await recorded(world, answer("q-1"), answer("q-1"), answer("q-2"))
    assert [each.points for each in paid] == [2, 0, 2]
    assert codes(paid[1].decision) == ["REPEATED"]


async def test_record_activities_pays_a_birthday_once_a_year(world: World) -> None:
    def birthday(day: int) -> facts.Activity:
        born = Date(year=1990, month=3, day=day)
        return act(world, action=facts.Action(kind="birthday", birth_date=born))

    wrong, right, again = await recorded(world, birthday(11), birthday(10), birthday(10))
    assert codes(wrong.decision) == ["OUTSIDE_WINDOW"]
    assert (right.points, codes(again.decision)) == (100, ["QUOTA_USED"])


async def test_record_activities_pays_a_review_of_an_own_purchase_o8(world: World) -> None:
    order, foreign = await ordered(world), await ordered(world, member_id="m-2")
    paid, refused = await recorded(world, review(world, order), review(world, foreign))
    assert (paid.points, paid.state) == (20, pb.REWARD_STATE_POSTED)
    assert codes(refused.decision) == ["NOT_PURCHASED"]
    assert refused.fact_state == pb.FACT_STATE_WITHHELD
    told = list(world.scoring.facts.values())[-1].engagement
    assert (told.kind, told.order_id) == ("review", order.draft.order_id)
    assert told.subject_id == order.draft.lines[0].sku_id


async def test_record_activities_asks_twenty_yuan_of_a_piece_after_discounts_o8(
    world: World,
) -> None:
    cheap, dear = await ordered(world, "19.99"), await ordered(world, "20.00")
    pair = await ordered(world, "39.98", quantity=2)
    sent = [review(world, order) for order in (cheap, dear, pair)]
    paid = await recorded(world, *sent)
    assert [each.points for each in paid] == [0, 20, 0]
    (reason,) = paid[0].decision.reasons
    assert (reason.required, reason.actual, reason.missing) == (2000, 1999, 1)
    assert codes(paid[2].decision) == ["ITEM_TOO_CHEAP"]
    assert {each.fact_state for each in paid} == {pb.FACT_STATE_TOLD}


async def test_record_activities_pays_reviews_for_sixty_days(world: World) -> None:
    order = await ordered(world)
    world.clock.set(world.clock.now() + 61 * DAY)
    assert codes((await recorded(world, review(world, order)))[0].decision) == ["OUTSIDE_WINDOW"]
    world.clock.set(world.clock.now() - DAY)
    assert (await recorded(world, review(world, order)))[0].points == 20


async def test_record_activities_pays_no_unqualified_review_o37(world: World) -> None:
    order = await ordered(world)
    just = {"copied_bps": 8000, "overlap_bps": 6000, "report_count": 4, "characters": 10}
    beyond: tuple[dict[str, Any], ...] = (
        {"copied_bps": 8001},
        {"overlap_bps": 6001},
        {"report_count": 5},
        {"punctuation_stuffed": True},
        {"characters": 9},
    )
    bad = [review(world, order, **(just | quality)) for quality in beyond]
    *refused, paid = await recorded(world, *bad, review(world, order, **just))
    assert [codes(each.decision) for each in refused] == [["UNQUALIFIED"]] * 5
    assert {each.fact_state for each in refused} == {pb.FACT_STATE_TOLD}
    assert paid.points == 20


async def test_record_activities_pays_no_review_for_a_year_after_six_bad_ones_o37(
    world: World,
) -> None:
    order = await ordered(world)
    bad = [review(world, order, copied_bps=8001) for _ in range(5)]
    *_, paid = await recorded(world, *bad, review(world, order))
    assert paid.points == 20
    other = await ordered(world)
    _, stopped = await recorded(world, review(world, order, copied_bps=8001), review(world, other))
    assert [each.subject for each in stopped.decision.reasons] == ["reviews"]
    (reason,) = stopped.decision.reasons
    year_later = reason.available_from.ToDatetime(world.clock.now().tzinfo)
    world.clock.set(year_later - DAY / 24)
    assert codes((await recorded(world, review(world, await ordered(world))))[0].decision) == [
        "UNQUALIFIED"
    ]
    world.clock.set(year_later)
    assert (await recorded(world, review(world, await ordered(world))))[0].points == 20


async def test_record_activities_pays_an_article_once_in_fifteen_days_o38(world: World) -> None:
    first = await ordered(world, sku_id="book")
    assert (await recorded(world, review(world, first)))[0].points == 20
    world.clock.set(world.clock.now() + 15 * DAY)
    second = await ordered(world, sku_id="book")
    again, close = await recorded(world, review(world, first), review(world, second))
    assert codes(again.decision) == codes(close.decision) == ["REPEATED"]
    world.clock.set(world.clock.now() + DAY)
    third = await ordered(world, sku_id="book")
    assert (await recorded(world, review(world, third)))[0].points == 20


async def test_record_activities_pays_photos_by_distinct_approvals_o4(world: World) -> None:
    world.scoring.standings |= {f"u-{place}": Standing(score=201) for place in range(7)}
    shown = review(world, await ordered(world), photos=True)
    (posted,) = await recorded(world, shown)
    assert posted.points == 10
    votes = [approval(world, shown, f"u-{place}") for place in range(7)]
    paid = await recorded(
        world, *votes, approval(world, shown, MEMBER), approval(world, shown, "u-1")
    )
    assert [each.points for each in paid] == [2] * 7 + [0, 0]
    assert [codes(each.decision) for each in paid[7:]] == [["SELF_DEALING"], ["REPEATED"]]
    assert world.ledger.amounts["activity"] == 24


async def test_record_activities_counts_approvals_of_bronze_members_d9(world: World) -> None:
    world.scoring.standings |= {"low": Standing(score=200), "high": Standing(score=201)}
    shown = review(world, await ordered(world), photos=True)
    await recorded(world, shown)
    low, high = await recorded(world, approval(world, shown, "low"), approval(world, shown, "high"))
    assert codes(low.decision) == ["SCORE_TOO_LOW"]
    assert (low.points, high.points) == (0, 2)
    told = list(world.scoring.facts.values())[-1].approval
    assert (told.review_id, told.approver_member_id) == (shown.activity_id, "high")


async def test_record_activities_needs_scoring_to_know_an_approver(world: World) -> None:
    shown = review(world, await ordered(world), photos=True)
    await recorded(world, shown)
    world.scoring.away = True
    before = await world.rows()
    assert (await refusal(send(world, approval(world, shown, "u"))))[1] == "DEPENDENCY_DOWN"
    assert await world.rows() == before


async def test_record_activities_keeps_the_cap_of_a_line_o5(world: World) -> None:
    full, nearly = await ordered(world, "1000.00"), await ordered(world, "990.00")
    none, part = await recorded(world, review(world, full), review(world, nearly))
    assert (none.decision.allowed, none.points) == (False, 0)
    assert (part.decision.allowed, part.points) == (True, 10)
    assert codes(none.decision) == codes(part.decision) == ["ITEM_CAP"]


def referral(world: World, referred: str, **marks: list[str]) -> facts.Activity:
    return act(world, referral=facts.Referral(referred_member_id=referred, **marks))


async def test_record_activities_pays_who_brings_another_once(world: World) -> None:
    await ordered(world, member_id="new")
    paid, again = await recorded(world, referral(world, "new"), referral(world, "new"))
    assert (paid.points, codes(again.decision)) == (500, ["REPEATED"])
    rival = await send(world, referral(world, "new"), member_id="rival")
    assert codes(rival.results[0].recorded.decision) == ["REPEATED"]


async def test_record_activities_pays_nobody_for_bringing_himself(world: World) -> None:
    for member_id in (MEMBER, "new"):
        await ordered(world, member_id=member_id)
    same = {"referrer_marks": ["phone-1", "card"], "referred_marks": ["phone-2", "card"]}
    himself, shared = await recorded(world, referral(world, MEMBER), referral(world, "new", **same))
    assert codes(himself.decision) == codes(shared.decision) == ["SELF_DEALING"]
    assert (await recorded(world, referral(world, "new")))[0].points == 500
    back = (await send(world, referral(world, MEMBER), member_id="new")).results[0].recorded
    assert codes(back.decision) == ["SELF_DEALING"]


async def test_record_activities_pays_for_bringing_a_buyer_only(world: World) -> None:
    (stored,) = await recorded(world, referral(world, "looker"))
    (reason,) = stored.decision.reasons
    assert (reason.subject, reason.required, reason.actual) == ("referred_member", 2000, 0)


async def test_record_activities_pays_a_blocked_member_nothing_and_scoring_is_told_o55(
    world: World,
) -> None:
    await world.judge("BLOCKED")
    (stored,) = await recorded(world, login(world))
    assert codes(stored.decision) == ["RISK_BLOCKED"]
    assert (stored.state, world.ledger.posted) == (pb.REWARD_STATE_UNSPECIFIED, {})
    assert len(world.scoring.facts) == 1


async def test_record_activities_again_answers_the_same_and_pays_once(world: World) -> None:
    activity = login(world)
    first = await send(world, activity, request_id="again")
    world.clock.set(world.clock.now() + DAY)
    again = await send(world, activity, request_id="again")
    assert again.replayed
    assert again.results == first.results
    other = (await send(world, activity)).results[0].recorded
    assert other.replayed
    assert world.ledger.amounts == {"activity": 1}


async def test_record_activities_refuses_each_by_itself(world: World) -> None:
    known = login(world)
    await send(world, known)
    changed = act(world, activity_id=known.activity_id, action=facts.Action(kind="share"))
    late = login(world, activity_time=instant(world.clock.now() + DAY))
    sent = [
        changed,
        act(world, action=facts.Action(kind="dance")),
        approval(world, known, "u"),
        act(world, deletion=facts.ReviewDeletion(review_id="none")),
        late,
        act(world, action=facts.Action(kind="share")),
    ]
    response = await send(world, *sent, request_id="mixed")
    assert [reason_in(each) for each in response.results[:-1]] == [
        "ACTIVITY_NAME_TAKEN",
        "ACTIVITY_KIND_UNKNOWN",
        "REVIEW_NOT_FOUND",
        "REVIEW_NOT_FOUND",
        "TIME_IN_FUTURE",
    ]
    assert response.results[-1].recorded.points == 1
    assert (await send(world, *sent, request_id="mixed")).results == response.results


async def test_record_activities_is_finished_by_a_repeat_when_the_ledger_was_away(
    world: World,
) -> None:
    for paid, trouble in enumerate(("away", "loses_answers"), start=1):
        world.clock.set(world.clock.now() + DAY)
        activity = login(world)
        setattr(world.ledger, trouble, True)
        assert (await refusal(send(world, activity, request_id=trouble)))[1] == "DEPENDENCY_DOWN"
        setattr(world.ledger, trouble, False)
        again = await send(world, activity, request_id=trouble)
        assert again.results[0].recorded.state == pb.REWARD_STATE_POSTED
        assert world.ledger.amounts == {"activity": paid}


async def test_record_activities_pays_while_scoring_is_away_and_tells_later_in_order(
    world: World,
) -> None:
    world.scoring.away = True
    sent = [login(world), act(world, action=facts.Action(kind="share"))]
    stored = await recorded(world, *sent)
    assert [each.fact_state for each in stored] == [pb.FACT_STATE_PENDING] * 2
    assert world.ledger.amounts == {"activity": 2}
    world.scoring.away = False
    last = login(world)
    await recorded(world, last)
    assert list(world.scoring.facts) == [each.activity_id for each in (*sent, last)]


async def test_a_reward_the_ledger_refuses_gives_its_limits_back(world: World) -> None:
    world.ledger.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "ACCOUNT_SUSPENDED")
    await ordered(world, member_id="new")
    lost = await recorded(world, login(world), referral(world, "new"))
    assert [(each.points, each.state, each.refusal) for each in lost] == [
        (0, pb.REWARD_STATE_REFUSED, "ACCOUNT_SUSPENDED")
    ] * 2
    world.ledger.refusal = None
    paid = await recorded(world, login(world), referral(world, "new"))
    assert [each.points for each in paid] == [1, 500]


async def test_record_activities_of_a_fact_scoring_refuses_says_so(world: World) -> None:
    world.scoring.item_refusal = "NOT_IN_VOCABULARY"
    (stored,) = await recorded(world, login(world))
    assert (stored.fact_state, stored.points) == (pb.FACT_STATE_REFUSED, 1)


async def test_record_activities_that_can_never_be_right_leaves_no_row(world: World) -> None:
    before = await world.rows()
    for options, reason in (
        ({"program_id": "unknown"}, "PROGRAM_NOT_FOUND"),
        ({"request_id": ""}, "REQUEST_INVALID"),
        ({"member_id": "no spaces"}, "REQUEST_INVALID"),
    ):
        assert (await refusal(send(world, login(world), **options)))[1] == reason
    assert await world.rows() == before


async def test_record_activities_of_a_program_that_pays_for_none_is_refused(world: World) -> None:
    text = program_text()
    start, end = text.index("  # D1, D7 to D9"), text.index("  merchants:\n")
    await world.apply(text[:start] + text[end:], effective_time=world.clock.now())
    code, reason, metadata = await refusal(send(world, login(world)))
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "ACTIVITIES_NOT_SERVED")
    assert metadata == {"program_id": PROGRAM}


async def test_preview_reward_says_what_every_activity_would_pay_and_stores_nothing(
    world: World,
) -> None:
    world.scoring.standings["u"] = Standing(score=201)
    order = await ordered(world)
    shown = review(world, order, photos=True)
    await recorded(world, shown)
    await ordered(world, member_id="new")
    deletion = facts.ReviewDeletion(review_id=shown.activity_id)
    asked = {
        1: login(world),
        20: review(world, order),
        2: approval(world, shown, "u"),
        500: referral(world, "new"),
        0: act(world, deletion=deletion),
    }
    await preview(world, asked[2])  # The approver's standing is kept.
    before = await world.rows()
    for points, activity in asked.items():
        decision = await preview(world, activity)
        assert decision.allowed
        assert decision.value.points == points
    refused = await preview(world, review(world, order, line_id="other"))
    assert codes(refused) == ["NOT_PURCHASED"]
    assert await world.rows() == before
    unknown = act(world, action=facts.Action(kind="dance"))
    assert (await refusal(preview(world, unknown)))[1] == "ACTIVITY_KIND_UNKNOWN"
