"""Tiers and groups of a scoring that says what it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import grpc
from google.type.date_pb2 import Date
from laurel.scoring.v1 import (
    activities_pb2,
    insight_pb2,
    insight_pb2_grpc,
    scores_pb2,
    tiers_pb2,
    tiers_pb2_grpc,
)
from laurel_kit.clock import SettableClock

SHANGHAI = timedelta(hours=8)
DORMANT = (("dormant-long", 181), ("dormant-mid", 61), ("dormant-short", 30))


@dataclass
class FakeInsight(tiers_pb2_grpc.TierServiceServicer, insight_pb2_grpc.InsightServiceServicer):
    """Knows when tiers end, and from the facts it shares who has not bought since when."""

    clock: SettableClock
    facts: Mapping[str, activities_pb2.Activity]
    ends: dict[str, datetime] = field(default_factory=dict)
    """By member: when the silver of 成长值 ends."""
    tiers: dict[str, tiers_pb2.Tier] = field(default_factory=dict)
    """By member: the tier that GetTier answers."""
    away: bool = False

    async def GetTier(  # noqa: N802  # The name is the contract's.
        self, request: tiers_pb2.GetTierRequest, context: Any
    ) -> tiers_pb2.GetTierResponse:
        await self._may_fail(context)
        lowest = tiers_pb2.Tier(level=scores_pb2.Level(level_id="ordinary", position=1))
        return tiers_pb2.GetTierResponse(tier=self.tiers.get(request.member_id, lowest))

    async def BatchGetTiers(  # noqa: N802  # The name is the contract's.
        self, request: tiers_pb2.BatchGetTiersRequest, context: Any
    ) -> tiers_pb2.BatchGetTiersResponse:
        await self._may_fail(context)
        return tiers_pb2.BatchGetTiersResponse(
            tiers=[self._tier(member_id, request.model_id) for member_id in request.member_ids]
        )

    def _tier(self, member_id: str, model_id: str) -> tiers_pb2.Tier:
        tier = tiers_pb2.Tier(member_id=member_id, model_id=model_id)
        if end := self.ends.get(member_id):
            tier.level.CopyFrom(scores_pb2.Level(level_id="silver", position=3))
            tier.until_time.FromDatetime(end)
            tier.outlook.missing_to_keep = 500
        return tier

    async def GetSegment(  # noqa: N802  # The name is the contract's.
        self, request: insight_pb2.GetSegmentRequest, context: Any
    ) -> insight_pb2.GetSegmentResponse:
        await self._may_fail(context)
        segment = insight_pb2.Segment(member_id=request.member_id)
        if last := self._last_orders().get(request.member_id):
            segment.last_order_date.CopyFrom(wire_date(last))
            segment.dormancy.segment_id = self._dormancy(last)
        return insight_pb2.GetSegmentResponse(segment=segment)

    async def ListSegmentMembers(  # noqa: N802  # The name is the contract's.
        self, request: insight_pb2.ListSegmentMembersRequest, context: Any
    ) -> AsyncIterator[insight_pb2.ListSegmentMembersResponse]:
        await self._may_fail(context)
        for member_id, last in sorted(self._last_orders().items()):
            if member_id > request.after_member_id and self._dormancy(last) == request.segment_id:
                member = insight_pb2.SegmentMember(
                    member_id=member_id, last_order_date=wire_date(last)
                )
                yield insight_pb2.ListSegmentMembersResponse(members=[member])

    def _last_orders(self) -> dict[str, date]:
        found: dict[str, date] = {}
        for fact in self.facts.values():
            if fact.WhichOneof("fact") == "purchase":
                day = local_day(fact.activity_time.ToDatetime(UTC))
                found[fact.member_id] = max(day, found.get(fact.member_id, day))
        return found

    def _dormancy(self, last: date) -> str:
        days = (local_day(self.clock.now()) - last).days
        return next((name for name, least in DORMANT if least <= days), "")

    async def _may_fail(self, context: Any) -> None:
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")


def local_day(instant: datetime) -> date:
    """The business day of an instant."""
    return (instant.astimezone(UTC) + SHANGHAI).date()


def wire_date(day: date) -> Date:
    """A day for the wire."""
    return Date(year=day.year, month=day.month, day=day.day)
