"""The outbox as a stream that can be taken up again at any point and skips nothing.

Transactions commit in another order than they begin, so a reader who asks for what is behind the
last row it saw loses the row of a slow one. Here a row is read only when every transaction with a
lower id has ended (`pg_snapshot_xmin`): behind a position nothing can appear any more. This is the
one module that depends on PostgreSQL's transaction ids; after a restore into a new cluster readers
begin anew.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from laurel_kit.clock import Clock
from laurel_kit.database import Database
from laurel_kit.pages import PageTokens

NO_EVENT = str(UUID(int=0))

# One statement, so that the rows and the horizon are of one snapshot: a horizon of a later one
# would pass over what was committed between the two.
_READ = text("""
    select
        pg_snapshot_xmin(pg_current_snapshot())::text as horizon,
        event.transaction_id::text as transaction_id,
        event.event_id::text as event_id,
        event.topic, event.key, event.payload::text as payload, event.create_time
    from (select 1) as present
    left join lateral (
        select found.*
        from unnest(cast(:topics as text[])) as wanted (topic)
        cross join lateral (
            select o.transaction_id, o.event_id, o.topic, o.key, o.payload, o.create_time
            from outbox as o
            where o.program_id = :program_id
                and o.topic = wanted.topic
                and (o.transaction_id, o.event_id)
                    > (cast(cast(:transaction_id as text) as xid8), cast(:event_id as uuid))
                and o.transaction_id < pg_snapshot_xmin(pg_current_snapshot())
            order by o.transaction_id, o.event_id
            limit :limit
        ) as found
        order by found.transaction_id, found.event_id
        limit :limit
    ) as event on true
    order by event.transaction_id, event.event_id
""")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A point in the feed of a program: everything up to it has been seen."""

    transaction_id: int
    event_id: str = NO_EVENT


BEGINNING = Position(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """An event as it is read."""

    position: Position
    topic: str
    key: str
    payload: Any
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Nothing has happened up to `position`; the stream lives."""

    position: Position
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """What was read in one go, and where to go on."""

    events: tuple[FeedEvent, ...]
    position: Position
    complete: bool
    """Whether that was everything there was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLimits:
    """What one reader may cost."""

    page_size: int = 500
    """Rows read at a time."""
    rows_per_second: int = 5000
    """Rows sent in a second at most, so that one who catches up leaves room for the others."""
    poll_interval: timedelta = timedelta(milliseconds=200)
    """How often the table is looked at when there was nothing new."""
    heartbeat_interval: timedelta = timedelta(seconds=10)
    """How often a quiet stream says that it lives."""
    age_max: timedelta = timedelta(minutes=30)
    """When the stream ends; the reader takes it up again, perhaps at another server."""


class Feed:
    """Reads the events of a program in the order of their positions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(
        self, *, program_id: str, topics: Sequence[str], after: Position, limit: int
    ) -> FeedPage:
        """At most `limit` events behind a position, and the position to go on from.

        The position moves on also where nothing was found, so that what lies behind it need not be
        searched again.
        """
        parameters = {
            "program_id": program_id,
            "topics": list(topics),
            "transaction_id": str(after.transaction_id),
            "event_id": after.event_id,
            "limit": limit,
        }
        async with self._database.read() as connection:
            rows = (await connection.execute(_READ, parameters)).all()
        events = tuple(feed_event(row) for row in rows if row.event_id is not None)
        if len(events) >= limit:
            return FeedPage(events=events, position=events[-1].position, complete=False)
        horizon = max(after, Position(int(rows[0].horizon)))
        return FeedPage(events=events, position=horizon, complete=True)

    async def end(self) -> Position:
        """The position behind everything that is committed, for who wants only what comes."""
        page = await self.read(program_id="", topics=(), after=BEGINNING, limit=1)
        return page.position

    async def follow(
        self,
        *,
        program_id: str,
        topics: Sequence[str],
        after: Position,
        clock: Clock,
        limits: FeedLimits,
    ) -> AsyncIterator[FeedEvent | Heartbeat]:
        """Events as they are committed, with a heartbeat whenever it has been quiet for long.

        The first heartbeat comes as soon as the reader has everything. Ends at `limits.age_max`.
        """
        begun = time.monotonic()
        heard = begun - limits.heartbeat_interval.total_seconds()
        while time.monotonic() - begun < limits.age_max.total_seconds():
            read_at = time.monotonic()
            page = await self.read(
                program_id=program_id, topics=topics, after=after, limit=limits.page_size
            )
            for event in page.events:
                yield event
            after = page.position
            if page.events and not page.complete:
                heard = time.monotonic()
            elif time.monotonic() - heard >= limits.heartbeat_interval.total_seconds():
                heard = time.monotonic()
                yield Heartbeat(position=after, time=clock.now())
            await asyncio.sleep(pause_after(page, time.monotonic() - read_at, limits))


def pause_after(page: FeedPage, seconds_taken: float, limits: FeedLimits) -> float:
    """Seconds until the next look: for what the rate allows, and longer when there was nothing."""
    seconds_due = len(page.events) / limits.rows_per_second
    if page.complete:
        seconds_due = max(seconds_due, limits.poll_interval.total_seconds())
    return max(0.0, seconds_due - seconds_taken)


def feed_event(row: Row[Any]) -> FeedEvent:
    """The event in a row."""
    return FeedEvent(
        position=Position(int(row.transaction_id), row.event_id),
        topic=row.topic,
        key=row.key,
        payload=json.loads(row.payload),
        create_time=row.create_time,
    )


def write_resume_token(position: Position, tokens: PageTokens) -> str:
    """A position as the caller gets it, bound to his query by `PageTokens.of(request, ...)`."""
    return tokens.encode([position.transaction_id, position.event_id])


def read_resume_token(token: str, tokens: PageTokens) -> Position:
    """The position in a token, the beginning for an empty one. Raises PageTokenInvalid."""
    cursor = tokens.decode(token, int, str)
    return BEGINNING if cursor is None else Position(int(cursor[0] or 0), str(cursor[1]))
