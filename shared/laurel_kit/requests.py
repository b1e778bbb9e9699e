"""One outcome for every request id: a repeat is given the first answer.

Both functions run in the transaction of the change, the first before anything else is looked at,
the second last. Ids are remembered for each member, so that two members' requests never meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_kit.clock import SystemClock
from laurel_kit.database import LostRace
from laurel_kit.fingerprint import mismatched_fields
from laurel_kit.hot_statements import HotStatement
from laurel_kit.refusals import KitError

T = TypeVar("T")

_CLOCK = SystemClock()

_ADAPTERS: dict[type, TypeAdapter[Any]] = {}

_FIND = HotStatement(
    text("""
    select method, fingerprint, answer::text as answer
    from request
    where program_id = :program_id and member_id = :member_id and request_id = :request_id
    """)
)

_REMEMBER = HotStatement(
    text("""
    insert into request
        (program_id, member_id, request_id, method, fingerprint, answer, create_time)
    values
        (:program_id, :member_id, :request_id, :method, :fingerprint, cast(:answer as jsonb),
         :create_time)
    on conflict do nothing
    returning request_id
    """)
)


@dataclass(eq=False, kw_only=True)
class RequestIdReused(KitError):
    """The request id was used with other content. `mismatched_fields` are the paths that differ."""

    request_id: str
    mismatched_fields: tuple[str, ...]


async def earlier(
    connection: AsyncConnection,
    *,
    program_id: str,
    member_id: str,
    request_id: str,
    method: str,
    fingerprint: bytes,
    answer: type[T],
) -> T | None:
    """The first answer to this request id, None when it is new.

    `member_id` is empty for requests about a whole program, `fingerprint` is
    `Fingerprint.encoded`. Raises RequestIdReused when the id was used with other content or for
    another method.
    """
    key = {"program_id": program_id, "member_id": member_id, "request_id": request_id}
    row = await _FIND.one_or_none(connection, key)
    if row is None:
        return None
    if row.method != method:
        raise RequestIdReused(request_id=request_id, mismatched_fields=("method",))
    if row.fingerprint != fingerprint:
        mismatched = mismatched_fields(row.fingerprint, fingerprint)
        raise RequestIdReused(request_id=request_id, mismatched_fields=mismatched)
    return adapter(answer).validate_json(row.answer)


async def remember(
    connection: AsyncConnection,
    *,
    program_id: str,
    member_id: str,
    request_id: str,
    method: str,
    fingerprint: bytes,
    answer: object,
) -> None:
    """Keep the answer (a frozen dataclass) for repeats of its request.

    When another transaction was faster with the same id, this one is begun again by
    `Database.transact` and finds that answer.
    """
    row = {
        "program_id": program_id,
        "member_id": member_id,
        "request_id": request_id,
        "method": method,
        "fingerprint": fingerprint,
        "answer": adapter(type(answer)).dump_json(answer).decode(),
        # When the row was written, by the machine: rows age by this, whatever a sandbox says.
        "create_time": _CLOCK.now(),
    }
    if not await _REMEMBER.rows(connection, row):
        raise LostRace


def adapter(kind: type[T]) -> TypeAdapter[T]:
    """What turns a dataclass into JSON and back; made once for each class."""
    found: TypeAdapter[T] | None = _ADAPTERS.get(kind)
    if found is None:
        found = _ADAPTERS[kind] = TypeAdapter(kind)
    return found
