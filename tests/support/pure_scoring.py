"""The rules of scoring without a service or a database: facts in lists, asked in messages.

Golden cases are played in it as they are over gRPC, so that what the rules say and what the
service answers are held to the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.descriptor import MethodDescriptor
from laurel.scoring.v1 import activities_pb2, insight_pb2, scores_pb2
from laurel_kit.calendar import add_months, business_day, month_start
from laurel_kit.programs.loading import compile_section, read_program
from laurel_kit.programs.registry import Revision
from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.models import Level, ScoreModel, ScoringProgram
from laurel_scoring.domain.ranks import Standing, level_at, order
from laurel_scoring.domain.scores import score, worth
from laurel_scoring.domain.segments import kept_lines, segment_of
from laurel_scoring.domain.settlements import FIRST_RUN, PublishedScore, due_time
from laurel_scoring.domain.windows import Basis, Moment
from laurel_scoring.handlers.scores import (
    Answer,
    Explanation,
    ScoreQuery,
    View,
    live_answer,
    published_answer,
    scene_of,
    view_of_published,
)
from laurel_scoring.handlers.segments import SegmentView
from laurel_scoring.storage.activities import MemberFacts
from laurel_scoring.wire import score_lists, segments
from laurel_scoring.wire import scores as wire
from laurel_scoring.wire.activities import read_fact
from laurel_scoring.wire.program import SECTION

from tests.support.programs import shipped_text

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
METHODS = {"RecordActivities", "GetScore", "BatchGetScores", "ExplainScore", "GetSegment"}
"""The calls that it knows."""


@dataclass(kw_only=True)
class PureScoring:
    """A world of facts and programs, at an instant."""

    now: datetime = BEGINNING
    programs: dict[str, Revision[ScoringProgram]] = field(default_factory=dict)
    facts: dict[tuple[str, str], list[Fact]] = field(default_factory=dict)

    async def set_clock(self, instant: datetime) -> None:
        self.now = instant
        await self.apply(shipped_text("jd"))

    async def advance_clock(self, until: datetime) -> None:
        """Nothing has to happen on the way: what is due is worked out when it is asked for."""
        self.now = until

    async def apply(self, text: str) -> None:
        revision = revision_of(text)
        self.programs[revision.program_id] = revision

    async def call(self, method: MethodDescriptor, request: Any) -> Any:
        """Answer a call by the rules alone."""
        match method.name:
            case "RecordActivities":
                return self.record(request)
            case "GetScore":
                return wire.write_get_score(self.answer(wire.read_get_score(request)))
            case "BatchGetScores":
                query = score_lists.read_batch_get_scores(request)
                answers = [self.answer(query.of(member_id)) for member_id in query.member_ids]
                return score_lists.write_batch_get_scores(query, answers, refuse)
            case "ExplainScore":
                return self.explain(request)
            case "GetSegment":
                return self.segment(request)
        raise AssertionError(f"{method.name} is not among METHODS")

    def record(
        self, request: activities_pb2.RecordActivitiesRequest
    ) -> activities_pb2.RecordActivitiesResponse:
        for each in request.activities:
            key = request.program_id, each.member_id
            self.facts.setdefault(key, []).append(read_fact(each))
        return activities_pb2.RecordActivitiesResponse()

    def answer(self, query: ScoreQuery) -> Answer:
        revision = self.programs[query.program_id]
        model = revision.model.model(query.model_id)
        assert model is not None, query.model_id
        known = self.known(query.program_id, query.member_id)
        if query.basis is Basis.LIVE:
            view = View(instant=self.now, revision_time=BEGINNING, version=None, published=None)
            return live_answer(scene_of(query, view, revision, model, known))
        published = self.published(query, revision, model)
        view = view_of_published(published)
        return published_answer(scene_of(query, view, revision, model, known), published)

    def explain(self, request: scores_pb2.ExplainScoreRequest) -> scores_pb2.ExplainScoreResponse:
        query = wire.read_get_score(request)
        answer, revision = self.answer(query), self.programs[query.program_id]
        moment = Moment(basis=query.basis, instant=answer.view.instant, zone=revision.time_zone)
        model = revision.model.model(query.model_id)
        assert model is not None, query.model_id
        valuation = score(self.known(query.program_id, query.member_id).facts, model, moment)
        assert valuation.value == answer.value
        explanation = Explanation(
            answer=answer,
            valuation=valuation,
            contributions=valuation.contributions,
            next_offset=None,
        )
        return wire.write_explain_score(request, explanation)

    def segment(self, request: insight_pb2.GetSegmentRequest) -> insight_pb2.GetSegmentResponse:
        revision = self.programs[request.program_id]
        assert revision.model.insight is not None, request.program_id
        zone, known = revision.time_zone, self.known(request.program_id, request.member_id)
        kept = kept_lines(known.facts, now=self.now, zone=zone)
        view = SegmentView(
            program_id=request.program_id,
            member_id=request.member_id,
            segment=segment_of(kept, revision.model.insight, now=self.now, zone=zone),
            as_of=self.now,
            revision_id=revision.revision_id,
        )
        return segments.write_get_segment(view)

    def published(
        self, query: ScoreQuery, revision: Revision[ScoringProgram], model: ScoreModel
    ) -> PublishedScore:
        """What the last settlement that is due published of a member."""
        month = month_start(business_day(self.now, revision.time_zone))
        while due_time(model, month, revision.time_zone) > self.now:
            month = add_months(month, -1)
        due = due_time(model, month, revision.time_zone)
        moment = Moment(basis=Basis.PUBLISHED, instant=due, zone=revision.time_zone)
        value, level = self.settled(query, model, moment)
        return PublishedScore(
            program_id=query.program_id,
            member_id=query.member_id,
            model_id=query.model_id,
            month=month,
            run=FIRST_RUN,
            value=value,
            level_id=level.level_id,
            due_time=due,
            publish_time=due,
            revision_id=revision.revision_id,
            revision_time=BEGINNING,
            member_version=1,
            correction_reason="",
        )

    def settled(self, query: ScoreQuery, model: ScoreModel, moment: Moment) -> tuple[int, Level]:
        """The score and level of a member among all of its program."""
        found = worth(self.facts.get((query.program_id, query.member_id), ()), model, moment)
        if not model.by_rank:
            return found.value, found.level
        ranked = sorted(self.standings(query.program_id, model, moment), key=order)
        places = {each.member_id: place for place, each in enumerate(ranked, start=1)}
        return found.value, level_at(model, places.get(query.member_id), found.value)

    def standings(self, program_id: str, model: ScoreModel, moment: Moment) -> Iterable[Standing]:
        """Everybody of a program with a score above zero."""
        for (of, member_id), facts in self.facts.items():
            found = worth(facts, model, moment)
            if of == program_id and found.value:
                yield Standing(
                    member_id=member_id, value=found.value, reached_time=found.reached_time
                )

    def known(self, program_id: str, member_id: str) -> MemberFacts:
        facts = tuple(self.facts.get((program_id, member_id), ()))
        return MemberFacts(member_id=member_id, version=1, facts=facts)


@cache
def revision_of(text: str) -> Revision[ScoringProgram]:
    """A program file as the rules of scoring see it."""
    reading = read_program(text)
    compiled = compile_section(reading, SECTION)
    assert compiled is not None, reading.faults
    return Revision(
        program_id=reading.message.program_id,
        revision_id="pure",
        effective_time=BEGINNING,
        time_zone=ZoneInfo(reading.message.time_zone),
        model=compiled,
    )


def refuse(error: Exception) -> Any:
    """No case has a member without a score."""
    raise error
