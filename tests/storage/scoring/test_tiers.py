"""Tiers in the database: the statement that moves a population is the rule of the domain."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from laurel_kit.database import Connection, Database
from laurel_scoring.domain.settlements import PublishedScore, Settlement
from laurel_scoring.domain.tier_policies import Fall
from laurel_scoring.domain.tiers import NOTHING_HELD, Holding, Ladder, decide_move
from laurel_scoring.storage.settlements import publish_scores
from laurel_scoring.storage.tiers import list_changes, move_members, open_book, read_holdings
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.support.databases import DatabaseOf
from tests.support.tiers import LEVELS, STEP, ladder, publication, settlement

PROGRAM = "jd"
EVERYBODY = "~"
"""After every id that the tests use."""


def score(of: Settlement, member_id: str, level_id: str) -> PublishedScore:
    return PublishedScore(
        program_id=of.key.program_id,
        member_id=member_id,
        model_id=of.key.model_id,
        month=of.key.month,
        run=of.key.run,
        value=LEVELS.index(level_id) * STEP,
        level_id=level_id,
        due_time=of.due_time,
        publish_time=of.start_time,
        revision_id=of.revision_id,
        revision_time=of.revision_time,
        member_version=1,
        correction_reason=of.correction_reason,
    )


async def publish(
    database: Database, of: Settlement, levels: dict[str, str], policy: Ladder
) -> None:
    """Publish a month and move the tiers with it."""

    async def work(connection: Connection) -> None:
        await publish_scores(connection, [score(of, *each) for each in levels.items()])
        if await open_book(connection, of):
            await move_members(connection, of, policy, after_member_id="", last_member_id=EVERYBODY)

    await database.transact(work)


def random_policy(chance: Random) -> Ladder:
    terms = {name: chance.randint(1, 4) for name in LEVELS[1:] if chance.random() < 0.5}
    return ladder(
        terms=terms,
        fall=chance.choice(list(Fall)),
        grace_days=chance.choice([0, 0, 20, 40]),
        falls_within_term=chance.random() < 0.3,
    )


@pytest.mark.parametrize("seed", range(8))
async def test_the_statement_moves_everybody_as_the_rule_does(
    database_of: DatabaseOf, seed: int
) -> None:
    database, chance = await database_of("scoring"), Random(seed)  # No secret.
    policy = random_policy(chance)
    members = [f"m-{number}" for number in range(25)]
    expected: dict[str, Holding] = dict.fromkeys(members, NOTHING_HELD)
    moves = 0
    for number in range(7):
        for run in (1, 2) if chance.random() < 0.4 else (1,):
            asked = members if run == 1 else chance.sample(members, 8)
            levels = {member: chance.choice(LEVELS) for member in asked}
            await publish(database, settlement(PROGRAM, number, run=run), levels, policy)
            for member, level_id in levels.items():
                published = publication(number, level_id, run=run)
                move = decide_move(expected[member], published, policy)
                if move:
                    moves += 1
                    expected[member] = move.holding
        async with database.read() as connection:
            held = await read_holdings(connection, PROGRAM, "m", members, policy)
        assert held == expected
    async with database.read() as connection:
        counted = "select (select count(*) from tier_change), (select count(*) from outbox)"
        assert tuple((await connection.execute(text(counted))).one()) == (moves, moves)


async def test_a_month_before_the_latest_one_moves_nobody(database_of: DatabaseOf) -> None:
    database, policy = await database_of("scoring"), ladder()
    await publish(database, settlement(PROGRAM, 3), {"m-1": "silver"}, policy)
    await publish(database, settlement(PROGRAM, 1), {"m-1": "diamond"}, policy)
    await publish(database, settlement(PROGRAM, 1, run=2), {"m-1": "gold"}, policy)
    async with database.read() as connection:
        held = await read_holdings(connection, PROGRAM, "m", ["m-1"], policy)
        changes = await list_changes(connection, PROGRAM, "m-1", "m", before=None, limit=9)
    assert policy.level(held["m-1"].position).level_id == "silver"
    assert [change.to_level_id for change in changes] == ["silver"]


async def test_two_publications_at_once_move_tiers_one_after_the_other(
    database_of: DatabaseOf,
) -> None:
    database, policy = await database_of("scoring"), ladder()
    await asyncio.gather(
        publish(database, settlement(PROGRAM, 2), {"m-1": "gold"}, policy),
        publish(database, settlement(PROGRAM, 2, run=2), {"m-1": "gold"}, policy),
    )
    async with database.read() as connection:
        changes = await list_changes(connection, PROGRAM, "m-1", "m", before=None, limit=9)
    assert [change.to_level_id for change in changes] == ["gold"]


@pytest.mark.parametrize("table", ["tier_change", "tier_override"])
async def test_the_history_of_tiers_cannot_be_changed(database_of: DatabaseOf, table: str) -> None:
    database = await database_of("scoring")
    for statement in (f"delete from {table}", f"update {table} set reason = ''"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.begin() as connection:
                await connection.execute(text(statement))
