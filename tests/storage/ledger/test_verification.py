"""Verifying the books: nothing is found in what was posted, and every damage that is done to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace

import asyncpg
import pytest
from laurel_kit.assembly import open_foundation
from laurel_kit.clock import SettableClock
from laurel_ledger.config import LedgerSettings
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.verification_steps import (
    STEPS,
    Stage,
    Verification,
    begin_verification,
)
from laurel_ledger.service import build_ledger

from tests.support.damage import (
    Damage,
    column_damages,
    exchanges,
    lay_bare,
    row_damages,
    undo,
)
from tests.support.databases import TestDatabase, TestDatabases
from tests.support.ledger import (
    NOON,
    TERMS,
)
from tests.support.ledger_history import post_history

STEP = 150
"""Small steps, so that batches and accounts are verified over several of them."""
# What damage to a row shows itself by, where that is not the row itself.
SHOWS_IN = {
    "revision_name": {"revision_name", "transaction"},
    # A record is what it was or not; whose name was changed around it cannot be told apart.
    "account": {"account", "transaction", "lot"},
    "lot": {"lot", "transaction"},
    "lot_movement": {"lot_movement", "transaction"},
    "reversal": {"reversal", "transaction"},
    "hold_event": {"hold_event", "transaction"},
    "lot_event": {"lot_event", "transaction"},
    "spend_event": {"spend_event", "transaction"},
    "shard_head": {"shard_head", "account"},
    "checkpoint_head": {"checkpoint_head"},
    # The last row shows itself only in how many there are.
    "account_change": {"account_change", "shard_head"},
    "adjustment": {"adjustment", "adjustment_count"},
    "period": {"period", "shard_head"},
}


@asynccontextmanager
async def opened(database: TestDatabase, clock: SettableClock) -> AsyncIterator[Ledger]:
    """What the handlers work with, without a server."""
    settings = LedgerSettings(database_url=database.url, sandbox=True, verification_step=STEP)
    async with open_foundation(settings, clock) as foundation:
        ledger = build_ledger(foundation)
        ledger.programs = SimpleNamespace(cached=revision_at)
        yield ledger
        await ledger.connections.close()


def revision_at(program_id: str, instant: datetime) -> SimpleNamespace:
    """The one revision there ever was."""
    return SimpleNamespace(
        program_id=program_id,
        revision_id=TERMS.revision_id,
        time_zone=TERMS.time_zone,
        model=TERMS,
    )


async def verified(ledger: Ledger) -> Verification:
    """Verify everything."""
    state = await begin_verification(ledger)
    while state.stage is not Stage.DONE:
        state = await STEPS[state.stage](state, ledger)
    return state


async def in_two_shards(database: TestDatabase) -> asyncpg.Connection:
    """A connection of the owner, to books that have two shards from now on."""
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("delete from shard_head where shard_id > 1")
    return owner


async def test_nothing_is_found_in_books_that_nobody_damaged(
    database_of, clock: SettableClock
) -> None:
    database = await database_of.access("ledger")
    async with opened(database, clock) as ledger:
        assert (await verified(ledger)).difference_count == 0
        await post_history(ledger, clock)
        state = await verified(ledger)
        assert state.differences == ()
        assert 500 < state.records_read <= state.records_total == 2 * state.record_count
        assert state.checkpoint_no == 4
        clock.set(NOON + timedelta(days=900))
        assert (await verified(ledger)).differences == ()


@pytest.fixture(scope="module")
async def bare_ledger(
    test_databases: TestDatabases,
) -> AsyncIterator[tuple[Ledger, asyncpg.Connection]]:
    """Books with a history, and somebody who may do anything to them."""
    clock = SettableClock()
    clock.set(NOON)
    database = await test_databases.take("ledger")
    owner = await in_two_shards(database)
    async with opened(database, clock) as ledger:
        await post_history(ledger, clock)
        await lay_bare(owner)
        assert (await verified(ledger)).differences == ()
        yield ledger, owner
    await owner.close()
    await test_databases.drop(database.name)  # Its schema is not what it was.


DAMAGES = [*column_damages(), *row_damages(), *exchanges()]


@pytest.mark.slow
@pytest.mark.xdist_group("damage")
@pytest.mark.parametrize("damage", DAMAGES, ids=str)
async def test_every_planted_damage_is_found_and_named(
    bare_ledger: tuple[Ledger, asyncpg.Connection], damage: Damage
) -> None:
    ledger, owner = bare_ledger
    try:
        done = await inflict(owner, damage)
        state = await verified(ledger)
        tables = {each.table for each in state.differences}
        named = SHOWS_IN.get(damage.table, {damage.table})
        assert done
        assert tables & named, state.differences
    finally:
        await undo(owner, damage)


async def inflict(owner: asyncpg.Connection, damage: Damage) -> bool:
    """Do the damage; whether any row was touched."""
    try:
        async with owner.transaction():
            results = [await owner.execute(each) for each in damage.statements]
    except asyncpg.UniqueViolationError:
        results = [await owner.execute(each) for each in damage.instead]
    return any(not result.endswith(" 0") for result in results)
