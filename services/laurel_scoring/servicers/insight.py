"""The door for insight."""

from __future__ import annotations

from typing import Any

from grpc.aio import ServicerContext
from laurel.scoring.v1 import insight_pb2 as pb
from laurel.scoring.v1 import insight_pb2_grpc as rpc

from laurel_scoring.handlers.insight import get_distribution, list_leaderboard
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.wire import insight as wire

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
