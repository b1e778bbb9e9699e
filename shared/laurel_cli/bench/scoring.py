"""`laurel bench scoring`: taking facts in, asking for scores beside an echo, settling them all.

Most members have few facts, some have hundreds and a few of them thousands, as in a shop.
Everything runs on this machine at once: callers, service and PostgreSQL, with durable commits.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.ledger.v1.transactions_pb2 import PostTransactionRequest, PostTransactionResponse
from laurel.scoring.v1 import activities_pb2 as pb
from laurel.scoring.v1 import scores_pb2
from laurel.scoring.v1.activities_pb2_grpc import ActivityServiceStub
from laurel.scoring.v1.scores_pb2_grpc import ScoreServiceStub
from laurel_kit.clock import SystemClock
from laurel_kit.money import write_money
from laurel_kit.process import loop_factory

from laurel_cli.bench.echo import METHOD
from laurel_cli.bench.measuring import (
    AtShare,
    Case,
    Figures,
    Ratio,
    measure_rounds,
    ratios_of,
    table_of,
    write_figures,
)
from laurel_cli.bench.populations import Population, measure_population
from laurel_cli.bench.stand import DEADLINE, stand
from laurel_cli.output import say, say_table

PROGRAM, MODEL = "jd", "jingxiang"
BATCH = 500
"""Facts of a call, the most that the contract allows."""
SHARES = {5: 0.80, 100: 0.18, 1000: 0.02}
"""How many facts a member has, and how many of the members have so many."""
MEMBERS = 1000
ENGAGEMENTS = ("login", "review", "photo_review", "answer", "share", "jd_pay")
PURCHASE_SHARE = 0.3
"""Of the facts; the others are engagements."""
DAYS = 400
"""How far back facts lie: some have left the window already."""

if TYPE_CHECKING:
    from laurel.scoring.v1.activities_pb2_grpc import ActivityServiceAsyncStub
    from laurel.scoring.v1.scores_pb2_grpc import ScoreServiceAsyncStub


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """What is called."""

    activities: ActivityServiceAsyncStub
    scores: ScoreServiceAsyncStub
    echo: grpc.aio.UnaryUnaryMultiCallable[PostTransactionRequest, PostTransactionResponse]
    numbers: count[int] = field(default_factory=count)

    async def record(self) -> int:
        """Record a full batch of new facts of members who are known by nobody else."""
        member = f"new-{random.randrange(100_000)}"  # noqa: S311  # A load, no secret.
        return await self.record_facts([self.fact(f"{member}-{n // 5}") for n in range(BATCH)])

    async def record_facts(self, facts: list[pb.Activity]) -> int:
        """Record facts that are all right."""
        request = pb.RecordActivitiesRequest(program_id=PROGRAM, activities=facts)
        answer = await self.activities.RecordActivities(request, timeout=DEADLINE)
        wrong = [each for each in answer.results if not each.HasField("recorded")]
        assert not wrong, wrong[0]
        return len(answer.results)

    def fact(self, member_id: str) -> pb.Activity:
        """A fact of the last year."""
        number = next(self.numbers)
        activity = pb.Activity(activity_id=f"a-{number}", member_id=member_id)
        activity.activity_time.CopyFrom(_stamp(_earlier(DAYS)))
        if random.random() < PURCHASE_SHARE:  # noqa: S311  # A load, no secret.
            line = pb.PurchaseLine(
                line_id="1",
                category_id=f"c-{number % 20}",
                goods_class="physical",
                quantity=1,
                paid=write_money(1000 + number % 50_000),
            )
            activity.purchase.CopyFrom(pb.Purchase(order_id=f"o-{number}", lines=[line]))
        else:
            kind = ENGAGEMENTS[number % len(ENGAGEMENTS)]
            activity.engagement.CopyFrom(pb.Engagement(kind=kind, subject_id=f"s-{number % 7}"))
        return activity

    async def score_kept(self) -> int:
        """Ask for a member's score of now, as somebody did a moment ago."""
        await self.scores.GetScore(_question(_anybody()), timeout=DEADLINE)
        return 1

    async def score_anew(self) -> int:
        """Ask for a member's score of a day nobody has asked for."""
        request = _question(_anybody())
        request.as_of_time.CopyFrom(_stamp(_earlier(DAYS)))
        await self.scores.GetScore(request, timeout=DEADLINE)
        return 1

    async def echo_one(self) -> int:
        """Call a server that does nothing."""
        await self.echo(PostTransactionRequest(program_id=PROGRAM), timeout=DEADLINE)
        return 1

    async def populate(self) -> None:
        """Record the facts of the members whose scores are asked for."""
        facts = [self.fact(_member(place)) for place in range(MEMBERS) for _ in range(_size(place))]
        random.shuffle(facts)
        for start in range(0, len(facts), BATCH):
            await self.record_facts(facts[start : start + BATCH])

    async def warm(self) -> None:
        """Ask for everybody's score once."""
        for place in range(MEMBERS):
            await self.scores.GetScore(_question(place), timeout=DEADLINE)


KEPT, ANEW = "GetScore, kept, 64 in flight", "GetScore, anew, 64 in flight"
KEPT_AT_HALF, ANEW_AT_HALF = "GetScore, kept, at half its load", "GetScore, anew, at half its load"
ECHO = "bare echo, 64 in flight"
RATIOS = (
    Ratio(name="GetScore, kept, of the bare echo", row=KEPT, of=ECHO),
    Ratio(name="GetScore, anew, of the bare echo", row=ANEW, of=ECHO),
)


def run(
    json_file: Path | None = None, *, rounds: int, members: int, facts: int
) -> dict[str, Figures]:
    """Measure everything, print it as tables, and keep the figures in `json_file` if given."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        rows, population = runner.run(_measure_all(rounds, members=members, facts=facts))
    say_table(table_of("scoring", rows))
    population.show()
    ratios = ratios_of(rows, RATIOS)
    for name, ratio in ratios.items():
        say(f"{name}: {ratio:.2f}")
    if json_file:
        write_figures(rows, ratios, json_file, population=population.figures())
    return rows


async def _measure_all(
    rounds: int, *, members: int, facts: int
) -> tuple[dict[str, Figures], Population]:
    async with (
        stand("scoring") as whole,
        grpc.aio.insecure_channel(whole.address) as channel,
        grpc.aio.insecure_channel(whole.echo_address) as echo,
    ):
        callers = Callers(
            activities=ActivityServiceStub(channel),
            scores=ScoreServiceStub(channel),
            echo=echo.unary_unary(
                METHOD,
                request_serializer=PostTransactionRequest.SerializeToString,
                response_deserializer=PostTransactionResponse.FromString,
            ),
        )
        population = await measure_population(whole, channel, members=members, facts=facts)
        await callers.populate()
        await callers.warm()
        kept = Case(name=KEPT, call=callers.score_kept, in_flight=64)
        anew = Case(name=ANEW, call=callers.score_anew, in_flight=64)
        cases: list[Case | AtShare] = [
            Case(
                name="RecordActivities, 500 a call, 4 in flight", call=callers.record, in_flight=4
            ),
            kept,
            anew,
            AtShare(name=KEPT_AT_HALF, case=kept),
            AtShare(name=ANEW_AT_HALF, case=anew),
            Case(name=ECHO, call=callers.echo_one, in_flight=64),
        ]
        return await measure_rounds(whole, cases, rounds=rounds), population


def _question(place: int) -> scores_pb2.GetScoreRequest:
    return scores_pb2.GetScoreRequest(
        program_id=PROGRAM,
        member_id=_member(place),
        model_id=MODEL,
        basis=scores_pb2.SCORE_BASIS_LIVE,
    )


def _anybody() -> int:
    return random.randrange(MEMBERS)  # noqa: S311  # A load, no secret.


def _member(place: int) -> str:
    return f"m-{place}"


def _size(place: int) -> int:
    """How many facts the member of a place has."""
    share = (place + 0.5) / MEMBERS
    for size, part in SHARES.items():
        if share < part:
            return size
        share -= part
    return max(SHARES)


def _earlier(days: int) -> datetime:
    """An instant of so many days before now."""
    back = timedelta(days=random.random() * days)  # noqa: S311  # A load, no secret.
    return SystemClock().now() - back


def _stamp(instant: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(instant)
    return message
