"""GetScore and ExplainScore through a server."""

from __future__ import annotations

from laurel.scoring.v1 import scores_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.databases import DatabaseOf
from tests.support.scoring import (
    LIVE,
    PUBLISHED,
    Scoring,
    credit,
    engagement,
    instant,
    line,
    profile,
    purchase,
    refusal,
    returned,
    scoring,
    stamp,
)


async def test_get_score_values_what_was_recorded(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        await whole.recorded(
            purchase("2026-02-01T10:00", line(864050, category_id="books")),
            profile("2026-01-01T10:00", "real_name"),
            credit("2026-02-01T00:00", credit_score=85, credit_stars=5),
        )
        answer = await whole.score()
        score = answer.score
        assert (score.value, score.level.level_id) == (8640 + 10 + 20 + 100 + 85, "L3")
        assert (score.level.position, score.basis) == (3, LIVE)
        assert score.as_of_time == stamp(clock.now())
        assert (score.window_start_date.year, score.window_start_date.day) == (2025, 10)
        assert (score.window_end_date.month, score.window_end_date.day) == (3, 9)
        assert score.program_revision.startswith("sha256:")
        assert not score.HasField("settlement_date")
        assert list(answer.profile.attributes) == ["real_name"]
        assert (answer.profile.credit_score, answer.profile.credit_stars) == (85, 5)
        assert answer.profile.first_purchase_time == stamp(instant("2026-02-01T10:00"))


async def test_get_score_of_a_stranger_is_zero(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        answer = await whole.score(member_id="nobody")
        assert (answer.score.value, answer.score.level.level_id) == (0, "L1")
        assert answer.profile == pb.MemberProfile()


async def test_get_score_as_of_another_time(database_of: DatabaseOf, clock: SettableClock) -> None:
    async with scoring(database_of, clock) as whole:
        await whole.recorded(
            profile("2026-01-10T10:00", "wechat"),
            profile("2026-02-10T10:00", "wechat", is_set=False),
            engagement("2026-03-10T11:00", "answer"),
        )

        async def at(time: str) -> int:
            answer = await whole.score(as_of_time=stamp(instant(time)))
            return int(answer.score.value)

        assert [await at(f"2026-01-10T{hour}") for hour in ("09:59", "10:00")] == [0, 20]
        assert await at("2026-02-10T10:00") == 0
        assert [await at(f"2026-03-1{day}T23:59") for day in (0, 1)] == [0, 2]
        assert [await at(f"2027-03-1{day}T23:59") for day in (0, 1)] == [2, 0]


async def test_get_score_refuses_what_is_not_there(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        unknown = {"program_id": "unknown"}, {"model_id": "unknown"}
        for call in (whole.score, whole.explain):
            assert await refusal(call(**unknown[0])) == ("NOT_FOUND", "PROGRAM_NOT_FOUND")
            assert await refusal(call(**unknown[1])) == ("NOT_FOUND", "MODEL_NOT_FOUND")
            published = call(PUBLISHED)
            assert await refusal(published) == ("NOT_FOUND", "SCORE_NOT_PUBLISHED")
            assert await refusal(call(0)) == ("INVALID_ARGUMENT", "REQUEST_INVALID")
            assert await refusal(call(member_id="")) == ("INVALID_ARGUMENT", "REQUEST_INVALID")


async def pages(whole: Scoring, **fields: object) -> list[pb.ExplainScoreResponse]:
    """All pages of an explanation."""
    found = [await whole.explain(**fields)]
    while token := found[-1].next_page_token:
        found.append(await whole.explain(page_token=token, **fields))
    return found


async def record_a_life(whole: Scoring) -> None:
    await whole.recorded(
        purchase("2026-02-01T10:00", line(10050, category_id="books"), order_id="o-1"),
        purchase("2026-02-02T10:00", line(20050, category_id="pets"), order_id="o-2"),
        purchase("2026-02-03T10:00", line(30050, category_id="food"), order_id="o-3"),
        returned("2026-02-20T10:00", "o-2"),
        profile("2026-01-01T10:00", "real_name"),
        *(engagement("2026-02-05T10:00", "share") for _ in range(7)),
        credit("2026-03-01T00:00", credit_stars=1),
    )


async def test_explain_score_sums_exactly_over_all_pages(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        await record_a_life(whole)
        found = await pages(whole, page_size=4)
        parts = [each for page in found for each in page.contributions]
        assert [len(page.contributions) for page in found[:-1]] == [4] * (len(found) - 1)
        assert found[0].score.value == 200
        assert all(page.score == found[0].score for page in found)
        adjusted = sum(each.points for each in found[0].adjustments)
        assert sum(each.counted_points for each in parts) + adjusted == 200
        assert sum(each.points for each in found[0].dimensions) + adjusted == 200
        assert [each.dimension_id for each in found[0].dimensions] == [
            "spend",
            "activity",
            "account",
            "credit",
        ]
        assert parts == sorted(parts, key=lambda p: (p.activity_time.seconds, p.activity_id))
        shares = [each for each in parts if each.rule_id == "share"]
        assert [each.counted_points for each in shares] == [2, 2, 2, 2, 2, 0, 0]
        (cut,) = shares[-1].cuts
        assert (cut.kind, cut.limit, cut.points) == (pb.CUT_KIND_DAY_POINTS, 10, 2)
        assert (shares[0].roll_off_date.year, shares[0].roll_off_date.day) == (2027, 6)
        assert [each.counted_points for each in parts if each.rule_id == "paid"] == [
            100,
            200,
            300,
            -200,
        ]


async def test_explain_score_pages_see_the_facts_of_the_first_one(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        await record_a_life(whole)
        before = await pages(whole, page_size=1000)
        first = await whole.explain(page_size=4)
        await whole.recorded(engagement("2026-01-05T10:00", "answer"))
        clock.set(instant("2026-03-12T00:00"))
        second = await whole.explain(page_size=4, page_token=first.next_page_token)
        assert second.score == first.score == before[0].score
        seen = [*first.contributions, *second.contributions]
        assert seen == list(before[0].contributions)[:8]


async def test_explain_score_refuses_a_token_of_another_query(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        await record_a_life(whole)
        token = (await whole.explain(page_size=1)).next_page_token
        refused = "INVALID_ARGUMENT", "PAGE_TOKEN_INVALID"
        assert await refusal(whole.explain(member_id="m-2", page_token=token)) == refused
        assert await refusal(whole.explain(page_token=token[:-2])) == refused
        assert await refusal(whole.explain(page_token="x")) == refused


async def test_explain_score_of_the_past(database_of: DatabaseOf, clock: SettableClock) -> None:
    async with scoring(database_of, clock) as whole:
        await record_a_life(whole)
        found = await whole.explain(as_of_time=stamp(instant("2026-02-10T00:00")))
        assert (found.score.value, list(found.adjustments)) == (600 + 30 + 30 + 20 + 10 + 100, [])
        assert not found.profile.HasField("credit_stars")
