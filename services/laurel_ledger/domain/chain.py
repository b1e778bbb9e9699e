"""The chain over everything recorded: what has been posted cannot be changed unnoticed.

A record is a leaf, the leaves of a shard's batch are a Merkle tree (the shape of RFC 9162), and
the hash of each batch covers the hash of the one before it. The encoding is binary, with the length
before every part, and says its own version: digests never depend on how a date or a number is
printed.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from laurel_ledger.domain.transactions import Record, Rejection, Transaction

VERSION = b"laurel.ledger/1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NEVER = -1


def leaf_of(record: Record, *, shard_id: int, position: int) -> bytes:
    """The digest of one record at its place in the log."""
    place = struct.pack(">hq", shard_id, position)
    parts = _parts(record) if isinstance(record, Transaction) else _refused(record)
    return hashlib.sha256(b"\x00" + VERSION + place + b"".join(_framed(parts))).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root of the Merkle tree over at least one leaf."""
    level = list(leaves)
    while len(level) > 1:
        paired = [
            hashlib.sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        # An odd one out is carried up as it is, which gives RFC 9162's tree.
        level = paired + level[len(paired) * 2 :]
    return level[0]


def link_of(
    previous: bytes,
    root: bytes,
    *,
    shard_id: int,
    batch_no: int,
    first_position: int,
    item_count: int,
    commit_time: datetime,
) -> bytes:
    """The hash of a batch: everything that identifies it, after the hash of the batch before."""
    place = struct.pack(
        ">hqqiq", shard_id, batch_no, first_position, item_count, _microseconds(commit_time)
    )
    return hashlib.sha256(b"\x02" + VERSION + place + previous + root).digest()


def _parts(transaction: Transaction) -> Iterable[bytes]:
    """Everything of a transaction, in a fixed order."""
    key = transaction.key
    yield b"P"
    yield from _texts(*key, transaction.request_id, transaction.counter_account_id)
    yield struct.pack(
        ">hhqqqqq",
        transaction.type,
        transaction.given,
        transaction.amount,
        transaction.version,
        transaction.posted_after,
        _microseconds(transaction.commit_time),
        _microseconds(transaction.effective_time),
    )
    yield from _texts(transaction.reason, transaction.program_revision)
    for name in sorted(transaction.labels):
        yield from _texts(name, transaction.labels[name])
    for movement in transaction.movements:
        expiry = NEVER if movement.expire_time is None else _microseconds(movement.expire_time)
        yield (
            struct.pack(">iqqq", movement.lot_no, movement.amount, movement.position, expiry)
            + movement.funding_account_id.encode()
        )


def _refused(rejection: Rejection) -> Iterable[bytes]:
    """What makes a refusal: whose request, what it asked for and what it was told."""
    draft = rejection.draft
    yield b"R"
    yield from _texts(*draft.account_key, draft.request_id, draft.counter_account_id)
    yield struct.pack(
        ">hhqq", draft.type, draft.given, draft.amount, _microseconds(rejection.commit_time)
    )
    yield from _texts(type(rejection.error).__name__)


def _texts(*texts: str) -> Iterable[bytes]:
    return (text.encode() for text in texts)


def _framed(parts: Iterable[bytes]) -> Iterable[bytes]:
    """Each part after its length, so that no two lists of parts look alike."""
    for part in parts:
        yield struct.pack(">I", len(part))
        yield part


def _microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // MICROSECOND
