"""GetModel and ListModels: models to messages, as the program file has them."""

from __future__ import annotations

from collections.abc import Sequence

from laurel.program.v1.scoring_section_pb2 import ScoreModel
from laurel.scoring.v1 import models_pb2 as pb
from laurel_kit.pages import PageTokenInvalid, PageTokens, page_size

from laurel_scoring.handlers.models import HeldModel
from laurel_scoring.wire.times import write_time


def write_get_model(held: HeldModel) -> pb.GetModelResponse:
    """One model."""
    return pb.GetModelResponse(model=write_model(held))


def read_list_page(request: pb.ListModelsRequest) -> tuple[int, int]:
    """Where a page begins, and how many models it has at most. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, int)
    offset = int(cursor[0] or 0) if cursor else 0
    if offset < 0:
        raise PageTokenInvalid
    return offset, page_size(request.page_size)


def write_list_models(
    request: pb.ListModelsRequest, models: Sequence[HeldModel], offset: int, size: int
) -> pb.ListModelsResponse:
    """A page of models; one more than its size says that another page follows."""
    cursor = [offset + size] if len(models) > size else None
    return pb.ListModelsResponse(
        models=[write_model(held) for held in models[:size]],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_model(held: HeldModel) -> pb.Model:
    """A model with the revision that has it."""
    revision = held.revision
    return pb.Model(
        program_id=revision.program_id,
        program_revision=revision.revision_id,
        effective_time=write_time(revision.effective_time),
        time_zone=revision.time_zone.key,
        definition=ScoreModel.FromString(held.model.definition),
    )
