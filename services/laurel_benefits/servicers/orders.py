"""The door for orders."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import orders_pb2 as pb
from laurel.benefits.v1 import orders_pb2_grpc as grpc_pb

from laurel_benefits.handlers import checkouts, orders
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import checkouts as wire_of_checkouts
from laurel_benefits.wire import orders as wire

Context = grpc.aio.ServicerContext[Any, Any]


class OrderServicer(grpc_pb.OrderServiceServicer):
    """Takes orders from the question what they would cost to what they earned."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def EvaluateOrder(
        self, request: pb.EvaluateOrderRequest, context: Context
    ) -> pb.EvaluateOrderResponse:
        command = wire_of_checkouts.read_evaluate_order(request)
        evaluation = await checkouts.evaluate_order(command, resources=self._resources)
        return wire_of_checkouts.write_evaluate_order(evaluation)

    async def CompleteOrder(
        self, request: pb.CompleteOrderRequest, context: Context
    ) -> pb.CompleteOrderResponse:
        command = wire.read_complete_order(request)
        completed = await orders.complete_order(command, resources=self._resources)
        return wire.write_complete_order(completed)

    async def GetOrder(self, request: pb.GetOrderRequest, context: Context) -> pb.GetOrderResponse:
        key = wire.read_get_order(request)
        return wire.write_get_order(await orders.get_order(key, resources=self._resources))
