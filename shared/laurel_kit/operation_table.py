"""The rows of long-running operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import from_json, to_json
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

NAME_PREFIX = "operations/"

_COLUMNS = """
    operation_id::text as operation_id, kind, program_id, fingerprint, request::text as request,
    state, checkpoint::text as checkpoint, done, total, per_second, cancel_requested,
    response::text as response, error, lease_owner, create_time, end_time
"""

_INSERT = text(f"""
    insert into operation
        (operation_id, kind, program_id, request_id, fingerprint, request, create_time)
    values
        (cast(:operation_id as uuid), :kind, :program_id, :request_id, :fingerprint,
         cast(:request as jsonb), :create_time)
    on conflict (program_id, kind, request_id) do update
    -- Changes nothing; it waits for the winner of a race and gives us its row.
    set request_id = excluded.request_id
    returning {_COLUMNS}
""")  # noqa: S608  # Put together from constants.

_FIND = text(f"""
    select {_COLUMNS}
    from operation
    where operation_id = cast(:operation_id as uuid)
""")  # noqa: S608  # Put together from constants.

_LIST = text(f"""
    select {_COLUMNS}
    from operation
    where operation_id < coalesce(
        cast(:before as uuid), cast('ffffffff-ffff-ffff-ffff-ffffffffffff' as uuid))
    order by operation_id desc
    limit :limit
""")  # noqa: S608  # Put together from constants.

_CLAIM = text(f"""
    update operation
    set state = 'RUNNING', lease_owner = :owner, lease_until = :until, attempts = attempts + 1
    -- Equal, not in: a row that others hold would have the inner part run again, and claim another.
    where operation_id = (
        select operation_id
        from operation
        where end_time is null
            and kind = any(cast(:kinds as text[]))
            and (lease_until is null or lease_until <= :now)
        order by create_time, operation_id
        limit 1
        for update skip locked
    )
    returning {_COLUMNS}
""")  # noqa: S608  # Put together from constants.

_RENEW = text("""
    update operation
    set lease_until = :until
    where operation_id = cast(:operation_id as uuid) and lease_owner = :owner and end_time is null
""")

_RECORD = text("""
    update operation
    set done = :done, total = coalesce(cast(:total as bigint), total), per_second = :per_second,
        checkpoint = cast(:checkpoint as jsonb)
    where operation_id = cast(:operation_id as uuid) and lease_owner = :owner and end_time is null
    returning cancel_requested
""")

_FINISH = text("""
    update operation
    set state = :state, response = cast(:response as jsonb), error = :error, end_time = :end_time,
        lease_owner = null, lease_until = null
    where operation_id = cast(:operation_id as uuid) and lease_owner = :owner and end_time is null
""")

_REQUEST_CANCEL = text("""
    update operation
    set cancel_requested = true
    where operation_id = cast(:operation_id as uuid) and end_time is null
""")

_DELETE = text("""
    delete from operation
    where operation_id = cast(:operation_id as uuid) and end_time is not null
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A job as it stands."""

    operation_id: str
    kind: str
    program_id: str
    fingerprint: bytes
    """Of the request that started it."""
    request: str
    """What it was asked for, as JSON."""
    state: str
    """PENDING, RUNNING, SUCCEEDED, FAILED or CANCELLED."""
    checkpoint: Any
    done: int
    total: int | None
    per_second: int
    cancel_requested: bool
    response: str | None
    """What it gave, as JSON; None unless it succeeded."""
    error: bytes | None
    """The serialized google.rpc.Status of its failure; None unless it failed or was cancelled."""
    lease_owner: str | None
    """Who runs it: another one each time it is taken up; None while nobody does."""
    create_time: datetime
    end_time: datetime | None

    @property
    def name(self) -> str:
        """The name by which callers know it."""
        return operation_name(self.operation_id)

    @property
    def ended(self) -> bool:
        """Whether nothing of it will change any more."""
        return self.end_time is not None


def operation_name(operation_id: str) -> str:
    """The name of an operation in `google.longrunning`."""
    return NAME_PREFIX + operation_id


def operation_id_of(name: str) -> str | None:
    """The id in a name; None when the name is none of ours."""
    try:
        return str(UUID(name.removeprefix(NAME_PREFIX))) if name.startswith(NAME_PREFIX) else None
    except ValueError:
        return None


async def insert(
    connection: AsyncConnection,
    *,
    operation_id: str,
    kind: str,
    program_id: str,
    request_id: str,
    fingerprint: bytes,
    request: str,
    create_time: datetime,
) -> Operation:
    """A new operation, or the one that the same request id started earlier."""
    row = {
        "operation_id": operation_id,
        "kind": kind,
        "program_id": program_id,
        "request_id": request_id,
        "fingerprint": fingerprint,
        "request": request,
        "create_time": create_time,
    }
    return operation_of((await connection.execute(_INSERT, row)).one())


async def find(connection: AsyncConnection, name: str) -> Operation | None:
    """An operation by its name."""
    operation_id = operation_id_of(name)
    if operation_id is None:
        return None
    row = (await connection.execute(_FIND, {"operation_id": operation_id})).one_or_none()
    return None if row is None else operation_of(row)


async def listing(
    connection: AsyncConnection, *, before: str | None, limit: int
) -> Sequence[Operation]:
    """Operations made before the one with that id, the latest first."""
    rows = await connection.execute(_LIST, {"before": before, "limit": limit})
    return [operation_of(row) for row in rows]


async def claim(
    connection: AsyncConnection,
    *,
    kinds: Sequence[str],
    owner: str,
    now: datetime,
    lease: timedelta,
) -> Operation | None:
    """The oldest operation that nobody runs, leased to `owner`; None when there is none."""
    parameters = {"kinds": list(kinds), "owner": owner, "now": now, "until": now + lease}
    row = (await connection.execute(_CLAIM, parameters)).one_or_none()
    return None if row is None else operation_of(row)


async def renew(
    connection: AsyncConnection, operation_id: str, owner: str, until: datetime
) -> bool:
    """Have the lease end at another time; False when it is not the owner's any more."""
    parameters = {"operation_id": operation_id, "owner": owner, "until": until}
    return (await connection.execute(_RENEW, parameters)).rowcount > 0


async def record_progress(
    connection: AsyncConnection,
    *,
    operation_id: str,
    owner: str,
    done: int,
    total: int | None,
    per_second: int,
    checkpoint: object,
) -> bool | None:
    """Record a step: whether it is to be cancelled; None when the lease is not the owner's."""
    parameters = {
        "operation_id": operation_id,
        "owner": owner,
        "done": done,
        "total": total,
        "per_second": per_second,
        "checkpoint": to_json(checkpoint).decode(),
    }
    found: bool | None = (await connection.execute(_RECORD, parameters)).scalar_one_or_none()
    return found


async def finish(
    connection: AsyncConnection,
    *,
    operation_id: str,
    owner: str,
    state: str,
    response: str | None,
    error: bytes | None,
    end_time: datetime,
) -> None:
    """Record how the operation ended, if it is still the owner's to end."""
    parameters = {
        "operation_id": operation_id,
        "owner": owner,
        "state": state,
        "response": response,
        "error": error,
        "end_time": end_time,
    }
    await connection.execute(_FINISH, parameters)


async def request_cancel(connection: AsyncConnection, operation_id: str) -> None:
    """Mark an operation that has not ended as to be cancelled."""
    await connection.execute(_REQUEST_CANCEL, {"operation_id": operation_id})


async def delete(connection: AsyncConnection, operation_id: str) -> None:
    """Remove an operation that has ended."""
    await connection.execute(_DELETE, {"operation_id": operation_id})


def operation_of(row: Row[Any]) -> Operation:
    """The operation in a row."""
    checkpoint = None if row.checkpoint is None else from_json(row.checkpoint)
    return Operation(**{**row._mapping, "checkpoint": checkpoint})  # noqa: SLF001  # Its public API.
