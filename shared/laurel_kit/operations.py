"""Long-running operations: jobs that outlive the call that starts them, and a crash.

A job is a row. Whoever holds its lease runs it, in steps: each step is a transaction that does a
part of the work and records how far the job has come. After a crash the lease lapses, and another
process goes on from the last step; nothing is done twice.

Leases go by the machine's time, since a sandbox clock may jump.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from google.longrunning import operations_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, status_pb2
from laurel.type.v1.operation_pb2 import OperationProgress
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_kit import operation_table as table
from laurel_kit.clock import Clock, SystemClock
from laurel_kit.database import Contention, Database, DatabaseUnavailable
from laurel_kit.fingerprint import mismatched_fields
from laurel_kit.ids import new_id
from laurel_kit.operation_table import Operation, operation_name
from laurel_kit.refusals import KitError
from laurel_kit.requests import RequestIdReused, adapter
from laurel_kit.tasks import end, heed_cancellation

_LOG = logging.getLogger(__name__)

R = TypeVar("R")
S = TypeVar("S")


@dataclass(eq=False, kw_only=True)
class OperationNotFound(KitError):
    """There is no such operation here, or no longer. `operation` is its name."""

    operation: str


@dataclass(eq=False, kw_only=True)
class OperationRunning(KitError):
    """The operation has not ended, so it cannot be deleted. `operation` is its name."""

    operation: str


class OperationCancelled(Exception):  # It ends a job and never leaves this module.
    """Somebody asked to cancel the job, which learns it at its next step."""


class LeaseLost(Exception):  # It ends a job and never leaves this module.
    """Another process runs the job now; this one must not do any more of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationLimits:
    """How jobs are run."""

    concurrent_max: int = 2
    """Jobs one process runs at a time."""
    lease: timedelta = timedelta(seconds=15)
    """How long after a crash another process takes a job up."""
    poll_interval: timedelta = timedelta(milliseconds=500)
    """How often the table is looked at."""


class Progress:
    """A running job's hold on its row."""

    def __init__(self, operation: Operation) -> None:
        self.operation_id = operation.operation_id
        self.program_id = operation.program_id
        self.checkpoint: Any = operation.checkpoint
        """What the last step recorded; None at the very beginning."""
        self.done = operation.done
        self._owner = owner_of(operation)
        self._done_before = operation.done
        self._begun = time.monotonic()

    async def record(
        self,
        connection: AsyncConnection,
        *,
        done: int,
        total: int | None = None,
        checkpoint: object = None,
    ) -> None:
        """Say how far the job has come, in the transaction of the step.

        `done` and `total` count units from the very beginning; `checkpoint` is what the job needs
        to go on from here. Raises what ends the job, and with it the step, when it was cancelled or
        taken over.
        """
        cancel_requested = await table.record_progress(
            connection,
            operation_id=self.operation_id,
            owner=self._owner,
            done=done,
            total=total,
            per_second=self._rate(done),
            checkpoint=checkpoint,
        )
        if cancel_requested is None:
            raise LeaseLost
        if cancel_requested:
            raise OperationCancelled
        self.done, self.checkpoint = done, checkpoint

    def _rate(self, done: int) -> int:
        seconds = max(time.monotonic() - self._begun, 0.001)
        return round((done - self._done_before) / seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of job: what runs it, and the shapes of what it is given and gives."""

    run: Callable[[Any, Progress], Awaitable[Any]]
    request: Any
    response: Any
    write: Callable[[Any], Message]


Describe = Callable[[Exception], status_pb2.Status]
"""The status of a failed job; the server hands in the one that ends calls."""


def internal(_: Exception) -> status_pb2.Status:
    """The status of any failure where nobody knows a better one."""
    return status_pb2.Status(code=code_pb2.INTERNAL, message="Unexpected error.")


class Operations:
    """The jobs of a service: starts, runs and tells of them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        limits: OperationLimits | None = None,
        describe: Describe = internal,
    ) -> None:
        self._database = database
        self._clock = clock
        self._machine = SystemClock()
        self._limits = limits or OperationLimits()
        self._kinds: dict[str, Kind] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._wanted = asyncio.Event()
        self.describe = describe

    def register(
        self,
        kind: str,
        run: Callable[[R, Progress], Awaitable[S]],
        *,
        request: type[R],
        response: type[S],
        write: Callable[[S], Message],
    ) -> None:
        """Say what runs jobs of a kind.

        `request` and `response` are frozen dataclasses, kept as JSON; `write` makes the message
        that callers get. `run` must go on from `progress.checkpoint` and may be begun again at
        any time.
        """
        assert kind not in self._kinds, f"{kind} is registered already"
        self._kinds[kind] = Kind(run=run, request=request, response=response, write=write)

    async def start(
        self,
        connection: AsyncConnection,
        *,
        kind: str,
        program_id: str,
        request: object,
        request_id: str,
        fingerprint: bytes,
    ) -> Operation:
        """Have a job run once the transaction commits; a repeat of `request_id` gets the same one.

        Raises RequestIdReused when the id was used with other content.
        """
        operation = await table.insert(
            connection,
            operation_id=new_id(),
            kind=kind,
            program_id=program_id,
            request_id=request_id,
            fingerprint=fingerprint,
            request=adapter(type(request)).dump_json(request).decode(),
            create_time=self._clock.now(),
        )
        if operation.fingerprint != fingerprint:
            mismatched = mismatched_fields(operation.fingerprint, fingerprint)
            raise RequestIdReused(request_id=request_id, mismatched_fields=mismatched)
        self._wanted.set()
        return operation

    async def get(self, name: str) -> Operation:
        """An operation by its name. Raises OperationNotFound."""
        async with self._database.read() as connection:
            operation = await table.find(connection, name)
        if operation is None:
            raise OperationNotFound(operation=name)
        return operation

    async def list(self, *, after: Sequence[Any] | None, limit: int) -> Sequence[Operation]:
        """Operations, the latest first; `after` is the id of the last one seen."""
        before = str(after[0]) if after else None
        async with self._database.read() as connection:
            return await table.listing(connection, before=before, limit=limit)

    async def wait(self, name: str, patience: timedelta) -> Operation:
        """An operation once it has ended, or as it stands when patience is over.

        Raises OperationNotFound.
        """
        deadline = time.monotonic() + patience.total_seconds()
        operation = await self.get(name)
        while not operation.ended and (left := deadline - time.monotonic()) > 0:
            await asyncio.sleep(min(left, self._limits.poll_interval.total_seconds() / 5))
            operation = await self.get(name)
        return operation

    async def cancel(self, name: str) -> None:
        """Ask a job to end at its next step; one that has ended stays as it is.

        Raises OperationNotFound.
        """
        operation = await self.get(name)
        # The row may be held by a step for as long as that takes: then it is worth another attempt.
        await self._database.transact(
            lambda connection: table.request_cancel(connection, operation.operation_id)
        )

    async def delete(self, name: str) -> None:
        """Forget an operation that has ended. Raises OperationNotFound, OperationRunning."""
        operation = await self.get(name)
        if not operation.ended:
            raise OperationRunning(operation=name)
        await self._database.transact(
            lambda connection: table.delete(connection, operation.operation_id)
        )

    def write(self, operation: Operation) -> operations_pb2.Operation:
        """The operation as a message, with OperationProgress as its metadata."""
        message = operations_pb2.Operation(
            name=operation_name(operation.operation_id), done=operation.ended
        )
        message.metadata.Pack(write_progress(operation))
        if operation.error is not None:
            message.error.ParseFromString(operation.error)
        elif operation.response is not None:
            kind = self._kinds[operation.kind]
            message.response.Pack(
                kind.write(adapter(kind.response).validate_json(operation.response))
            )
        return message

    async def run(self) -> None:
        """Run jobs until cancelled; those that were running then are free for others at once."""
        try:
            while True:
                self._wanted.clear()
                with suppress(DatabaseUnavailable):
                    await self._fill()
                heed_cancellation()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.poll_interval.total_seconds()):
                        await self._wanted.wait()
        finally:
            await end(list(self._running))

    async def _fill(self) -> None:
        """Take up jobs that nobody runs, as many as there is room for."""
        while len(self._running) < self._limits.concurrent_max:
            operation = await self._claim()
            if operation is None:
                return
            task = asyncio.create_task(self._drive(operation), name=f"operation {operation.kind}")
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wanted.set()
        if not task.cancelled() and (error := task.exception()):
            _LOG.error("%s broke off", task.get_name(), exc_info=error)

    async def _claim(self) -> Operation | None:
        async def work(connection: AsyncConnection) -> Operation | None:
            return await table.claim(
                connection,
                kinds=list(self._kinds),
                # Another one each time: a job that was taken for dead must not meet its successor,
                # not even within one process.
                owner=new_id(),
                now=self._machine.now(),
                lease=self._limits.lease,
            )

        return await self._database.transact(work)

    async def _drive(self, operation: Operation) -> None:
        """Run a job while its lease is renewed beside it; give the lease up if it does not end."""
        job = asyncio.create_task(self._run(operation))
        try:
            while not job.done():
                await asyncio.wait([job], timeout=self._limits.lease.total_seconds() / 3)
                if not job.done() and not await self._renew(operation):
                    return
                heed_cancellation()
        finally:
            if not job.done():
                await end([job])
                await self._release(operation, after=timedelta())
        job.result()

    async def _renew(self, operation: Operation) -> bool:
        """Whether the job is still ours; for a database that is down, as far as we know."""

        async def work(connection: AsyncConnection) -> bool:
            until = self._machine.now() + self._limits.lease
            return await table.renew(connection, operation.operation_id, owner_of(operation), until)

        try:
            return await self._database.transact(work, attempts=1)
        except (DatabaseUnavailable, Contention):
            # A step that takes long holds the row, and who holds it cannot lose it.
            return True

    async def _release(self, operation: Operation, *, after: timedelta) -> None:
        """Let others take the job up, at once or after a while."""

        async def work(connection: AsyncConnection) -> None:
            until = self._machine.now() + after
            await table.renew(connection, operation.operation_id, owner_of(operation), until)

        with suppress(DatabaseUnavailable, Contention):
            await self._database.transact(work, attempts=1)

    async def _run(self, operation: Operation) -> None:
        """Run a job to its end, whatever that is."""
        kind = self._kinds[operation.kind]
        try:
            request = adapter(kind.request).validate_json(operation.request)
            result = await kind.run(request, Progress(operation))
            response = adapter(kind.response).dump_json(result).decode()
            await self._finish(operation, state="SUCCEEDED", response=response)
        except LeaseLost:
            _LOG.warning("operation %s is run by another process now", operation.operation_id)
        except OperationCancelled:
            status = status_pb2.Status(code=code_pb2.CANCELLED, message="Cancelled on request.")
            await self._finish(operation, state="CANCELLED", error=status.SerializeToString())
        except (DatabaseUnavailable, Contention) as error:
            _LOG.warning("operation %s waits: %s", operation.operation_id, type(error).__name__)
            await self._release(operation, after=self._limits.lease)
        except Exception as error:  # noqa: BLE001  # Code of a service: its failure is the answer.
            _LOG.exception("operation %s failed", operation.operation_id)
            status = self.describe(error)
            await self._finish(operation, state="FAILED", error=status.SerializeToString())

    async def _finish(
        self,
        operation: Operation,
        *,
        state: str,
        response: str | None = None,
        error: bytes | None = None,
    ) -> None:
        async def work(connection: AsyncConnection) -> None:
            await table.finish(
                connection,
                operation_id=operation.operation_id,
                owner=owner_of(operation),
                state=state,
                response=response,
                error=error,
                end_time=self._clock.now(),
            )

        await self._database.transact(work)


def owner_of(operation: Operation) -> str:
    """Who runs the operation. Only of one that was claimed."""
    assert operation.lease_owner is not None, "an operation that runs has an owner"
    return operation.lease_owner


def write_progress(operation: Operation) -> OperationProgress:
    """How far an operation has come, as a message."""
    progress = OperationProgress(
        kind=operation.kind,
        program_id=operation.program_id,
        done=operation.done,
        total=operation.total or 0,
        per_second=operation.per_second,
        cancel_requested=operation.cancel_requested,
    )
    progress.create_time.FromDatetime(operation.create_time)
    if operation.end_time is not None:
        progress.end_time.FromDatetime(operation.end_time)
    elif operation.total is not None and operation.per_second:
        left = max(operation.total - operation.done, 0)
        progress.remaining.FromSeconds(-(-left // operation.per_second))
    return progress
