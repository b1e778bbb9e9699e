"""The door for bulk work."""

from __future__ import annotations

from typing import Any

from google.longrunning import operations_pb2
from laurel.ledger.v1 import bulk_pb2 as pb
from laurel.ledger.v1 import bulk_pb2_grpc

from laurel_ledger.handlers.bulk import issue_points
from laurel_ledger.handlers.expiry_runs import run_expiry
from laurel_ledger.handlers.imports import import_lots
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.wire import bulk as wire

Context = Any


class BulkServicer(bulk_pb2_grpc.BulkServiceServicer):
    """Starts jobs over many members."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def IssuePoints(
        self, request: pb.IssuePointsRequest, context: Context
    ) -> operations_pb2.Operation:
        """Has points issued."""
        operation = await issue_points(wire.read_issue_points(request), ledger=self._ledger)
        return self._ledger.operations.write(operation)

    async def ImportLots(
        self, request: pb.ImportLotsRequest, context: Context
    ) -> operations_pb2.Operation:
        """Has lots imported, or taken back."""
        operation = await import_lots(wire.read_import_lots(request), ledger=self._ledger)
        return self._ledger.operations.write(operation)

    async def RunExpiry(
        self, request: pb.RunExpiryRequest, context: Context
    ) -> operations_pb2.Operation:
        """Has posted what is due."""
        operation = await run_expiry(wire.read_run_expiry(request), ledger=self._ledger)
        return self._ledger.operations.write(operation)
