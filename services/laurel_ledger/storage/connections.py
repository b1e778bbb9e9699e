"""The driver's own connections, for the paths where every microsecond counts.

Posting and point reads take asyncpg as it is: the layers above it cost more than the queries.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
from laurel_kit.database import (
    CONNECT_TIMEOUT,
    IDLE_TIMEOUT,
    LOCK_TIMEOUT,
    DatabaseUnavailable,
    failures_named,
    milliseconds,
)

Connection = Any
"""An asyncpg connection, or its pool's proxy of one, which the stubs do not call a connection."""


class Connections:
    """Connections of one process to the books; none is made before it is needed."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    @classmethod
    def open(cls, url: str, *, size: int, statement_timeout: timedelta) -> Connections:
        """Prepare up to `size` connections to `postgresql://...`."""
        return cls(
            asyncpg.create_pool(
                url,
                min_size=0,
                max_size=size,
                timeout=CONNECT_TIMEOUT.total_seconds(),
                # Nothing here leaves a session setting behind; the usual reset is a round trip.
                reset=_end_transaction,
                server_settings={
                    "application_name": "laurel-ledger",
                    "timezone": "UTC",
                    "jit": "off",
                    # Every statement looks up rows by key; a plan that scans would be a mistake
                    # made while the tables were small.
                    "enable_seqscan": "off",
                    "enable_hashjoin": "off",
                    "enable_mergejoin": "off",
                    "plan_cache_mode": "force_generic_plan",
                    "statement_timeout": milliseconds(statement_timeout),
                    "transaction_timeout": milliseconds(2 * statement_timeout),
                    "lock_timeout": milliseconds(min(LOCK_TIMEOUT, statement_timeout)),
                    "idle_in_transaction_session_timeout": milliseconds(IDLE_TIMEOUT),
                },
            )
        )

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Connection]:
        """A connection for a moment, without a transaction. Raises DatabaseUnavailable."""
        with failures_named():
            connection = await self._acquire()
            try:
                yield connection
            finally:
                if not self._pool.is_closing():  # Else the connection has ended with the pool.
                    await self._pool.release(connection)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """The same in a read-only transaction in which every statement sees one state."""
        async with (
            self.use() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection

    async def close(self) -> None:
        """Close every connection, those in use as well."""
        self._pool.terminate()

    async def _acquire(self) -> Any:
        await self._pool  # Does nothing once the pool is set up.
        try:
            return await self._pool.acquire(timeout=CONNECT_TIMEOUT.total_seconds())
        except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
            raise DatabaseUnavailable from error


async def _end_transaction(connection: Connection) -> None:
    """Between two uses of a connection: end what a caller who gave up has left open."""
    if connection.is_in_transaction():
        await connection.execute("rollback")
