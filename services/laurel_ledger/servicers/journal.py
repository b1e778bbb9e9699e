"""The door for the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from google.longrunning import operations_pb2
from laurel.ledger.v1 import journal_pb2 as pb
from laurel.ledger.v1 import journal_pb2_grpc

from laurel_ledger.handlers.checkpoints import list_checkpoints
from laurel_ledger.handlers.journal import watch_transactions
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.proofs import get_consistency_proof, get_inclusion_proof
from laurel_ledger.handlers.verification import verify_journal
from laurel_ledger.wire import checkpoints as checkpoints_wire
from laurel_ledger.wire import journal as wire
from laurel_ledger.wire import verification as verification_wire

Context = Any


class JournalServicer(journal_pb2_grpc.JournalServiceServicer):
    """Streams what was posted, and proves and verifies it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def WatchTransactions(
        self, request: pb.WatchTransactionsRequest, context: Context
    ) -> AsyncIterator[pb.WatchTransactionsResponse]:
        """Streams posted transactions until the caller ends the call."""
        query = wire.read_watch_transactions(request)
        async for watched in watch_transactions(query, ledger=self._ledger):
            yield wire.write_watch_transactions(watched, request)

    async def ListCheckpoints(
        self, request: pb.ListCheckpointsRequest, context: Context
    ) -> pb.ListCheckpointsResponse:
        before, size = checkpoints_wire.read_list_checkpoints(request)
        found = await list_checkpoints(before=before, limit=size + 1, ledger=self._ledger)
        return checkpoints_wire.write_list_checkpoints(found, request, size)

    async def GetInclusionProof(
        self, request: pb.GetInclusionProofRequest, context: Context
    ) -> pb.GetInclusionProofResponse:
        query = checkpoints_wire.read_get_inclusion_proof(request)
        proof = await get_inclusion_proof(query, ledger=self._ledger)
        return checkpoints_wire.write_get_inclusion_proof(proof)

    async def GetConsistencyProof(
        self, request: pb.GetConsistencyProofRequest, context: Context
    ) -> pb.GetConsistencyProofResponse:
        query = checkpoints_wire.read_get_consistency_proof(request)
        proof = await get_consistency_proof(query, ledger=self._ledger)
        return checkpoints_wire.write_get_consistency_proof(proof)

    async def VerifyJournal(
        self, request: pb.VerifyJournalRequest, context: Context
    ) -> operations_pb2.Operation:
        command = verification_wire.read_verify_journal(request)
        operation = await verify_journal(command, ledger=self._ledger)
        return self._ledger.operations.write(operation)
