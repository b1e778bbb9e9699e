"""Making checkpoints as they fall due, and listing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_ledger.domain.checkpoints import (
    STORED_EVERY,
    Checkpoint,
    LogBatch,
    ShardHead,
    SignedCheckpoint,
)
from laurel_ledger.domain.trees import Frontier, Node, Stretch, hash_of_leaf
from laurel_ledger.handlers.checkpoint_key import CheckpointKey
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.checkpoints import (
    Growth,
    add_checkpoint,
    batches_after,
    latest_checkpoint,
    page_of_checkpoints,
    read_growth,
    read_nodes,
    take_turn,
)
from laurel_ledger.storage.connections import Connection

BATCHES_MAX = 5000
"""Batches of each shard that one checkpoint goes on by: about a second's work for all of them."""


async def list_checkpoints(*, before: int, limit: int, ledger: Ledger) -> list[SignedCheckpoint]:
    """Checkpoints of numbers below one, the latest first."""
    async with ledger.connections.use() as connection:
        return await page_of_checkpoints(connection, before=before, limit=limit)


@dataclass(slots=True, kw_only=True)
class CheckpointSource:
    """Checkpoints as timers of the kit: due some time, or some records, after the one before."""

    ledger: Ledger
    key: CheckpointKey
    name: str = "checkpoint"

    async def next_due(self) -> datetime | None:
        """When the next one is due; None while nothing was posted since the last one."""
        async with self.ledger.connections.use() as connection:
            latest = await latest_checkpoint(connection)
            return self._due_time(latest, await read_growth(connection))

    async def run_due(self, now: datetime, limit: int) -> int:  # noqa: ARG002  # There is but one.
        """Make the one that is due, unless another process does."""
        async with self.ledger.connections.use() as connection, connection.transaction():
            checkpoint_no = await take_turn(connection)
            if checkpoint_no is None:
                return 0
            latest = await latest_checkpoint(connection)
            due_time = self._due_time(latest, await read_growth(connection))
            if due_time is None or due_time > now:
                return 0
            await self._make(connection, checkpoint_no, latest, now)
        return 1

    def _due_time(self, latest: SignedCheckpoint | None, growth: Growth) -> datetime | None:
        if latest is None:
            return growth.last_commit_time if growth.record_count else None
        before = latest.checkpoint
        grown = growth.record_count - before.record_count
        if grown >= self.ledger.settings.checkpoint_records:
            return before.create_time
        return before.create_time + self.ledger.settings.checkpoint_interval if grown else None

    async def _make(
        self,
        connection: Connection,
        checkpoint_no: int,
        latest: SignedCheckpoint | None,
        now: datetime,
    ) -> None:
        shards = range(await self.ledger.store.shard_count())
        heads = latest.checkpoint.heads if latest else tuple(ShardHead(shard_id=i) for i in shards)
        grown = await batches_after(
            connection, {head.shard_id: head.batch_count for head in heads}, limit=BATCHES_MAX
        )
        nodes: list[tuple[int, Node, bytes]] = []
        moved: list[ShardHead] = []
        for head in heads:
            batches = [batch for batch in grown if batch.shard_id == head.shard_id]
            frontier = await _frontier_of(connection, head) if batches else Frontier()
            made = grow(frontier, batches)
            nodes += [(head.shard_id, *each) for each in made]
            moved.append(head_after(frontier, batches) if batches else head)
        checkpoint = Checkpoint(
            checkpoint_no=checkpoint_no,
            create_time=max(now, latest.checkpoint.create_time) if latest else now,
            heads=tuple(moved),
        )
        await add_checkpoint(connection, self.key.sign(checkpoint), nodes)


def grow(frontier: Frontier, batches: Sequence[LogBatch]) -> list[tuple[Node, bytes]]:
    """Append batches to a shard's tree; the nodes made on the way that are stored."""
    return [
        (node, hashed)
        for batch in batches
        for node, hashed in frontier.add(hash_of_leaf(batch.hash))
        if node.level % STORED_EVERY == 0
    ]


def head_after(frontier: Frontier, batches: Sequence[LogBatch]) -> ShardHead:
    """How far a shard has come with these batches, the last ones of its tree."""
    last = batches[-1]
    return ShardHead(
        shard_id=last.shard_id,
        batch_count=last.batch_no,
        record_count=last.record_count,
        chain_hash=last.hash,
        root=frontier.root,
    )


async def _frontier_of(connection: Connection, head: ShardHead) -> Frontier:
    """What the next batches of a shard build upon."""
    peaks = Stretch(0, head.batch_count).nodes
    nodes = await read_nodes(connection, head.shard_id, peaks)
    return Frontier(size=head.batch_count, peaks=[nodes[peak] for peak in peaks])
