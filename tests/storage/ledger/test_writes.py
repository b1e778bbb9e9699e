"""Batches are stored the same whether their rows are copied or go in one statement."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from laurel_ledger.domain.posting import Posted
from laurel_ledger.storage import writes
from laurel_ledger.storage.books import BooksStore

from tests.support.audit import assert_books_agree
from tests.support.books import Clock, given_up, rows_after
from tests.support.ledger import (
    NOON,
    SKEW,
    earn,
    exchange,
    freeze,
    group,
    hold,
    reverse,
    spend,
    transfer,
)

MEMBERS = [f"m-{number}" for number in range(8)]


def batch(chance: random.Random, number: int) -> list:
    """Groups of everything: mostly what is usual, with names that come twice."""
    groups = []
    for place in range(12):
        drafts = []
        for _ in range(chance.randrange(1, 4)):
            named = {
                "member_id": chance.choice(MEMBERS),
                "request_id": f"r-{number}-{chance.randrange(30)}",
            }
            first = earn(chance.choice((5, 90)), **named)
            drafts.append(
                chance.choice(
                    (
                        *(first, first, first),
                        earn(7, counter_account_id="merchant", reason="späť", **named),
                        earn(7, expire_time=NOON + timedelta(minutes=2), **named),
                        earn(70, asset_id="token", labels={"b": "ö"}, **named),
                        earn(8, cost=40, **named),
                        earn(101, asset_id="stamp", **named),
                        *(spend(5, **named), spend(60, **named)),
                        hold(3, **named),
                        freeze(**named),
                        transfer(3, "m-9", **named),
                        exchange(20, **named),
                        reverse(earn(1, **(named | {"request_id": f"r-{number}-1"})), **named),
                    )
                )
            )
        groups.append(group(*drafts, atomic=place % 4 == 3))
    return groups


async def rows_of(store: BooksStore, seed: int) -> tuple[list, dict]:
    """What two batches answer, and every row they leave."""
    chance, answers = random.Random(seed), []
    for number in range(2):
        clock = Clock(NOON + number * timedelta(minutes=3))
        outcomes = await store.post(batch(chance, number), clock=clock, skew_max=SKEW)
        answers.append(repr(outcomes))
    return answers, await rows_after(store)


async def test_copied_rows_are_those_of_one_statement(connections, monkeypatch) -> None:
    warm = BooksStore(connections=connections)
    await warm.post([group(earn(1))], clock=Clock(), skew_max=SKEW)  # Numbers the revision.
    for seed in range(4):
        monkeypatch.setattr(writes, "COPIED_MIN", 1)
        async with given_up(connections) as store:
            copied = await rows_of(store, seed)
            await assert_books_agree(store.connections.connection)
        monkeypatch.setattr(writes, "COPIED_MIN", 10**6)
        async with given_up(connections) as store:
            assert copied == await rows_of(store, seed), f"seed {seed}"


@pytest.mark.parametrize("copied_min", [1, 10**6])
async def test_nothing_is_stored_upon_books_that_have_moved(
    connections, monkeypatch, copied_min
) -> None:
    """Two processes post for the same members: each finds out what it does not know."""
    monkeypatch.setattr(writes, "COPIED_MIN", copied_min)
    clock = Clock()
    ours, theirs = BooksStore(connections=connections), BooksStore(connections=connections)
    for _ in range(3):
        for store in (ours, theirs):
            drafts = [earn(5, member_id=member_id) for member_id in MEMBERS]
            drafts += [spend(4, member_id=member_id) for member_id in MEMBERS]
            (outcomes,) = await store.post([group(*drafts)], clock=clock, skew_max=SKEW)
            assert all(isinstance(each, Posted) for each in outcomes)
    keys = [earn(1, member_id=member_id).account_key for member_id in MEMBERS]
    assert [each.posted for each in await ours.find_present(keys)] == [6] * 8
    async with connections.use() as connection:
        await assert_books_agree(connection)
