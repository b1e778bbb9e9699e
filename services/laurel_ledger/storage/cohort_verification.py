"""Reading cohorts and lots to hold them to one another (I14)."""

from __future__ import annotations

import struct
from collections import defaultdict

from laurel_ledger.domain.cohorts import MONTHS_OF_YEAR, LotMonths, month_of
from laurel_ledger.storage.cohorts import read_months
from laurel_ledger.storage.connections import Connection

LOTS_AT_ONCE = 1000

OUTSTANDING_OF_LOTS = """
select
    a.program_id, a.asset_id, f.holder_id as funding_account_id, l.consumed,
    l.earned, l.earned - l.consumed as remaining, l.months
from lot l
join account a on a.shard_id = l.shard_id and a.account_id = l.account_id
join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
where l.shard_id = $1
"""

OUTSTANDING_OF_COHORTS = """
select
    program_id, asset_id, funding_account_id, issue_month, expire_month,
    sum(issued)::bigint as issued, sum(restored + carried_in)::bigint as returned,
    sum(issued + restored + carried_in - spent - expired - reversed - carried_out)::bigint
        as outstanding
from cohort
where shard_id = $1
group by program_id, asset_id, funding_account_id, issue_month, expire_month
"""

Cohort = tuple[str, str, str, str, str]
"""Program, asset, funder, month of issue, month of expiry."""
EVER = ("all months", "issued, restored and carried in")
"""Stands for the months of all that ever came of what a funder paid for."""


async def outstanding_of_lots(connection: Connection, shard_id: int) -> dict[Cohort, int]:
    """What the lots of a shard hold of each cohort, and what ever came into those of a funder."""
    held: dict[Cohort, int] = defaultdict(int)
    async for row in connection.cursor(OUTSTANDING_OF_LOTS, shard_id, prefetch=LOTS_AT_ONCE):
        name = (row["program_id"], row["asset_id"], row["funding_account_id"])
        months = months_of(row["months"]) or LotMonths(None)
        expire_month = None if months.expire_month is None else month_of(months.expire_month)
        for month, amount in months.split(row["consumed"], row["remaining"]):
            held[(*name, str(month_of(month)), str(expire_month))] += amount
        held[(*name, *EVER)] += row["earned"]
    return held


async def outstanding_of_cohorts(connection: Connection, shard_id: int) -> dict[Cohort, int]:
    """What the cohorts of a shard say of the same."""
    held: dict[Cohort, int] = defaultdict(int)
    for row in await connection.fetch(OUTSTANDING_OF_COHORTS, shard_id):
        name = (row["program_id"], row["asset_id"], row["funding_account_id"])
        held[(*name, str(row["issue_month"]), str(row["expire_month"]))] += row["outstanding"]
        held[(*name, *EVER)] += row["issued"] + row["returned"]
    return held


def months_of(stored: bytes) -> LotMonths | None:
    """The months of a lot's points; None for bytes that are none, or none of the calendar."""
    try:
        months = read_months(stored)
        for number in (months.expire_month, *(mark.month for mark in months.issued)):
            month_of(MONTHS_OF_YEAR if number is None else number)
    except (struct.error, ValueError, OverflowError):
        return None
    return months
