"""GetTier, BatchGetTiers, ListTierChanges and OverrideTier through a server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from laurel.sandbox.v1 import clock_pb2, clock_pb2_grpc
from laurel.scoring.v1 import tiers_pb2 as pb
from laurel.scoring.v1 import tiers_pb2_grpc
from laurel_kit.clock import SettableClock
from sqlalchemy import text

from tests.support.databases import DatabaseOf
from tests.support.programs import program_text
from tests.support.scoring import (
    MEMBER,
    MODEL,
    PATIENCE,
    PROGRAM,
    Scoring,
    instant,
    line,
    number,
    purchase,
    refusal,
    returned,
    scoring,
    settled_month,
    stamp,
)

KEY = {"program_id": PROGRAM, "member_id": MEMBER, "model_id": MODEL}
POLICY = "{model_id: jingxiang, fall: reassess}"
EARLIER, MUCH_LATER = stamp(instant("2026-03-01T00:00")), stamp(instant("2028-03-01T00:00"))
HELD = "{model_id: jingxiang, terms: [{level_id: L3, months: 12}], grace_days: 40}"


@pytest.fixture
async def whole(database_of: DatabaseOf, clock: SettableClock) -> Any:
    async with scoring(database_of, clock) as served:
        yield served


def stub(whole: Scoring) -> Any:
    return tiers_pb2_grpc.TierServiceStub(whole.served.channel)


async def tier(whole: Scoring, **fields: Any) -> pb.Tier:
    request = pb.GetTierRequest(**{**KEY, **fields})
    return (await stub(whole).GetTier(request, timeout=PATIENCE)).tier


async def changes(whole: Scoring, **fields: Any) -> pb.ListTierChangesResponse:
    request = pb.ListTierChangesRequest(**{**KEY, **fields})
    return await stub(whole).ListTierChanges(request, timeout=PATIENCE)


async def override(whole: Scoring, level_id: str = "L4", **fields: Any) -> pb.OverrideTierResponse:
    known = {**KEY, "request_id": number("r"), "level_id": level_id, "reason": "goodwill"}
    if level_id:
        known["end_time"] = stamp(instant("2026-04-20T00:00"))
    request = pb.OverrideTierRequest(**{**known, **fields})
    return await stub(whole).OverrideTier(request, timeout=PATIENCE)


async def advance(whole: Scoring, until: str) -> None:
    moving = clock_pb2_grpc.ClockServiceStub(whole.served.channel)
    request = clock_pb2.AdvanceClockRequest(until_time=stamp(instant(until)))
    await moving.AdvanceClock(request, timeout=PATIENCE)


async def test_get_tier_of_a_stranger_is_the_lowest_level(whole: Scoring) -> None:
    found = await tier(whole, member_id="nobody")
    assert (found.level.level_id, found.held_level.level_id) == ("L1", "L1")
    assert not found.HasField("since_time")
    assert not found.HasField("until_time")
    assert not found.HasField("published_value")
    assert found.outlook.next_level.level_id == "L2"
    assert (found.outlook.value, found.outlook.missing_for_next) == (0, 201)


async def test_get_tier_follows_publications_and_tells_what_is_missing(whole: Scoring) -> None:
    order = purchase("2026-02-01T10:00", line(6000_00), order_id="o-1")
    await whole.recorded(order)
    await advance(whole, "2026-04-03T00:00")
    found = await tier(whole)
    assert (found.level.level_id, found.published_value) == ("L3", 6020 + 10 - 10)
    assert found.since_time == stamp(instant("2026-04-02T00:00"))
    assert (found.settlement_month.year, found.settlement_month.month) == (2026, 4)
    assert found.outlook.settlement_time == stamp(instant("2026-05-02T00:00"))
    assert found.outlook.next_level.level_id == "L4"
    assert found.outlook.missing_for_next == 10_001 - found.outlook.value
    assert (found.outlook.missing_to_keep, found.outlook.cause) == (0, 0)
    await whole.recorded(returned("2026-04-02T10:00", "o-1"))
    found = await tier(whole)
    assert (found.level.level_id, found.outlook.value) == ("L3", 0)
    assert found.outlook.missing_to_keep == 5001
    assert found.outlook.cause == pb.TIER_CAUSE_FELL
    assert found.outlook.level_after.level_id == "L1"
    await advance(whole, "2026-05-02T00:00")
    assert (await tier(whole)).level.level_id == "L1"
    history = (await changes(whole)).changes
    assert [(each.cause, each.from_level_id, each.to_level_id) for each in history] == [
        (pb.TIER_CAUSE_FELL, "L3", "L1"),
        (pb.TIER_CAUSE_REACHED, "L1", "L3"),
    ]
    assert (history[0].value, history[0].run, history[0].settlement_month.month) == (0, 1, 5)


async def test_get_tier_of_a_level_with_a_term_is_sure_until_its_end(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    text_of = program_text().replace(POLICY, HELD)
    async with scoring(database_of, clock, program=text_of) as whole:
        await whole.recorded(purchase("2026-02-01T10:00", line(6000_00), order_id="o-1"))
        await settled_month(whole, "2026-03")
        found = await tier(whole)
        assert found.until_time == stamp(instant("2027-03-02T00:00"))
        await whole.recorded(returned("2026-03-03T10:00", "o-1"))
        await advance(whole, "2026-04-03T00:00")
        found = await tier(whole)
        assert (found.level.level_id, found.published_value) == ("L3", 0)
        await settled_month(whole, "2026-04", "recounted")
        assert (await tier(whole)).level.level_id == "L3"


async def test_get_tier_of_a_balance_has_the_term_of_its_level_a16_a17(whole: Scoring) -> None:
    bought = purchase("2026-02-01T10:00", line(2500_00), order_id="o-1")
    payment = bought.purchase.payments.add(payment_method="online")
    payment.amount.CopyFrom(bought.purchase.lines[0].paid)
    await whole.recorded(bought)
    found = await tier(whole, model_id="chengzhang")
    assert found.level.level_id == "silver"
    assert found.since_time == stamp(instant("2026-02-01T00:00"))
    assert found.until_time == stamp(instant("2027-02-01T00:00"))
    # The end of the term takes 1,000; 500 more are needed to stay.
    ahead = found.outlook
    assert (ahead.settlement_time, ahead.value) == (found.until_time, 1500)
    assert (ahead.missing_to_keep, ahead.next_level.level_id) == (500, "gold")
    assert (ahead.missing_for_next, ahead.cause) == (7500, pb.TIER_CAUSE_FELL)
    assert ahead.level_after.level_id == "bronze"
    stranger = await tier(whole, model_id="chengzhang", member_id="nobody")
    assert (stranger.level.level_id, stranger.outlook.HasField("settlement_time")) == (
        "registered",
        False,
    )
    await override(whole, "gold", model_id="chengzhang")
    found = await tier(whole, model_id="chengzhang")
    assert (found.level.level_id, found.held_level.level_id) == ("gold", "silver")


async def test_get_tier_without_a_policy_is_refused(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    plain = program_text().replace(f"    - {POLICY}\n", "")
    async with scoring(database_of, clock, program=plain) as whole:
        assert await refusal(tier(whole)) == ("FAILED_PRECONDITION", "TIERS_NOT_DECLARED")
        assert await refusal(tier(whole, model_id="x")) == ("NOT_FOUND", "MODEL_NOT_FOUND")
        await whole.recorded(purchase("2026-02-01T10:00", line(6000_00)))
        await settled_month(whole, "2026-03")
        async with whole.database.read() as connection:
            counted = await connection.execute(text("select count(*) from tier_change"))
            assert counted.scalar_one() == 0


async def test_batch_get_tiers_answers_in_the_order_of_the_request(whole: Scoring) -> None:
    await whole.recorded(
        purchase("2026-02-01T10:00", line(6000_00), member_id="m-b"),
        purchase("2026-02-01T10:00", line(300_00), member_id="m-a"),
    )
    await settled_month(whole, "2026-03")
    await override(whole, "L5", member_id="m-c")
    asked = pb.BatchGetTiersRequest(
        program_id=PROGRAM, model_id=MODEL, member_ids=["m-b", "m-c", "m-a", "m-d"]
    )
    found = (await stub(whole).BatchGetTiers(asked, timeout=PATIENCE)).tiers
    assert [(each.member_id, each.level.level_id) for each in found] == [
        ("m-b", "L3"),
        ("m-c", "L5"),
        ("m-a", "L2"),
        ("m-d", "L1"),
    ]
    assert found[0] == await tier(whole, member_id="m-b")


async def test_list_tier_changes_has_pages_that_neither_repeat_nor_skip(whole: Scoring) -> None:
    for level_id in ("L2", "L3", "L4", "L5", "L2"):
        await override(whole, level_id)
    first = await changes(whole, page_size=3)
    rest = await changes(whole, page_size=3, page_token=first.next_page_token)
    found = [each.to_level_id for each in (*first.changes, *rest.changes)]
    assert (found, rest.next_page_token) == (["L2", "L5", "L4", "L3", "L2"], "")
    forged = changes(whole, page_size=2, page_token=first.next_page_token[:-2])
    assert await refusal(forged) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")


async def test_override_tier_lies_over_the_tier_until_it_ends(whole: Scoring) -> None:
    await whole.recorded(purchase("2026-02-01T10:00", line(300_00)))
    await settled_month(whole, "2026-03")
    made = (await override(whole)).override
    assert (made.level.level_id, made.reason, made.made_by) == ("L4", "goodwill", "anyone")
    found = await tier(whole)
    assert (found.level.level_id, found.held_level.level_id) == ("L4", "L2")
    assert found.override == made
    assert found.until_time == made.end_time == stamp(instant("2026-04-20T00:00"))
    await advance(whole, "2026-04-19T23:59")
    assert (await tier(whole)).level.level_id == "L4"
    await advance(whole, "2026-04-20T00:00")
    found = await tier(whole)
    assert (found.level.level_id, found.HasField("override")) == ("L2", False)
    last = (await changes(whole)).changes[0]
    assert (last.cause, last.from_level_id, last.to_level_id) == (
        pb.TIER_CAUSE_OVERRIDE_ENDED,
        "L4",
        "L2",
    )
    assert last.change_time == stamp(instant("2026-04-20T00:00"))


async def test_override_tier_without_a_level_lifts_the_one_that_counts(whole: Scoring) -> None:
    assert await refusal(override(whole, "")) == ("FAILED_PRECONDITION", "OVERRIDE_NOT_FOUND")
    await override(whole, "L4")
    lifted = (await override(whole, "", reason="over")).override
    assert (lifted.HasField("level"), lifted.start_time) == (False, lifted.end_time)
    assert (await tier(whole)).level.level_id == "L1"
    await advance(whole, "2026-05-01T00:00")
    assert [each.cause for each in (await changes(whole)).changes] == [
        pb.TIER_CAUSE_OVERRIDE_ENDED,
        pb.TIER_CAUSE_OVERRIDDEN,
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"level_id": "L9"}, ("NOT_FOUND", "LEVEL_NOT_FOUND")),
        ({"end_time": EARLIER}, ("INVALID_ARGUMENT", "OVERRIDE_END_INVALID")),
        ({"end_time": MUCH_LATER}, ("INVALID_ARGUMENT", "OVERRIDE_END_INVALID")),
        ({"end_time": None}, ("INVALID_ARGUMENT", "REQUEST_INVALID")),
        ({"level_id": ""}, ("INVALID_ARGUMENT", "REQUEST_INVALID")),
        ({"reason": ""}, ("INVALID_ARGUMENT", "REQUEST_INVALID")),
        ({"program_id": "x"}, ("NOT_FOUND", "PROGRAM_NOT_FOUND")),
    ],
)
async def test_override_tier_refuses_what_cannot_be(
    whole: Scoring, fields: dict[str, Any], reason: tuple[str, str]
) -> None:
    asked = {"end_time": stamp(instant("2026-04-20T00:00")), "level_id": "L4", **fields}
    assert await refusal(override(whole, **asked)) == reason
    assert list((await changes(whole)).changes) == []


async def test_override_tier_repeated_lays_one_override(
    whole: Scoring, clock: SettableClock
) -> None:
    first = await override(whole, request_id="r")
    clock.set(instant("2026-03-12T12:00"))
    again = await override(whole, request_id="r")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.override == first.override
    other = override(whole, "L5", request_id="r")
    assert await refusal(other) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    assert len((await changes(whole)).changes) == 1


async def test_override_tier_at_the_same_time_lays_one_override(whole: Scoring) -> None:
    answers = await asyncio.gather(*(override(whole, request_id="r") for _ in range(4)))
    assert sorted(answer.replayed for answer in answers) == [False, True, True, True]
    assert len({answer.override.start_time.nanos for answer in answers}) == 1
    assert len((await changes(whole)).changes) == 1


async def test_changes_of_tiers_are_told_in_the_outbox(whole: Scoring) -> None:
    await whole.recorded(purchase("2026-02-01T10:00", line(300_00)))
    await settled_month(whole, "2026-03")
    await override(whole)
    told = text(
        "select key, payload ->> 'cause' as cause, payload ->> 'to_level_id' as level_id"
        " from outbox where topic = 'tier' order by transaction_id"
    )
    async with whole.database.read() as connection:
        rows = [tuple(row) for row in await connection.execute(told)]
    assert rows == [(MEMBER, "reached", "L2"), (MEMBER, "overridden", "L4")]
