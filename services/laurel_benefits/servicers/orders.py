"""The door for orders."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import orders_pb2 as pb
from laurel.benefits.v1 import orders_pb2_grpc as grpc_pb

from laurel_benefits.handlers import checkouts, orders, reserving, returns
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import checkouts as wire_of_checkouts
from laurel_benefits.wire import orders as wire
from laurel_benefits.wire import returns as wire_of_returns

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

    async def ReserveOrder(
        self, request: pb.ReserveOrderRequest, context: Context
    ) -> pb.ReserveOrderResponse:
        command = wire_of_checkouts.read_reserve_order(request)
        reserved = await reserving.reserve_order(command, resources=self._resources)
        return wire_of_checkouts.write_reserve_order(reserved)

    async def CommitOrder(
        self, request: pb.CommitOrderRequest, context: Context
    ) -> pb.CommitOrderResponse:
        command = wire_of_checkouts.read_commit_order(request)
        changed = await reserving.commit_order(command, resources=self._resources)
        return wire_of_checkouts.write_commit_order(changed)

    async def CancelOrder(
        self, request: pb.CancelOrderRequest, context: Context
    ) -> pb.CancelOrderResponse:
        command = wire_of_checkouts.read_cancel_order(request)
        changed = await reserving.cancel_order(command, resources=self._resources)
        return wire_of_checkouts.write_cancel_order(changed)

    async def CompleteOrder(
        self, request: pb.CompleteOrderRequest, context: Context
    ) -> pb.CompleteOrderResponse:
        command = wire.read_complete_order(request)
        completed = await orders.complete_order(command, resources=self._resources)
        return wire.write_complete_order(completed)

    async def ReturnOrderLines(
        self, request: pb.ReturnOrderLinesRequest, context: Context
    ) -> pb.ReturnOrderLinesResponse:
        command = wire_of_returns.read_return_order_lines(request)
        returned = await returns.return_order_lines(command, resources=self._resources)
        return wire_of_returns.write_return_order_lines(returned)

    async def GetOrder(self, request: pb.GetOrderRequest, context: Context) -> pb.GetOrderResponse:
        key = wire.read_get_order(request)
        return wire.write_get_order(await orders.get_order(key, resources=self._resources))
