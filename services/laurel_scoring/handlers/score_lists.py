"""BatchGetScores and ListScoreHistory: many members' score, and one member's scores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.errors import ScoreNotPublished
from laurel_scoring.domain.models import Level, ScoringProgram
from laurel_scoring.domain.settlements import PublishedScore, date_of
from laurel_scoring.domain.windows import Basis, Moment, Span, span_of
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import (
    Answer,
    ScoreQuery,
    View,
    live_answer,
    model_of,
    published_answer,
    scene_of,
    view_of_published,
)
from laurel_scoring.storage.activities import read_facts_of_members
from laurel_scoring.storage.settlements import find_scores, list_scores


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchQuery:
    """Whose scores are wanted; `as_of` None means the present."""

    program_id: str
    member_ids: tuple[str, ...]
    model_id: str
    basis: Basis
    as_of: datetime | None

    def of(self, member_id: str) -> ScoreQuery:
        """The same question about one member."""
        return ScoreQuery(
            program_id=self.program_id,
            member_id=member_id,
            model_id=self.model_id,
            basis=self.basis,
            as_of=self.as_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """A published score with what its model says about it."""

    published: PublishedScore
    level: Level
    span: Span
    settlement_date: date


async def batch_get_scores(
    query: BatchQuery, *, resources: Resources
) -> list[Answer | ScoreNotPublished]:
    """The score of each member, in order. Raises ProgramNotFound and ModelNotFound."""
    as_of = query.as_of or resources.clock.now()
    async with resources.database.read() as connection:
        revision = await resources.programs.at(connection, query.program_id, as_of)
        model_of(revision, query.model_id)
        if query.basis is Basis.LIVE:
            return await live_scores(connection, query, as_of, revision)
        return await published_scores(connection, query, as_of, resources)


async def live_scores(
    connection: Connection,
    query: BatchQuery,
    as_of: datetime,
    revision: Revision[ScoringProgram],
) -> list[Answer | ScoreNotPublished]:
    """Computed now, from facts read in one statement."""
    model = model_of(revision, query.model_id)
    view = View(instant=as_of, revision_time=revision.effective_time, version=None, published=None)
    asked = dict.fromkeys(query.member_ids)
    known = await read_facts_of_members(connection, query.program_id, asked)
    return [
        live_answer(scene_of(query.of(member_id), view, revision, model, known[member_id]))
        for member_id in query.member_ids
    ]


async def published_scores(
    connection: Connection, query: BatchQuery, as_of: datetime, resources: Resources
) -> list[Answer | ScoreNotPublished]:
    """As published, with what was known of each member then."""
    program_id = query.program_id
    found = await find_scores(connection, program_id, query.member_ids, query.model_id, by=as_of)
    versions = {member_id: each.member_version for member_id, each in found.items()}
    known = await read_facts_of_members(connection, program_id, versions)
    answers: list[Answer | ScoreNotPublished] = []
    for member_id in query.member_ids:
        published = found.get(member_id)
        if published is None:
            answers.append(ScoreNotPublished(member_id=member_id, model_id=query.model_id))
            continue
        revision = await resources.programs.at(connection, program_id, published.revision_time)
        model, view = model_of(revision, query.model_id), view_of_published(published)
        scene = scene_of(query.of(member_id), view, revision, model, known[member_id])
        answers.append(published_answer(scene, published))
    return answers


async def list_score_history(
    query: ScoreQuery,
    *,
    before: tuple[date, int] | None,
    limit: int,
    resources: Resources,
) -> list[HistoryEntry]:
    """Published scores of a member, the latest month and in it the latest run first."""
    async with resources.database.read() as connection:
        found = await list_scores(
            connection,
            query.program_id,
            query.member_id,
            query.model_id,
            before=before,
            limit=limit,
        )
        return [await entry_of(connection, each, resources) for each in found]


async def entry_of(
    connection: Connection, published: PublishedScore, resources: Resources
) -> HistoryEntry:
    """A published score with what the model that made it says about it."""
    revision = await resources.programs.at(
        connection, published.program_id, published.revision_time
    )
    model = model_of(revision, published.model_id)
    moment = Moment(basis=Basis.PUBLISHED, instant=published.due_time, zone=revision.time_zone)
    span = span_of(model.window, moment)
    return HistoryEntry(
        published=published,
        level=model.level(published.level_id),
        span=span,
        settlement_date=date_of(model, span),
    )
