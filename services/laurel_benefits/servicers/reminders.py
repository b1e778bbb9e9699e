"""The door for reminders."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
from laurel.benefits.v1 import reminders_pb2 as pb
from laurel.benefits.v1 import reminders_pb2_grpc as grpc_pb

from laurel_benefits.handlers.reminders import stream_reminders
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import reminders as wire

Context = grpc.aio.ServicerContext[Any, Any]


class ReminderServicer(grpc_pb.ReminderServiceServicer):
    """Says who is about to lose what."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def StreamReminders(
        self, request: pb.StreamRemindersRequest, context: Context
    ) -> AsyncIterator[pb.StreamRemindersResponse]:
        query = wire.read_stream_reminders(request)
        async for due in stream_reminders(query, resources=self._resources):
            yield wire.write_stream_reminders(due, request)
