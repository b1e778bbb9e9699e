"""The door for insight."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from grpc.aio import ServicerContext
from laurel.scoring.v1 import insight_pb2 as pb
from laurel.scoring.v1 import insight_pb2_grpc as rpc

from laurel_scoring.handlers.insight import get_distribution, list_leaderboard
from laurel_scoring.handlers.medals import get_medals
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.segments import (
    get_preferences,
    get_segment,
    list_segment_members,
)
from laurel_scoring.wire import insight as wire
from laurel_scoring.wire import medals, segments

Context = ServicerContext[Any, Any]


class InsightServicer(rpc.InsightServiceServicer):
    """Answers what scores say about everybody together."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def GetDistribution(
        self, request: pb.GetDistributionRequest, context: Context
    ) -> pb.GetDistributionResponse:
        view = await get_distribution(
            wire.read_get_distribution(request), resources=self._resources
        )
        return wire.write_get_distribution(view)

    async def ListLeaderboard(
        self, request: pb.ListLeaderboardRequest, context: Context
    ) -> pb.ListLeaderboardResponse:
        query, after, size = wire.read_list_leaderboard(request)
        page = await list_leaderboard(query, after=after, limit=size + 1, resources=self._resources)
        return wire.write_list_leaderboard(request, page, size)

    async def GetSegment(
        self, request: pb.GetSegmentRequest, context: Context
    ) -> pb.GetSegmentResponse:
        view = await get_segment(request.program_id, request.member_id, resources=self._resources)
        return segments.write_get_segment(view)

    async def ListSegmentMembers(
        self, request: pb.ListSegmentMembersRequest, context: Context
    ) -> AsyncIterator[pb.ListSegmentMembersResponse]:
        parts = list_segment_members(
            request.program_id,
            request.segment_id,
            after_member_id=request.after_member_id,
            resources=self._resources,
        )
        async for part in parts:
            yield segments.write_part(part)

    async def GetPreferences(
        self, request: pb.GetPreferencesRequest, context: Context
    ) -> pb.GetPreferencesResponse:
        view = await get_preferences(request.program_id, request.shop_id, resources=self._resources)
        return segments.write_get_preferences(view)

    async def GetMedals(
        self, request: pb.GetMedalsRequest, context: Context
    ) -> pb.GetMedalsResponse:
        wall = await get_medals(request.program_id, request.member_id, resources=self._resources)
        return medals.write_get_medals(wall)
