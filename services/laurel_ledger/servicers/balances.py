"""The door for balances and statements."""

from __future__ import annotations

from typing import Any

from laurel.ledger.v1 import balances_pb2 as pb
from laurel.ledger.v1 import balances_pb2_grpc

from laurel_ledger.handlers.balances import get_balance, list_entries
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.wire import balances as wire

Context = Any


class BalanceServicer(balances_pb2_grpc.BalanceServiceServicer):
    """Answers balances and statements of members."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def GetBalance(
        self, request: pb.GetBalanceRequest, context: Context
    ) -> pb.GetBalanceResponse:
        """Answers a member's balance."""
        key = wire.read_get_balance(request)
        return wire.write_get_balance(await get_balance(key, ledger=self._ledger))

    async def ListEntries(
        self, request: pb.ListEntriesRequest, context: Context
    ) -> pb.ListEntriesResponse:
        """Lists the entries of a member's account."""
        page = await list_entries(wire.read_list_entries(request), ledger=self._ledger)
        return wire.write_list_entries(page, request)
