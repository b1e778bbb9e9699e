"""Batches against a real PostgreSQL: what is stored is what was decided, and agrees with itself."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import asyncpg
import pytest
from laurel_kit.clock import SettableClock
from laurel_kit.database import LostRace
from laurel_kit.migrations import differences
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.errors import InsufficientPoints
from laurel_ledger.domain.posting import DueAccount, Group, Posted, Refused
from laurel_ledger.domain.reversal_terms import LateRestore, Shortfall
from laurel_ledger.domain.transactions import Draft, TransactionType
from laurel_ledger.storage.books import BooksStore
from laurel_ledger.storage.connections import Connections
from laurel_ledger.storage.request_keys import key_of, request_id_of
from laurel_ledger.storage.schema import METADATA

from tests.support.audit import assert_books_agree
from tests.support.databases import DatabaseOf
from tests.support.ledger import NOON, PROGRAM, SKEW, earn, group, prolong, reverse, spend


async def post(store: BooksStore, clock: SettableClock, *groups: Group):
    return await store.post(groups, clock=clock, skew_max=SKEW)


async def test_a_batch_is_stored_as_decided(store, clock, connections) -> None:
    first = earn(100, labels={"order": "o-1"}, reason="welcome")
    ((a, b, c),) = await post(store, clock, group(first, spend(30), spend(71)))
    assert (a.transaction.posted_after, b.transaction.posted_after) == (100, 70)
    assert isinstance(c, Refused)
    assert isinstance(c.error, InsufficientPoints)
    ((again,),) = await post(store, clock, group(first))
    assert again == Posted(transaction=a.transaction, replayed=True)
    async with connections.use() as connection:
        await assert_books_agree(connection)


async def test_random_batches_agree_with_every_invariant(store, clock, connections) -> None:
    chance = random.Random(7)
    for hour in range(12):
        clock.set(NOON + timedelta(hours=hour))
        groups = []
        for _ in range(40):
            member = f"m-{chance.randrange(12)}"
            void = NOON + timedelta(hours=hour + chance.randrange(1, 6))
            funder = chance.choice(["platform", "merchant"])
            drafts = [
                earn(chance.randrange(1, 50), member_id=member, counter_account_id=funder),
                earn(chance.randrange(1, 50), member_id=member, expire_time=void),
                spend(chance.randrange(1, 120), member_id=member),
            ]
            groups.append(group(*chance.sample(drafts, 2), atomic=chance.random() < 0.3))
        await post(store, clock, *groups)
    async with connections.use() as connection:
        await assert_books_agree(connection)
        assert await connection.fetchval("select count(*) from lot_movement") > 0
        assert await connection.fetchval("select count(*) from transaction where type = 3") > 0


async def test_two_processes_with_one_request_id_post_once(connections, clock) -> None:
    stores = [BooksStore(connections=connections) for _ in range(4)]
    asked = earn(5)
    answers = await asyncio.gather(*(post(store, clock, group(asked)) for store in stores))
    outcomes = [answer[0][0] for answer in answers]
    assert sorted(outcome.replayed for outcome in outcomes) == [False, True, True, True]
    assert len({outcome.transaction.version for outcome in outcomes}) == 1


async def test_two_processes_never_spend_the_same_points(connections, clock) -> None:
    stores = [BooksStore(connections=connections) for _ in range(4)]
    await post(stores[0], clock, group(earn(100)))
    spending = [post(store, clock, group(spend(60), spend(30))) for store in stores]
    outcomes = [one for answer in await asyncio.gather(*spending) for one in answer[0]]
    spent = sum(each.transaction.amount for each in outcomes if isinstance(each, Posted))
    assert spent == 90
    async with connections.use() as connection:
        await assert_books_agree(connection)


async def test_first_drafts_of_a_member_at_once_open_one_account(connections, clock) -> None:
    stores = [BooksStore(connections=connections) for _ in range(4)]
    await asyncio.gather(*(post(store, clock, group(earn(5))) for store in stores))
    async with connections.use() as connection:
        assert await connection.fetchval("select count(*) from account where kind = 1") == 1
        await assert_books_agree(connection)


async def test_a_batch_that_waits_too_long_for_its_shard_lost_a_race(connections, clock) -> None:
    store = BooksStore(connections=connections)
    async with connections.use() as holder, holder.transaction():
        await holder.execute("select 1 from shard_head for update")
        async with connections.use() as other:
            await other.execute("set lock_timeout = '50ms'")
        with pytest.raises(LostRace):
            await post(store, clock, group(earn(5)))


async def test_a_sweep_posts_what_is_due(store, clock, connections) -> None:
    await post(store, clock, group(earn(5, expire_time=NOON + timedelta(hours=1)), earn(7)))
    clock.set(NOON + timedelta(hours=2))
    key = AccountKey(PROGRAM, "m-1", "bean")
    due = Group(due=(DueAccount(key=key, program_revision="sha256:first"),))
    await post(store, clock, due)
    async with connections.use() as connection:
        assert await connection.fetchval("select posted from account where kind = 4") == 5
        assert await connection.fetchval("select posted from account where kind = 1") == 7
        await assert_books_agree(connection)


async def test_random_reversals_agree_with_every_invariant(store, clock, connections) -> None:
    chance = random.Random(11)
    posted = []
    for hour in range(16):
        clock.set(NOON + timedelta(hours=hour))
        groups = []
        for _ in range(30):
            member = f"m-{chance.randrange(6)}"
            void = NOON + timedelta(hours=hour + chance.randrange(1, 5))
            funder = chance.choice(["platform", "merchant"])
            drafts = [
                earn(chance.randrange(1, 50), member_id=member, counter_account_id=funder),
                earn(chance.randrange(1, 50), member_id=member, expire_time=void),
                spend(chance.randrange(1, 90), member_id=member),
            ]
            late = chance.choice(list(LateRestore))
            terms = {
                "late_restore": late,
                "grace_days": int(late is LateRestore.GRACE),
                "shortfall": chance.choice(list(Shortfall)),
            }
            amount = chance.choice([None, chance.randrange(1, 30)])
            if posted:
                drafts.append(reverse(chance.choice(posted), amount, **terms))
            chosen = chance.sample(drafts, 2)
            posted += [each for each in chosen if isinstance(each, Draft)]
            groups.append(group(*chosen, atomic=chance.random() < 0.3))
        await post(store, clock, *groups)
    async with connections.use() as connection:
        await assert_books_agree(connection)
        for type_ in range(TransactionType.EARN, TransactionType.CAPTURE):
            query = "select count(*) from transaction where type = $1 and refusal is null"
            assert await connection.fetchval(query, type_) > 0, type_
        owing = "select count(*) from transaction where posted_after < 0"
        assert await connection.fetchval(owing) > 0


async def test_two_processes_never_reverse_the_same_points(connections, clock) -> None:
    """The second refund and the two concurrent captures of the bug museum."""
    stores = [BooksStore(connections=connections) for _ in range(4)]
    bought = spend(100)
    await post(stores[0], clock, group(earn(100), bought))
    reversing = [post(store, clock, group(reverse(bought, 60))) for store in stores]
    outcomes = [answer[0][0] for answer in await asyncio.gather(*reversing)]
    assert sum(isinstance(outcome, Posted) for outcome in outcomes) == 1
    async with connections.use() as connection:
        assert await connection.fetchval("select posted from account where kind = 1") == 60
        await assert_books_agree(connection)


async def test_the_database_refuses_more_reversals_than_there_is_to_reverse(
    store, clock, database_of
) -> None:
    """I10 a second time: two rows after the same one, and one beyond the whole."""
    bought = spend(100)
    await post(store, clock, group(earn(100), bought, reverse(bought, 60)))
    access = await database_of.access("ledger")
    connection = await asyncpg.connect(access.owner_url)
    copy = """
        insert into reversal
        select shard_id, late_restore, shortfall, grace_days, holder_no, position + 1, reversed_key,
            $1, amount, original_amount, requested, late, reversed_request_id
        from reversal
    """
    try:
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(copy, 0)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(copy, 60)
    finally:
        await connection.close()


async def test_a_reversal_and_its_refusal_come_back_as_they_were(store, clock) -> None:
    bought = spend(100, request_id="0190a5c1-7d00-7000-8000-000000000001")
    asked = [
        reverse(bought, 60, labels={"line": "1"}, reason="returned"),
        reverse(bought, 41),
        reverse(bought),
        reverse(bought),
    ]
    ((*_, first, second, third, fourth),) = await post(
        store, clock, group(earn(100), bought, *asked)
    )
    ((a, b, c, d),) = await post(store, clock, group(*asked))
    assert (a.transaction, c.transaction) == (first.transaction, third.transaction)
    assert [vars(b.error), vars(d.error)] == [vars(second.error), vars(fourth.error)]
    assert all(each.replayed for each in (a, b, c, d))


async def test_the_application_cannot_change_history(connections) -> None:
    async with connections.use() as connection:
        for table in (
            "transaction",
            "lot_movement",
            "reversal",
            "hold_event",
            "log",
            "revision_name",
        ):
            for statement in (f"delete from {table}", f"truncate {table}"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update transaction set amount = 1")


async def test_the_migrated_schema_is_the_one_of_the_tables(database_of: DatabaseOf) -> None:
    access = await database_of.access("ledger")
    assert not await differences(access.owner_url, METADATA)


async def test_every_key_begins_with_the_shard(connections: Connections) -> None:
    async with connections.use() as connection:
        rows = await connection.fetch("""
            select c.relname, a.attname
            from pg_index i
            join pg_class c on c.oid = i.indrelid
            join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
            where c.relname = any(array[
                'account', 'lot', 'transaction', 'lot_movement', 'reversal', 'hold', 'hold_event',
                'log'
            ])
        """)
    assert len(rows) >= 8
    assert {row["attname"] for row in rows} == {"shard_id"}


@pytest.mark.parametrize(
    "request_id",
    [
        "r-1",
        "0190a5c1-7d00-7000-8000-000000000001",
        "0190A5C1-7D00-7000-8000-000000000001",
        "0190a5c1-7d00-8000-8000-000000000001",
        "x" * 64,
    ],
)
async def test_a_request_id_comes_back_as_it_was_written(
    store, clock, connections, request_id: str
) -> None:
    await post(store, clock, group(earn(5, request_id=request_id)))
    key, text = key_of(request_id)
    async with connections.use() as connection:
        row = await connection.fetchrow("select request_key, request_id from transaction")
    assert (str(row["request_key"]), row["request_id"]) == (key, text)
    assert request_id_of(row["request_key"], row["request_id"]) == request_id


async def test_points_that_were_carried_on_twice_are_taken_back_where_they_are(
    store, clock
) -> None:
    earned = earn(30, expire_time=NOON + timedelta(hours=1))
    sooner = earn(30, expire_time=NOON + timedelta(hours=9), counter_account_id="merchant")
    await post(store, clock, group(earned, sooner))
    await post(store, clock, group(prolong(NOON + timedelta(hours=2), lot_nos=(1,))))
    await post(store, clock, group(prolong(NOON + timedelta(hours=30), lot_nos=(3,))))
    clock.set(NOON + timedelta(hours=3))
    await post(store, clock, group(spend(1)))  # By now the first two lots are void.
    ((back,),) = await post(store, clock, group(reverse(earned, 20)))
    assert [(each.lot_no, each.amount) for each in back.transaction.movements] == [(4, -20)]
