"""Batches against a real PostgreSQL: what is stored is what was decided."""

from __future__ import annotations

from datetime import timedelta

import pytest
from laurel_kit.clock import SettableClock
from laurel_ledger.domain.errors import InsufficientPoints
from laurel_ledger.domain.posting import Posted, Refused
from laurel_ledger.storage.books import BooksStore
from laurel_ledger.storage.connections import Connections

from tests.support.databases import DatabaseOf
from tests.support.ledger import SKEW, earn, group, spend


@pytest.fixture
async def connections(database_of: DatabaseOf):
    access = await database_of.access("ledger")
    opened = Connections.open(access.url, size=4, statement_timeout=timedelta(seconds=10))
    yield opened
    await opened.close()


@pytest.fixture
def store(connections: Connections) -> BooksStore:
    return BooksStore(connections=connections)


async def post(store: BooksStore, clock: SettableClock, *groups):
    return await store.post(groups, clock=clock, skew_max=SKEW)


async def test_a_batch_is_stored_as_decided(store, clock) -> None:
    first = earn(100)
    ((a, b, c),) = await post(store, clock, group(first, spend(30), spend(71)))
    assert (a.transaction.posted_after, b.transaction.posted_after) == (100, 70)
    assert isinstance(c, Refused)
    assert isinstance(c.error, InsufficientPoints)
    ((again,),) = await post(store, clock, group(first))
    assert again == Posted(transaction=a.transaction, replayed=True)
