"""A product of factors through a server: published on its day, and explained to the point."""

from __future__ import annotations

from typing import Any

from laurel.scoring.v1 import activities_pb2, scores_pb2
from laurel_kit.clock import SettableClock

from tests.support.databases import DatabaseOf
from tests.support.programs import shipped_text
from tests.support.scoring import (
    LIVE,
    PUBLISHED,
    activity,
    credit,
    engagement,
    instant,
    line,
    purchase,
    returned,
    scoring,
    settled_month,
)

ASKED: dict[str, Any] = {"program_id": "taobao", "model_id": "taoqi"}


def spent() -> list[activities_pb2.Activity]:
    """36,000 yuan on six days of two months, in two shops."""
    days = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-02-01", "2026-02-02", "2026-02-03"]
    return [
        purchase(
            f"{day}T10:00",
            line(6_000_00, shop_id=f"s{place % 2}", category_id="c", goods_class="physical"),
            order_id=f"o-{place}",
        )
        for place, day in enumerate(days)
    ]


async def test_a_scaled_score_is_published_explained_and_simulated(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    clock.set(instant("2026-03-01T12:00"))
    async with scoring(database_of, clock, program=shipped_text("taobao")) as whole:
        facts = [
            *spent(),
            credit("2025-12-01T10:00", credit_score=610),
            engagement("2026-02-10T10:00", "answer"),
            engagement("2026-02-10T11:00", "follow_up_review"),
        ]
        results = await whole.record(*facts, program_id="taobao")
        assert all(each.HasField("recorded") for each in results)
        clock.set(instant("2026-03-08T12:00"))
        await settled_month(whole, "2026-03", **ASKED)
        published = (await whole.score(PUBLISHED, **ASKED)).score
        # 350 of 400; 600 × 350 / 400; (5 + 2 × 5 + 2) × 350 / 400 × (1 + 525 / 3,000).
        assert published.value == 350 + 525 + 17
        assert (published.level.level_id, published.settlement_date.day) == ("ordinary", 8)
        for basis in (LIVE, PUBLISHED):
            answer = await whole.explain(basis, **ASKED)
            assert answer.score.value == sum(x.counted_points for x in answer.contributions)
            assert [(x.points, x.base_points) for x in answer.dimensions] == [
                (350, 350),
                (525, 36_000_00),
                (17, 17),
            ]
            assert [
                (x.dimension_id, x.numerator, x.denominator) for x in answer.dimensions[2].factors
            ] == [("base", 350, 400), ("shopping", 3525, 3000)]
        back = returned("2026-03-08T11:00", "o-1")
        request = scores_pb2.SimulateScoreRequest(
            **ASKED,
            member_id=back.member_id,
            activities=[back],
            as_of_time=activity("2026-03-09T00:00").activity_time,
        )
        simulated = (await whole.scores.SimulateScore(request, timeout=30)).simulated
        await whole.record(back, program_id="taobao")
        clock.set(instant("2026-03-09T00:00"))
        assert (await whole.score(**ASKED)).score.value == simulated.value < published.value
        assert (await whole.score(PUBLISHED, **ASKED)).score == published
