"""When the next settlement of a model is due: the first month that is not published yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.models import ScoringProgram
from laurel_scoring.domain.settlements import (
    SettlementKey,
    due_time,
    first_month_after,
    next_month,
)
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.storage.settlements import Beginning, read_published_months


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Due:
    """The next settlement of a model; the earliest comes first."""

    time: datetime
    program_id: str
    model_id: str
    key: SettlementKey


async def due_after(
    connection: Connection,
    beginning: Beginning,
    model_id: str,
    revision: Revision[ScoringProgram],
    resources: Resources,
) -> Due | None:
    """The first month of a model after its beginning that is not published.

    Months in which the program did not have the model, or it had no schedule, are passed over.
    """
    program_id = beginning.program_id
    published = await read_published_months(connection, program_id, model_id)
    newest = revision.model.model(model_id)
    assert newest is not None, "it was found among the models of the revision"
    month = first_month_after(newest, beginning.apply_time, revision.time_zone)
    while True:
        due = due_time(newest, month, revision.time_zone)
        if due > resources.clock.now():
            break
        then = await resources.programs.at(connection, program_id, due)
        model = then.model.model(model_id)
        if month not in published and model is not None and model.settlement_day is not None:
            due = due_time(model, month, then.time_zone)
            break
        month = next_month(month)
    key = SettlementKey(program_id=program_id, model_id=model_id, month=month)
    return Due(time=due, program_id=program_id, model_id=model_id, key=key)
