"""SimulateScore and ForecastScore: scores of other facts, programs and times."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from laurel_kit.database import Connection
from laurel_kit.programs.errors import ProgramInvalid
from laurel_kit.programs.loading import examine
from laurel_kit.programs.registry import Revision
from laurel_kit.programs.sections import ProgramFault

from laurel_scoring.domain.errors import FactRefused
from laurel_scoring.domain.forecasts import ForecastStep, forecast
from laurel_scoring.domain.intake import Reported, check_report
from laurel_scoring.domain.models import ScoringProgram
from laurel_scoring.domain.scores import Valuation, score
from laurel_scoring.domain.simulations import suppose
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import (
    Answer,
    ScoreQuery,
    View,
    answer_of,
    find_view,
    live_answer,
    model_of,
    read_scene,
    scene_of,
)
from laurel_scoring.storage.activities import MemberFacts, read_books, read_facts

Program = Revision[ScoringProgram]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateScore:
    """What to suppose; without a draft the revision that holds."""

    query: ScoreQuery
    added: tuple[Reported | FactRefused, ...]
    retracted: frozenset[str]
    draft_source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A supposed score beside the one that is."""

    present: Answer | None
    """None where only the draft has the model."""
    simulated: Answer
    valuation: Valuation


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """How a score goes on."""

    answer: Answer
    steps: tuple[ForecastStep, ...]


async def simulate_score(command: SimulateScore, *, resources: Resources) -> Simulation:
    """The live score with everything supposed; records nothing.

    Raises ProgramNotFound, ProgramInvalid, ModelNotFound, ActivityNotFound, ActivityInUse, and the
    refusal of a supposed fact.
    """
    query, now = command.query, resources.clock.now()
    as_of = query.as_of or now
    draft = None
    if command.draft_source:
        draft = await read_draft(command.draft_source, query.program_id, as_of, resources)
    # One state of the member throughout, whatever is recorded meanwhile.
    async with resources.database.snapshot() as connection:
        revision = await resources.programs.at(connection, query.program_id, as_of)
        known = await read_facts(connection, query.program_id, query.member_id)
        added = [
            await checked(connection, query.program_id, report, draft, resources)
            for report in command.added
        ]
        books = await read_books(connection, query.program_id, added)
    supposed = suppose(
        known.facts,
        added,
        command.retracted,
        member_id=query.member_id,
        recorded=books[query.member_id].recorded if added else {},
        now=now,
    )
    present: Answer | None = None
    if draft is None or revision.model.model(query.model_id) is not None:
        present = valued(query, as_of, revision, known)[0]
    used = MemberFacts(member_id=query.member_id, version=known.version, facts=tuple(supposed))
    simulated, valuation = valued(query, as_of, draft or revision, used)
    return Simulation(present=present, simulated=simulated, valuation=valuation)


async def read_draft(
    source: str, program_id: str, as_of: datetime, resources: Resources
) -> Program:
    """The draft as if it held at the time asked for. Raises ProgramInvalid with every fault."""
    section = resources.programs.section
    # In a thread: reading a large file takes longer than other calls should wait.
    examined = await asyncio.to_thread(examine, source, section)
    if examined.faults:
        raise ProgramInvalid(examined.faults)
    if examined.program_id != program_id:
        fault = ProgramFault("program_id", f"is {examined.program_id}, asked for was {program_id}")
        raise ProgramInvalid([fault])
    assert examined.model is not None, "a file without faults has a model"
    return Revision(
        program_id=program_id,
        revision_id=examined.revision_id,
        effective_time=as_of,
        time_zone=ZoneInfo(examined.time_zone),
        model=examined.model,
    )


async def checked(
    connection: Connection,
    program_id: str,
    report: Reported | FactRefused,
    draft: Program | None,
    resources: Resources,
) -> Reported:
    """A supposed fact that is right by itself; otherwise raises why it is not."""
    if not isinstance(report, Reported):
        raise report
    time = report.fact.activity_time
    revision = draft or await resources.programs.at(connection, program_id, time)
    if refusal := check_report(report, revision.model.vocabulary):
        raise refusal
    return report


def valued(
    query: ScoreQuery, as_of: datetime, revision: Program, known: MemberFacts
) -> tuple[Answer, Valuation]:
    """The live score of facts by a revision. Raises ModelNotFound."""
    view = View(instant=as_of, revision_time=revision.effective_time, version=None, published=None)
    scene = scene_of(query, view, revision, model_of(revision, query.model_id), known)
    valuation = score(scene.facts, scene.model, scene.moment)
    return answer_of(scene, valuation), valuation


async def forecast_score(query: ScoreQuery, *, days: int, resources: Resources) -> Forecast:
    """The live score and its changes on the days after it. Raises what get_score raises."""
    async with resources.database.read() as connection:
        view, _ = await find_view(connection, query, resources)
        scene = await read_scene(connection, query, view, resources)
    steps: list[ForecastStep] = []
    for step in forecast(scene.facts, scene.model, scene.moment, days=days):
        steps.append(step)
        # Each step is an evaluation; other calls go on in between.
        await asyncio.sleep(0)
    return Forecast(answer=live_answer(scene), steps=tuple(steps))
