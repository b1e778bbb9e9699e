"""Holds against a real PostgreSQL: stored as decided, never captured twice, lapsing in time."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

from laurel_kit.clock import SettableClock
from laurel_ledger.domain.accounts import AccountKey, available_at
from laurel_ledger.domain.posting import DueAccount, Group, Posted
from laurel_ledger.domain.reversal_terms import Shortfall
from laurel_ledger.domain.transactions import Draft, HoldDraft, TransactionType
from laurel_ledger.storage.accounts import find_accounts, next_due_time
from laurel_ledger.storage.books import BooksStore

from tests.support.audit import assert_books_agree
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


async def test_random_holds_agree_with_every_invariant(store, clock, connections) -> None:
    chance = random.Random(5)
    placed: list[HoldDraft] = []
    spent: list[Draft | HoldDraft] = []
    for hour in range(20):
        clock.set(NOON + timedelta(hours=hour))
        groups = []
        for _ in range(30):
            member = f"m-{chance.randrange(5)}"
            void = NOON + timedelta(hours=hour + chance.randrange(1, 4))
            own = [each for each in placed if each.member_id == member]
            drafts = [
                earn(chance.randrange(1, 50), member_id=member),
                earn(chance.randrange(1, 50), member_id=member, expire_time=void),
                spend(chance.randrange(1, 40), member_id=member),
                hold(
                    chance.randrange(1, 40),
                    member_id=member,
                    minutes=chance.choice([30, 90, 200]),
                ),
            ]
            if own:
                held = chance.choice(own[-6:])
                drafts += [
                    capture(held, chance.choice([None, 5, 20]), final=chance.random() < 0.3),
                    chance.choice([release(held), extend(held, minutes=100)]),
                ]
            if spent:
                drafts.append(reverse(chance.choice(spent), shortfall=Shortfall.DEBT))
            chosen = chance.sample(drafts, 2)
            placed += [each for each in chosen if each.type is TransactionType.HOLD]
            spent += [each for each in chosen if isinstance(each, Draft)]
            spent += [each for each in chosen if each.type is TransactionType.CAPTURE]
            groups.append(group(*chosen, atomic=chance.random() < 0.2))
        await post(store, clock, *groups)
    async with connections.use() as connection:
        await assert_books_agree(connection)
        for type_ in range(TransactionType.EARN, TransactionType.ACTIVATION):
            query = "select count(*) from transaction where type = $1 and refusal is null"
            assert await connection.fetchval(query, type_) > 0, type_
        states = await connection.fetch("select distinct state from hold order by state")
        assert [row["state"] for row in states] == [1, 2, 3, 4]


async def test_two_processes_capture_a_hold_once(connections, clock) -> None:
    """The two concurrent captures of the bug museum."""
    stores = [BooksStore(connections=connections) for _ in range(4)]
    held = hold(60)
    await post(stores[0], clock, group(earn(100), held))
    captures = (post(store, clock, group(capture(held, 40))) for store in stores)
    outcomes = [answer[0][0] for answer in await asyncio.gather(*captures)]
    assert sum(isinstance(outcome, Posted) for outcome in outcomes) == 1
    async with connections.use() as connection:
        key = AccountKey(PROGRAM, "m-1", "bean")
        (account,) = await find_accounts(connection, [key], shards=16)
        assert (account.posted, account.held, available_at(account, NOON)) == (60, 20, 40)
        await assert_books_agree(connection)


async def test_changes_and_their_refusals_come_back_as_they_were(store, clock) -> None:
    held = hold(60, labels={"order": "o-1"}, reason="checkout")
    asked = [
        capture(held, 10),
        extend(held, minutes=90),
        capture(held, 51),
        capture(held, counter_account_id="nobody"),
        release(held),
        release(held),
    ]
    ((_, *first),) = await post(store, clock, group(earn(100), held, *asked))
    (again,) = await post(store, clock, group(held, *asked))
    assert all(outcome.replayed for outcome in again)
    for one, other in zip(first, again, strict=True):
        if isinstance(one, Posted):
            assert one.transaction == other.transaction
        else:
            assert vars(one.error) == vars(other.error)


async def test_a_refusal_for_a_lapsed_hold_comes_back_with_its_instant(store, clock) -> None:
    held = hold(60)
    await post(store, clock, group(earn(100), held))
    clock.set(NOON + timedelta(hours=2))
    late = capture(held)
    ((first,),) = await post(store, clock, group(late))
    ((again,),) = await post(store, clock, group(late))
    assert vars(first.error) == vars(again.error)
    assert again.replayed


async def test_a_sweep_posts_lapses(store, clock, connections) -> None:
    ((_, placed),) = await post(store, clock, group(earn(100), hold(60, minutes=30)))
    async with connections.use() as connection:
        assert await next_due_time(connection) == placed.transaction.hold.hold.expire_time
    clock.set(NOON + timedelta(hours=2))
    key = AccountKey(PROGRAM, "m-1", "bean")
    await post(store, clock, Group(due=(DueAccount(key=key, program_revision="sha256:first"),)))
    async with connections.use() as connection:
        (account,) = await find_accounts(connection, [key], shards=16)
        assert (account.held, account.holds, available_at(account, NOON)) == (0, (), 100)
        await assert_books_agree(connection)
