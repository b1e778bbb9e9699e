"""The door for what members do beside buying."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import engagement_pb2 as pb
from laurel.benefits.v1 import engagement_pb2_grpc as grpc_pb

from laurel_benefits.handlers import check_ins
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import check_ins as wire
from laurel_benefits.wire.times import read_member

Context = grpc.aio.ServicerContext[Any, Any]


class EngagementServicer(grpc_pb.EngagementServiceServicer):
    """Pays members for coming back."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def CheckIn(self, request: pb.CheckInRequest, context: Context) -> pb.CheckInResponse:
        command = wire.read_check_in(request)
        return wire.write_check_in(await check_ins.check_in(command, resources=self._resources))

    async def GetStreak(
        self, request: pb.GetStreakRequest, context: Context
    ) -> pb.GetStreakResponse:
        member = read_member(request)
        return wire.write_get_streak(await check_ins.get_streak(member, resources=self._resources))

    async def PreviewReward(
        self, request: pb.PreviewRewardRequest, context: Context
    ) -> pb.PreviewRewardResponse:
        member = read_member(request)
        return wire.write_preview_reward(
            await check_ins.preview_reward(member, resources=self._resources)
        )
