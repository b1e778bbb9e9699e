"""The door for score models."""

from __future__ import annotations

from typing import Any

from google.longrunning import operations_pb2
from grpc.aio import ServicerContext
from laurel.scoring.v1 import models_pb2 as pb
from laurel.scoring.v1 import models_pb2_grpc as rpc

from laurel_scoring.handlers.comparisons import compare_models
from laurel_scoring.handlers.models import get_model, list_models
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.wire import comparisons
from laurel_scoring.wire import models as wire
from laurel_scoring.wire.times import optional_time

Context = ServicerContext[Any, Any]


class ModelServicer(rpc.ModelServiceServicer):
    """Shows how members are valued."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:
        held = await get_model(
            request.program_id,
            request.model_id,
            optional_time(request, "as_of_time"),
            resources=self._resources,
        )
        return wire.write_get_model(held)

    async def ListModels(
        self, request: pb.ListModelsRequest, context: Context
    ) -> pb.ListModelsResponse:
        offset, size = wire.read_list_page(request)
        models = await list_models(
            request.program_id,
            optional_time(request, "as_of_time"),
            offset=offset,
            limit=size + 1,
            resources=self._resources,
        )
        return wire.write_list_models(request, models, offset, size)

    async def CompareModels(
        self, request: pb.CompareModelsRequest, context: Context
    ) -> operations_pb2.Operation:
        command = comparisons.read_compare_models(request)
        operation = await compare_models(command, resources=self._resources)
        return self._resources.operations.write(operation)
