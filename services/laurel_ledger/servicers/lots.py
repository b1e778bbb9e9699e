"""The door for lots."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from laurel.ledger.v1 import lots_pb2 as pb
from laurel.ledger.v1 import lots_pb2_grpc

from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.lot_changes import (
    activate_lots,
    extend_lots,
    freeze_lots,
    thaw_lots,
    void_lots,
)
from laurel_ledger.handlers.lots import list_expiring_lots, list_lots, trace_lot
from laurel_ledger.wire import lot_changes as changes
from laurel_ledger.wire import lots as wire

Context = Any


class LotServicer(lots_pb2_grpc.LotServiceServicer):
    """Answers the lots of members, and changes them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def ListLots(self, request: pb.ListLotsRequest, context: Context) -> pb.ListLotsResponse:
        """Lists the lots of a member's account."""
        page = await list_lots(wire.read_list_lots(request), ledger=self._ledger)
        return wire.write_list_lots(page, request)

    async def ListExpiringLots(
        self, request: pb.ListExpiringLotsRequest, context: Context
    ) -> AsyncIterator[pb.ListExpiringLotsResponse]:
        """Streams the lots of a program that are about to expire."""
        query = wire.read_list_expiring_lots(request)
        async for part in list_expiring_lots(query, ledger=self._ledger):
            yield wire.write_list_expiring_lots(part)

    async def TraceLot(self, request: pb.TraceLotRequest, context: Context) -> pb.TraceLotResponse:
        """Tells what brought and what took the points of a lot."""
        found = await trace_lot(wire.read_trace_lot(request), ledger=self._ledger)
        return wire.write_trace_lot(found, request)

    async def ActivateLots(
        self, request: pb.ActivateLotsRequest, context: Context
    ) -> pb.ActivateLotsResponse:
        """Makes pending points active."""
        draft = changes.read_activate_lots(request)
        return changes.write_activate_lots(await activate_lots(draft, ledger=self._ledger))

    async def VoidLots(self, request: pb.VoidLotsRequest, context: Context) -> pb.VoidLotsResponse:
        """Makes points void."""
        draft = changes.read_void_lots(request)
        return changes.write_void_lots(await void_lots(draft, ledger=self._ledger))

    async def FreezeLots(
        self, request: pb.FreezeLotsRequest, context: Context
    ) -> pb.FreezeLotsResponse:
        """Freezes points."""
        draft = changes.read_freeze_lots(request)
        return changes.write_freeze_lots(await freeze_lots(draft, ledger=self._ledger))

    async def ThawLots(self, request: pb.ThawLotsRequest, context: Context) -> pb.ThawLotsResponse:
        """Thaws points."""
        draft = changes.read_thaw_lots(request)
        return changes.write_thaw_lots(await thaw_lots(draft, ledger=self._ledger))

    async def ExtendLots(
        self, request: pb.ExtendLotsRequest, context: Context
    ) -> pb.ExtendLotsResponse:
        """Lets points last longer."""
        draft = changes.read_extend_lots(request)
        return changes.write_extend_lots(await extend_lots(draft, ledger=self._ledger))
