"""Closed periods, and the books as they are while one is closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from laurel_kit.database import Connection as KitConnection
from laurel_kit.database import driver_of

from laurel_ledger.domain.accounts import AccountKind
from laurel_ledger.domain.periods import ChainEnd, ClosingBooks, Period
from laurel_ledger.domain.trial_balance import ALL_MEMBERS, Line
from laurel_ledger.storage.accounts import own_totals
from laurel_ledger.storage.cohorts import list_cohorts
from laurel_ledger.storage.connections import Connection

CLOSED = "select program_id, max(end_time) as end_time from period group by program_id"

LOCK_ALL = """
select shard_id, next_position - 1 as last_position, chain_hash
from shard_head
order by shard_id
for no key update
"""

COUNT_PERIOD = "update shard_head set periods_closed = periods_closed + 1"

RECORD = """
insert into period (program_id, start_time, end_time, close_time, seal, content)
values ($1, $2, $3, $4, $5, $6)
"""

PERIODS = """
select program_id, start_time, end_time, close_time, encode(seal, 'hex') as seal
from period
where program_id = $1 and ($2::timestamptz is null or end_time < $2)
order by end_time desc
limit $3
"""


async def closed_periods(connection: Connection) -> Mapping[str, datetime]:
    """When the last closed period of each program ended."""
    return {row["program_id"]: row["end_time"] for row in await connection.fetch(CLOSED)}


async def stop_posting(connection: KitConnection) -> list[ChainEnd]:
    """Lock every shard until the end of the transaction; nobody posts meanwhile."""
    driver = await driver_of(connection)
    return [ChainEnd(**row) for row in await driver.fetch(LOCK_ALL)]


async def gather_closing(
    connection: KitConnection, program_id: str, chains: Sequence[ChainEnd]
) -> ClosingBooks:
    """The trial balance and the cohorts of a program, while nobody posts.

    What all members have is the other side of the program's own accounts (I13): summing up millions
    of them would make everybody wait.
    """
    driver = await driver_of(connection)
    shards = len(chains)
    lines = [
        Line(each.asset_id, each.kind, each.account_id, each.posted)
        for each in await own_totals(driver, program_id, shards=shards)
    ]
    assets = sorted({line.asset_id for line in lines})
    members = [
        Line(
            asset_id,
            AccountKind.MEMBER,
            ALL_MEMBERS,
            -sum(line.posted for line in lines if line.asset_id == asset_id),
        )
        for asset_id in assets
    ]
    return ClosingBooks(
        lines=lines + members,
        cohorts={
            asset_id: await list_cohorts(driver, program_id, asset_id, shards=shards)
            for asset_id in assets
        },
        chains=chains,
    )


async def closed_until(connection: KitConnection, program_id: str) -> datetime | None:
    """When the last closed period of a program ended."""
    return (await closed_periods(await driver_of(connection))).get(program_id)


async def record_period(connection: KitConnection, period: Period, content: str) -> None:
    """Close a period: from the commit on, every batch knows it."""
    driver = await driver_of(connection)
    await driver.execute(
        RECORD,
        *(period.program_id, period.start_time, period.end_time, period.close_time),
        *(bytes.fromhex(period.seal), content),
    )
    await driver.execute(COUNT_PERIOD)


async def list_closed(
    connection: Connection, program_id: str, *, before: datetime | None, limit: int
) -> list[Period]:
    """Closed periods, the latest first, from those that ended before an instant."""
    rows = await connection.fetch(PERIODS, program_id, before, limit)
    return [Period(**row) for row in rows]
