"""Settlements of levels by rank: everybody is valued before anybody is published (K1-K6)."""

from __future__ import annotations

from typing import Any

from laurel.sandbox.v1 import clock_pb2, clock_pb2_grpc
from laurel.scoring.v1 import activities_pb2, scores_pb2, settlements_pb2
from laurel_kit.clock import SettableClock
from laurel_kit.money import write_money
from sqlalchemy import text

from tests.support.databases import DatabaseOf
from tests.support.programs import shipped_text
from tests.support.scoring import (
    LIVE,
    PATIENCE,
    PUBLISHED,
    Scoring,
    activity,
    instant,
    line,
    scoring,
    settled_month,
    stamp,
)

ASKED: dict[str, Any] = {"program_id": "alipay", "model_id": "ant-rank"}
SIZES = {"100000000": "2", "10000000": "2", "100000": "1"}


def small_program() -> str:
    """The program of Alipay with the sizes of P58."""
    program = shipped_text("alipay")
    for size, small in SIZES.items():
        program = program.replace(f"rank_size: {size}}}", f"rank_size: {small}}}")
    return program


def earned(member_id: str, points: int, time: str = "09:00") -> activities_pb2.Activity:
    """A payment worth so many points."""
    bought = line(points * 2000, goods_class="finance")
    paid = activities_pb2.Purchase(order_id=f"{member_id}-{time}", lines=[bought])
    payment = paid.payments.add(payment_method="balance")
    payment.amount.CopyFrom(write_money(points * 2000))
    return activity(f"2026-02-27T{time}", purchase=paid, member_id=member_id)


def zero(member_id: str) -> activities_pb2.Activity:
    change = activities_pb2.ProfileChange(attribute="real_name", set=True)
    return activity("2026-02-27T09:00", profile_change=change, member_id=member_id)


async def levels(whole: Scoring) -> dict[str, str]:
    """Who has which level by the last settlement."""
    request = scores_pb2.BatchGetScoresRequest(**ASKED, basis=PUBLISHED, member_ids="abcdefg")
    results = (await whole.scores.BatchGetScores(request, timeout=PATIENCE)).results
    return {each.member_id: each.answer.score.level.level_id for each in results}


async def test_the_clock_ranks_at_the_end_of_the_last_day_of_each_month_k3_o43(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    clock.set(instant("2026-01-31T12:00"))
    async with scoring(database_of, clock, program=small_program()) as whole:
        stub = clock_pb2_grpc.ClockServiceStub(whole.served.channel)
        until = clock_pb2.AdvanceClockRequest(until_time=stamp(instant("2026-02-28T23:59")))
        await stub.AdvanceClock(until, timeout=PATIENCE)
        assert await settled_days(whole) == [(1, 31)]
        await whole.record(earned("a", 900), program_id="alipay")
        until.until_time.CopyFrom(stamp(instant("2026-03-01T00:00")))
        await stub.AdvanceClock(until, timeout=PATIENCE)
        assert await settled_days(whole) == [(2, 28), (1, 31)]
        score = (await whole.score(PUBLISHED, member_id="a", **ASKED)).score
        assert (score.value, score.level.level_id) == (900, "diamond")
        assert (score.settlement_date.month, score.settlement_date.day) == (2, 28)
        assert (score.window_end_date.month, score.window_end_date.day) == (2, 28)


async def settled_days(whole: Scoring) -> list[tuple[int, int]]:
    """The days of all settlements, the latest first."""
    request = settlements_pb2.ListSettlementsRequest(**ASKED)
    found = (await whole.settlements.ListSettlements(request, timeout=PATIENCE)).settlements
    return [(each.settlement_date.month, each.settlement_date.day) for each in found]


async def test_the_first_are_those_of_p58_however_they_are_settled(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    clock.set(instant("2026-02-28T12:00"))
    async with scoring(database_of, clock, program=small_program(), settlement_chunk=2) as whole:
        facts = [
            earned("a", 900),
            earned("b", 800, "10:00"),
            earned("c", 800, "09:00"),
            earned("d", 700, "09:00"),
            earned("e", 700, "10:00"),
            zero("f"),
            earned("g", 650),
        ]
        results = await whole.record(*facts, program_id="alipay")
        assert all(each.HasField("recorded") for each in results)
        clock.set(instant("2026-03-01T00:00"))
        await settled_month(whole, "2026-02", **ASKED)
        expected = {
            "a": "diamond",
            "b": "platinum",
            "c": "platinum",
            "d": "gold",
            "e": "gold",
            "f": "public",
            "g": "public",
        }
        assert await levels(whole) == expected
        # A live score has no rank; what is left of the ranking is what was published.
        live = (await whole.score(LIVE, member_id="a", **ASKED)).score
        assert (live.value, live.level.level_id) == (900, "public")
        explained = await whole.explain(PUBLISHED, member_id="a", **ASKED)
        assert (explained.score.value, explained.score.level.level_id) == (900, "diamond")
        async with whole.database.read() as connection:
            left = text(
                "select (select count(*) from ranking), (select count(*) from ranking_entry)"
            )
            assert tuple((await connection.execute(left)).one()) == (0, 0)
        # What c had is taken back: a correction moves up who comes behind, and nobody else.
        await whole.retract(facts[2].activity_id, program_id="alipay", member_id="c")
        await settled_month(whole, "2026-02", "a mistake", **ASKED)
        assert await levels(whole) == {**expected, "c": "public", "d": "platinum", "g": "gold"}
        corrected = {
            name
            for name in "abcdefg"
            if (await whole.score(PUBLISHED, member_id=name, **ASKED)).score.correction_reason
        }
        assert corrected == {"c", "d", "g"}
