"""The door for balances and statements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from laurel.ledger.v1 import balances_pb2 as pb
from laurel.ledger.v1 import balances_pb2_grpc

from laurel_ledger.handlers.balances import batch_get_balances, get_balance, list_entries
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.statements import export_statement
from laurel_ledger.wire import balances as wire
from laurel_ledger.wire import statements

Context = Any


class BalanceServicer(balances_pb2_grpc.BalanceServiceServicer):
    """Answers balances and statements of members."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def GetBalance(
        self, request: pb.GetBalanceRequest, context: Context
    ) -> pb.GetBalanceResponse:
        """Answers a member's balance."""
        query = wire.read_get_balance(request)
        return wire.write_get_balance(await get_balance(query, ledger=self._ledger))

    async def BatchGetBalances(
        self, request: pb.BatchGetBalancesRequest, context: Context
    ) -> pb.BatchGetBalancesResponse:
        """Answers the balances of many members."""
        query = wire.read_batch_get_balances(request)
        return wire.write_batch_get_balances(await batch_get_balances(query, ledger=self._ledger))

    async def ListEntries(
        self, request: pb.ListEntriesRequest, context: Context
    ) -> pb.ListEntriesResponse:
        """Lists the entries of a member's account."""
        page = await list_entries(wire.read_list_entries(request), ledger=self._ledger)
        return wire.write_list_entries(page, request)

    async def ExportStatement(
        self, request: pb.ExportStatementRequest, context: Context
    ) -> AsyncIterator[pb.ExportStatementResponse]:
        """Streams a statement: opening, entries, closing."""
        query = statements.read_export_statement(request)
        async for part in export_statement(query, ledger=self._ledger):
            yield statements.write_export_statement(part)
