"""GetSegment, ListSegmentMembers and GetPreferences through a server, and the daily run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.type.date_pb2 import Date
from laurel.sandbox.v1 import clock_pb2, clock_pb2_grpc
from laurel.scoring.v1 import insight_pb2 as pb
from laurel.scoring.v1 import insight_pb2_grpc
from laurel_kit.clock import SettableClock
from laurel_scoring.handlers.daily_run import group_next
from laurel_scoring.service import resources_of
from sqlalchemy import text

from tests.support.databases import DatabaseOf
from tests.support.programs import program_text
from tests.support.scoring import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    Scoring,
    instant,
    line,
    purchase,
    refusal,
    returned,
    scoring,
    stamp,
)


@pytest.fixture
async def whole(database_of: DatabaseOf, clock: SettableClock) -> Any:
    async with scoring(database_of, clock, insight_chunk=2) as served:
        yield served


def stub(whole: Scoring) -> Any:
    return insight_pb2_grpc.InsightServiceStub(whole.served.channel)


async def segment(whole: Scoring, **fields: Any) -> pb.Segment:
    request = pb.GetSegmentRequest(**{"program_id": PROGRAM, "member_id": MEMBER, **fields})
    return (await stub(whole).GetSegment(request, timeout=PATIENCE)).segment


async def parts(whole: Scoring, segment_id: str, **fields: Any) -> list[Any]:
    request = pb.ListSegmentMembersRequest(
        **{"program_id": PROGRAM, "segment_id": segment_id, **fields}
    )
    return [part async for part in stub(whole).ListSegmentMembers(request, timeout=PATIENCE)]


async def members(whole: Scoring, segment_id: str, **fields: Any) -> list[str]:
    found = await parts(whole, segment_id, **fields)
    return [member.member_id for part in found for member in part.members]


async def preferences(whole: Scoring, **fields: Any) -> pb.GetPreferencesResponse:
    request = pb.GetPreferencesRequest(**{"program_id": PROGRAM, "shop_id": "shop-1", **fields})
    return await stub(whole).GetPreferences(request, timeout=PATIENCE)


async def advance(whole: Scoring, until: str) -> None:
    moving = clock_pb2_grpc.ClockServiceStub(whole.served.channel)
    request = clock_pb2.AdvanceClockRequest(until_time=stamp(instant(until)))
    await moving.AdvanceClock(request, timeout=PATIENCE)


async def test_get_segment_is_of_now(whole: Scoring) -> None:
    await whole.recorded(
        purchase("2026-01-20T10:00", line(6000_00), order_id="o-1"),
        purchase("2026-02-28T10:00", line(100_00), order_id="o-2"),
    )
    found = await segment(whole)
    assert found.last_order_date == Date(year=2026, month=2, day=28)
    assert (found.recency_days, found.orders, found.paid.units) == (10, 2, 6100)
    assert (found.cell.recency, found.cell.frequency, found.cell.monetary) == (5, 1, 5)
    assert found.cell.group.display_name == "重要发展"
    assert (found.HasField("dormancy"), found.next_change_date.day) == (False, 30)
    await whole.recorded(returned("2026-03-01T10:00", "o-2"))
    found = await segment(whole)
    assert (found.recency_days, found.dormancy.segment_id) == (49, "dormant-short")


async def test_get_segment_of_a_stranger_says_nothing(whole: Scoring) -> None:
    found = await segment(whole, member_id="nobody")
    assert (found.HasField("last_order_date"), found.HasField("cell")) == (False, False)
    assert (found.HasField("paid"), found.orders) == (False, 0)


async def test_get_segment_needs_groups_in_the_program(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    whole_text = program_text()
    begin, end = whole_text.index("  insight:\n"), whole_text.index("\nbenefits:\n")
    async with scoring(database_of, clock, program=whole_text[:begin] + whole_text[end:]) as whole:
        refused = ("FAILED_PRECONDITION", "INSIGHT_NOT_DECLARED")
        assert await refusal(segment(whole)) == refused
        assert await refusal(members(whole, "dormant-mid")) == refused
        assert await refusal(preferences(whole)) == refused
        assert await refusal(segment(whole, program_id="x")) == ("NOT_FOUND", "PROGRAM_NOT_FOUND")
        await advance(whole, "2026-03-13T00:00")


async def test_list_segment_members_streams_a_group_as_of_the_daily_run(whole: Scoring) -> None:
    await whole.recorded(
        *(
            purchase("2026-01-05T10:00", line(6000_00), member_id=f"m-{number}")
            for number in range(5)
        ),
        purchase("2026-03-05T10:00", line(6000_00), member_id="m-9"),
    )
    assert await members(whole, "dormant-mid") == []
    await advance(whole, "2026-03-11T00:00")
    found = await parts(whole, "dormant-mid")
    assert [len(part.members) for part in found] == [2, 2, 1]
    assert {part.as_of_date.day for part in found} == {11}
    first = found[0].members[0]
    assert (first.member_id, first.orders, first.paid.units) == ("m-0", 1, 6000)
    assert (first.recency, first.frequency, first.monetary) == (3, 1, 5)
    assert await members(whole, "dormant-mid", after_member_id="m-2") == ["m-3", "m-4"]
    assert await members(whole, "important-develop") == ["m-0", "m-1", "m-2", "m-3", "m-4", "m-9"]
    assert await refusal(members(whole, "nothing")) == ("NOT_FOUND", "SEGMENT_NOT_FOUND")


async def test_the_daily_run_touches_who_changed_and_whom_the_day_changes(whole: Scoring) -> None:
    await whole.recorded(
        purchase("2026-03-01T10:00", line(1_00), member_id="m-1"),
        purchase("2026-02-10T10:00", line(1_00), member_id="m-2"),
        purchase("2026-03-01T10:00", line(1_00), member_id="m-3", order_id="o-3"),
    )
    await advance(whole, "2026-03-11T00:00")
    assert await members(whole, "dormant-short") == []
    before = await rows(whole)
    # Thirty days after its order m-2 is dormant; m-3 gives everything back.
    await whole.recorded(returned("2026-03-10T10:00", "o-3", member_id="m-3"))
    await advance(whole, "2026-03-12T00:00")
    assert await members(whole, "dormant-short") == ["m-2"]
    assert await members(whole, "general-develop") == ["m-1", "m-2"]
    after = await rows(whole)
    assert {name for name in after if after[name] != before[name]} == {"m-2", "m-3"}


async def rows(whole: Scoring) -> dict[str, Any]:
    """Where each member's groups are stored: another place says that they were written again."""
    query = text("select member_id, cast(ctid as text) || xmin from member_segment")
    async with whole.database.read() as connection:
        return dict(tuple(row) for row in await connection.execute(query))  # type: ignore[misc]  # Pairs.


async def test_two_daily_runs_at_once_share_the_members(whole: Scoring) -> None:
    await whole.recorded(
        *(
            purchase("2026-03-01T10:00", line(1_00, shop_id="s", category_id="c"), member_id=name)
            for name in ("m-1", "m-2", "m-3", "m-4", "m-5")
        )
    )
    resources = resources_of(whole.served.running.foundation)
    counts = await asyncio.gather(
        *(group_next(PROGRAM, resources=resources) for _ in range(6)),
    )
    assert sorted(counts) == [0, 0, 0, 1, 2, 2]
    assert len(await rows(whole)) == 5
    assert await group_next(PROGRAM, resources=resources) == 0


async def test_get_preferences_tells_a_shop_of_groups_only(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    program = program_text().replace("preference_members_min: 20", "preference_members_min: 5")
    async with scoring(database_of, clock, program=program) as whole:
        await whole.recorded(
            *(
                purchase(
                    "2026-03-01T10:00",
                    line(100_00, line_id="1", shop_id="shop-1", category_id="books"),
                    line(300_00, line_id="2", shop_id="shop-2", category_id="toys"),
                    member_id=f"m-{number}",
                )
                for number in range(6)
            ),
            purchase(
                "2026-03-01T10:00",
                line(9000_00, shop_id="shop-1", category_id="jewels"),
                member_id="m-1",
            ),
            purchase("2026-03-01T10:00", line(1_00, shop_id="shop-3", category_id="books")),
        )
        await advance(whole, "2026-03-11T00:00")
        told = await preferences(whole)
        assert (told.members_about, told.as_of_date.day) == (5, 11)
        assert [(each.category_id, each.share_percent) for each in told.categories] == [
            ("toys", 75),
            ("books", 25),
        ]
        small = ("FAILED_PRECONDITION", "GROUP_TOO_SMALL")
        assert await refusal(preferences(whole, shop_id="shop-3")) == small
        assert await refusal(preferences(whole, shop_id="nowhere")) == small
