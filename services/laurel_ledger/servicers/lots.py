"""The door for lots."""

from __future__ import annotations

from typing import Any

from laurel.ledger.v1 import lots_pb2 as pb
from laurel.ledger.v1 import lots_pb2_grpc

from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.lots import list_lots
from laurel_ledger.wire import lots as wire

Context = Any


class LotServicer(lots_pb2_grpc.LotServiceServicer):
    """Answers the lots of members."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def ListLots(self, request: pb.ListLotsRequest, context: Context) -> pb.ListLotsResponse:
        """Lists the lots of a member's account."""
        page = await list_lots(wire.read_list_lots(request), ledger=self._ledger)
        return wire.write_list_lots(page, request)
