"""GetModel and ListModels: how members are valued at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.models import ScoreModel, ScoringProgram
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import model_of


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldModel:
    """A model with the revision that has it."""

    model: ScoreModel
    revision: Revision[ScoringProgram]


async def get_model(
    program_id: str, model_id: str, as_of: datetime | None, *, resources: Resources
) -> HeldModel:
    """The model that holds at a time. Raises ProgramNotFound and ModelNotFound."""
    revision = await revision_at(program_id, as_of, resources)
    return HeldModel(model=model_of(revision, model_id), revision=revision)


async def list_models(
    program_id: str,
    as_of: datetime | None,
    *,
    offset: int,
    limit: int,
    resources: Resources,
) -> list[HeldModel]:
    """The models that hold at a time, in the order of the file. Raises ProgramNotFound."""
    revision = await revision_at(program_id, as_of, resources)
    models = revision.model.models[offset : offset + limit]
    return [HeldModel(model=model, revision=revision) for model in models]


async def revision_at(
    program_id: str, as_of: datetime | None, resources: Resources
) -> Revision[ScoringProgram]:
    """The revision that holds at a time. Raises ProgramNotFound."""
    instant = as_of or resources.clock.now()
    async with resources.database.read() as connection:
        return await resources.programs.at(connection, program_id, instant)
