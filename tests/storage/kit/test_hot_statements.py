"""Statements that go to the driver itself: in the same transaction, with the same failures."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import pytest
from laurel_kit.database import Database
from laurel_kit.hot_statements import HotStatement
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from tests.support.databases import DatabaseOf

THING = Table(
    "thing",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("points", BigInteger),
    Column("document", JSONB),
    Column("make_time", DateTime(timezone=True)),
    Column("id", UUID(as_uuid=False)),
)

REQUESTS = Table(
    "request",
    MetaData(),
    *(Column(name, Text) for name in ("program_id", "member_id", "request_id", "method")),
    Column("fingerprint", LargeBinary),
    Column("answer", JSONB),
    Column("create_time", DateTime(timezone=True)),
)

ADD = HotStatement(insert(THING), columns=[column.name for column in THING.c])
FIND = HotStatement(select(THING).where(THING.c.name == bindparam("of_name")).limit(1))
RAISE = HotStatement(update(THING).values(points=THING.c.points + bindparam("more")))
ROW = {
    "name": "a",
    "points": 2**60,
    "document": {"lines": [1, "二"]},
    "make_time": datetime(2026, 3, 1, 12, 0, 0, 123456, UTC),
    "id": "019aa000-0000-7000-8000-000000000001",
}


MAKE = """
    create temporary table thing (
        name text primary key, points bigint, document jsonb, make_time timestamptz, id uuid
    )
"""


@pytest.fixture
async def database(database_of: DatabaseOf) -> Database:
    return await database_of("kit")


async def test_hot_statements_give_back_what_they_were_given(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(text(MAKE))
        assert await ADD.run(connection, ROW) == 1
        await ADD.run_many(connection, [ROW | {"name": name} for name in "bc"])
        assert await RAISE.run(connection, {"more": 1}) == 3
        found = await FIND.one_or_none(connection, {"of_name": "a"})
        assert found
        assert (found.points, found.make_time) == (2**60 + 1, ROW["make_time"])
        assert found.id == ROW["id"]
        assert found.document == ROW["document"]
        assert await FIND.one_or_none(connection, {"of_name": "z"}) is None
        every = (await connection.execute(select(THING).order_by(THING.c.name))).all()
        assert [row.name for row in every] == ["a", "b", "c"]
        assert every[2].document == ROW["document"]


async def test_hot_statements_go_with_the_transaction_they_are_in(database: Database) -> None:
    async def twice() -> None:
        async with database.begin() as connection:
            await REMEMBER.run(connection, REQUEST)
            await REMEMBER.run(connection, REQUEST)

    with pytest.raises(asyncpg.UniqueViolationError):
        await twice()
    async with database.read() as connection:
        count = await connection.execute(text("select count(*) from request"))
        assert count.scalar_one() == 0


REQUEST = {
    "program_id": "jd",
    "member_id": "m-1",
    "request_id": "r-1",
    "method": "CompleteOrder",
    "fingerprint": b"",
    "answer": {},
    "create_time": ROW["make_time"],
}

REMEMBER = HotStatement(insert(REQUESTS), columns=list(REQUEST))
