"""RunSettlement, GetSettlement, ListSettlements, and the settlements the clock starts."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from laurel.sandbox.v1 import clock_pb2, clock_pb2_grpc
from laurel.scoring.v1 import settlements_pb2 as pb
from laurel.type.v1.operation_pb2 import OperationProgress
from laurel_kit.clock import SettableClock
from laurel_scoring.domain.settlements import SettlementKey
from laurel_scoring.handlers import settlements
from laurel_scoring.handlers.settlements import begin, settle_next
from laurel_scoring.service import resources_of
from sqlalchemy import text

from tests.support.databases import DatabaseOf, TestDatabases
from tests.support.programs import program_text
from tests.support.scoring import (
    MEMBER,
    MODEL,
    PATIENCE,
    PROGRAM,
    PUBLISHED,
    Scoring,
    engagement,
    instant,
    line,
    month,
    number,
    profile,
    purchase,
    refusal,
    scoring,
    stamp,
)


async def advance(whole: Scoring, until: str) -> None:
    """Move the clock of the service, running what falls due."""
    stub = clock_pb2_grpc.ClockServiceStub(whole.served.channel)
    request = clock_pb2.AdvanceClockRequest(until_time=stamp(instant(until)))
    await stub.AdvanceClock(request, timeout=PATIENCE)


def run_request(settled: str, **fields: Any) -> pb.RunSettlementRequest:
    known = {"request_id": number("r"), "program_id": PROGRAM, "model_id": MODEL}
    return pb.RunSettlementRequest(settlement_month=month(settled), **{**known, **fields})


async def run(whole: Scoring, request: pb.RunSettlementRequest) -> pb.Settlement:
    """Run a settlement to its end."""
    operation = await whole.settlements.RunSettlement(request, timeout=PATIENCE)
    stub = operations_pb2_grpc.OperationsStub(whole.served.channel)
    waiting = operations_pb2.WaitOperationRequest(name=operation.name, timeout=Duration(seconds=20))
    ended = await stub.WaitOperation(waiting, timeout=PATIENCE)
    assert ended.HasField("response"), ended
    answer, progress = pb.RunSettlementResponse(), OperationProgress()
    assert ended.response.Unpack(answer)
    assert ended.metadata.Unpack(progress)
    assert progress.done == answer.settlement.members_done
    return answer.settlement


async def get(whole: Scoring, settled: str, run: int = 0) -> pb.Settlement:
    request = pb.GetSettlementRequest(
        program_id=PROGRAM, model_id=MODEL, settlement_month=month(settled), run=run
    )
    return (await whole.settlements.GetSettlement(request, timeout=PATIENCE)).settlement


async def listed(whole: Scoring, **fields: Any) -> pb.ListSettlementsResponse:
    request = pb.ListSettlementsRequest(program_id=PROGRAM, model_id=MODEL, **fields)
    return await whole.settlements.ListSettlements(request, timeout=PATIENCE)


async def published(whole: Scoring) -> list[Any]:
    """Every published score as it is stored."""
    query = text("select * from published_score order by member_id, model_id, month, run")
    async with whole.database.read() as connection:
        return [tuple(row) for row in await connection.execute(query)]


async def members(whole: Scoring, number_of: int) -> None:
    """Members with a purchase each, of as many yuan as their number."""
    await whole.recorded(
        *(
            purchase("2026-02-01T10:00", line(place * 100), member_id=f"m-{place:03d}")
            for place in range(1, number_of + 1)
        )
    )


async def test_settlements_are_started_by_the_clock_in_order_c1_o29(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        await whole.recorded(purchase("2026-02-01T10:00", line(500_00)))
        await advance(whole, "2026-04-01T23:59")
        assert list((await listed(whole)).settlements) == []
        await advance(whole, "2026-06-20T12:00")
        found = (await listed(whole)).settlements
        assert [each.settlement_month.month for each in found] == [6, 5, 4]
        assert {each.state for each in found} == {pb.SETTLEMENT_STATE_PUBLISHED}
        assert [each.start_time for each in found] == [
            stamp(instant(f"2026-0{n}-02T00:00")) for n in (6, 5, 4)
        ]
        first = found[-1]
        assert (first.window_start_date.year, first.window_start_date.month) == (2025, 4)
        assert (first.window_end_date.month, first.window_end_date.day) == (3, 31)
        answer = await whole.score(PUBLISHED)
        assert answer.score.value == 520
        assert (answer.score.settlement_date.month, answer.score.settlement_date.day) == (6, 2)
        assert answer.score.publish_time == stamp(instant("2026-06-02T00:00"))
        assert answer.score.as_of_time == answer.score.publish_time


async def test_get_score_published_never_changes(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    """A late fact changes the live score and the next settlement, and nothing published."""
    async with scoring(database_of, clock) as whole:
        await whole.recorded(purchase("2026-02-01T10:00", line(500_00)))
        await advance(whole, "2026-04-10T12:00")
        before = await published(whole)
        explained = await whole.explain(PUBLISHED)
        await whole.recorded(purchase("2026-02-02T10:00", line(70_00)))
        assert (await whole.score()).score.value == 590
        assert (await whole.score(PUBLISHED)).score.value == 520
        assert await whole.explain(PUBLISHED) == explained
        assert await published(whole) == before
        await advance(whole, "2026-05-10T12:00")
        assert (await whole.score(PUBLISHED)).score.value == 590
        april = stamp(instant("2026-05-01T23:59"))
        assert (await whole.score(PUBLISHED, as_of_time=april)).score.value == 520
        march = whole.score(PUBLISHED, as_of_time=stamp(instant("2026-04-01T23:59")))
        assert await refusal(march) == ("NOT_FOUND", "SCORE_NOT_PUBLISHED")


async def test_explain_score_published_sums_to_what_was_published(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        await whole.recorded(
            purchase("2026-02-01T10:00", line(500_00)), profile("2026-01-01T10:00", "qq")
        )
        await advance(whole, "2026-04-10T12:00")
        found = await whole.explain(PUBLISHED, page_size=1)
        assert found.score.value == 540
        await whole.recorded(engagement("2026-02-01T10:00", "answer"))
        counted = [each.counted_points for each in found.contributions]
        while token := found.next_page_token:
            found = await whole.explain(PUBLISHED, page_size=1, page_token=token)
            counted += [each.counted_points for each in found.contributions]
        assert sum(counted) == found.score.value == 540
        rolls = [each.roll_off_date for each in found.contributions if each.rule_id == "paid"]
        assert all((day.year, day.month, day.day) == (2027, 3, 2) for day in rolls)


async def test_run_settlement_publishes_a_month_once(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock, settlement_chunk=3) as whole:
        await members(whole, 10)
        request = run_request("2026-03")
        settlement = await run(whole, request)
        assert (settlement.run, settlement.state) == (1, pb.SETTLEMENT_STATE_PUBLISHED)
        assert (settlement.members_done, settlement.members_total) == (10, 10)
        assert settlement.scores_published == 10
        rows = await published(whole)
        assert [row.count("m-003") for row in rows].count(1) == 1
        again = await whole.settlements.RunSettlement(request, timeout=PATIENCE)
        assert again.name == (await whole.settlements.RunSettlement(request, timeout=30)).name
        other = await run(whole, run_request("2026-03"))
        assert other == settlement == await get(whole, "2026-03")
        assert await published(whole) == rows
        assert (await whole.score(PUBLISHED, member_id="m-007")).score.value == 27


async def test_run_settlement_of_a_month_before_the_clock_came(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        await members(whole, 2)
        january = await run(whole, run_request("2026-01"))
        assert january.scores_published == 2
        assert (await whole.score(PUBLISHED, member_id="m-002")).score.value == 0
        await run(whole, run_request("2026-03"))
        assert (await whole.score(PUBLISHED, member_id="m-002")).score.value == 22
        await advance(whole, "2026-04-10T12:00")
        found = (await listed(whole)).settlements
        assert [each.settlement_month.month for each in found] == [4, 3, 1]


async def test_run_settlement_corrects_what_differs(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        await members(whole, 4)
        await run(whole, run_request("2026-03"))
        await whole.recorded(purchase("2026-02-03T10:00", line(70_00), member_id="m-002"))
        clock.set(instant("2026-03-12T12:00"))
        request = run_request("2026-03", correction_reason="orders came late")
        corrected = await run(whole, request)
        assert (corrected.run, corrected.scores_published) == (2, 1)
        assert corrected.correction_reason == "orders came late"
        answer = await whole.score(PUBLISHED, member_id="m-002")
        assert (answer.score.value, answer.score.correction_reason) == (92, "orders came late")
        earlier = stamp(instant("2026-03-11T12:00"))
        before = await whole.score(PUBLISHED, member_id="m-002", as_of_time=earlier)
        assert (before.score.value, before.score.correction_reason) == (22, "")
        assert (await whole.score(PUBLISHED, member_id="m-003")).score.value == 23
        await whole.settlements.RunSettlement(request, timeout=PATIENCE)
        assert (await get(whole, "2026-03")).run == 2
        assert (await get(whole, "2026-03", run=1)).run == 1


async def test_run_settlement_refuses_what_cannot_be(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    published_file = program_text()
    unsettled = published_file.replace("      settlement: {day_of_month: 2}  # C1\n", "")
    unsettled = unsettled.replace("    - {model_id: jingxiang, fall: reassess}\n", "")
    assert unsettled != published_file
    async with scoring(database_of, clock) as whole:
        await members(whole, 1)

        async def refused(settled: str, **fields: Any) -> tuple[str, str]:
            request = run_request(settled, **fields)
            return await refusal(whole.settlements.RunSettlement(request, timeout=PATIENCE))

        assert await refused("2026-04") == ("FAILED_PRECONDITION", "SETTLEMENT_NOT_DUE")
        correction = await refused("2026-03", correction_reason="why")
        assert correction == ("FAILED_PRECONDITION", "SETTLEMENT_NOT_PUBLISHED")
        assert await refused("2026-03", model_id="x") == ("NOT_FOUND", "MODEL_NOT_FOUND")
        assert await refused("2026-03", program_id="x") == ("NOT_FOUND", "PROGRAM_NOT_FOUND")
        await run(whole, run_request("2026-03", request_id="same"))
        reused = await refused("2026-02", request_id="same")
        assert reused == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
        day = run_request("2026-03")
        day.settlement_month.day = 2
        call = whole.settlements.RunSettlement(day, timeout=PATIENCE)
        assert await refusal(call) == ("INVALID_ARGUMENT", "REQUEST_INVALID")
        async with whole.database.read() as connection:
            counts = await connection.execute(
                text("select (select count(*) from settlement), (select count(*) from operation)")
            )
            assert tuple(counts.one()) == (1, 1)
        clock.set(instant("2026-03-20T12:00"))
        await whole.apply(unsettled)
        clock.set(instant("2026-04-20T12:00"))
        assert await refused("2026-04") == ("FAILED_PRECONDITION", "MODEL_NOT_SETTLED")


async def test_run_settlement_killed_in_the_middle_goes_on_to_the_same_scores(
    test_databases: TestDatabases, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One settles undisturbed; one breaks off between two members, and another goes on."""
    results = []
    for disturbed in (False, True):
        database_of = DatabaseOf(test_databases)
        async with scoring(database_of, clock, settlement_chunk=2) as whole:
            await members(whole, 9)
            if disturbed:
                with monkeypatch.context() as patch:
                    await break_off(whole, patch)
                assert len(await published(whole)) == 4
                assert (await get(whole, "2026-03")).members_done == 4
            await run(whole, run_request("2026-03"))
            results.append((await published(whole), await get(whole, "2026-03")))
        await database_of.close()
    assert results[0] == results[1]
    assert len(results[0][0]) == 9


async def break_off(whole: Scoring, patch: pytest.MonkeyPatch) -> None:
    """Settle two chunks, and the third one up to the end of its transaction but not over it."""
    resources = resources_of(whole.served.running.foundation)
    key = SettlementKey(program_id=PROGRAM, model_id=MODEL, month=date(2026, 3, 1))
    await begin(key, "", resources=resources)
    for _ in range(2):
        await settle_next(key, resources=resources)

    async def die(*_: object) -> None:
        raise KeyboardInterrupt

    patch.setattr(settlements, "record_progress", die)
    with pytest.raises(KeyboardInterrupt):
        await settle_next(key, resources=resources)


async def test_run_settlement_by_two_at_a_time_settles_each_member_once(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock, settlement_chunk=2) as whole:
        await members(whole, 11)
        settled = await asyncio.gather(*(run(whole, run_request("2026-03")) for _ in range(3)))
        assert [each.scores_published for each in settled] == [11] * 3
        assert len(await published(whole)) == 11


async def test_get_settlement_says_what_is_not_there(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        assert await refusal(get(whole, "2026-03")) == ("NOT_FOUND", "SETTLEMENT_NOT_FOUND")
        await whole.recorded(engagement("2026-02-01T10:00", "login", member_id=MEMBER))
        await run(whole, run_request("2026-03"))
        assert (await get(whole, "2026-03")).members_done == 1
        later = get(whole, "2026-03", run=2)
        assert await refusal(later) == ("NOT_FOUND", "SETTLEMENT_NOT_FOUND")


async def test_list_settlements_in_pages(database_of: DatabaseOf, clock: SettableClock) -> None:
    async with scoring(database_of, clock) as whole:
        await advance(whole, "2026-08-20T12:00")
        first = await listed(whole, page_size=2)
        assert [each.settlement_month.month for each in first.settlements] == [8, 7]
        second = await listed(whole, page_size=3, page_token=first.next_page_token)
        assert [each.settlement_month.month for each in second.settlements] == [6, 5, 4]
        assert second.next_page_token == ""
        refused = listed(whole, page_token="x")
        assert await refusal(refused) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
