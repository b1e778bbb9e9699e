"""GetScore and ExplainScore: read a member's facts and value them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from laurel_kit.calendar import business_day
from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.errors import ModelNotFound, ScoreNotPublished
from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.models import Level, ScoreModel, ScoringProgram
from laurel_scoring.domain.scores import (
    Contribution,
    Profile,
    Valuation,
    Worth,
    profile_of,
    score,
    worth,
)
from laurel_scoring.domain.settlements import PublishedScore, SettlementKey, date_of
from laurel_scoring.domain.windows import Basis, Moment, Span, span_of
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.score_cache import Kept, span_of_validity
from laurel_scoring.storage.activities import MemberFacts, read_facts
from laurel_scoring.storage.settlements import find_score, find_score_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreQuery:
    """Which score is wanted; `as_of` None means the present."""

    program_id: str
    member_id: str
    model_id: str
    basis: Basis
    as_of: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a score is made of, so that a later page of its explanation sees the same."""

    instant: datetime
    """The time of the score."""
    revision_time: datetime
    """From when on its program revision holds."""
    version: int | None
    """The facts recorded up to this version of the member; None means all of now."""
    published: tuple[date, int] | None
    """Month and run of the settlement that published it; None for a live score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A score with everything known about it."""

    query: ScoreQuery
    view: View
    value: int
    level: Level
    span: Span
    profile: Profile
    term_end: date | None
    """The day at whose beginning the level's term is over, if it has one."""
    revision_id: str
    settlement_date: date
    """The day of the view; the settlement's where it was published."""
    published: PublishedScore | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a score is computed from."""

    query: ScoreQuery
    view: View
    revision: Revision[ScoringProgram]
    model: ScoreModel
    moment: Moment
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A score with a page of what made it."""

    answer: Answer
    valuation: Valuation
    contributions: tuple[Contribution, ...]
    next_offset: int | None
    """Where the next page begins; None on the last one."""


async def get_score(query: ScoreQuery, *, resources: Resources) -> Answer:
    """The score asked for. Raises ProgramNotFound, ModelNotFound, ScoreNotPublished."""
    if query.basis is Basis.LIVE and (kept := await find_kept(query, resources)):
        return kept
    async with resources.database.read() as connection:
        view, published = await find_view(connection, query, resources)
        scene = await read_scene(connection, query, view, resources)
    if published:
        return published_answer(scene, published)
    answer = live_answer(scene)
    keep(scene, answer, resources)
    return answer


async def find_kept(query: ScoreQuery, resources: Resources) -> Answer | None:
    """The live score as it was computed before, when it still is the score."""
    instant = query.as_of or resources.clock.now()
    revision = resources.programs.cached(query.program_id, instant)
    if revision is None:
        return None
    kept = await resources.scores.find(
        (query.program_id, query.member_id, query.model_id),
        revision_id=revision.revision_id,
        instant=instant,
    )
    if kept is None:
        return None
    return Answer(
        query=query,
        view=View(
            instant=instant,
            revision_time=revision.effective_time,
            version=kept.version,
            published=None,
        ),
        value=kept.worth.value,
        level=kept.worth.level,
        span=kept.worth.span,
        profile=kept.profile,
        term_end=kept.worth.term_end,
        revision_id=kept.revision_id,
        settlement_date=business_day(instant, revision.time_zone),
        published=None,
    )


def keep(scene: Scene, answer: Answer, resources: Resources) -> None:
    """Keep a live score for those who ask again."""
    assert scene.view.version is not None, "a scene knows the version that was read"
    from_time, until_time = span_of_validity(scene.facts, scene.moment)
    query = scene.query
    resources.scores.keep(
        (query.program_id, query.member_id, query.model_id),
        Kept(
            version=scene.view.version,
            revision_id=answer.revision_id,
            from_time=from_time,
            until_time=until_time,
            worth=Worth(
                value=answer.value,
                level=answer.level,
                span=answer.span,
                term_end=answer.term_end,
            ),
            profile=answer.profile,
        ),
    )


async def explain_score(
    query: ScoreQuery,
    *,
    after: tuple[View, int] | None,
    page_size: int,
    resources: Resources,
) -> Explanation:
    """A page of what made a score; `after` is the view and offset of the page before.

    Raises what get_score raises.
    """
    async with resources.database.read() as connection:
        if after is None:
            view, published = await find_view(connection, query, resources)
            offset = 0
        else:
            view, offset = after
            published = await published_of(connection, query, view)
        scene = await read_scene(connection, query, view, resources)
    valuation = score(scene.facts, scene.model, scene.moment)
    answer = published_answer(scene, published) if published else answer_of(scene, valuation)
    # A published score is explained by what it was made of: the same facts, revision and function.
    assert answer.value == valuation.value, "a score is a pure function"
    end = offset + page_size
    return Explanation(
        answer=answer,
        valuation=valuation,
        contributions=valuation.contributions[offset:end],
        next_offset=end if end < len(valuation.contributions) else None,
    )


async def find_view(
    connection: Connection, query: ScoreQuery, resources: Resources
) -> tuple[View, PublishedScore | None]:
    """What the score asked for is made of, and its publication."""
    as_of = query.as_of or resources.clock.now()
    revision = await resources.programs.at(connection, query.program_id, as_of)
    if query.basis is Basis.LIVE:
        view = View(
            instant=as_of, revision_time=revision.effective_time, version=None, published=None
        )
        return view, None
    model_of(revision, query.model_id)
    published = await find_score(
        connection, query.program_id, query.member_id, query.model_id, by=as_of
    )
    if published is None:
        raise ScoreNotPublished(member_id=query.member_id, model_id=query.model_id)
    return view_of_published(published), published


def view_of_published(published: PublishedScore) -> View:
    """What a published score was made of."""
    return View(
        instant=published.due_time,
        revision_time=published.revision_time,
        version=published.member_version,
        published=(published.month, published.run),
    )


async def published_of(
    connection: Connection, query: ScoreQuery, view: View
) -> PublishedScore | None:
    """The publication that an earlier page was about; published scores stay for good."""
    if view.published is None:
        return None
    month, run = view.published
    key = SettlementKey(program_id=query.program_id, model_id=query.model_id, month=month, run=run)
    return await find_score_of(connection, query.member_id, key)


async def read_scene(
    connection: Connection, query: ScoreQuery, view: View, resources: Resources
) -> Scene:
    """Read what a view is computed from. Raises ModelNotFound."""
    revision = await resources.programs.at(connection, query.program_id, view.revision_time)
    model = model_of(revision, query.model_id)
    known = await read_facts(connection, query.program_id, query.member_id, version=view.version)
    return scene_of(query, view, revision, model, known)


def scene_of(
    query: ScoreQuery,
    view: View,
    revision: Revision[ScoringProgram],
    model: ScoreModel,
    known: MemberFacts,
) -> Scene:
    """What a view is computed from, its version the one that was read."""
    return Scene(
        query=query,
        view=replace(view, version=known.version),
        revision=revision,
        model=model,
        moment=Moment(basis=query.basis, instant=view.instant, zone=revision.time_zone),
        facts=known.facts,
    )


def live_answer(scene: Scene) -> Answer:
    """The score of a scene, computed now."""
    return answer_of(scene, worth(scene.facts, scene.model, scene.moment))


def answer_of(scene: Scene, found: Valuation | Worth) -> Answer:
    """The score of a scene as it was computed."""
    return Answer(
        query=scene.query,
        view=scene.view,
        value=found.value,
        level=found.level,
        span=found.span,
        profile=profile_of(scene.facts, scene.moment),
        term_end=found.term_end,
        revision_id=scene.revision.revision_id,
        settlement_date=scene.moment.today,
        published=None,
    )


def published_answer(scene: Scene, published: PublishedScore) -> Answer:
    """The score of a scene as it was published: it stands whatever the code has become."""
    span = span_of(scene.model.window, scene.moment)
    return Answer(
        query=scene.query,
        view=scene.view,
        value=published.value,
        level=scene.model.level(published.level_id),
        span=span,
        profile=profile_of(scene.facts, scene.moment),
        term_end=None,
        revision_id=scene.revision.revision_id,
        settlement_date=date_of(scene.model, span),
        published=published,
    )


def model_of(revision: Revision[ScoringProgram], model_id: str) -> ScoreModel:
    """A model of a revision. Raises ModelNotFound."""
    model = revision.model.model(model_id)
    if model is None:
        raise ModelNotFound(program_id=revision.program_id, model_id=model_id)
    return model
