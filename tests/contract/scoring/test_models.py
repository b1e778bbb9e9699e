"""GetModel and ListModels through a server."""

from __future__ import annotations

from typing import Any

import pytest
from laurel.scoring.v1 import models_pb2 as pb
from laurel.scoring.v1 import models_pb2_grpc
from laurel_kit.clock import SettableClock
from laurel_kit.programs.loading import load_program

from tests.support.databases import DatabaseOf
from tests.support.programs import program_text
from tests.support.scoring import (
    MODEL,
    PATIENCE,
    PROGRAM,
    Scoring,
    instant,
    refusal,
    scoring,
    stamp,
)


@pytest.fixture
async def whole(database_of: DatabaseOf, clock: SettableClock) -> Any:
    async with scoring(database_of, clock) as served:
        yield served


async def get(whole: Scoring, **fields: Any) -> pb.GetModelResponse:
    stub = models_pb2_grpc.ModelServiceStub(whole.served.channel)
    request = pb.GetModelRequest(**{"program_id": PROGRAM, "model_id": MODEL, **fields})
    return await stub.GetModel(request, timeout=PATIENCE)


async def listed(whole: Scoring, **fields: Any) -> pb.ListModelsResponse:
    stub = models_pb2_grpc.ModelServiceStub(whole.served.channel)
    request = pb.ListModelsRequest(**{"program_id": PROGRAM, **fields})
    return await stub.ListModels(request, timeout=PATIENCE)


async def test_get_model_answers_what_the_file_says(whole: Scoring) -> None:
    model = (await get(whole)).model
    assert model.definition == load_program(program_text()).scoring.models[0]
    assert (model.program_id, model.time_zone) == (PROGRAM, "Asia/Shanghai")
    assert model.program_revision == (await whole.score()).score.program_revision


async def test_get_model_as_of_another_time(whole: Scoring, clock: SettableClock) -> None:
    before = (await get(whole)).model
    then = stamp(clock.now())
    clock.set(instant("2026-03-11T12:00"))
    await whole.apply(program_text().replace("display_name: 京享值", "display_name: 另一个"))
    after = (await get(whole)).model
    assert after.program_revision != before.program_revision
    assert after.effective_time == stamp(clock.now())
    assert after.definition.display_name == "另一个"
    assert (await get(whole, as_of_time=then)).model == before


async def test_get_model_refuses_what_is_not_there(whole: Scoring) -> None:
    assert await refusal(get(whole, program_id="x")) == ("NOT_FOUND", "PROGRAM_NOT_FOUND")
    assert await refusal(get(whole, model_id="x")) == ("NOT_FOUND", "MODEL_NOT_FOUND")


async def test_list_models_has_every_model_in_pages(whole: Scoring, clock: SettableClock) -> None:
    declared = [model.model_id for model in load_program(program_text()).scoring.models]
    models = list((await listed(whole)).models)
    assert models[0] == (await get(whole)).model
    assert [model.definition.model_id for model in models] == declared
    token, names = "", []
    for _ in declared:
        page = await listed(whole, page_size=1, page_token=token)
        names += [model.definition.model_id for model in page.models]
        token = page.next_page_token
    assert (names, token) == (declared, "")
    assert await refusal(listed(whole, program_id="x")) == ("NOT_FOUND", "PROGRAM_NOT_FOUND")
    assert (await refusal(listed(whole, page_token="x")))[1] == "PAGE_TOKEN_INVALID"


async def test_a_model_that_fails_validation_never_becomes_active(
    whole: Scoring, clock: SettableClock
) -> None:
    before = (await get(whole)).model
    clock.set(instant("2026-03-11T12:00"))
    wrong = program_text().replace("from_score: 201", "from_score: 5001", 1)
    assert wrong != program_text()
    code, _ = await refusal(whole.apply(wrong))
    assert code == "INVALID_ARGUMENT"
    assert (await get(whole)).model == before
    assert (await whole.score()).score.program_revision == before.program_revision
    # Just allowed: the same level one point lower.
    await whole.apply(program_text().replace("from_score: 201", "from_score: 5000", 1))
    assert (await get(whole)).model.program_revision != before.program_revision
