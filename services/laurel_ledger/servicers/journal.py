"""The door for the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from laurel.ledger.v1 import journal_pb2 as pb
from laurel.ledger.v1 import journal_pb2_grpc

from laurel_ledger.handlers.journal import watch_transactions
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.wire import journal as wire

Context = Any


class JournalServicer(journal_pb2_grpc.JournalServiceServicer):
    """Streams what was posted."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def WatchTransactions(
        self, request: pb.WatchTransactionsRequest, context: Context
    ) -> AsyncIterator[pb.WatchTransactionsResponse]:
        """Streams posted transactions until the caller ends the call."""
        query = wire.read_watch_transactions(request)
        async for watched in watch_transactions(query, ledger=self._ledger):
            yield wire.write_watch_transactions(watched, request)
