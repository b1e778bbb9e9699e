"""Cohorts, trial balance and the schema against a real PostgreSQL."""

from __future__ import annotations

import random
import runpy
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from laurel_kit.database import Database
from laurel_kit.migrations import differences
from laurel_ledger.domain.posting import DueAccount, Group
from laurel_ledger.domain.reversal_terms import LateRestore, Shortfall
from laurel_ledger.domain.transactions import Draft, HoldDraft, LotDraft
from laurel_ledger.storage.books import BooksStore
from laurel_ledger.storage.cohorts import list_cohorts
from laurel_ledger.storage.connections import Connections
from laurel_ledger.storage.schema import METADATA
from laurel_ledger.storage.trial_balance import sum_up

from tests.support.databases import DatabaseOf
from tests.support.ledger import (
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
    void,
)
from tests.support.postgres import ROOT

OUTSTANDING = """
    select a.asset_id, sum(l.earned - l.consumed)::bigint as points
    from lot l
    join account a on a.shard_id = l.shard_id and a.account_id = l.account_id
    group by a.asset_id
"""


@pytest.fixture
async def access(database_of: DatabaseOf):
    return await database_of.access("ledger")


@pytest.fixture
async def connections(access):
    opened = Connections.open(access.url, size=4, statement_timeout=timedelta(seconds=10))
    yield opened
    await opened.close()


@pytest.fixture
async def database(access):
    opened = Database.open(access.url)
    yield opened
    await opened.close()


async def test_the_schema_is_what_the_tables_say(access) -> None:
    assert await differences(access.owner_url, METADATA) == []


@pytest.mark.parametrize("seed", range(2))
async def test_cohorts_are_what_the_lots_hold_and_the_books_balance(
    connections: Connections, database: Database, clock, seed: int
) -> None:
    """I13 and I14 after weeks of whatever members do, batch by batch."""
    chance = random.Random(seed)
    earlier: list[Draft | HoldDraft] = []
    store = BooksStore(connections=connections)
    instants = []
    for _ in range(25):
        clock.set(clock.now() + timedelta(days=chance.choice((1, 1, 20, 200))))
        groups = [group(*drafts(chance, earlier)), Group(due=due_accounts())]
        await store.post(groups, clock=clock, skew_max=SKEW)
        instants.append((clock.now(), await balances(store, database, clock.now())))
    async with connections.use() as connection:
        outstanding = {row[0]: row[1] for row in await connection.fetch(OUTSTANDING)}
        for asset_id in ("bean", "coin", "stamp", "token"):
            cohorts = await list_cohorts(connection, PROGRAM, asset_id, shards=16)
            assert sum(each.outstanding for each in cohorts) == outstanding.get(asset_id, 0)
            assert all(each.outstanding >= 0 for each in cohorts)
    for instant, then in instants[:: len(instants) // 5]:
        assert await balances(store, database, instant) == then


def drafts(chance: random.Random, earlier: list[Draft | HoldDraft]):
    for _ in range(10):
        fields = {"member_id": f"m-{chance.randrange(5)}"}
        fields["asset_id"] = chance.choice(("bean", "coin", "stamp"))
        amount = chance.randrange(1, 30)
        draft = chance.choice((earn, earn, waiting, spend, hold))(amount, **fields)
        earlier.append(draft)
        yield draft
    for _ in range(3):
        fields = {"member_id": f"m-{chance.randrange(5)}"}
        fields["asset_id"] = chance.choice(("bean", "coin", "stamp"))
        change = chance.choice((activate, freeze, thaw, void, longer))
        yield change(**fields)
    giver, taker = chance.sample(range(5), 2)
    yield transfer(amount, f"m-{taker}", member_id=f"m-{giver}")
    yield earn(amount, member_id=f"m-{giver}", asset_id="token")
    for each in chance.sample(earlier, 4):
        if isinstance(each, HoldDraft):
            yield chance.choice((capture(each, final=True), release(each)))
        else:
            late = chance.choice(tuple(LateRestore))
            days = 3 if late is LateRestore.GRACE else 0
            yield reverse(each, late_restore=late, grace_days=days, shortfall=Shortfall.DEBT)


def longer(**fields) -> LotDraft:
    """An extension into one of two years."""
    return prolong(datetime(2029 + len(fields["asset_id"]) % 2, 6, 1, tzinfo=UTC), **fields)


def waiting(amount: int, **fields) -> Draft:
    """An earning that waits for one of two keys."""
    return earn(amount, activation_key=f"key-{amount % 2}", **fields)


def due_accounts() -> tuple[DueAccount, ...]:
    keys = [draft.account_key for draft in every_account()]
    return tuple(DueAccount(key=key, program_revision=TERMS.revision_id) for key in keys)


def every_account():
    for number in range(5):
        for asset_id in ("bean", "coin", "stamp"):
            yield earn(1, member_id=f"m-{number}", asset_id=asset_id)


async def balances(store: BooksStore, database: Database, instant) -> dict:
    """What every account has; each asset sums to zero."""
    as_of = instant + timedelta(seconds=1)
    async with database.snapshot() as snapshot:
        lines = await sum_up(snapshot, PROGRAM, as_of, shards=await store.shard_count())
    for asset_id in {line.asset_id for line in lines}:
        assert sum(line.posted for line in lines if line.asset_id == asset_id) == 0
    return {line[:3]: line.posted for line in lines if line.posted}


UNDO = """
    drop table cohort;
    drop table period;
    alter table lot drop column months;
    alter table shard_head drop column periods_closed;
"""
EVERY_COHORT = """
    select
        asset_id, funding_account_id, issue_month, expire_month, sum(issued)::bigint as issued,
        sum(spent)::bigint as spent, sum(expired)::bigint as expired
    from cohort
    group by asset_id, funding_account_id, issue_month, expire_month
    order by asset_id, funding_account_id, issue_month, expire_month
"""
MONTHS = "select shard_id, account_id, lot_no, months from lot order by 1, 2, 3"
MIGRATION = "services/laurel_ledger/storage/migrations/versions/0002_cohorts.py"


async def test_books_from_before_cohorts_are_given_theirs(access, connections, clock) -> None:
    """Where every lot was filled in one month, the migration finds what would have been folded."""
    store = BooksStore(connections=connections)
    first = [earn(50), earn(40, asset_id="coin"), earn(30, asset_id="stamp", member_id="m-2")]
    await store.post([group(*first, spend(20))], clock=clock, skew_max=SKEW)
    clock.set(clock.now() + timedelta(days=2))
    rest = (spend(5), spend(7, asset_id="stamp", member_id="m-2"), earn(1, asset_id="coin"))
    await store.post([Group(due=due_accounts()), group(*rest)], clock=clock, skew_max=SKEW)
    owner = await asyncpg.connect(access.owner_url)
    tried = owner.transaction()
    await tried.start()
    try:
        folded = await owner.fetch(EVERY_COHORT)
        remembered = await owner.fetch(MONTHS)
        await owner.execute(UNDO)
        await owner.execute(runpy.run_path(str(ROOT / MIGRATION))["COHORTS"])
        assert await owner.fetch(EVERY_COHORT) == folded
        assert await owner.fetch(MONTHS) == remembered
        assert any(row["expired"] for row in folded)
    finally:
        await tried.rollback()
        await owner.close()
