"""What a proof is made from: where a record is, its batch, and the records beside it."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_ledger.domain.checkpoints import NO_HASH, LogBatch
from laurel_ledger.domain.errors import ChainBroken
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.transactions import Record, RequestKey
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.request_keys import key_of
from laurel_ledger.storage.rows import AROUND_RECORD, RECORD, record_of

PLACE = """
select t.shard_id, t.position
from account h
join transaction t on t.shard_id = h.shard_id and t.holder_no = h.holder_no
where h.shard_id = $1 and h.program_id = $2 and h.kind = 1 /* a member's */
    and h.holder_id = $3 and t.request_key = $4
limit 1
"""

# Positions grow with the numbers of batches, so halving finds the batch without an index.
BATCH_OF = """
with recursive search (low, high) as (
    select 1::bigint, $3::bigint
    union all
    select
        case when l.first_position <= $2 then l.batch_no else s.low end,
        case when l.first_position <= $2 then s.high else l.batch_no - 1 end
    from search s
    join log l on l.shard_id = $1 and l.batch_no = (s.low + s.high + 1) / 2
    where s.low < s.high
)
select
    l.shard_id, l.batch_no, l.first_position, l.item_count, l.commit_time, l.root, l.hash, l.marks,
    b.hash as previous_hash
from search s
join log l on l.shard_id = $1 and l.batch_no = s.low
left join log b on b.shard_id = $1 and b.batch_no = s.low - 1
where s.low = s.high
"""

RECORDS = f"""
{RECORD}
from transaction t
{AROUND_RECORD}
where t.shard_id = $1 and t.position >= $2 and t.position < $3
order by t.position
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a record is in the log."""

    shard_id: int
    position: int


async def find_place(connection: Connection, key: RequestKey, *, shards: int) -> Place | None:
    """Where what became of a request is, a transaction or a refusal."""
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    request_key, _ = key_of(key.request_id)
    row = await connection.fetchrow(PLACE, shard_id, key.program_id, key.member_id, request_key)
    return None if row is None else Place(shard_id=row["shard_id"], position=row["position"])


async def find_batch(
    connection: Connection, place: Place, *, batch_count: int
) -> tuple[LogBatch, bytes]:
    """The batch of a record, among the first so many of its shard, and the hash before it.

    Raises ChainBroken when there is none.
    """
    row = await connection.fetchrow(BATCH_OF, place.shard_id, place.position, batch_count)
    if row is None:
        raise ChainBroken(shard=place.shard_id, batch=batch_count)
    columns = dict(row)
    previous_hash = columns.pop("previous_hash")
    return LogBatch(**columns), previous_hash or NO_HASH


async def read_records(connection: Connection, batch: LogBatch) -> list[Record]:
    """The records of a batch, in order."""
    rows = await connection.fetch(
        RECORDS, batch.shard_id, batch.first_position, batch.record_count + 1
    )
    return [record_of(row) for row in rows]
