"""Serves google.longrunning.Operations over the jobs of a service."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import grpc.aio
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import empty_pb2

from laurel_kit.operations import Operations
from laurel_kit.pages import PageTokens, page_size
from laurel_kit.refusals import RequestInvalid, Violation

Context = grpc.aio.ServicerContext[Any, Any]

COLLECTION = "operations"

WAIT_MAX = timedelta(minutes=1)
"""How long WaitOperation holds a call; callers who want to wait longer call again."""

SHARE_OF_TIME_LEFT = 0.9
"""Of the caller's time; the rest is for the answer to reach him."""


class OperationsServicer(
    operations_pb2_grpc.OperationsServicer,  # type: ignore[misc]  # It has no types.
):
    """Reads, waits for, cancels and forgets jobs; the RPC of a service starts them."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def ListOperations(  # noqa: N802  # Named by the contract.
        self, request: Any, _: Context
    ) -> Any:
        """Answer jobs, the latest first."""
        refuse_filters(request)
        tokens = PageTokens.of(request)
        limit = page_size(request.page_size)
        found = await self._operations.list(
            after=tokens.decode(request.page_token, str), limit=limit + 1
        )
        cursor = [found[limit - 1].operation_id] if len(found) > limit else None
        return operations_pb2.ListOperationsResponse(
            operations=[self._operations.write(each) for each in found[:limit]],
            next_page_token=tokens.encode(cursor),
        )

    async def GetOperation(  # noqa: N802  # Named by the contract.
        self, request: Any, _: Context
    ) -> Any:
        """Answer how a job stands."""
        return self._operations.write(await self._operations.get(request.name))

    async def WaitOperation(  # noqa: N802  # Named by the contract.
        self, request: Any, context: Context
    ) -> Any:
        """Answer once a job has ended, or how it stands when the time is over."""
        waiting = wait_for(request, context.time_remaining())
        return self._operations.write(await self._operations.wait(request.name, waiting))

    async def CancelOperation(  # noqa: N802  # Named by the contract.
        self, request: Any, _: Context
    ) -> Any:
        """Ask a job to end at its next step."""
        await self._operations.cancel(request.name)
        return empty_pb2.Empty()

    async def DeleteOperation(  # noqa: N802  # Named by the contract.
        self, request: Any, _: Context
    ) -> Any:
        """Forget a job that has ended."""
        await self._operations.delete(request.name)
        return empty_pb2.Empty()


def wait_for(request: Any, seconds_left: float | None) -> timedelta:
    """How long to wait: as asked for, but so that the answer still reaches the caller."""
    seconds = WAIT_MAX.total_seconds()
    if request.HasField("timeout"):
        # A Duration holds more seconds than a timedelta: they are compared before they become one.
        seconds = min(seconds, max(0.0, request.timeout.seconds + request.timeout.nanos / 1e9))
    if seconds_left is not None:
        seconds = min(seconds, seconds_left * SHARE_OF_TIME_LEFT)
    return timedelta(seconds=seconds)


def refuse_filters(request: Any) -> None:
    """Only the whole collection is listed. Raises RequestInvalid."""
    violations = []
    if request.name not in ("", COLLECTION):
        violations.append(Violation("name", f"must be empty or `{COLLECTION}`"))
    if request.filter:
        violations.append(Violation("filter", "must be empty: filters are not offered"))
    if request.page_size < 0:
        violations.append(Violation("page_size", "must be zero or more"))
    if violations:
        raise RequestInvalid(violations)
