"""The door for facts."""

from __future__ import annotations

from typing import Any

from grpc.aio import ServicerContext
from laurel.scoring.v1 import activities_pb2 as pb
from laurel.scoring.v1 import activities_pb2_grpc as rpc

from laurel_scoring.handlers.activities import record_activities
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.wire import activities as wire

Context = ServicerContext[Any, Any]


class ActivityServicer(rpc.ActivityServiceServicer):
    """Takes in facts about members."""

    def __init__(self, resources: Resources, write_status: wire.WriteStatus) -> None:
        self._resources = resources
        self._write_status = write_status

    async def RecordActivities(
        self, request: pb.RecordActivitiesRequest, context: Context
    ) -> pb.RecordActivitiesResponse:
        command = wire.read_record_activities(request)
        results = await record_activities(command, resources=self._resources)
        return wire.write_record_activities(request, results, self._write_status)
