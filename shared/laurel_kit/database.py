"""One service's PostgreSQL: connections, transactions, and what their failures mean.

Statements are SQLAlchemy Core (`text` or tables) on an `AsyncConnection`; `driver_of` gives the
asyncpg connection beneath for hot paths, in the same transaction.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar, cast

import asyncpg
from sqlalchemy import event, exc, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from laurel_kit.refusals import KitError

_LOG = logging.getLogger(__name__)

Connection = AsyncConnection
"""What a transaction's statements run on; rooms without SQL pass it on under this name."""

T = TypeVar("T")

ATTEMPTS = 5
"""How often a transaction that lost a race is tried before the caller is told."""

FIRST_PAUSE = timedelta(milliseconds=5)
"""Mean pause before the second attempt; it doubles with each one."""

CONNECT_TIMEOUT = timedelta(seconds=5)
"""How long a new connection may take before the database counts as down."""

LOCK_TIMEOUT = timedelta(seconds=5)
"""How long a statement waits for a row that another transaction holds."""

IDLE_TIMEOUT = timedelta(seconds=30)
"""How long a transaction may sit between statements before the database ends it."""

RACE_STATES = frozenset({"40001", "40P01", "55P03"})
"""SQLSTATEs of a lost race: serialization failure, deadlock, lock not available in time."""

DOWN_CLASSES = ("08", "53", "57P", "58")
"""Beginnings of SQLSTATEs that say the database cannot serve: connection, resources, disk."""

DOWN_STATES = frozenset({"25006", "25P03", "25P04", "57014", "XX001", "XX002"})
"""Further ones: read-only after a failover, a timeout ended the transaction, damaged files."""

MISTAKEN_CLASSES = ("28", "3D", "42")
"""Beginnings of SQLSTATEs that say our settings are wrong: password, name of the database, rights.

Whatever else keeps us from connecting, somebody may end without us.
"""

Isolation = Literal["read_committed", "repeatable_read"]


class DatabaseUnavailable(KitError):
    """The database does not answer, or broke off.

    A write may or may not have happened; repeating it with the same request id tells.
    """


@dataclass(eq=False, kw_only=True)
class Contention(KitError):
    """The transaction lost a race `attempts` times; nothing of it happened."""

    attempts: int


class LostRace(Exception):
    """Raised by the work of a transaction that wants to be begun again: another one was faster."""


class Database:
    """The connections of one process to its database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(engine.sync_engine, "checkout", refuse_closed)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        pool_size: int = 8,
        statement_timeout: timedelta = timedelta(seconds=30),
        application_name: str = "laurel",
    ) -> Database:
        """Prepare connections to `postgresql://...`; nothing is connected before it is needed.

        A statement that takes longer than `statement_timeout` is ended by the database, a whole
        transaction when it takes twice as long.
        """
        engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=statement_timeout.total_seconds(),
            pool_use_lifo=True,
            connect_args={
                "timeout": CONNECT_TIMEOUT.total_seconds(),
                "prepared_statement_cache_size": 500,
                "server_settings": {
                    "application_name": application_name,
                    "timezone": "UTC",
                    "jit": "off",
                    "statement_timeout": milliseconds(statement_timeout),
                    "transaction_timeout": milliseconds(2 * statement_timeout),
                    "lock_timeout": milliseconds(min(LOCK_TIMEOUT, statement_timeout)),
                    "idle_in_transaction_session_timeout": milliseconds(IDLE_TIMEOUT),
                },
            },
        )
        return cls(engine)

    async def transact(
        self, work: Callable[[AsyncConnection], Awaitable[T]], *, attempts: int = ATTEMPTS
    ) -> T:
        """Run `work` in a transaction (READ COMMITTED), commit, and return what it returned.

        Work that lost a race is rolled back and begun again from its start, so it must do nothing
        beyond its connection. Raises Contention when it lost `attempts` times, and
        DatabaseUnavailable.
        """
        for attempt in range(attempts):
            try:
                async with self.begin() as connection:
                    return await work(connection)
            except LostRace:
                _LOG.debug("a transaction asked to be begun again, attempt %s", attempt + 1)
            except (exc.DBAPIError, asyncpg.PostgresError) as error:
                if sqlstate_of(error) not in RACE_STATES:
                    raise
                _LOG.debug("a transaction lost a race, attempt %s: %s", attempt + 1, error)
            await asyncio.sleep(pause_after(attempt))
        raise Contention(attempts=attempts)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction (READ COMMITTED), tried once: committed when the block ends, rolled back
        when it raises.
        """
        async with self._transaction("read_committed", readonly=False) as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction in which every statement sees the same state."""
        async with self._transaction("repeatable_read", readonly=True) as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection without a transaction, for point reads: each statement has its own state."""
        with failures_named():
            connection = await self._connect()
            try:
                yield connection
            finally:
                # A caller who gives up must not take the connection with him.
                await asyncio.shield(connection.close())

    async def close(self) -> None:
        """Close every connection; those in use are closed when they are given back."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(
        self, isolation: Isolation, *, readonly: bool
    ) -> AsyncIterator[AsyncConnection]:
        # The transaction is the driver's, not SQLAlchemy's, which begins its own only at its first
        # statement: so statements of both are in it, in any order.
        async with self.read() as connection:
            driver = await driver_of(connection)
            transaction = driver.transaction(isolation=isolation, readonly=readonly)
            with closed_unless_whole(driver):
                await transaction.start()
            try:
                yield connection
            except BaseException:
                if not driver.is_closed():
                    with closed_unless_whole(driver):
                        await transaction.rollback()
                raise
            with closed_unless_whole(driver):
                await transaction.commit()

    async def _connect(self) -> AsyncConnection:
        try:
            return await self._engine.connect()
        except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
            raise DatabaseUnavailable from error
        except exc.DBAPIError as error:
            if sqlstate_of(error).startswith(MISTAKEN_CLASSES):
                raise
            raise DatabaseUnavailable from error


async def driver_of(connection: AsyncConnection) -> asyncpg.Connection[asyncpg.Record]:
    """The asyncpg connection beneath, in the same transaction, for statements on hot paths."""
    raw = await connection.get_raw_connection()
    return cast("asyncpg.Connection[asyncpg.Record]", raw.driver_connection)


@contextmanager
def closed_unless_whole(driver: asyncpg.Connection[asyncpg.Record]) -> Iterator[None]:
    """Closes a connection at whose begin, commit or rollback the caller gave up.

    Nobody knows then whether a transaction is open on it. Lent to the next one, it would take his
    statements into that transaction, answer his commit with a savepoint and lose both in the end.
    """
    try:
        yield
    except BaseException:
        driver.terminate()
        raise


@contextmanager
def failures_named() -> Iterator[None]:
    """Turns an error that says the database cannot serve into DatabaseUnavailable."""
    try:
        yield
    except Exception as error:
        if says_down(error):
            raise DatabaseUnavailable from error
        raise


def says_down(error: BaseException) -> bool:
    """Whether an error says that the database cannot serve, not that the statement was wrong."""
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, exc.TimeoutError | ConnectionError | asyncpg.PostgresConnectionError):
        return True
    if isinstance(error, asyncpg.InternalClientError):
        # The server has said that it ends the connection, and its end has not come yet.
        return "another operation" in str(error)
    if isinstance(error, asyncpg.InterfaceError | exc.InterfaceError):
        return "closed" in str(error) or "lost" in str(error)
    state = sqlstate_of(error)
    return state in DOWN_STATES or state.startswith(DOWN_CLASSES)


def sqlstate_of(error: BaseException) -> str:
    """The SQLSTATE of a database error; empty when it has none."""
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    return str(getattr(original, "sqlstate", None) or "")


def refuse_closed(dbapi_connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool connect anew where a connection was closed while it lay there.

    The driver has seen the end of the connection by itself, so this costs no round trip, and a
    restart of the database costs no call.
    """
    if dbapi_connection.driver_connection.is_closed():
        raise exc.DisconnectionError


def pause_after(attempt: int) -> float:
    """Seconds to wait before the next attempt, at random around a mean that doubles."""
    jitter = random.uniform(0.5, 1.5)  # noqa: S311  # Nothing secret hangs on it.
    return float(FIRST_PAUSE.total_seconds() * 2**attempt * jitter)


def milliseconds(span: timedelta) -> str:
    """A span as PostgreSQL's timeouts read it."""
    return str(round(span.total_seconds() * 1000))
