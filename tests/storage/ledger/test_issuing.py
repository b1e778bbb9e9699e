"""Earnings in columns: the rows they leave are those of drafts posted one by one."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from laurel_ledger.domain.accounts import AccountKind
from laurel_ledger.domain.issuing import Issuance
from laurel_ledger.domain.posting import Posted
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.standings import AccountState, ChangeKind
from laurel_ledger.domain.transactions import Shortfall
from laurel_ledger.storage.account_changes import COUNT_CHANGE, INSERT
from laurel_ledger.storage.books import BooksStore

from tests.support.audit import assert_books_agree
from tests.support.books import Clock, given_up, rows_after
from tests.support.ledger import (
    NOON,
    PROGRAM,
    SKEW,
    TERMS,
    earn,
    freeze,
    group,
    hold,
    release,
    reverse,
    spend,
    thaw,
)

MEMBERS = [f"m-{number}" for number in range(12)]
AUDITED = 6
"""Of so many random histories every invariant is asked of the database."""
NEXT_YEAR = datetime.fromisoformat("2028-01-01T00:00:00+08:00")
"""When beans end that are earned in 2026."""


async def post(store: BooksStore, clock: Clock, *drafts):
    (outcomes,) = await store.post([group(*drafts)], clock=clock, skew_max=SKEW)
    return outcomes


def history(chance: random.Random) -> list:
    """What members went through before: among it all that is no plain case."""
    drafts = []
    for member_id in MEMBERS[:9]:
        named = [
            {"member_id": member_id, "request_id": f"{member_id}-{number}"} for number in range(3)
        ]
        first = earn(chance.choice((5, 50, 10**15 - 40)), **named[0])
        held = hold(3, **named[1])
        drafts.append(first)
        drafts += chance.choice(
            (
                [],
                [spend(5, **named[1])],
                [earn(7, counter_account_id="merchant", **named[1])],
                [earn(7, asset_id="token", **named[1])],
                [earn(7, expire_time=NOON + timedelta(minutes=1), **named[1])],
                [earn(7, active_time=NOON + timedelta(days=40), **named[1])],
                [earn(7, expire_time=NEXT_YEAR, **named[1]), spend(6, **named[2])],
                [spend(4, **named[1]), reverse(first, shortfall=Shortfall.DEBT, **named[2])],
                [freeze(**named[1])],
                [freeze(**named[1]), thaw(**named[2])],
                [held],
                [held, release(held, **named[2])],
            )
        )
    return drafts


def issuance_of(chance: random.Random) -> Issuance:
    """Points for many members by one rule."""
    rule = chance.choice(
        (
            *({}, {}, {}),
            {"reason": "spring", "labels": {"b": "ö", "a": ""}},
            {"expire_time": NOON + timedelta(days=90)},
            {"effective_time": NOON - timedelta(days=15), "reason": "späť"},
            {"asset_id": "token"},
            {"asset_id": "coin"},
            {"asset_id": "stamp"},
            {"counter_account_id": "merchant"},
            {"counter_account_id": "checkout"},
            {"effective_time": NOON + timedelta(days=1)},
        )
    )
    members = chance.sample(MEMBERS, chance.randrange(4, len(MEMBERS)))
    members += chance.choices(members, k=chance.randrange(2))
    return Issuance(
        template=replace(earn(1), **rule),
        terms=TERMS,
        member_ids=members,
        request_ids=[str(UUID(int=chance.getrandbits(90), version=5)) for _ in members],
        amounts=[chance.choice((1, 60, 101, 10**14)) for _ in members],
    )


async def prepare(store: BooksStore, seed: int) -> Issuance:
    chance = random.Random(seed)
    await post(store, Clock(), *history(chance))
    if seed % 3 == 0:
        async with store.connections.use() as connection:
            await suspend(connection, MEMBERS[chance.randrange(9)])
    return issuance_of(chance)


async def suspend(connection, member_id: str) -> None:
    key = (PROGRAM, member_id, "bean")
    shard_id = shard_of(PROGRAM, member_id, shards=16)
    change = (1, ChangeKind.SUSPENSION, AccountState.SUSPENDED, NOON, None, None, None, "x", "")
    await connection.execute(INSERT, shard_id, *key, AccountKind.MEMBER, *change)
    await connection.execute(COUNT_CHANGE, shard_id)


@pytest.mark.parametrize("part", range(2))
async def test_columns_leave_the_rows_of_drafts_posted_one_by_one(connections, part) -> None:
    await post(BooksStore(connections=connections), Clock(), earn(1))  # Numbers the revision.
    clock, in_columns, left_over = Clock(NOON + timedelta(minutes=part, seconds=1)), 0, 0
    for seed in range(part, 24, 2):
        async with given_up(connections) as store:
            issuance = await prepare(store, seed)
            posted = await store.issue(issuance, clock=clock, skew_max=SKEW)
            left = [index for index in range(issuance.size) if index not in posted]
            rest = await post(store, clock, *map(issuance.draft, left)) if left else ()
            rows = await rows_after(store)
            if seed < AUDITED:
                await assert_books_agree(store.connections.connection)
        async with given_up(connections) as store:
            issuance = await prepare(store, seed)
            if posted:
                outcomes = await post(store, clock, *map(issuance.draft, posted))
                assert all(isinstance(each, Posted) for each in outcomes)
            if left:
                assert repr(rest) == repr(await post(store, clock, *map(issuance.draft, left)))
            assert rows == await rows_after(store), f"seed {seed}"
        in_columns += len(posted)
        left_over += len(left)
    assert in_columns > 20
    assert left_over > 5


async def test_a_name_that_was_used_before_is_left_to_its_first_outcome(connections) -> None:
    store, clock = BooksStore(connections=connections), Clock()
    issuance = issuance_of(random.Random(1))
    issuance = replace(issuance, template=earn(1)).part(range(3))
    assert await store.issue(issuance, clock=clock, skew_max=SKEW) == [0, 1, 2]
    assert await store.issue(issuance, clock=clock, skew_max=SKEW) == []
    again = await post(store, clock, *map(issuance.draft, range(3)))
    assert [each.replayed for each in again] == [True] * 3
    async with connections.use() as connection:
        await assert_books_agree(connection)


async def test_what_is_known_follows_what_was_posted_in_columns(connections) -> None:
    """Accounts that changed are read again, others are not; and none is answered as it was."""
    store, clock = BooksStore(connections=connections), Clock()
    drafts = [earn(5, member_id=member_id) for member_id in MEMBERS]
    await post(store, clock, *drafts)
    await post(store, clock, *(spend(1, member_id=member_id) for member_id in MEMBERS))
    issuance = Issuance(
        template=earn(1),
        terms=TERMS,
        member_ids=MEMBERS[:6],
        request_ids=[str(UUID(int=number, version=5)) for number in range(6)],
        amounts=[10] * 6,
    )
    assert await store.issue(issuance, clock=clock, skew_max=SKEW) == list(range(6))
    keys = [each.account_key for each in drafts]
    found = await store.find_present(keys)
    assert [account.posted for account in found] == [14] * 6 + [4] * 6
    outcomes = await post(store, clock, *(spend(4, member_id=member_id) for member_id in MEMBERS))
    assert [each.transaction.posted_after for each in outcomes] == [10] * 6 + [0] * 6
    async with connections.use() as connection:
        await assert_books_agree(connection)
