"""What has happened, written in the transaction of the change, for whoever watches (see `feed`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_kit.ids import new_id

_APPEND = text("""
    insert into outbox (program_id, topic, event_id, key, payload, create_time)
    select program_id, topic, event_id, key, payload::jsonb, create_time
    from unnest(
        cast(:program_ids as text[]), cast(:topics as text[]), cast(:event_ids as uuid[]),
        cast(:keys as text[]), cast(:payloads as text[]), cast(:create_times as timestamptz[])
    ) as event (program_id, topic, event_id, key, payload, create_time)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that has happened."""

    program_id: str
    topic: str
    """What kind of thing: `transaction`, `score`. Readers choose by it."""
    key: str
    """Whom or what it is about; the events of one key are in the order of their commits."""
    payload: object
    """What a reader is told: a dataclass or a mapping, kept as JSON."""
    create_time: datetime


async def append(
    connection: AsyncConnection,
    *,
    topic: str,
    program_id: str,
    key: str,
    payload: object,
    create_time: datetime,
) -> str:
    """Add an event to the transaction and return its id; it is seen after the commit."""
    event = Event(
        program_id=program_id, topic=topic, key=key, payload=payload, create_time=create_time
    )
    return (await append_all(connection, [event]))[0]


async def append_all(connection: AsyncConnection, events: Sequence[Event]) -> list[str]:
    """Add events in one statement, in the order given, and return their ids."""
    event_ids = [new_id() for _ in events]
    columns = {
        "program_ids": [event.program_id for event in events],
        "topics": [event.topic for event in events],
        "event_ids": event_ids,
        "keys": [event.key for event in events],
        "payloads": [to_json(event.payload).decode() for event in events],
        "create_times": [event.create_time for event in events],
    }
    await connection.execute(_APPEND, columns)
    return event_ids
