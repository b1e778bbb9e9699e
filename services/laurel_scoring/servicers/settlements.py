"""The door for settlements."""

from __future__ import annotations

from typing import Any

from google.longrunning import operations_pb2
from grpc.aio import ServicerContext
from laurel.scoring.v1 import settlements_pb2 as pb
from laurel.scoring.v1 import settlements_pb2_grpc as rpc

from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.settlements import get_settlement, list_settlements, run_settlement
from laurel_scoring.wire import settlements as wire
from laurel_scoring.wire.times import read_month

Context = ServicerContext[Any, Any]


class SettlementServicer(rpc.SettlementServiceServicer):
    """Publishes scores and says how far that is."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def RunSettlement(
        self, request: pb.RunSettlementRequest, context: Context
    ) -> operations_pb2.Operation:
        command = wire.read_run_settlement(request)
        operation = await run_settlement(command, resources=self._resources)
        return self._resources.operations.write(operation)

    async def GetSettlement(
        self, request: pb.GetSettlementRequest, context: Context
    ) -> pb.GetSettlementResponse:
        view = await get_settlement(
            request.program_id,
            request.model_id,
            read_month(request.settlement_month),
            request.run,
            resources=self._resources,
        )
        return wire.write_get_settlement(view)

    async def ListSettlements(
        self, request: pb.ListSettlementsRequest, context: Context
    ) -> pb.ListSettlementsResponse:
        before, size = wire.read_list_page(request)
        views = await list_settlements(
            request.program_id,
            request.model_id,
            before=before,
            limit=size + 1,
            resources=self._resources,
        )
        return wire.write_list_settlements(request, views, size)
