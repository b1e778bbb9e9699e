"""A scoring that says what it is told of members, and keeps the facts it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from laurel.scoring.v1 import activities_pb2, activities_pb2_grpc, scores_pb2, scores_pb2_grpc
from laurel_kit.clock import SettableClock

from tests.support.fake_insight import FakeInsight
from tests.support.fake_points import refuse
from tests.support.patience import PATIENCE


def instant(moment: datetime) -> Timestamp:
    """An instant for the wire."""
    timestamp = Timestamp()
    timestamp.FromDatetime(moment.astimezone(UTC))
    return timestamp


@dataclass
class Standing:
    """What scoring is to say of a member."""

    score: int = 0
    credit_score: int | None = 60
    credit_stars: int | None = 3
    attributes: Sequence[str] = ("real_name",)
    published: int | None = None
    growth: int = 0
    """The running balance of 成长值."""


def level_of(value: int, levels: Sequence[tuple[int, str]]) -> scores_pb2.Level:
    """The level of a value; the levels stand with the highest first."""
    place = next(place for place, level in enumerate(levels) if level[0] <= value)
    return scores_pb2.Level(level_id=levels[place][1], position=len(levels) - place)


@dataclass
class FakeScoring(
    scores_pb2_grpc.ScoreServiceServicer, activities_pb2_grpc.ActivityServiceServicer
):
    """Says what it is told of members, and keeps the facts it is told in their order."""

    clock: SettableClock
    standings: dict[str, Standing] = field(default_factory=dict)
    facts: dict[str, activities_pb2.Activity] = field(default_factory=dict)
    retracted: dict[str, activities_pb2.RetractActivityRequest] = field(default_factory=dict)
    questions: int = 0
    away: bool = False
    refusal: tuple[grpc.StatusCode, str] | None = None
    item_refusal: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    insight: FakeInsight = field(init=False)

    def __post_init__(self) -> None:
        self.insight = FakeInsight(self.clock, self.facts)

    TIERS = (
        (30000, "diamond"),
        (10000, "gold"),
        (2000, "silver"),
        (1, "bronze"),
        (0, "registered"),
    )
    LEVELS = ((20001, "L5"), (10001, "L4"), (5001, "L3"), (201, "L2"), (0, "L1"))

    async def GetScore(  # noqa: N802  # The name is the contract's.
        self, request: scores_pb2.GetScoreRequest, context: Any
    ) -> scores_pb2.GetScoreResponse:
        self.questions += 1
        await self._may_fail(context)
        standing = self.standings.get(request.member_id, Standing())
        live = request.basis == scores_pb2.SCORE_BASIS_LIVE
        if not live and standing.published is None:
            await refuse(context, grpc.StatusCode.NOT_FOUND, "SCORE_NOT_PUBLISHED", "scoring")
        value = standing.score if live else standing.published
        levels = self.LEVELS
        if request.model_id == "chengzhang":
            value, levels = standing.growth, self.TIERS
        assert value is not None
        score = scores_pb2.Score(
            program_id=request.program_id,
            member_id=request.member_id,
            model_id=request.model_id,
            value=value,
            level=level_of(value, levels),
            basis=request.basis,
            as_of_time=instant(self.clock.now()),
            program_revision="sha256:scoring",
        )
        profile = scores_pb2.MemberProfile(
            attributes=standing.attributes,
            credit_score=standing.credit_score,
            credit_stars=standing.credit_stars,
        )
        return scores_pb2.GetScoreResponse(score=score, profile=profile)

    async def SimulateScore(  # noqa: N802  # The name is the contract's.
        self, request: scores_pb2.SimulateScoreRequest, context: Any
    ) -> scores_pb2.SimulateScoreResponse:
        await self._may_fail(context)
        standing = self.standings.get(request.member_id, Standing())
        return scores_pb2.SimulateScoreResponse(simulated=scores_pb2.Score(value=standing.score))

    async def RecordActivities(  # noqa: N802  # The name is the contract's.
        self, request: activities_pb2.RecordActivitiesRequest, context: Any
    ) -> activities_pb2.RecordActivitiesResponse:
        await self._may_fail(context)
        return activities_pb2.RecordActivitiesResponse(
            results=[self._record(activity) for activity in request.activities]
        )

    async def RetractActivity(  # noqa: N802  # The name is the contract's.
        self, request: activities_pb2.RetractActivityRequest, context: Any
    ) -> activities_pb2.RetractActivityResponse:
        await self._may_fail(context)
        if request.activity_id not in self.facts:
            await refuse(context, grpc.StatusCode.NOT_FOUND, "ACTIVITY_NOT_FOUND", "scoring")
        self.retracted.setdefault(request.request_id, request)
        self.changed.set()
        return activities_pb2.RetractActivityResponse()

    def _record(self, activity: activities_pb2.Activity) -> activities_pb2.RecordActivityResult:
        result = activities_pb2.RecordActivityResult(activity_id=activity.activity_id)
        if self.item_refusal:
            result.error.details.add().Pack(
                error_details_pb2.ErrorInfo(reason=self.item_refusal, domain="scoring.laurel")
            )
            return result
        result.recorded.replayed = activity.activity_id in self.facts
        assert self.facts.setdefault(activity.activity_id, activity) == activity
        self.changed.set()
        return result

    async def told(self, facts: int) -> None:
        """Wait until it has been told of so many facts."""
        async with asyncio.timeout(PATIENCE):
            while len(self.facts) < facts:
                self.changed.clear()
                await self.changed.wait()

    async def _may_fail(self, context: Any) -> None:
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        if self.refusal:
            await refuse(context, *self.refusal, "scoring")

    @property
    def orders(self) -> list[str]:
        """The orders it was told of, in the order it was told."""
        return [fact.purchase.order_id for fact in self.facts.values()]
