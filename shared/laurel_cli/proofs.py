"""Proofs of the ledger checked by themselves: no database, no server, nothing of the ledger's code.

Written from RFC 9162 and the layout described here, so that a fault of the ledger is not repeated
by who checks it. A proof that does not hold raises ProofRefused, which says what of it does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from laurel.ledger.v1.journal_pb2 import Checkpoint, ConsistencyProof, InclusionProof, ShardHead

from laurel_cli.records import VERSION, Fields, ProofRefused, read_record

HASH_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What a proof has shown."""

    checkpoint_number: int
    create_time: datetime
    record_count: int
    public_key: str
    record: Fields = field(default_factory=dict)
    """What was recorded, for the proof of one record."""
    since_checkpoint_number: int | None = None
    """The earlier checkpoint, for the proof of consistency."""


def verify_inclusion(proof: InclusionProof, trusted_key: bytes | None = None) -> Proved:
    """Check that the record is under the checkpoint, and the checkpoint's signature.

    Raises ProofRefused.
    """
    checkpoint = proof.checkpoint
    verify_checkpoint(checkpoint, trusted_key)
    head = head_of(checkpoint, proof.batch.shard_id)
    root = root_from_path(
        leaf(proof.record),
        proof.position - proof.batch.first_position,
        proof.batch.record_count,
        proof.record_path,
    )
    link = batch_hash(proof, root)
    found = root_from_path(
        leaf(link), proof.batch.batch_number - 1, head.batch_count, proof.batch_path
    )
    if found != head.root_hash:
        raise ProofRefused("the path does not lead from the record to the root of its shard")
    record = read_record(proof.record)
    if (record["shard"], record["position"]) != (proof.batch.shard_id, proof.position):
        raise ProofRefused("the record says that it stands elsewhere")
    return proved(checkpoint, record=record)


def verify_consistency(proof: ConsistencyProof, trusted_key: bytes | None = None) -> Proved:
    """Check that everything under the earlier checkpoint is under the later one, unchanged.

    Raises ProofRefused.
    """
    earlier, later = proof.earlier, proof.later
    for checkpoint in (earlier, later):
        verify_checkpoint(checkpoint, trusted_key)
    if earlier.public_key != later.public_key and trusted_key is None:
        raise ProofRefused("the checkpoints are signed by different keys; name the one you trust")
    if earlier.checkpoint_number > later.checkpoint_number:
        raise ProofRefused("the later checkpoint has the lower number")
    if earlier.create_time.ToDatetime(UTC) > later.create_time.ToDatetime(UTC):
        raise ProofRefused("the later checkpoint was made before the earlier one")
    if not len(earlier.shard_heads) == len(later.shard_heads) == len(proof.shard_paths):
        raise ProofRefused("the checkpoints have different shards")
    for before, after, path in zip(
        earlier.shard_heads, later.shard_heads, proof.shard_paths, strict=True
    ):
        if path.shard_id != after.shard_id:
            raise ProofRefused("the paths are not in the order of the shards")
        verify_growth(before, after, path.path)
    return proved(later, since=earlier.checkpoint_number)


def verify_checkpoint(checkpoint: Checkpoint, trusted_key: bytes | None) -> None:
    """Check a checkpoint against its signature, and its key against the one that is trusted."""
    heads = list(checkpoint.shard_heads)
    if [head.shard_id for head in heads] != list(range(len(heads))) or not heads:
        raise ProofRefused("the checkpoint does not name every shard once, in order")
    if tree_root([shard_leaf(head) for head in heads]) != checkpoint.root_hash:
        raise ProofRefused("the checkpoint's root is not the one over its shards")
    if sum(head.record_count for head in heads) != checkpoint.record_count:
        raise ProofRefused("the checkpoint's number of records is not that of its shards")
    if trusted_key is not None and checkpoint.public_key != trusted_key:
        raise ProofRefused("the checkpoint is signed by another key than the one you trust")
    instant = microseconds(checkpoint.create_time.seconds, checkpoint.create_time.nanos)
    numbers = (checkpoint.checkpoint_number, instant, checkpoint.record_count)
    signed = VERSION + b"C" + b"".join(number(each, 8) for each in numbers)
    signed += number(len(heads), 2) + checkpoint.root_hash
    try:
        key = Ed25519PublicKey.from_public_bytes(checkpoint.public_key)
        key.verify(checkpoint.signature, signed)
    except (InvalidSignature, ValueError):
        raise ProofRefused("the checkpoint's signature is wrong") from None


def verify_growth(before: ShardHead, after: ShardHead, path: Sequence[bytes]) -> None:
    """Check that a shard's later tree begins with the earlier one (RFC 9162, 2.1.4.2)."""
    named = f"shard {after.shard_id}"
    if before.batch_count > after.batch_count or before.record_count > after.record_count:
        raise ProofRefused(f"{named} has become smaller")
    if before.batch_count == after.batch_count:
        if path or before != after:
            raise ProofRefused(f"{named} has changed without growing")
        return
    if before.batch_count == 0:
        if path or before.root_hash != hashlib.sha256(b"").digest():
            raise ProofRefused(f"{named} was not empty")
        return
    # A tree of 2^n leaves is a node of the later one, so its root is not repeated in the path.
    complete = before.batch_count & (before.batch_count - 1) == 0
    hashes = [before.root_hash, *path] if complete else list(path)
    roots = roots_from_path(before.batch_count, after.batch_count, hashes)
    if roots != (before.root_hash, after.root_hash):
        raise ProofRefused(f"{named} does not go on where it was")


def roots_from_path(
    earlier_size: int, later_size: int, hashes: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """The roots of an earlier and a later tree that a path leads to (RFC 9162, 2.1.4.2)."""
    if not hashes:
        raise ProofRefused("a path is empty")
    earlier, later = earlier_size - 1, later_size - 1
    while earlier & 1:
        earlier, later = earlier >> 1, later >> 1
    earlier_root = later_root = hashes[0]
    for beside in hashes[1:]:
        if later == 0:
            raise ProofRefused("a path is too long")
        if earlier & 1 or earlier == later:
            earlier_root, later_root = pair(beside, earlier_root), pair(beside, later_root)
            while earlier and not earlier & 1:
                earlier, later = earlier >> 1, later >> 1
        else:
            later_root = pair(later_root, beside)
        earlier, later = earlier >> 1, later >> 1
    if later:
        raise ProofRefused("a path is too short")
    return earlier_root, later_root


def root_from_path(start: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that a path leads to from a leaf (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofRefused("the leaf is not within the tree")
    place, last, root = index, size - 1, start
    for beside in path:
        if last == 0:
            raise ProofRefused("the path is too long")
        if place & 1 or place == last:
            root = pair(beside, root)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            root = pair(root, beside)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofRefused("the path is too short")
    return root


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves, divided at the largest power of two below their number."""
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return pair(tree_root(leaves[:middle]), tree_root(leaves[middle:]))


def batch_hash(proof: InclusionProof, root: bytes) -> bytes:
    """The hash of the record's batch, over the one before it."""
    batch = proof.batch
    content = [
        b"\x02",
        VERSION,
        number(batch.shard_id, 2),
        number(batch.batch_number, 8),
        number(batch.first_position, 8),
        number(batch.record_count, 4),
        number(microseconds(batch.commit_time.seconds, batch.commit_time.nanos), 8),
        batch.previous_hash,
        root,
    ]
    if len(batch.previous_hash) != HASH_BYTES:
        raise ProofRefused("the hash before the batch is no hash")
    return hashlib.sha256(b"".join(content)).digest()


def shard_leaf(head: ShardHead) -> bytes:
    """A shard's leaf of the tree over all shards."""
    if len(head.chain_hash) != HASH_BYTES or len(head.root_hash) != HASH_BYTES:
        raise ProofRefused(f"shard {head.shard_id} has something else for a hash")
    numbers = number(head.shard_id, 2) + number(head.batch_count, 8) + number(head.record_count, 8)
    return leaf(VERSION + b"H" + numbers + head.chain_hash + head.root_hash)


def head_of(checkpoint: Checkpoint, shard_id: int) -> ShardHead:
    """The head of a shard; a checkpoint that was verified has them in order."""
    if not 0 <= shard_id < len(checkpoint.shard_heads):
        raise ProofRefused("the checkpoint knows no such shard")
    return checkpoint.shard_heads[shard_id]


def leaf(content: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + content).digest()


def pair(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    if len(left) != HASH_BYTES or len(right) != HASH_BYTES:
        raise ProofRefused("a path has something else for a hash")
    return hashlib.sha256(b"\x01" + left + right).digest()


def number(value: int, size: int) -> bytes:
    """A signed number in so many bytes."""
    try:
        return value.to_bytes(size, "big", signed=True)
    except OverflowError:
        raise ProofRefused(f"{value} does not fit into {size} bytes") from None


def microseconds(seconds: int, nanos: int) -> int:
    """An instant as the ledger counts it."""
    if nanos % 1000:
        raise ProofRefused("an instant is finer than microseconds")
    return seconds * 1_000_000 + nanos // 1000


def proved(
    checkpoint: Checkpoint, record: Fields | None = None, since: int | None = None
) -> Proved:
    """What a checkpoint now stands for."""
    return Proved(
        checkpoint_number=checkpoint.checkpoint_number,
        create_time=checkpoint.create_time.ToDatetime(UTC),
        record_count=checkpoint.record_count,
        public_key=checkpoint.public_key.hex(),
        record=record or {},
        since_checkpoint_number=since,
    )
