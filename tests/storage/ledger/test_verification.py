"""Verifying the books: nothing is found in what was posted, and every damage that is done to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace

import asyncpg
import pytest
from laurel_kit.assembly import open_foundation
from laurel_kit.clock import SettableClock
from laurel_ledger.config import LedgerSettings
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.spendings import AskedLine, Line, Spending, SpendShortfall
from laurel_ledger.domain.transactions import (
    Draft,
    HoldDraft,
    LateRestore,
    LotDraft,
    ReversalDraft,
    Shortfall,
    TransactionType,
)
from laurel_ledger.handlers.checkpoints import CheckpointSource
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
    PROGRAM,
    SKEW,
    TERMS,
    activate,
    capture,
    earn,
    freeze,
    group,
    hold,
    prolong,
    release,
    reverse,
    spend,
    thaw,
    transfer,
)
from tests.support.ledger import (
    void as void_lots,
)
from tests.support.proofs import KEY

# Most are in one shard, whose tree so grows high enough to have inner nodes that are stored.
MEMBERS = [f"m-{number}" for number in range(40) if shard_of(PROGRAM, f"m-{number}", shards=2) == 0]
MEMBERS = [*MEMBERS[:7], next(f"m-{n}" for n in range(40) if f"m-{n}" not in MEMBERS)]
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


async def post_history(ledger: Ledger, clock: SettableClock) -> None:
    """Earnings, spendings over several lots, refusals, reversals, holds, expiries, checkpoints on
    the way.
    """
    chance = Random(11)
    posted: list[Draft] = []
    held: list[HoldDraft] = []
    source = CheckpointSource(ledger=ledger, key=KEY)
    for number in range(320):
        clock.set(NOON + timedelta(minutes=number))
        member = chance.choice(MEMBERS)
        void = NOON + timedelta(minutes=number + chance.randrange(5, 90))
        later = void + timedelta(days=1)
        labels = {"order": f"o-{number}"} if number % 3 == 0 else {}
        drafts = [
            earn(chance.randrange(1, 50), member_id=member, reason="a reason", labels=labels),
            earn(
                chance.randrange(1, 50),
                member_id=member,
                expire_time=void,
                counter_account_id="merchant",
                request_id=f"00000000-0000-7000-8000-{number:012}",
                effective_time=clock.now() - timedelta(hours=1),
            ),
            spend(chance.randrange(1, 80), member_id=member, labels=labels),
            spend(9, member_id=member, spending=said_of(9, chance.choice(tuple(SpendShortfall)))),
            earn(3, member_id=member, asset_id="coin"),
            earn(40, member_id=member, asset_id="stamp"),
            earn(30, member_id=member, asset_id="token"),
            transfer(
                chance.randrange(1, 30),
                chance.choice([each for each in MEMBERS if each != member]),
                member_id=member,
            ),
            earn(7, member_id=member, activation_key=f"key-{number % 5}", expire_time=later),
            earn(5, member_id=member, active_time=clock.now() + timedelta(minutes=90)),
        ]
        batch = chance.sample(drafts, chance.randrange(1, 4) if number % 40 == 0 else 1)
        if number % 4 == 3:
            batch = [change_of(chance, posted, held, member)]
        if number % 8 == 5:
            batch = [*batch, change_of_lots(chance, number, member)]
        posted += [each for each in batch if isinstance(each, Draft)]
        held += [each for each in batch if each.type is TransactionType.HOLD]
        await ledger.store.post([group(*batch)], clock=clock, skew_max=SKEW)
        if number % 100 == 99 or number == 319:
            assert await source.run_due(clock.now() + timedelta(days=1), 1) == 1


def change_of(
    chance: Random, posted: list[Draft], held: list[HoldDraft], member: str
) -> ReversalDraft | HoldDraft:
    """Something that is done to what was posted or held before, or a new hold."""
    kind = chance.randrange(5)
    spent = [each for each in posted[-9:] if each.lines]
    if kind == 1 and spent:
        return reverse(chance.choice(spent), lines=(AskedLine("b", 1), AskedLine("a")))
    if kind < 2:
        named = [each for each in posted if each.counter_account_id == "merchant"]  # By a UUID.
        return reverse(
            chance.choice(named if kind and named else posted),
            chance.choice((None, 1, 2)),
            late_restore=chance.choice((LateRestore.EXPIRE, LateRestore.REISSUE)),
            shortfall=chance.choice((Shortfall.CLAMP, Shortfall.DEBT)),
        )
    if kind == 2 or not held:
        number = len(held)
        named = {"request_id": f"00000000-0000-7000-9000-{number:012}"} if number % 2 else {}
        return hold(chance.randrange(1, 9), member_id=member, **named)
    earlier = chance.choice(held[-4:])
    return chance.choice((capture(earlier, 1), capture(earlier, 1, final=True), release(earlier)))


def said_of(amount: int, shortfall: SpendShortfall) -> Spending:
    """Two lines of a spending."""
    lines = (Line("a", amount - 4), Line("b", 4))
    return Spending(requested=amount, shortfall=shortfall, lines=lines)


def change_of_lots(chance: Random, number: int, member: str) -> LotDraft:
    """Something that is done to lots that wait or are frozen, or may be."""
    key = f"key-{chance.randrange(5)}"
    return chance.choice(
        (
            activate(member_id=member, activation_key=key),
            freeze(member_id=member, freeze_key=f"case-{number}"),
            thaw(member_id=member),
            void_lots(member_id=member, activation_key=key),
            prolong(NOON + timedelta(days=2, hours=number), member_id=member),
        )
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
