"""The door for changes of balances by hand."""

from __future__ import annotations

from typing import Any

from laurel.ledger.v1 import adjustments_pb2 as pb
from laurel.ledger.v1 import adjustments_pb2_grpc

from laurel_ledger.handlers.adjustments import (
    approve_adjustment,
    create_adjustment,
    get_adjustment,
    list_adjustments,
    reject_adjustment,
)
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.wire import adjustments as wire

Context = Any


class AdjustmentServicer(adjustments_pb2_grpc.AdjustmentServiceServicer):
    """Proposes adjustments, and posts those that somebody else approves."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def CreateAdjustment(
        self, request: pb.CreateAdjustmentRequest, context: Context
    ) -> pb.CreateAdjustmentResponse:
        """Proposes an adjustment."""
        command = wire.read_create_adjustment(request)
        return wire.write_create_adjustment(await create_adjustment(command, ledger=self._ledger))

    async def ApproveAdjustment(
        self, request: pb.ApproveAdjustmentRequest, context: Context
    ) -> pb.ApproveAdjustmentResponse:
        """Approves and posts an adjustment."""
        command = wire.read_decision(request)
        return wire.write_approve_adjustment(await approve_adjustment(command, ledger=self._ledger))

    async def RejectAdjustment(
        self, request: pb.RejectAdjustmentRequest, context: Context
    ) -> pb.RejectAdjustmentResponse:
        """Rejects an adjustment."""
        command = wire.read_decision(request)
        return wire.write_reject_adjustment(await reject_adjustment(command, ledger=self._ledger))

    async def GetAdjustment(
        self, request: pb.GetAdjustmentRequest, context: Context
    ) -> pb.GetAdjustmentResponse:
        """Answers an adjustment."""
        key = wire.read_get_adjustment(request)
        return wire.write_get_adjustment(await get_adjustment(key, ledger=self._ledger))

    async def ListAdjustments(
        self, request: pb.ListAdjustmentsRequest, context: Context
    ) -> pb.ListAdjustmentsResponse:
        """Lists the adjustments of a program or a member."""
        page = await list_adjustments(wire.read_list_adjustments(request), ledger=self._ledger)
        return wire.write_list_adjustments(page, request)
