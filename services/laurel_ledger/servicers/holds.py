"""The door for holds."""

from __future__ import annotations

from typing import Any

from laurel.ledger.v1 import holds_pb2 as pb
from laurel.ledger.v1 import holds_pb2_grpc

from laurel_ledger.handlers.holds import (
    capture_hold,
    extend_hold,
    get_hold,
    list_holds,
    place_hold,
    release_hold,
)
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.wire import holds as wire

Context = Any


class HoldServicer(holds_pb2_grpc.HoldServiceServicer):
    """Sets points aside and frees or spends them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def PlaceHold(
        self, request: pb.PlaceHoldRequest, context: Context
    ) -> pb.PlaceHoldResponse:
        """Sets points aside."""
        draft = wire.read_place_hold(request)
        return wire.write_place_hold(await place_hold(draft, ledger=self._ledger))

    async def CaptureHold(
        self, request: pb.CaptureHoldRequest, context: Context
    ) -> pb.CaptureHoldResponse:
        """Spends points of a hold."""
        draft = wire.read_capture_hold(request)
        return wire.write_capture_hold(await capture_hold(draft, ledger=self._ledger))

    async def ReleaseHold(
        self, request: pb.ReleaseHoldRequest, context: Context
    ) -> pb.ReleaseHoldResponse:
        """Ends a hold."""
        draft = wire.read_release_hold(request)
        return wire.write_release_hold(await release_hold(draft, ledger=self._ledger))

    async def ExtendHold(
        self, request: pb.ExtendHoldRequest, context: Context
    ) -> pb.ExtendHoldResponse:
        """Lets a hold live longer."""
        draft = wire.read_extend_hold(request)
        return wire.write_extend_hold(await extend_hold(draft, ledger=self._ledger))

    async def GetHold(self, request: pb.GetHoldRequest, context: Context) -> pb.GetHoldResponse:
        """Answers a hold."""
        key = wire.read_get_hold(request)
        return wire.write_get_hold(await get_hold(key, ledger=self._ledger))

    async def ListHolds(
        self, request: pb.ListHoldsRequest, context: Context
    ) -> pb.ListHoldsResponse:
        """Lists the holds of a member's account."""
        page = await list_holds(wire.read_list_holds(request), ledger=self._ledger)
        return wire.write_list_holds(page, request)
