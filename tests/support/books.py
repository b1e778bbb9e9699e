"""Books that a test posts into and then has as before, and all the rows in them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from laurel_ledger.storage.books import BooksStore
from laurel_ledger.storage.writes import COLUMNS

from tests.support.ledger import NOON


@dataclass
class Clock:
    """Stands still."""

    instant: datetime = NOON

    def now(self) -> datetime:
        return self.instant


class OneConnection:
    """Stands for the connections of a store: a single one, in a transaction that is given up."""

    def __init__(self, connection) -> None:
        self.connection = connection

    @asynccontextmanager
    async def use(self):
        yield self.connection


@asynccontextmanager
async def given_up(connections):
    """A store over books that are as before when the block ends."""
    async with connections.use() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            yield BooksStore(connections=OneConnection(connection))
        finally:
            await transaction.rollback()


async def rows_after(store: BooksStore) -> dict[str, list[tuple]]:
    """Everything in the books."""
    async with store.connections.use() as connection:
        return {
            table: sorted(map(tuple, await connection.fetch(f"select * from {table}")), key=repr)
            for table in COLUMNS
        }
