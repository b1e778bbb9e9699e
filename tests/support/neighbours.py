"""The other tests on the same server: waiting until they are out of the way."""

from __future__ import annotations

import asyncio

from laurel_kit.database import Database
from sqlalchemy import text

PATIENCE_SECONDS = 180
INTERVAL_SECONDS = 0.01


async def nothing_open(database: Database) -> None:
    """Wait until every transaction begun before now has ended.

    Snapshots span the server: a transaction of another worker's test, in a database of its own,
    holds up every feed read beside it.
    """
    async with database.read() as connection, asyncio.timeout(PATIENCE_SECONDS):
        own = (await connection.execute(text("select pg_current_xact_id()::text"))).scalar_one()
        ended = text(f"select pg_snapshot_xmin(pg_current_snapshot()) > '{own}'::xid8")
        while not (await connection.execute(ended)).scalar_one():  # noqa: ASYNC110  # Afar.
            await asyncio.sleep(INTERVAL_SECONDS)
