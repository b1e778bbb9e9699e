"""The door for what members do beside buying."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import engagement_pb2 as pb
from laurel.benefits.v1 import engagement_pb2_grpc as grpc_pb

from laurel_benefits.handlers import activities, check_ins, make_ups
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import activities as activities_wire
from laurel_benefits.wire import check_ins as wire
from laurel_benefits.wire import make_ups as make_ups_wire
from laurel_benefits.wire.times import read_member

Context = grpc.aio.ServicerContext[Any, Any]


class EngagementServicer(grpc_pb.EngagementServiceServicer):
    """Pays members for what they do beside buying."""

    def __init__(self, resources: Resources, status_of: activities_wire.StatusOf) -> None:
        self._resources = resources
        self._status_of = status_of

    async def RecordActivities(
        self, request: pb.RecordActivitiesRequest, context: Context
    ) -> pb.RecordActivitiesResponse:
        command = activities_wire.read_record_activities(request)
        return activities_wire.write_record_activities(
            await activities.record_activities(command, resources=self._resources),
            self._status_of,
        )

    async def CheckIn(self, request: pb.CheckInRequest, context: Context) -> pb.CheckInResponse:
        command = wire.read_check_in(request)
        return wire.write_check_in(await check_ins.check_in(command, resources=self._resources))

    async def GetStreak(
        self, request: pb.GetStreakRequest, context: Context
    ) -> pb.GetStreakResponse:
        member = read_member(request)
        return wire.write_get_streak(await make_ups.get_streak(member, resources=self._resources))

    async def MakeUpCheckIn(
        self, request: pb.MakeUpCheckInRequest, context: Context
    ) -> pb.MakeUpCheckInResponse:
        command = make_ups_wire.read_make_up_check_in(request)
        return make_ups_wire.write_make_up_check_in(
            await make_ups.make_up_check_in(command, resources=self._resources)
        )

    async def PreviewReward(
        self, request: pb.PreviewRewardRequest, context: Context
    ) -> pb.PreviewRewardResponse:
        query = activities_wire.read_preview_reward(request)
        return wire.write_preview_reward(
            await activities.preview_reward(query, resources=self._resources)
        )
