"""Checkpoints, and the trees of the shards that they are made from.

The leaves of a shard's tree are the hashes in its log. Of the inner nodes some are stored, with the
checkpoint that first needs them; every other one is made of these when it is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laurel_ledger.domain.checkpoints import (
    STORED_EVERY,
    Checkpoint,
    LogBatch,
    ShardHead,
    SignedCheckpoint,
)
from laurel_ledger.domain.trees import (
    Node,
    Stretch,
    hash_of_leaf,
    hash_of_stretch,
    root_of,
)
from laurel_ledger.storage.connections import Connection

COLUMNS = """
checkpoint_no, create_time, batch_counts, record_counts, chain_hashes, roots, public_key, signature
"""

LATEST = f"""
select {COLUMNS}
from checkpoint
order by checkpoint_no desc
limit 1
"""  # noqa: S608  # No value of a caller is in the text.

PAGE = f"""
select {COLUMNS}
from checkpoint
where checkpoint_no < $1
order by checkpoint_no desc
limit $2
"""  # noqa: S608  # No value of a caller is in the text.

AFTER = f"""
select {COLUMNS}
from checkpoint
where checkpoint_no > $1
order by checkpoint_no
limit $2
"""  # noqa: S608  # No value of a caller is in the text.

ONE = f"""
select {COLUMNS}
from checkpoint
where checkpoint_no = $1
"""  # noqa: S608  # No value of a caller is in the text.

GROWN = """
select sum(next_position - 1)::bigint as record_count, max(last_commit_time) as last_commit_time
from shard_head
"""

TAKE_TURN = """
select next_checkpoint_no
from checkpoint_head
for update skip locked
"""

END_TURN = "update checkpoint_head set next_checkpoint_no = next_checkpoint_no + 1"

ADD = f"""
insert into checkpoint ({COLUMNS})
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""  # noqa: S608  # No value of a caller is in the text.

ADD_NODES = """
insert into tree_node (shard_id, level, index, hash)
select * from unnest($1::smallint[], $2::smallint[], $3::bigint[], $4::bytea[])
"""

BATCHES = """
select
    b.shard_id, b.batch_no, b.first_position, b.item_count, b.commit_time, b.root, b.hash, b.marks
from unnest($1::smallint[], $2::bigint[]) as seen (shard_id, batch_no)
cross join lateral (
    select
        l.shard_id, l.batch_no, l.first_position, l.item_count, l.commit_time, l.root, l.hash,
        l.marks
    from log l
    where l.shard_id = seen.shard_id and l.batch_no > seen.batch_no
    order by l.batch_no
    limit $3
) b
"""

LEAVES = """
select wanted.level, wanted.index, l.hash
from unnest($2::smallint[], $3::bigint[], $4::bigint[]) as wanted (level, index, leaves)
join log l on l.shard_id = $1
    and l.batch_no > wanted.index * wanted.leaves
    and l.batch_no <= (wanted.index + 1) * wanted.leaves
order by wanted.level, wanted.index, l.batch_no
"""

INNER = """
select wanted.level, wanted.index, n.hash
from unnest($2::smallint[], $3::bigint[], $4::smallint[], $5::bigint[])
    as wanted (level, index, stored_level, nodes)
join tree_node n on n.shard_id = $1
    and n.level = wanted.stored_level
    and n.index >= wanted.index * wanted.nodes
    and n.index < (wanted.index + 1) * wanted.nodes
order by wanted.level, wanted.index, n.index
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How far the ledger has come, whatever checkpoints say."""

    record_count: int
    last_commit_time: datetime


async def read_growth(connection: Connection) -> Growth:
    """How many records there are and when the last one was made."""
    row = await connection.fetchrow(GROWN)
    return Growth(record_count=row["record_count"], last_commit_time=row["last_commit_time"])


async def latest_checkpoint(connection: Connection) -> SignedCheckpoint | None:
    """The last one that was made."""
    row = await connection.fetchrow(LATEST)
    return None if row is None else checkpoint_of(row)


async def find_checkpoint(connection: Connection, checkpoint_no: int) -> SignedCheckpoint | None:
    """The one of that number."""
    row = await connection.fetchrow(ONE, checkpoint_no)
    return None if row is None else checkpoint_of(row)


async def page_of_checkpoints(
    connection: Connection, *, before: int, limit: int
) -> list[SignedCheckpoint]:
    """Those of numbers below one, the latest first."""
    return [checkpoint_of(row) for row in await connection.fetch(PAGE, before, limit)]


async def checkpoints_after(
    connection: Connection, checkpoint_no: int, *, limit: int
) -> list[SignedCheckpoint]:
    """Those of numbers above one, in order."""
    return [checkpoint_of(row) for row in await connection.fetch(AFTER, checkpoint_no, limit)]


def checkpoint_of(row: Mapping[str, Any]) -> SignedCheckpoint:
    """A row as a value; lists of unequal length count as far as the shortest goes."""
    columns = (row[name] for name in ("batch_counts", "record_counts", "chain_hashes", "roots"))
    heads = tuple(
        ShardHead(
            shard_id=shard_id,
            batch_count=batch_count,
            record_count=record_count,
            chain_hash=chain_hash,
            root=root,
        )
        for shard_id, (batch_count, record_count, chain_hash, root) in enumerate(
            zip(*columns, strict=False)
        )
    )
    return SignedCheckpoint(
        checkpoint=Checkpoint(
            checkpoint_no=row["checkpoint_no"], create_time=row["create_time"], heads=heads
        ),
        public_key=row["public_key"],
        signature=row["signature"],
    )


async def take_turn(connection: Connection) -> int | None:
    """Lock the making of checkpoints; the number of the next one, None when another process has
    the turn.
    """
    number: int | None = await connection.fetchval(TAKE_TURN)
    return number


async def add_checkpoint(
    connection: Connection, signed: SignedCheckpoint, nodes: Sequence[tuple[int, Node, bytes]]
) -> None:
    """Keep a checkpoint with the inner nodes that it completes, each with its shard."""
    checkpoint = signed.checkpoint
    heads = checkpoint.heads
    await connection.execute(
        ADD,
        checkpoint.checkpoint_no,
        checkpoint.create_time,
        [head.batch_count for head in heads],
        [head.record_count for head in heads],
        [head.chain_hash for head in heads],
        [head.root for head in heads],
        signed.public_key,
        signed.signature,
    )
    rows = [(shard_id, node.level, node.number, hashed) for shard_id, node, hashed in nodes]
    if rows:
        await connection.execute(ADD_NODES, *zip(*rows, strict=True))
    await connection.execute(END_TURN)


async def batches_after(
    connection: Connection, batch_nos: Mapping[int, int], *, limit: int
) -> list[LogBatch]:
    """Batches of some shards after those of certain numbers, each shard's in order."""
    rows = await connection.fetch(BATCHES, list(batch_nos), list(batch_nos.values()), limit)
    return [LogBatch(**row) for row in rows]


async def read_nodes(
    connection: Connection, shard_id: int, nodes: Iterable[Node]
) -> dict[Node, bytes]:
    """The hashes of nodes of a shard's tree, made of what is stored below them."""
    wanted = set(nodes)
    low = [node for node in wanted if node.level < STORED_EVERY]
    high = [node for node in wanted if node.level >= STORED_EVERY]
    leaves = await connection.fetch(
        LEAVES,
        shard_id,
        [node.level for node in low],
        [node.number for node in low],
        [1 << node.level for node in low],
    )
    inner = await connection.fetch(
        INNER,
        shard_id,
        [node.level for node in high],
        [node.number for node in high],
        [node.level - node.level % STORED_EVERY for node in high],
        [1 << node.level % STORED_EVERY for node in high],
    )
    below: dict[Node, list[bytes]] = defaultdict(list)
    for row in leaves:
        below[Node(row["level"], row["index"])].append(hash_of_leaf(row["hash"]))
    for row in inner:
        below[Node(row["level"], row["index"])].append(row["hash"])
    return {node: root_of(below[node]) for node in wanted}


async def read_stretches(
    connection: Connection, shard_id: int, stretches: Sequence[Stretch]
) -> list[bytes]:
    """The hashes of stretches of a shard's tree."""
    wanted = (node for stretch in stretches for node in stretch.nodes)
    nodes = await read_nodes(connection, shard_id, wanted)
    return [hash_of_stretch(stretch, nodes) for stretch in stretches]
