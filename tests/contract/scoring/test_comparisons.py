"""CompareModels through a server: a draft against what holds, over everybody's facts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from laurel.scoring.v1 import models_pb2 as pb
from laurel.scoring.v1 import models_pb2_grpc
from laurel_kit.clock import SettableClock

from tests.support.databases import DatabaseOf
from tests.support.programs import program_text
from tests.support.scoring import (
    MODEL,
    PATIENCE,
    PROGRAM,
    Scoring,
    line,
    number,
    purchase,
    refusal,
    scoring,
    stamp,
)

RULE = "per_amount: {points: 1, minor_units: 100}  # C6"
DRAFT = program_text().replace(RULE, RULE.replace("points: 1", "points: 2"))
YUAN = {"m-1": 6000, "m-2": 3000, "m-3": 10, "m-4": 0}


@pytest.fixture
async def whole(database_of: DatabaseOf, clock: SettableClock) -> Any:
    async with scoring(database_of, clock, settlement_chunk=3) as served:
        await served.recorded(
            *(
                purchase("2026-02-01T10:00", line(each * 100), member_id=member_id)
                for member_id, each in YUAN.items()
            )
        )
        yield served


def request(**fields: Any) -> pb.CompareModelsRequest:
    known = {"request_id": number("r"), "program_id": PROGRAM, "model_id": MODEL}
    other = {} if "other_time" in fields else {"draft_source": DRAFT}
    return pb.CompareModelsRequest(**{**known, **other, **fields})


async def start(whole: Scoring, asked: pb.CompareModelsRequest) -> operations_pb2.Operation:
    stub: Any = models_pb2_grpc.ModelServiceStub(whole.served.channel)
    return await stub.CompareModels(asked, timeout=PATIENCE)


async def compared(whole: Scoring, **fields: Any) -> pb.ModelComparison:
    operation = await start(whole, request(**fields))
    stub = operations_pb2_grpc.OperationsStub(whole.served.channel)
    waiting = operations_pb2.WaitOperationRequest(name=operation.name)
    ended = await stub.WaitOperation(waiting, timeout=PATIENCE)
    answer = pb.CompareModelsResponse()
    assert ended.response.Unpack(answer), ended
    return answer.comparison


async def test_compare_models_tells_what_a_draft_would_change(whole: Scoring) -> None:
    assert RULE in program_text()
    found = await compared(whole)
    assert (found.members, found.members_changed) == (4, 3)
    assert found.other_value_total - found.value_total == sum(YUAN.values())
    moves = [(each.level_id, each.other_level_id, each.members) for each in found.level_moves]
    assert moves == [("L2", "L3", 1), ("L3", "L4", 1)]
    assert [(each.member_id, each.other_value - each.value) for each in found.largest] == [
        ("m-1", 6000),
        ("m-2", 3000),
        ("m-3", 10),
    ]
    live = (await whole.score(member_id="m-1")).score.value
    assert found.largest[0].value == live
    assert found.program_revision != found.other_revision


async def test_compare_models_with_the_revision_that_holds_changes_nothing(
    whole: Scoring, clock: SettableClock
) -> None:
    found = await compared(whole, other_time=stamp(clock.now()))
    assert (found.members, found.members_changed, list(found.largest)) == (4, 0, [])
    assert found.program_revision == found.other_revision


async def test_compare_models_repeated_or_at_once_is_one_operation(whole: Scoring) -> None:
    asked = request()
    started = await asyncio.gather(*(start(whole, asked) for _ in range(3)))
    again = await start(whole, asked)
    assert {each.name for each in (*started, again)} == {again.name}
    other = request(request_id=asked.request_id, draft_source=program_text())
    reused = ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    assert await refusal(start(whole, other)) == reused


async def test_compare_models_refuses_what_cannot_be(whole: Scoring) -> None:
    missing = request(model_id="x")
    assert await refusal(start(whole, missing)) == ("NOT_FOUND", "MODEL_NOT_FOUND")
    wrong = request(draft_source="program_id: x")
    assert await refusal(start(whole, wrong)) == ("INVALID_ARGUMENT", "PROGRAM_INVALID")
    stranger = request(program_id="x")
    assert await refusal(start(whole, stranger)) == ("NOT_FOUND", "PROGRAM_NOT_FOUND")
