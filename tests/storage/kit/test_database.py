"""Transactions: kept whole, begun again after a lost race, refused when PostgreSQL is down."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from laurel_kit.database import Contention, Database, DatabaseUnavailable, LostRace, driver_of
from laurel_kit.postgres import PostgresServer
from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.support.databases import DatabaseOf
from tests.support.races import Meeting

SET_CLOCK = text("insert into sandbox_clock (offset_microseconds) values (:offset)")
READ_CLOCK = text("select offset_microseconds from sandbox_clock")
MOVE_CLOCK = text("update sandbox_clock set offset_microseconds = offset_microseconds + 1")


@pytest.fixture
async def database(database_of: DatabaseOf) -> Database:
    return await database_of("kit")


async def offset_of(database: Database) -> int | None:
    async with database.read() as connection:
        return (await connection.execute(READ_CLOCK)).scalar_one_or_none()


async def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(SET_CLOCK, {"offset": 1})
        raise KeyError

    with pytest.raises(KeyError):
        await database.transact(work)
    assert await offset_of(database) is None


async def test_statements_of_the_driver_are_in_the_same_transaction(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        driver = await driver_of(connection)
        await driver.execute("insert into sandbox_clock (offset_microseconds) values (7)")
        assert (await connection.execute(READ_CLOCK)).scalar_one() == 7
        raise KeyError

    with pytest.raises(KeyError):
        await database.transact(work)
    assert await offset_of(database) is None


async def test_a_deadlock_is_tried_again_until_both_have_committed(database: Database) -> None:
    async with database.begin() as connection:
        for program_id in "ab":
            await connection.execute(
                text(
                    "insert into timer values "
                    "(:program_id, '', '', '', '2026-01-01Z', '2026-01-01Z', '0', 0, null)"
                ),
                {"program_id": program_id},
            )
    meeting = Meeting(2)
    add = text("update timer set attempts = attempts + 1 where program_id = :program_id")

    async def both(first: str, second: str) -> None:
        async def work(connection: AsyncConnection) -> None:
            await connection.execute(add, {"program_id": first})
            await meeting.arrive()
            await connection.execute(add, {"program_id": second})

        await database.transact(work)

    await asyncio.gather(both("a", "b"), both("b", "a"))
    async with database.read() as connection:
        assert (await connection.execute(text("select sum(attempts) from timer"))).scalar() == 4


async def test_a_race_that_is_always_lost_is_contention(database: Database) -> None:
    attempts = []

    async def work(_: AsyncConnection) -> None:
        attempts.append(1)
        raise LostRace

    with pytest.raises(Contention) as refusal:
        await database.transact(work, attempts=3)
    assert (refusal.value.attempts, len(attempts)) == (3, 3)


async def test_a_statement_that_is_wrong_is_no_outage(database: Database) -> None:
    async with database.read() as connection:
        with pytest.raises(exc.ProgrammingError):
            await connection.execute(text("select nothing_of_that_name"))


async def test_a_snapshot_sees_one_state_and_cannot_write(database: Database) -> None:
    async with database.snapshot() as connection:
        assert (await connection.execute(READ_CLOCK)).scalar_one_or_none() is None
        async with database.begin() as other:
            await other.execute(SET_CLOCK, {"offset": 5})
        assert (await connection.execute(READ_CLOCK)).scalar_one_or_none() is None
    with pytest.raises(DatabaseUnavailable):
        async with database.snapshot() as connection:
            await connection.execute(MOVE_CLOCK)


async def test_a_caller_who_gives_up_leaves_a_connection_that_works(
    database_of: DatabaseOf,
) -> None:
    database = await database_of("kit", pool_size=1)
    begun = asyncio.Event()

    async def slow() -> None:
        async with database.begin() as connection:
            await connection.execute(SET_CLOCK, {"offset": 9})
            begun.set()
            await connection.execute(text("select pg_sleep(30)"))

    task = asyncio.create_task(slow())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await offset_of(database) is None


async def test_what_follows_a_caller_who_gave_up_at_any_moment_is_committed(
    database_of: DatabaseOf,
) -> None:
    """A transaction that was left open would take in what comes next, and never commit it."""
    access = await database_of.access("kit")
    database, others = Database.open(access.url, pool_size=1), Database.open(access.url)
    async with database.begin() as connection:
        await connection.execute(SET_CLOCK, {"offset": 0})

    async def move() -> int:
        async with database.begin() as connection:
            await connection.execute(MOVE_CLOCK)
            return (await connection.execute(READ_CLOCK)).scalar_one()

    for moment in range(60):
        task = asyncio.create_task(move())
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        # A commit that was given up may yet come about; until then it holds the row.
        moved = await move()
        assert await offset_of(others) == moved, f"given up at {moment}"
    await database.close()
    await others.close()


async def test_a_statement_that_takes_too_long_is_ended(
    database_of: DatabaseOf, postgres: PostgresServer
) -> None:
    access = await database_of.access("kit")
    database = Database.open(access.url, statement_timeout=timedelta(milliseconds=50))
    try:
        with pytest.raises(DatabaseUnavailable):
            async with database.read() as connection:
                await connection.execute(text("select pg_sleep(30)"))
    finally:
        await database.close()


async def test_nobody_listening_is_unavailable() -> None:
    database = Database.open("postgresql://nobody:x@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable):
        async with database.read():
            pass
    await database.close()


async def test_a_database_that_is_closed_to_us_is_unavailable_until_it_is_open_again(
    database: Database, postgres: PostgresServer, database_of: DatabaseOf
) -> None:
    access = await database_of.access("kit")
    administration = Database.open(postgres.url())
    close = f"alter database {access.name} allow_connections "
    async with administration.read() as connection:
        await connection.execute(text(close + "false"))
        with pytest.raises(DatabaseUnavailable):
            await offset_of(database)
        await connection.execute(text(close + "true"))
    await administration.close()
    assert await offset_of(database) is None


async def test_a_wrong_password_is_a_mistake_and_no_outage(
    database_of: DatabaseOf,
) -> None:
    access = await database_of.access("kit")
    database = Database.open(access.url.replace("@127.", "x@127."))
    with pytest.raises(exc.DBAPIError):
        await offset_of(database)
    await database.close()


async def test_a_connection_that_was_ended_in_the_pool_costs_no_call(
    database: Database, postgres: PostgresServer, database_of: DatabaseOf
) -> None:
    await offset_of(database)
    access = await database_of.access("kit")
    await end_connections(access.name, postgres)
    assert await offset_of(database) is None


async def test_a_connection_that_is_ended_in_flight_is_unavailable_once(
    database: Database, postgres: PostgresServer, database_of: DatabaseOf
) -> None:
    access = await database_of.access("kit")

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(SET_CLOCK, {"offset": 3})
        await end_connections(access.name, postgres)
        await connection.execute(MOVE_CLOCK)

    with pytest.raises(DatabaseUnavailable):
        await database.transact(work)
    assert await offset_of(database) is None


async def end_connections(name: str, postgres: PostgresServer) -> None:
    """End every connection to a database, as a restart of PostgreSQL does."""
    administration = Database.open(postgres.url())
    async with administration.read() as connection:
        await connection.execute(
            text(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = :name"
            ),
            {"name": name},
        )
    await administration.close()
