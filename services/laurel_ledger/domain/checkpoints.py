"""Checkpoints: what the whole ledger had come to, in a few signed bytes that others can keep.

The batches of a shard are the leaves of the shard's tree, which only grows. A checkpoint says how
far each tree had grown and its root; the signature covers the root over all shards. Whoever holds a
checkpoint can be shown that a record is under it, and that a later one leaves nothing out.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_ledger.domain.chain import VERSION, microseconds
from laurel_ledger.domain.trees import EMPTY_ROOT, hash_of_leaf, root_of

STORED_EVERY = 8
"""Of the inner nodes of a shard's tree those of every eighth level are stored: a 256th of the
batches, and any other one is made of at most 128 of these."""
NO_HASH = bytes(32)
"""The hash before the first batch of a shard."""

_HEAD = struct.Struct(">hqq")
_SIGNED = struct.Struct(">qqqh")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardHead:
    """How far a shard had come."""

    shard_id: int
    batch_count: int = 0
    record_count: int = 0
    chain_hash: bytes = NO_HASH
    root: bytes = EMPTY_ROOT

    @property
    def leaf(self) -> bytes:
        """Its leaf of the tree over all shards."""
        place = _HEAD.pack(self.shard_id, self.batch_count, self.record_count)
        return hash_of_leaf(VERSION + b"H" + place + self.chain_hash + self.root)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What the ledger had come to, before it is signed."""

    checkpoint_no: int
    create_time: datetime
    heads: tuple[ShardHead, ...]

    @property
    def record_count(self) -> int:
        """Records under it, refusals that are kept included."""
        return sum(head.record_count for head in self.heads)

    @property
    def root(self) -> bytes:
        """The root over all shards."""
        return root_of([head.leaf for head in self.heads])

    @property
    def signed_bytes(self) -> bytes:
        """What the signature is over."""
        numbers = _SIGNED.pack(
            self.checkpoint_no, microseconds(self.create_time), self.record_count, len(self.heads)
        )
        return VERSION + b"C" + numbers + self.root


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCheckpoint:
    """A checkpoint with its signature, Ed25519."""

    checkpoint: Checkpoint
    public_key: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogBatch:
    """A batch of a shard as its chain has it."""

    shard_id: int
    batch_no: int
    first_position: int
    item_count: int
    commit_time: datetime
    root: bytes
    hash: bytes
    marks: bytes = b""
    """The first bytes of each record's leaf, one after the other."""

    @property
    def record_count(self) -> int:
        """Records of the shard up to its end."""
        return self.first_position + self.item_count - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """Shows that a record is under a checkpoint."""

    record: bytes
    position: int
    batch: LogBatch
    previous_hash: bytes
    record_path: Sequence[bytes]
    """From the record's leaf to the root of its batch."""
    batch_path: Sequence[bytes]
    """From the batch's leaf to the root of its shard."""
    signed: SignedCheckpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyProof:
    """Shows that everything under a checkpoint is under a later one, unchanged."""

    earlier: SignedCheckpoint
    later: SignedCheckpoint
    paths: Sequence[Sequence[bytes]]
    """For each shard, from the root of its earlier tree to that of the later one."""
