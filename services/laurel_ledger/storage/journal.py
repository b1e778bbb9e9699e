"""The feed: what was posted, shard by shard in the order of commits, nothing skipped.

Positions are drawn under the lock of the shard's head and visible from its commit on, so whoever
has read a shard up to a position has seen all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from laurel_ledger.domain.transactions import Transaction
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.rows import AROUND_RECORD, RECORD, transaction_of

AFTER = f"""
{RECORD}
from unnest($1::smallint[], $2::bigint[]) as seen (shard_id, position)
cross join lateral (
    select *
    from transaction
    where shard_id = seen.shard_id and position > seen.position
    order by position
    limit $3
) t
{AROUND_RECORD}
order by t.commit_time
"""  # noqa: S608  # No value of a caller is in the text.

ENDS = "select next_position - 1 from shard_head order by shard_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of the journal: the transactions in it, and up to where each shard was read."""

    transactions: tuple[Transaction, ...]
    positions: tuple[int, ...]


async def read_journal(
    connection: Connection, positions: tuple[int, ...], program_id: str, *, limit: int
) -> Stretch:
    """What a program posted after some positions, about `limit` of it at most."""
    shards = list(range(len(positions)))
    rows = await connection.fetch(AFTER, shards, positions, max(1, limit // len(positions)))
    reached = list(positions)
    for row in rows:
        reached[row["shard_id"]] = max(reached[row["shard_id"]], row["position"])
    return Stretch(
        transactions=tuple(
            transaction_of(row)
            for row in rows
            if row["refusal"] is None and row["program_id"] == program_id
        ),
        positions=tuple(reached),
    )


async def journal_ends(connection: Connection) -> tuple[int, ...]:
    """The last position of each shard."""
    return tuple(row[0] for row in await connection.fetch(ENDS))
