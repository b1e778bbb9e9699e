"""The database of benefits: equal to its tables, and a keeper of the invariants."""

from __future__ import annotations

import pytest
from laurel_benefits.storage.schema import METADATA
from laurel_kit.migrations import differences
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.support.databases import DatabaseOf


async def test_migrations_make_the_tables_that_the_code_knows(database_of: DatabaseOf) -> None:
    access = await database_of.access("benefits")
    assert await differences(access.owner_url, METADATA) == []


OF_PROGRAMS = {
    "campaign_budget",
    "channel_reference",
    "coupon_stock",
    "coupon_code",
    "program_counter",
    "lottery_seed",
    "merchant",
    "merchant_entry",
}
"""Tables whose rows belong to a program and to no member."""


def test_every_key_starts_with_the_member() -> None:
    kit = {"sandbox_clock", "outbox", "operation", "program_revision", "request", "timer"}
    for table in METADATA.sorted_tables:
        key = [column.name for column in table.primary_key]
        if table.name in OF_PROGRAMS:
            assert key[0] == "program_id"
        elif table.name not in kit:
            assert key[:2] == ["program_id", "member_id"]


MEMBERSHIP = """
    insert into membership values ('jd', 'm-1', '019aa000-0000-7000-8000-000000000001', 'plus',
        '2026-01-01Z', '2027-01-01Z', 100, '019aa000-0000-7000-8000-000000000002', '{}', '', '{}',
        10, 10, 'r', '2026-01-01Z')
"""


@pytest.mark.parametrize(
    "change",
    [
        "update membership set rebate_granted_points = 11",
        "update membership set rebate_granted_points = -1",
        "update membership set expire_time = start_time - interval '1 second'",
        "update membership set frozen_points = 1",
        "update membership set quote_id = null",
        "update membership set frozen_state = 'FROZEN', quote_id = null",
        "update membership set price_fen = -1",
    ],
)
async def test_the_database_refuses_a_term_that_cannot_be(
    database_of: DatabaseOf, change: str
) -> None:
    database = await database_of("benefits")
    async with database.begin() as connection:
        await connection.execute(text(MEMBERSHIP))
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(text(change))
