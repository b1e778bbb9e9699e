"""Reading holds, and what stands beside transactions, to verify them."""

from __future__ import annotations

from typing import Any

from laurel_ledger.domain.verification import Difference, StoredHold, unexpected
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.hold_rows import hold_of
from laurel_ledger.storage.request_keys import key_of

# A hold names its account; one whose account is gone shows as one too many.
HOLDS = """
select
    h.account_id, h.holder_no, h.position, h.state, h.hold_key, h.hold_id, h.amount, h.captured,
    h.released, h.create_time, h.expire_time, h.pins, coalesce(a.program_id, '') as program_id,
    coalesce(a.holder_id, '') as member_id, coalesce(a.asset_id, '') as asset_id
from hold h
left join account a on a.shard_id = h.shard_id and a.account_id = h.account_id
where h.shard_id = $1 and h.account_id > $2 and h.account_id <= $3
order by h.account_id, h.position
"""

STRAYS = """
(
    select 'reversal' as name, v.position
    from reversal v
    left join transaction t on t.shard_id = v.shard_id and t.position = v.position
    where v.shard_id = $1 and (t.type is null or t.type not in (4, 5) or t.refusal is not null)
    limit 100
)
union all
(
    select 'hold_event', e.position
    from hold_event e
    left join transaction t on t.shard_id = e.shard_id and t.position = e.position
    where e.shard_id = $1
        and (t.type is null or t.type not between 6 and 10 or t.refusal is not null)
    limit 100
)
union all
(
    select 'lot_event', e.position
    from lot_event e
    left join transaction t on t.shard_id = e.shard_id and t.position = e.position
    where e.shard_id = $1
        and (
            t.type is null
            or t.type not in (11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22)
            or t.refusal is not null
        )
    limit 100
)
union all
(
    select 'spend_event', e.position
    from spend_event e
    left join transaction t on t.shard_id = e.shard_id and t.position = e.position
    where e.shard_id = $1
        and (t.type is null or t.type not in (2, 4) and t.given & 32 = 0 or t.refusal is not null)
    limit 100
)
"""


async def read_holds(
    connection: Connection, shard_id: int, after: int, until: int
) -> list[StoredHold]:
    """The holds of some accounts."""
    rows = await connection.fetch(HOLDS, shard_id, after, until)
    return [_stored(row) for row in rows]


def _stored(row: Any) -> StoredHold:
    hold = None
    try:
        read = hold_of(row)
        if key_of(read.hold_id) == (str(row["hold_key"]), row["hold_id"]):
            hold = read
    except (KeyError, TypeError, ValueError):
        pass  # What cannot be read is no hold; that is said where holds are compared.
    return StoredHold(
        account_id=row["account_id"],
        holder_no=row["holder_no"],
        position=row["position"],
        hold=hold,
        hold_key=str(row["hold_key"]),
    )


async def stray_parts(connection: Connection, shard_id: int) -> list[Difference]:
    """Rows of reversals and of what is said of holds, lots and lines that no transaction has."""
    rows = await connection.fetch(STRAYS, shard_id)
    return [unexpected(row["name"], shard_id, f"position {row['position']}") for row in rows]
