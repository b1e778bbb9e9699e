"""The books of the ledger in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from laurel_ledger.storage.books import BooksStore
from laurel_ledger.storage.connections import Connections

from tests.support.databases import DatabaseOf


@pytest.fixture
async def connections(database_of: DatabaseOf) -> AsyncIterator[Connections]:
    access = await database_of.access("ledger")
    opened = Connections.open(access.url, size=8, statement_timeout=timedelta(seconds=10))
    yield opened
    await opened.close()


@pytest.fixture
def store(connections: Connections) -> BooksStore:
    return BooksStore(connections=connections)
