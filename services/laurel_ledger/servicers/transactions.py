"""The door for transactions."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1 import transactions_pb2_grpc

from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.transaction_streams import stream_transactions
from laurel_ledger.handlers.transactions import (
    batch_post_transactions,
    get_transaction,
    list_transactions,
    post_transaction,
    reverse_transaction,
)
from laurel_ledger.wire import reversals
from laurel_ledger.wire import transactions as wire

Context = Any


class TransactionServicer(transactions_pb2_grpc.TransactionServiceServicer):
    """Posts transactions and answers them again."""

    def __init__(self, ledger: Ledger, status_of: wire.StatusOf) -> None:
        self._ledger = ledger
        self._status_of = status_of

    async def PostTransaction(
        self, request: pb.PostTransactionRequest, context: Context
    ) -> pb.PostTransactionResponse:
        """Posts one transaction."""
        command = wire.read_post_transaction(request)
        return wire.write_post_transaction(await post_transaction(command, ledger=self._ledger))

    async def BatchPostTransactions(
        self, request: pb.BatchPostTransactionsRequest, context: Context
    ) -> pb.BatchPostTransactionsResponse:
        """Posts many, each for itself or all or none."""
        answer = await batch_post_transactions(wire.read_batch(request), ledger=self._ledger)
        return wire.write_batch(answer, self._status_of)

    async def ReverseTransaction(
        self, request: pb.ReverseTransactionRequest, context: Context
    ) -> pb.ReverseTransactionResponse:
        """Reverses one transaction."""
        command = reversals.read_reverse_transaction(request)
        answer = await reverse_transaction(command, ledger=self._ledger)
        return wire.write_reverse_transaction(answer)

    async def StreamTransactions(
        self, request: AsyncIterable[pb.StreamTransactionsRequest], context: Context
    ) -> AsyncIterator[pb.StreamTransactionsResponse]:
        """Posts many without end, answered in order."""
        messages = wire.read_stream(request)
        async for answered in stream_transactions(messages, ledger=self._ledger):
            yield wire.write_answered_message(answered, self._status_of)

    async def GetTransaction(
        self, request: pb.GetTransactionRequest, context: Context
    ) -> pb.GetTransactionResponse:
        """Answers a posted transaction by its name."""
        key = wire.read_get_transaction(request)
        return wire.write_get_transaction(await get_transaction(key, ledger=self._ledger))

    async def ListTransactions(
        self, request: pb.ListTransactionsRequest, context: Context
    ) -> pb.ListTransactionsResponse:
        """Lists the posted transactions of a member."""
        page = await list_transactions(wire.read_list_transactions(request), ledger=self._ledger)
        return wire.write_list_transactions(page, request)
