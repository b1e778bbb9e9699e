"""The scoring service for tests: served, with the program of JD, and facts in a few words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from google.type.date_pb2 import Date
from grpc_status import rpc_status
from laurel.program.v1 import program_service_pb2, program_service_pb2_grpc
from laurel.scoring.v1 import (
    activities_pb2,
    activities_pb2_grpc,
    scores_pb2,
    scores_pb2_grpc,
    settlements_pb2,
    settlements_pb2_grpc,
)
from laurel_kit.clock import Clock
from laurel_kit.money import write_money
from laurel_scoring.config import ScoringSettings
from laurel_scoring.service import build

from tests.support.databases import DatabaseOf
from tests.support.patience import PATIENCE, PATIENT
from tests.support.programs import program_text
from tests.support.servers import Served, served

PROGRAM, MEMBER, MODEL = "jd", "m-1", "jingxiang"
LIVE, PUBLISHED = scores_pb2.SCORE_BASIS_LIVE, scores_pb2.SCORE_BASIS_PUBLISHED
_numbers = count(1)


def number(prefix: str) -> str:
    """A name nobody has used yet."""
    return f"{prefix}-{next(_numbers)}"


def stamp(instant: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(instant)
    return message


def instant(text: str) -> datetime:
    """`2026-03-01T10:00` in Shanghai, which has no summer time."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def activity(time: str, **fields: Any) -> activities_pb2.Activity:
    """A fact at a local time of Shanghai; `purchase=`, `engagement=`, ... and what else it is."""
    known = {"activity_id": number("a"), "member_id": MEMBER}
    return activities_pb2.Activity(activity_time=stamp(instant(time)), **{**known, **fields})


def line(
    fen: int, *, line_id: str = "1", quantity: int = 1, **fields: Any
) -> activities_pb2.PurchaseLine:
    paid = write_money(fen)
    return activities_pb2.PurchaseLine(line_id=line_id, quantity=quantity, paid=paid, **fields)


def purchase(
    time: str, *lines: activities_pb2.PurchaseLine, order_id: str | None = None, **fields: Any
) -> activities_pb2.Activity:
    bought = activities_pb2.Purchase(order_id=order_id or number("o"), lines=lines)
    return activity(time, purchase=bought, **fields)


def returned(time: str, order_id: str, /, quantity: int = 1, **fields: Any) -> Any:
    """A return of pieces of line 1 of an order."""
    back = activities_pb2.PurchaseReturnLine(line_id="1", quantity=quantity)
    sent = activities_pb2.PurchaseReturn(order_id=order_id, lines=[back])
    return activity(time, purchase_return=sent, **fields)


def engagement(time: str, kind: str, order_id: str = "", **fields: Any) -> Any:
    done = activities_pb2.Engagement(kind=kind, order_id=order_id)
    return activity(time, engagement=done, **fields)


def profile(time: str, attribute: str, is_set: bool = True, **fields: Any) -> Any:
    change = activities_pb2.ProfileChange(attribute=attribute, set=is_set)
    return activity(time, profile_change=change, **fields)


def credit(time: str, member_id: str = MEMBER, **measures: int) -> activities_pb2.Activity:
    report = activities_pb2.CreditReport(**measures)
    return activity(time, credit_report=report, member_id=member_id)


def month(text: str) -> Date:
    """`2026-05` as a message."""
    first = date.fromisoformat(f"{text}-01")
    return Date(year=first.year, month=first.month)


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """A served scoring service, with a stub for each of its doors."""

    served: Served
    settings: ScoringSettings

    @property
    def activities(self) -> Any:
        return activities_pb2_grpc.ActivityServiceStub(self.served.channel)

    @property
    def scores(self) -> Any:
        return scores_pb2_grpc.ScoreServiceStub(self.served.channel)

    @property
    def settlements(self) -> Any:
        return settlements_pb2_grpc.SettlementServiceStub(self.served.channel)

    @property
    def database(self) -> Any:
        return self.served.running.foundation.database

    async def apply(self, text: str) -> None:
        """Apply a program file."""
        stub = program_service_pb2_grpc.ProgramServiceStub(self.served.channel)
        request = program_service_pb2.ApplyRevisionRequest(request_id=number("r"), source=text)
        await stub.ApplyRevision(request, timeout=PATIENCE)

    async def record(
        self, *facts: activities_pb2.Activity, program_id: str = PROGRAM
    ) -> Sequence[activities_pb2.RecordActivityResult]:
        """Record facts, whatever becomes of them."""
        request = activities_pb2.RecordActivitiesRequest(program_id=program_id, activities=facts)
        answer = await self.activities.RecordActivities(request, timeout=PATIENCE)
        return answer.results

    async def recorded(self, *facts: activities_pb2.Activity) -> None:
        """Record facts that are right."""
        for result in await self.record(*facts):
            assert result.HasField("recorded"), result

    async def retract(
        self, activity_id: str, **fields: Any
    ) -> activities_pb2.RetractActivityResponse:
        asked = {"program_id": PROGRAM, "member_id": MEMBER, "reason": "mistake"}
        asked = {**asked, "request_id": number("t"), "activity_id": activity_id, **fields}
        request = activities_pb2.RetractActivityRequest(**asked)
        return await self.activities.RetractActivity(request, timeout=PATIENCE)

    async def score(self, basis: int = LIVE, **fields: Any) -> scores_pb2.GetScoreResponse:
        asked = {"program_id": PROGRAM, "member_id": MEMBER, "model_id": MODEL, "basis": basis}
        request = scores_pb2.GetScoreRequest(**{**asked, **fields})
        return await self.scores.GetScore(request, timeout=PATIENCE)

    async def explain(self, basis: int = LIVE, **fields: Any) -> scores_pb2.ExplainScoreResponse:
        asked = {"program_id": PROGRAM, "member_id": MEMBER, "model_id": MODEL, "basis": basis}
        request = scores_pb2.ExplainScoreRequest(**{**asked, **fields})
        return await self.scores.ExplainScore(request, timeout=PATIENCE)


@asynccontextmanager
async def scoring(
    database_of: DatabaseOf, clock: Clock, *, program: str | None = None, **settings: Any
) -> AsyncIterator[Scoring]:
    """The service over a database of its own, with a program applied."""
    await database_of("scoring")
    access = await database_of.access("scoring")
    read = ScoringSettings(
        database_url=access.url, address="127.0.0.1:0", sandbox=True, **(PATIENT | settings)
    )
    async with served(build, read, clock=clock) as server:
        whole = Scoring(served=server, settings=read)
        await whole.apply(program or program_text())
        yield whole


async def settled_month(
    whole: Scoring,
    text: str,
    correction_reason: str = "",
    program_id: str = PROGRAM,
    model_id: str = MODEL,
) -> None:
    """Publish the scores of a month, or correct them."""
    request = settlements_pb2.RunSettlementRequest(
        request_id=number("s"),
        program_id=program_id,
        model_id=model_id,
        settlement_month=month(text),
        correction_reason=correction_reason,
    )
    operation = await whole.settlements.RunSettlement(request, timeout=PATIENCE)
    stub = operations_pb2_grpc.OperationsStub(whole.served.channel)
    waiting = operations_pb2.WaitOperationRequest(name=operation.name)
    assert (await stub.WaitOperation(waiting, timeout=PATIENCE)).done


async def refusal(call: Any) -> tuple[str, str]:
    """Code and reason with which a call fails."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        status = rpc_status.from_call(error)
        return error.code().name, reason_of(status)
    raise AssertionError("the call was answered")


def reason_of(status: status_pb2.Status) -> str:
    """The reason in a status."""
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    return info.reason
