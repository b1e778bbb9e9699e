"""GetDistribution and ListLeaderboard through a server."""

from __future__ import annotations

from typing import Any

import pytest
from laurel.scoring.v1 import insight_pb2 as pb
from laurel.scoring.v1 import insight_pb2_grpc
from laurel_kit.clock import SettableClock

from tests.support.databases import DatabaseOf
from tests.support.scoring import (
    MODEL,
    PATIENCE,
    PROGRAM,
    Scoring,
    line,
    month,
    purchase,
    refusal,
    scoring,
    settled_month,
)

KEY = {"program_id": PROGRAM, "model_id": MODEL}
YUAN = {"m-1": 6000, "m-2": 300, "m-3": 300, "m-4": 11000}


@pytest.fixture
async def whole(database_of: DatabaseOf, clock: SettableClock) -> Any:
    async with scoring(database_of, clock, leaderboard_size=3) as served:
        yield served


def stub(whole: Scoring) -> Any:
    return insight_pb2_grpc.InsightServiceStub(whole.served.channel)


async def distribution(whole: Scoring, **fields: Any) -> pb.Distribution:
    request = pb.GetDistributionRequest(**{**KEY, **fields})
    return (await stub(whole).GetDistribution(request, timeout=PATIENCE)).distribution


async def leaderboard(whole: Scoring, **fields: Any) -> pb.ListLeaderboardResponse:
    request = pb.ListLeaderboardRequest(**{**KEY, **fields})
    return await stub(whole).ListLeaderboard(request, timeout=PATIENCE)


async def bought(whole: Scoring, yuan: dict[str, int] = YUAN) -> None:
    orders = (
        purchase("2026-02-01T10:00", line(each * 100), member_id=member_id)
        for member_id, each in yuan.items()
    )
    await whole.recorded(*orders)


async def test_get_distribution_is_the_pyramid_of_a_settlement(whole: Scoring) -> None:
    await bought(whole)
    await settled_month(whole, "2026-03")
    found = await distribution(whole)
    assert (found.members, found.run, found.settlement_month.month) == (4, 1, 3)
    assert [
        (each.level.level_id, each.members, each.share_bps, each.members_holding)
        for each in found.levels
    ] == [
        ("L1", 0, 0, 0),
        ("L2", 2, 5000, 2),
        ("L3", 1, 2500, 1),
        ("L4", 1, 2500, 1),
        ("L5", 0, 0, 0),
    ]
    assert [each.percent for each in found.percentiles] == list(range(101))
    assert [found.percentiles[percent].value for percent in (0, 50, 51, 75, 76, 100)] == [
        320, 320, 6020, 6020, 11020, 11020,
    ]  # fmt: skip
    assert found.value_total == 320 + 320 + 6020 + 11020


async def test_get_distribution_of_a_corrected_month_is_of_its_last_run(whole: Scoring) -> None:
    await bought(whole)
    await settled_month(whole, "2026-03")
    await bought(whole, {"m-2": 6000})
    await settled_month(whole, "2026-03", "late orders")
    found = await distribution(whole, settlement_month=month("2026-03"))
    assert (found.run, found.members) == (2, 4)
    assert [each.members for each in found.levels] == [0, 1, 2, 1, 0]


async def test_get_distribution_asks_for_a_published_settlement(whole: Scoring) -> None:
    missing = ("NOT_FOUND", "SETTLEMENT_NOT_FOUND")
    assert await refusal(distribution(whole)) == missing
    assert await refusal(distribution(whole, model_id="x")) == ("NOT_FOUND", "MODEL_NOT_FOUND")
    assert await refusal(distribution(whole, program_id="x")) == ("NOT_FOUND", "PROGRAM_NOT_FOUND")
    await settled_month(whole, "2026-03")
    assert (await distribution(whole)).members == 0
    assert list((await distribution(whole)).percentiles) == []
    assert await refusal(distribution(whole, settlement_month=month("2026-02"))) == missing


async def test_list_leaderboard_names_the_highest_scores_page_by_page(whole: Scoring) -> None:
    await bought(whole)
    await settled_month(whole, "2026-03")
    first = await leaderboard(whole, page_size=2)
    assert [(each.place, each.member_id, each.value) for each in first.entries] == [
        (1, "m-4", 11020),
        (2, "m-1", 6020),
    ]
    assert first.entries[0].level.level_id == "L4"
    # A settlement between two pages changes nothing for who is reading.
    await bought(whole, {"m-3": 50_000})
    await settled_month(whole, "2026-03", "late orders")
    rest = await leaderboard(whole, page_size=2, page_token=first.next_page_token)
    assert [(each.place, each.member_id) for each in rest.entries] == [(3, "m-2")]
    assert (rest.run, rest.next_page_token) == (1, "")
    assert [each.member_id for each in (await leaderboard(whole)).entries] == ["m-3", "m-4", "m-1"]


async def test_list_leaderboard_refuses_what_cannot_be(whole: Scoring) -> None:
    missing = ("NOT_FOUND", "SETTLEMENT_NOT_FOUND")
    assert await refusal(leaderboard(whole)) == missing
    invalid = ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
    assert await refusal(leaderboard(whole, page_token="x")) == invalid
