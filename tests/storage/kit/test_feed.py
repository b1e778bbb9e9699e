"""The feed: every event once, in order, also when transactions commit in another order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from laurel.sandbox.v1.clock_pb2 import GetClockRequest, SetClockRequest
from laurel_kit.clock import SettableClock
from laurel_kit.database import Database
from laurel_kit.feed import (
    BEGINNING,
    Feed,
    FeedEvent,
    FeedLimits,
    Heartbeat,
    Position,
    read_resume_token,
    write_resume_token,
)
from laurel_kit.outbox import Event, append, append_all
from laurel_kit.pages import PageTokenInvalid, PageTokens
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.support.clocks import NOON
from tests.support.databases import DatabaseOf
from tests.support.neighbours import nothing_open

QUICK = FeedLimits(
    page_size=3,
    poll_interval=timedelta(milliseconds=5),
    heartbeat_interval=timedelta(milliseconds=20),
    age_max=timedelta(seconds=20),
)


@pytest.fixture
async def database(database_of: DatabaseOf) -> Database:
    return await database_of("kit")


def event(number: int, *, topic: str = "score", program_id: str = "jd") -> Event:
    return Event(
        program_id=program_id,
        topic=topic,
        key=f"m-{number}",
        payload={"number": number},
        create_time=NOON,
    )


async def add(database: Database, *events: Event) -> None:
    async with database.begin() as connection:
        await append_all(connection, events)


async def numbers(
    feed: Feed, after: Position = BEGINNING, topics: Sequence[str] = ("score",), limit: int = 100
) -> list[int]:
    await nothing_open(feed._database)
    page = await feed.read(program_id="jd", topics=topics, after=after, limit=limit)
    return [each.payload["number"] for each in page.events]


async def test_a_row_that_commits_late_is_not_passed_over(database: Database) -> None:
    feed = Feed(database)
    async with database.begin() as slow:
        await append_all(slow, [event(1)])
        await add(database, event(2))
        page = await feed.read(program_id="jd", topics=["score"], after=BEGINNING, limit=10)
        assert page.events == ()
    assert await numbers(feed, page.position) == [1, 2]


async def test_a_transaction_that_rolls_back_holds_nothing_up(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        await append_all(connection, [event(1)])
        await add(database, event(2))
        raise KeyError

    with pytest.raises(KeyError):
        await database.transact(work)
    assert await numbers(Feed(database)) == [2]


async def test_pages_join_without_gap_or_overlap(database: Database) -> None:
    feed = Feed(database)
    await add(database, *(event(number) for number in range(5)))
    await add(database, *(event(number) for number in range(5, 8)))
    found, after, complete = [], BEGINNING, False
    while not complete:
        page = await feed.read(program_id="jd", topics=["score"], after=after, limit=2)
        found += [each.payload["number"] for each in page.events]
        after, complete = page.position, page.complete
    assert found == list(range(8))


async def test_readers_choose_by_topic_and_program(database: Database) -> None:
    feed = Feed(database)
    await add(database, event(1), event(2, topic="tier"), event(3, program_id="taobao"))
    await add(database, event(4, topic="medal"), event(5))
    assert await numbers(feed, topics=["score"]) == [1, 5]
    assert await numbers(feed, topics=["score", "tier"]) == [1, 2, 5]
    assert await numbers(feed, topics=["nothing"]) == []


async def test_many_writers_and_a_reader_who_keeps_his_position(database: Database) -> None:
    feed = Feed(database)
    writers = 6

    async def write(writer: int) -> None:
        for step in range(20):
            async with database.begin() as connection:
                await append(
                    connection,
                    topic="score",
                    program_id="jd",
                    key=f"w-{writer}",
                    payload={"number": step},
                    create_time=NOON,
                )

    found: list[FeedEvent] = []

    async def read() -> None:
        after = BEGINNING
        while len(found) < writers * 20:
            page = await feed.read(program_id="jd", topics=["score"], after=after, limit=7)
            found.extend(page.events)
            after = page.position

    async with asyncio.timeout(60):
        await asyncio.gather(read(), *(write(writer) for writer in range(writers)))
    for writer in range(writers):
        own = [each.payload["number"] for each in found if each.key == f"w-{writer}"]
        assert own == list(range(20))


async def test_a_stream_brings_what_is_there_then_beats_then_brings_what_comes(
    database: Database, clock: SettableClock
) -> None:
    feed = Feed(database)
    await add(database, *(event(number) for number in range(4)))
    stream = feed.follow(
        program_id="jd", topics=["score"], after=BEGINNING, clock=clock, limits=QUICK
    )
    async with asyncio.timeout(60):
        first: list[FeedEvent] = []
        while len(first) < 4:
            # Until other transactions on this server have ended there may be beats between.
            first += [each for each in [await anext(stream)] if isinstance(each, FeedEvent)]
        beat = await anext(stream)
        assert isinstance(beat, Heartbeat)
        assert beat.time == clock.now()
        await add(database, event(4))
        while isinstance(late := await anext(stream), Heartbeat):
            beat = late
    assert [each.payload["number"] for each in [*first, late]] == list(range(5))
    await stream.aclose()
    assert await numbers(feed, beat.position) == [4]


async def test_a_stream_ends_when_it_is_old(database: Database, clock: SettableClock) -> None:
    limits = FeedLimits(poll_interval=timedelta(milliseconds=5), age_max=timedelta(milliseconds=1))
    stream = Feed(database).follow(
        program_id="jd", topics=["score"], after=BEGINNING, clock=clock, limits=limits
    )
    async with asyncio.timeout(60):
        assert [each async for each in stream if isinstance(each, FeedEvent)] == []


async def test_who_wants_only_what_comes_begins_at_the_end(database: Database) -> None:
    feed = Feed(database)
    await add(database, event(1))
    end = await feed.end()
    await add(database, event(2))
    assert await numbers(feed, end) == [2]


def test_a_resume_token_belongs_to_its_query() -> None:
    position = Position(12, "01990000-0000-7000-8000-000000000000")
    tokens = PageTokens.of(GetClockRequest())
    token = write_resume_token(position, tokens)
    assert read_resume_token(token, tokens) == position
    assert read_resume_token("", tokens) == BEGINNING
    with pytest.raises(PageTokenInvalid):
        read_resume_token(token, PageTokens.of(SetClockRequest()))
