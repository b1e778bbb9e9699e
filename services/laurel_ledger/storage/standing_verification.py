"""Reading what was decided about accounts and periods, to verify it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from laurel_ledger.domain.adjustment_verification import StoredAdjustment
from laurel_ledger.domain.adjustments import AdjustmentKey
from laurel_ledger.domain.period_verification import StoredPeriod
from laurel_ledger.domain.standing_verification import StoredChange
from laurel_ledger.domain.standings import AccountLimits
from laurel_ledger.storage.account_change_tables import ACCOUNT_CHANGE
from laurel_ledger.storage.adjustment_tables import ADJUSTMENT
from laurel_ledger.storage.adjustments import adjustment_of
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.row_digests import digest_of

# The digest is taken of a row alone: a join would have two columns of a name.
CHANGES = f"""
select c.*, coalesce(a.kind = 1, false) as of_member
from (
    select *, digest = {digest_of(ACCOUNT_CHANGE)} as sound
    from account_change
    where shard_id = $1 and account_id > $2 and account_id <= $3
) c
left join account a on a.shard_id = c.shard_id and a.account_id = c.account_id
order by c.account_id, c.change_no
"""  # noqa: S608  # No value of a caller is in the text.

# Those that never came to an account are read with the last ones.
ADJUSTMENTS = f"""
select d.*
from (
    select *, digest = {digest_of(ADJUSTMENT)} as sound
    from adjustment
    where shard_id = $1
) d
left join account a on a.shard_id = d.shard_id and a.program_id = d.program_id
    and a.kind = 1 /* a member's */ and a.holder_id = d.member_id and a.asset_id = d.asset_id
where (a.account_id > $2 and a.account_id <= $3) or (a.account_id is null and $4)
order by d.program_id, d.member_id, d.adjustment_id
"""  # noqa: S608  # No value of a caller is in the text.

ADJUSTMENT_COUNTS = """
select shard_id, coalesce(c.adjustments, 0) as counted, coalesce(d.adjustments, 0) as present
from adjustment_count c
full join (
    select shard_id, count(*) as adjustments
    from adjustment
    group by shard_id
) d using (shard_id)
order by shard_id
"""

PERIODS = """
select program_id, start_time, end_time, close_time, seal, content
from period
order by program_id, end_time
"""


async def read_changes(
    connection: Connection, shard_id: int, after: int, until: int
) -> list[StoredChange]:
    """The changes of some accounts, in their order."""
    rows = await connection.fetch(CHANGES, shard_id, after, until)
    return [_change_of(row) for row in rows]


def _change_of(row: Any) -> StoredChange:
    return StoredChange(
        shard_id=row["shard_id"],
        account_id=row["account_id"],
        change_no=row["change_no"],
        kind=row["kind"],
        state=row["state"],
        limits=AccountLimits(
            balance_max=row["balance_max"], earn_max=row["earn_max"], spend_max=row["spend_max"]
        ),
        position=row["position"],
        of_member=row["of_member"],
        sound=row["sound"],
    )


async def read_adjustments(
    connection: Connection, shard_id: int, after: int, until: int, *, last: bool
) -> list[StoredAdjustment]:
    """The adjustments of some accounts, with the last ones those that are of none."""
    rows = await connection.fetch(ADJUSTMENTS, shard_id, after, until, last)
    return [_adjustment_of(row) for row in rows]


def _adjustment_of(row: Any) -> StoredAdjustment:
    adjustment = None
    with suppress(ValueError):  # What cannot be read is said where they are compared.
        adjustment = adjustment_of(row)
    return StoredAdjustment(
        key=AdjustmentKey(row["program_id"], row["member_id"], row["adjustment_id"]),
        adjustment=adjustment,
        sound=row["sound"],
    )


async def adjustment_counts(connection: Connection) -> dict[int, tuple[int, int]]:
    """How many adjustments each shard has, and how many it should."""
    rows = await connection.fetch(ADJUSTMENT_COUNTS)
    return {row["shard_id"]: (row["counted"], row["present"]) for row in rows}


async def read_periods(connection: Connection) -> list[StoredPeriod]:
    """All closed periods, by program and time."""
    return [StoredPeriod(**row) for row in await connection.fetch(PERIODS)]
