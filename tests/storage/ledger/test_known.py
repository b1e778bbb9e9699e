"""Batches decided upon what the process knows: the same answers as those decided under locks."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from laurel_kit.clock import SettableClock
from laurel_kit.database import Connection, Database
from laurel_ledger.domain.account_changes import ChangeDraft, decide_change
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.errors import (
    AccountLimitExceeded,
    AccountSuspended,
    HoldAlreadyReleased,
    InsufficientPoints,
    PeriodClosed,
    RequestIdReused,
)
from laurel_ledger.domain.periods import Period
from laurel_ledger.domain.posting import Group, Posted, Refused
from laurel_ledger.domain.standings import AccountLimits, ChangeKind
from laurel_ledger.storage import books, known
from laurel_ledger.storage.account_changes import lock_account, record_change
from laurel_ledger.storage.books import BooksStore
from laurel_ledger.storage.connections import Connections
from laurel_ledger.storage.periods import record_period, stop_posting
from laurel_ledger.storage.writes import COLUMNS, Table

from tests.support.audit import assert_books_agree
from tests.support.databases import DatabaseOf
from tests.support.ledger import (
    NOON,
    PROGRAM,
    SKEW,
    capture,
    earn,
    extend,
    group,
    hold,
    release,
    reverse,
    spend,
)


async def post(store: BooksStore, clock: SettableClock, *groups: Group):
    return await store.post(groups, clock=clock, skew_max=SKEW)


class Watched(BooksStore):
    """Counts what was decided under locks."""

    locked = 0

    async def _post_locked(self, *arguments):
        self.locked += 1
        return await super()._post_locked(*arguments)


@pytest.fixture
async def access(database_of: DatabaseOf):
    return await database_of.access("ledger")


@pytest.fixture
async def store(connections: Connections, clock: SettableClock) -> Watched:
    store = Watched(connections=connections)
    await post(store, clock, group(earn(100)))  # Names the program's revision, under locks.
    store.locked = 0
    return store


async def test_what_is_known_is_posted_upon_without_locks(store, clock, connections) -> None:
    for _ in range(5):
        await post(store, clock, group(earn(5), spend(3)), group(spend(4), spend(1)))
    assert store.locked == 0
    async with connections.use() as connection:
        await assert_books_agree(connection)


async def test_holds_are_changed_upon_what_is_known(store, clock, connections) -> None:
    held = [hold(30), hold(20)]
    await post(store, clock, group(*held))
    await post(store, clock, group(capture(held[0], 10), extend(held[1], minutes=90)))
    fresh = Watched(connections=connections)
    await post(fresh, clock, group(earn(1)))  # Names the program's revision, under locks.
    fresh.locked = 0
    await post(fresh, clock, group(release(held[0]), spend(60)))
    assert (store.locked, fresh.locked) == (0, 0)
    ((refused,),) = await post(store, clock, group(release(held[0])))
    assert isinstance(refused.error, HoldAlreadyReleased)
    async with connections.use() as connection:
        await assert_books_agree(connection)


async def test_a_head_that_another_process_moved_is_noticed(store, clock, connections) -> None:
    other = BooksStore(connections=connections)
    await post(store, clock, group(spend(10)))
    await post(other, clock, group(spend(60)))
    ((refused,),) = await post(store, clock, group(spend(80)))
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, InsufficientPoints)
    assert refused.error.available == 30
    assert store.locked == 1
    await post(store, clock, group(spend(30)))
    assert store.locked == 1
    async with connections.use() as connection:
        await assert_books_agree(connection)


async def test_a_balance_is_answered_from_memory_only_if_nobody_else_has_posted(
    store, clock, connections, monkeypatch
) -> None:
    read = []
    find = books.find_accounts

    async def noted(connection, keys, **options):
        read.append(len(keys))
        return await find(connection, keys, **options)

    monkeypatch.setattr(books, "find_accounts", noted)
    known, unknown = earn(5).account_key, earn(5, member_id="m-unknown").account_key
    await post(store, clock, group(spend(10)))
    for posted, reads in ((90, []), (80, [1]), (70, [1, 1])):
        (account,) = await store.find_present([known])
        assert (account.posted, read) == (posted, reads)
        other = BooksStore(connections=connections)
        if posted == 90:
            await post(other, clock, group(spend(10)))
        else:
            await post(store, clock, group(spend(10)))
    assert [each.posted for each in await store.find_present([unknown, known, known])] == [
        0,
        60,
        60,
    ]
    assert read == [1, 1, 1]


async def test_a_period_that_closed_meanwhile_is_noticed(store, clock, connections, access) -> None:
    yesterday = NOON - timedelta(days=1)
    await post(store, clock, group(earn(1, effective_time=yesterday)))
    assert store.locked == 0
    await close_period(access.url, NOON)
    ((refused,),) = await post(store, clock, group(earn(1, effective_time=yesterday)))
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, PeriodClosed)
    assert store.locked == 1
    ((refused,),) = await post(store, clock, group(earn(1, effective_time=yesterday)))
    assert isinstance(refused.error, PeriodClosed)
    assert store.locked == 1
    async with connections.use() as connection:
        await assert_books_agree(connection)


async def test_an_account_that_another_process_suspended_is_noticed(
    store, clock, connections, access
) -> None:
    await post(store, clock, group(spend(1)))
    assert store.locked == 0
    for kind, refusal in (
        (ChangeKind.SUSPENSION, AccountSuspended),
        (ChangeKind.RESUMPTION, None),
        (ChangeKind.LIMITING, AccountLimitExceeded),
    ):
        await change_account(access.url, kind, await store.shard_count())
        store.locked = 0
        for locked in (1, 1):  # Once; then it is known.
            ((outcome,),) = await post(store, clock, group(spend(2)))
            assert type(getattr(outcome, "error", None)) is (refusal or type(None))
            assert store.locked == locked
    async with connections.use() as connection:
        await assert_books_agree(connection)


async def change_account(url: str, kind: ChangeKind, shards: int) -> None:
    """Change the usual member's account as the handler does, which moves no batch on."""
    database, key = Database.open(url), AccountKey(PROGRAM, "m-1", "bean")
    limits = AccountLimits(spend_max=1) if kind is ChangeKind.LIMITING else None
    draft = ChangeDraft(kind=kind, key=key, etag="", maker_id="ann", reason="", limits=limits)

    async def work(connection: Connection) -> None:
        account = await lock_account(connection, key, shards=shards)
        assert account is not None
        change = decide_change(account, draft, NOON)
        await record_change(connection, key, change, shards=shards)

    try:
        await database.transact(work)
    finally:
        await database.close()


async def close_period(url: str, end_time: datetime) -> None:
    """Close a period as the handler does, which moves no batch on."""
    database = Database.open(url)
    content = "{}"
    seal = sha256(content.encode()).hexdigest()
    period = Period(
        program_id=PROGRAM, start_time=None, end_time=end_time, close_time=end_time, seal=seal
    )
    try:
        async with database.begin() as connection:
            await stop_posting(connection)
            await record_period(connection, period, content)
    finally:
        await database.close()


async def test_rows_are_in_the_order_of_the_columns_of_their_tables(connections) -> None:
    async with connections.use() as connection:
        for name, columns in COLUMNS.items():
            rows = await connection.fetch(CATALOGUE, name)
            assert [row["attname"] for row in rows] == columns.split(), name
    assert {table.row_type for table in Table} == set(COLUMNS)


CATALOGUE = """
    select attname from pg_attribute
    where attrelid = $1::regclass and attnum > 0 and not attisdropped
    order by attnum
"""


async def test_a_repeat_is_answered_as_before(store, clock) -> None:
    asked = earn(7)
    ((first,),) = await post(store, clock, group(asked))
    ((again,), (reused,)) = await post(
        store, clock, group(asked), group(earn(8, request_id=asked.request_id))
    )
    assert again == Posted(transaction=first.transaction, replayed=True)
    assert isinstance(reused, Refused)
    assert isinstance(reused.error, RequestIdReused)


async def test_a_repeat_of_what_cannot_be_done_any_more_is_answered_as_before(store, clock) -> None:
    asked = earn(7, expire_time=NOON + timedelta(hours=1))
    ((first,),) = await post(store, clock, group(asked))
    clock.set(NOON + timedelta(hours=2))
    ((again,),) = await post(store, clock, group(asked))
    assert again == Posted(transaction=first.transaction, replayed=True)


async def test_an_atomic_group_is_refused_upon_books_of_now(store, clock, connections) -> None:
    await post(BooksStore(connections=connections), clock, group(earn(50)))
    outcomes = await post(store, clock, group(spend(120), spend(30), atomic=True))
    assert all(isinstance(each, Posted) for each in outcomes[0])


async def test_known_and_locked_batches_come_to_the_same(connections, clock, monkeypatch) -> None:
    """Two members with the same history, one posted as it comes, one under locks only."""
    chance = random.Random(11)
    quick, slow = BooksStore(connections=connections), BooksStore(connections=connections)
    monkeypatch.setattr(known, "ACCOUNTS_MAX", 3)
    for hour in range(40):
        clock.set(NOON + timedelta(hours=hour))
        drafts = [what(chance, hour) for _ in range(chance.randrange(1, 6))]
        atomic = chance.random() < 0.3
        answers = []
        for store, prefix in ((quick, "a"), (slow, "b")):
            if store is slow:
                slow._known.in_use.update(range(16))  # So that nothing is known.
            named = [make(member_id=f"{prefix}-{member}") for make, member in drafts]
            (answer,) = await post(store, clock, group(*named, atomic=atomic))
            answers.append([plain(each) for each in answer])
        assert answers[0] == answers[1]
    async with connections.use() as connection:
        await assert_books_agree(connection)


def what(chance: random.Random, hour: int):
    """A draft to be made for either of two members."""
    member, name = chance.randrange(4), f"r-known-{chance.randrange(60)}"
    amount = chance.randrange(1, 80)
    if chance.random() < 0.5:
        return change_of_a_hold(chance, name, amount), member
    if chance.random() < 0.5:
        return lambda **names: spend(amount, request_id=name, **names), member
    void = NOON + timedelta(hours=hour + chance.randrange(1, 6))
    return lambda **names: earn(amount, request_id=name, expire_time=void, **names), member


def change_of_a_hold(chance: random.Random, name: str, amount: int):
    """A hold to place, or something to be done to one of the last ones, and what is reversed."""
    kind, number = chance.randrange(5), chance.randrange(60)
    if kind < 2:
        return lambda **names: hold(amount, minutes=90, request_id=name, **names)

    def change(**names):
        held = hold(1, request_id=f"r-known-{number}", **names)
        if kind == 2:
            return capture(held, amount, request_id=name, final=True)
        if kind == 3:
            return release(held, request_id=name)
        return reverse(held, request_id=name)

    return change


def plain(outcome: Posted | Refused):
    """An outcome without the member's name and its instant."""
    if isinstance(outcome, Refused):
        return type(outcome.error), outcome.replayed
    posted = outcome.transaction
    held = posted.hold and (posted.hold.held_after, posted.hold.hold.state, posted.hold.hold.pins)
    return (
        *(posted.amount, posted.posted_after, posted.version, posted.movements, held),
        outcome.replayed,
    )
