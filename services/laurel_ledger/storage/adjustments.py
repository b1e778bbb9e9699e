"""Changes of balances by hand: proposals and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from laurel_kit.database import Connection as KitConnection
from laurel_kit.database import LostRace, driver_of

from laurel_ledger.domain.adjustments import (
    Adjustment,
    AdjustmentDraft,
    AdjustmentKey,
    AdjustmentPlace,
    AdjustmentState,
)
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.storage.adjustment_tables import ADJUSTMENT
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.row_digests import digest_of

COLUMNS = """
select
    program_id, member_id, adjustment_id, asset_id, amount, funding_account_id, reason_id, comment,
    expire_time, state, maker_id, create_time, program_revision, checker_id, decide_time,
    decision_comment, failure_reason, transaction_id
from adjustment
"""

FIND = f"""
{COLUMNS}
where shard_id = $1 and program_id = $2 and member_id = $3 and adjustment_id = $4
"""

INSERT = f"""
insert into adjustment (
    shard_id, program_id, member_id, adjustment_id, asset_id, amount, funding_account_id, reason_id,
    comment, expire_time, state, maker_id, create_time, program_revision, checker_id, decide_time,
    decision_comment, failure_reason, transaction_id, digest
)
select d.*, {digest_of(ADJUSTMENT)}
from (
    select
        $1::smallint as shard_id, $2::text as program_id, $3::text as member_id,
        $4::text as adjustment_id, $5::text as asset_id, $6::bigint as amount,
        $7::text as funding_account_id, $8::text as reason_id, $9::text as comment,
        $10::timestamptz as expire_time, $11::smallint as state, $12::text as maker_id,
        $13::timestamptz as create_time, $14::text as program_revision, $15::text as checker_id,
        $16::timestamptz as decide_time, $17::text as decision_comment,
        $18::text as failure_reason, $19::text as transaction_id
) d
on conflict do nothing
returning adjustment_id
"""  # noqa: S608  # No value of a caller is in the text.

COUNT_ADJUSTMENT = """
insert into adjustment_count as c (shard_id, adjustments)
values ($1, 1)
on conflict (shard_id) do update
set adjustments = c.adjustments + 1
"""

DECIDED = digest_of(
    ADJUSTMENT, state="$5", checker_id="$6", decide_time="$7", decision_comment="$8"
)

DECIDE = f"""
update adjustment
set state = $5, checker_id = $6, decide_time = $7, decision_comment = $8, digest = {DECIDED}
where shard_id = $1 and program_id = $2 and member_id = $3 and adjustment_id = $4
    and state = 1 /* pending */
"""  # noqa: S608  # No value of a caller is in the text.

CONCLUDED = digest_of(ADJUSTMENT, state="$5", failure_reason="$6")

CONCLUDE = f"""
update adjustment
set state = $5::smallint, failure_reason = $6, digest = {CONCLUDED}
where shard_id = $1 and program_id = $2 and member_id = $3 and adjustment_id = $4
    and (state = 2 /* approved */ or (state = 4 /* failed */ and $5 = 3::smallint /* posted */))
"""  # noqa: S608  # No value of a caller is in the text.
"""That it was posted is true whatever somebody else came to."""

LIST = f"""
{COLUMNS}
where shard_id = any($1::smallint[]) and program_id = $2 and ($3::text = '' or member_id = $3)
    and ($4::smallint = 0 or state = $4)
    and (
        $5::timestamptz is null
        or create_time < $5
        or (create_time = $5 and (member_id, adjustment_id) > ($6, $7))
    )
order by create_time desc, member_id, adjustment_id
limit $8
"""

NEXT_APPROVED = "select min(decide_time) from adjustment where state = 2 /* approved */"

APPROVED = f"""
{COLUMNS}
where state = 2 /* approved */ and decide_time <= $1
order by decide_time
limit $2
"""


async def lock_adjustment(
    connection: KitConnection, key: AdjustmentKey, *, shards: int
) -> Adjustment | None:
    """An adjustment, locked until the end of the transaction."""
    driver = await driver_of(connection)
    row = await driver.fetchrow(f"{FIND} for update", _home(key, shards), *key)
    return adjustment_of(row) if row else None


async def find_adjustment(
    connection: Connection, key: AdjustmentKey, *, shards: int
) -> Adjustment | None:
    """An adjustment as it is."""
    row = await connection.fetchrow(FIND, _home(key, shards), *key)
    return adjustment_of(row) if row else None


async def insert_adjustment(
    connection: KitConnection, adjustment: Adjustment, *, shards: int
) -> None:
    """Keep a proposal. Raises LostRace when there is one of that name."""
    draft = adjustment.draft
    driver = await driver_of(connection)
    inserted = await driver.fetchval(
        INSERT,
        *(_home(draft.key, shards), *draft.key, draft.asset_id, draft.amount),
        *(draft.funding_account_id, draft.reason_id, draft.comment, draft.expire_time),
        *(adjustment.state, adjustment.maker_id, adjustment.create_time),
        *(adjustment.program_revision, adjustment.checker_id, adjustment.decide_time),
        *(adjustment.decision_comment, adjustment.failure_reason, adjustment.transaction_id),
    )
    if inserted is None:
        raise LostRace
    await driver.execute(COUNT_ADJUSTMENT, _home(draft.key, shards))


async def record_decision(
    connection: KitConnection, adjustment: Adjustment, *, shards: int
) -> None:
    """Keep who decided what; the adjustment is locked and was pending."""
    key = adjustment.draft.key
    driver = await driver_of(connection)
    await driver.execute(
        DECIDE,
        *(_home(key, shards), *key, adjustment.state, adjustment.checker_id),
        *(adjustment.decide_time, adjustment.decision_comment),
    )


async def record_conclusion(
    connection: Connection,
    key: AdjustmentKey,
    state: AdjustmentState,
    failure_reason: str,
    *,
    shards: int,
) -> None:
    """Keep what became of an approved adjustment; whoever comes later says the same."""
    await connection.execute(CONCLUDE, _home(key, shards), *key, state, failure_reason)


async def list_adjustments(
    connection: Connection,
    program_id: str,
    member_id: str,
    state: AdjustmentState | None,
    *,
    after: AdjustmentPlace | None,
    limit: int,
    shards: int,
) -> list[Adjustment]:
    """Adjustments, the latest first, of one member and in one state where they are named."""
    homes = [shard_of(program_id, member_id, shards=shards)] if member_id else range(shards)
    rows = await connection.fetch(
        LIST, list(homes), program_id, member_id, state or 0, *(after or (None, "", "")), limit
    )
    return [adjustment_of(row) for row in rows]


async def next_approved(connection: Connection) -> datetime | None:
    """When the oldest adjustment was approved that is not concluded."""
    found: datetime | None = await connection.fetchval(NEXT_APPROVED)
    return found


async def list_approved(
    connection: Connection, until: datetime, *, limit: int
) -> Sequence[Adjustment]:
    """Adjustments that were approved by an instant and are not concluded, the oldest first."""
    return [adjustment_of(row) for row in await connection.fetch(APPROVED, until, limit)]


def _home(key: AdjustmentKey, shards: int) -> int:
    return shard_of(key.program_id, key.member_id, shards=shards)


def adjustment_of(row: Any) -> Adjustment:
    """An adjustment as a value. Raises ValueError for a state there is not."""
    return Adjustment(
        draft=AdjustmentDraft(
            key=AdjustmentKey(row["program_id"], row["member_id"], row["adjustment_id"]),
            asset_id=row["asset_id"],
            amount=row["amount"],
            funding_account_id=row["funding_account_id"],
            reason_id=row["reason_id"],
            comment=row["comment"],
            expire_time=row["expire_time"],
        ),
        state=AdjustmentState(row["state"]),
        maker_id=row["maker_id"],
        create_time=row["create_time"],
        program_revision=row["program_revision"],
        checker_id=row["checker_id"],
        decide_time=row["decide_time"],
        decision_comment=row["decision_comment"],
        failure_reason=row["failure_reason"],
        transaction_id=row["transaction_id"],
    )
