"""The door for facts."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from grpc.aio import ServicerContext
from laurel.scoring.v1 import activities_pb2 as pb
from laurel.scoring.v1 import activities_pb2_grpc as rpc

from laurel_scoring.handlers.activities import record_activities, stream_activities
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.retractions import get_activity, list_activities, retract_activity
from laurel_scoring.wire import activities as wire
from laurel_scoring.wire import retractions

Context = ServicerContext[Any, Any]


class ActivityServicer(rpc.ActivityServiceServicer):
    """Takes in facts about members, takes them back, and shows them."""

    def __init__(self, resources: Resources, write_status: wire.WriteStatus) -> None:
        self._resources = resources
        self._write_status = write_status

    async def RecordActivities(
        self, request: pb.RecordActivitiesRequest, context: Context
    ) -> pb.RecordActivitiesResponse:
        command = wire.read_record_activities(request)
        results = await record_activities(command, resources=self._resources)
        return wire.write_record_activities(command, results, self._write_status)

    async def StreamActivities(
        self, request: AsyncIterable[pb.StreamActivitiesRequest], context: Context
    ) -> AsyncIterator[pb.StreamActivitiesResponse]:
        commands = wire.read_stream_activities(request)
        async for acknowledged in stream_activities(commands, resources=self._resources):
            yield wire.write_stream_activities(acknowledged, self._write_status)

    async def RetractActivity(
        self, request: pb.RetractActivityRequest, context: Context
    ) -> pb.RetractActivityResponse:
        command = retractions.read_retract_activity(request)
        answer = await retract_activity(command, resources=self._resources)
        return retractions.write_retract_activity(answer)

    async def GetActivity(
        self, request: pb.GetActivityRequest, context: Context
    ) -> pb.GetActivityResponse:
        key = retractions.read_get_activity(request)
        return retractions.write_get_activity(await get_activity(key, resources=self._resources))

    async def ListActivities(
        self, request: pb.ListActivitiesRequest, context: Context
    ) -> pb.ListActivitiesResponse:
        before, size = retractions.read_list_page(request)
        records = await list_activities(
            retractions.read_list_activities(request),
            before=before,
            limit=size + 1,
            resources=self._resources,
        )
        return retractions.write_list_activities(request, records, size)
