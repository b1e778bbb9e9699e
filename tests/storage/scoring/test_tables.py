"""The tables of scoring, and what they hold to by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from asyncpg.exceptions import ForeignKeyViolationError, UniqueViolationError
from laurel_kit.clock import SettableClock
from laurel_kit.database import Connection, Database
from laurel_kit.migrations import differences
from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.intake import Accepted, Outcome, Reported
from laurel_scoring.handlers.activities import record
from laurel_scoring.storage.activities import (
    insert_activities,
    raise_versions,
    read_facts,
    read_next_members,
)
from laurel_scoring.storage.schema import METADATA
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.support.databases import DatabaseOf
from tests.support.races import Meeting
from tests.support.scoring_worlds import back, credit, did, has, line, purchase

PROGRAM = "jd"


def reports(*facts: Fact, member_id: str = "m") -> list[Reported]:
    return [Reported(member_id=member_id, fact=fact, digest=b"0" * 16) for fact in facts]


async def recorded(
    database: Database, clock: SettableClock, *facts: Fact, member_id: str = "m"
) -> Sequence[Outcome]:
    async def work(connection: Connection) -> Sequence[Outcome]:
        return await record(connection, PROGRAM, reports(*facts, member_id=member_id), clock.now())

    return await database.transact(work)


async def test_the_migrated_database_is_what_the_tables_say(database_of: DatabaseOf) -> None:
    access = await database_of.access("scoring")
    assert await differences(access.owner_url, METADATA) == []


async def test_facts_come_back_as_they_were_recorded(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    database = await database_of("scoring")
    facts: list[Fact] = [
        purchase(
            "2026-03-01T10:00",
            line(12345, sku_id="s", category_id="c", shop_id="h", goods_class="physical"),
            line(1, "2", quantity=3),
            order_id="o",
            payments={"online": 12000, "balance": 346},
        ),
        back("2026-03-02T10:00", "o", _2=2),
        did("2026-03-02T11:00", "review", order_id="o", subject_id="s"),
        did("2026-03-02T11:00", "login"),
        has("2026-03-02T12:00", "wechat"),
        has("2026-03-03T12:00", "wechat", is_set=False),
        credit("2026-03-04T00:00", score=0),
        credit("2026-03-04T00:00", stars=5),
    ]
    await recorded(database, clock, *facts)
    async with database.read() as connection:
        known = await read_facts(connection, PROGRAM, "m")
    key = lambda fact: fact.activity_id  # noqa: E731  # Shorter than a function with a name.
    assert sorted(known.facts, key=key) == sorted(facts, key=key)


async def test_facts_up_to_a_version_are_those_known_then(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    database = await database_of("scoring")
    first, second = did("2026-03-01", "login"), did("2026-02-01", "login")
    await recorded(database, clock, first)
    async with database.read() as connection:
        before = await read_facts(connection, PROGRAM, "m")
    await recorded(database, clock, second)
    async with database.read() as connection:
        now = await read_facts(connection, PROGRAM, "m")
        then = await read_facts(connection, PROGRAM, "m", version=before.version)
    assert (before.version, now.version) == (1, 2)
    assert then == before
    assert set(now.facts) == {first, second}


async def test_refused_and_repeated_facts_raise_no_version(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    database = await database_of("scoring")
    login = did("2026-03-01", "login")
    await recorded(database, clock, login)
    await recorded(database, clock, login, back("2026-03-01", "o", _1=1))
    async with database.read() as connection:
        assert (await read_facts(connection, PROGRAM, "m")).version == 1


async def test_members_come_in_the_order_of_their_ids(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    database = await database_of("scoring")
    for name in ("m-2", "m-10", "M", "m-1"):
        await recorded(
            database, clock, did("2026-03-01", "login"), has("2026-03-01", "qq"), member_id=name
        )
    async with database.read() as connection:
        first = await read_next_members(connection, PROGRAM, after_member_id="", limit=3)
        rest = await read_next_members(connection, PROGRAM, after_member_id="m-10", limit=3)
        other = await read_next_members(connection, "other", after_member_id="", limit=3)
    assert [each.member_id for each in first] == ["M", "m-1", "m-10"]
    assert [len(each.facts) for each in first] == [2, 2, 2]
    assert ([each.member_id for each in rest], other) == (["m-2"], [])


async def test_two_that_saw_the_same_books_do_not_both_return_the_same_piece(
    database_of: DatabaseOf, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both judge before either locks; who comes second judges again under the lock."""
    database = await database_of("scoring")
    bought = purchase("2026-03-01T10:00", line(100), order_id="o")
    await recorded(database, clock, bought)
    meeting = Meeting(2)

    async def raise_together(*arguments: object, **named: object) -> dict[str, int]:
        await meeting.arrive()
        return await raise_versions(*arguments, **named)  # type: ignore[arg-type]  # As called.

    monkeypatch.setattr("laurel_scoring.handlers.activities.raise_versions", raise_together)
    outcomes = await asyncio.gather(
        *(recorded(database, clock, back("2026-03-02T10:00", "o", _1=1)) for _ in range(2))
    )
    stands = [isinstance(each, Accepted) for (each,) in outcomes]
    assert sorted(stands) == [False, True]


STATEMENTS = {
    "a fact changed": "update activity set fact_kind = 'engagement'",
    "a fact deleted": "delete from activity",
    "a retraction undone": "delete from retraction",
    "a retraction changed": "update retraction set reason = ''",
    "a score changed": "update published_score set value = 1",
    "a score deleted": "delete from published_score",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
async def test_history_cannot_be_changed(database_of: DatabaseOf, statement: str) -> None:
    database = await database_of("scoring")
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.begin() as connection:
            await connection.execute(text(statement))


async def test_a_fact_belongs_to_a_known_member_and_has_one_id(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    database = await database_of("scoring")
    login = did("2026-03-01", "login")

    async def insert(versions: dict[str, int]) -> None:
        async with database.begin() as connection:
            now = clock.now() + timedelta(seconds=1)
            await insert_activities(connection, PROGRAM, reports(login), versions, now=now)

    with pytest.raises(ForeignKeyViolationError, match="fk_activity_member"):
        await insert({"m": 1})
    await recorded(database, clock, login)
    with pytest.raises(UniqueViolationError, match="pk_activity"):
        await insert({"m": 2})
