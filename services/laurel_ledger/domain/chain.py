"""The chain over everything recorded: what has been posted cannot be changed unnoticed.

A record is a leaf, the leaves of a shard's batch are a Merkle tree (the shape of RFC 9162), and
the hash of each batch covers the hash of the one before it. The encoding is binary, with lengths
before texts, and says its own version: digests never depend on how a date or a number is printed.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from laurel_ledger.domain.transactions import (
    HoldDraft,
    HoldEvent,
    Record,
    Rejection,
    Reversal,
    ReversalDraft,
    Transaction,
)

VERSION = b"laurel.ledger/1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NEVER = -1


def leaf_of(record: Record, *, shard_id: int, position: int) -> bytes:
    """The digest of one record at its place in the log."""
    place = struct.pack(">hq", shard_id, position)
    content = _posted(record) if isinstance(record, Transaction) else _refused(record)
    return hashlib.sha256(b"\x00" + VERSION + place + content).digest()


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


def _posted(transaction: Transaction) -> bytes:
    """Everything of a transaction, in a fixed order."""
    numbers = struct.pack(
        ">chhqqqqqh",
        b"P",
        transaction.type,
        transaction.given,
        transaction.amount,
        transaction.version,
        transaction.posted_after,
        _microseconds(transaction.commit_time),
        _microseconds(transaction.effective_time),
        len(transaction.movements),
    )
    texts = [
        *transaction.key,
        transaction.request_id,
        transaction.counter_account_id,
        transaction.reason,
        transaction.program_revision,
        *_labels(transaction.labels),
    ]
    for movement in transaction.movements:
        expiry = NEVER if movement.expire_time is None else _microseconds(movement.expire_time)
        numbers += struct.pack(">iqqq", movement.lot_no, movement.amount, movement.position, expiry)
        texts.append(movement.funding_account_id)
    # A part that only some transactions have stands last, behind what says its own length.
    return numbers + _framed(texts) + _reversed(transaction.reversal) + _held(transaction.hold)


def _held(event: HoldEvent | None) -> bytes:
    """What a change of a hold says beyond other transactions: the hold after it."""
    if event is None:
        return b""
    hold = event.hold
    numbers = struct.pack(
        ">cqqqqqqqqhch",
        b"H",
        hold.amount,
        hold.captured,
        hold.released,
        _microseconds(hold.create_time),
        _microseconds(hold.expire_time),
        event.held_after,
        event.expiring,
        _lifetime(event.lifetime),
        hold.state,
        b"F" if event.final else b"-",
        len(hold.pins),
    )
    for lot_no, amount in hold.pins:
        numbers += struct.pack(">iq", lot_no, amount)
    return numbers + _framed([hold.hold_id])


def _lifetime(lifetime: timedelta | None) -> int:
    return NEVER if lifetime is None else lifetime // MICROSECOND


def _reversed(reversal: Reversal | None) -> bytes:
    """What a reversal says beyond other transactions."""
    if reversal is None:
        return b""
    numbers = struct.pack(
        ">cqqqqhih",
        b"V",
        reversal.original_amount,
        reversal.reversed_before,
        reversal.requested,
        reversal.late,
        reversal.late_restore,
        reversal.grace_days,
        reversal.shortfall,
    )
    return numbers + _framed([reversal.reversed_request_id])


def _refused(rejection: Rejection) -> bytes:
    """What makes a refusal: whose request, what it asked for and what it was told."""
    draft = rejection.draft
    if isinstance(draft, ReversalDraft):
        return _refused_reversal(draft, rejection)
    if isinstance(draft, HoldDraft):
        return _refused_hold(draft, rejection)
    numbers = struct.pack(
        ">chhqqqq",
        b"R",
        draft.type,
        draft.given,
        draft.amount,
        _microseconds(rejection.commit_time),
        NEVER if draft.effective_time is None else _microseconds(draft.effective_time),
        NEVER if draft.expire_time is None else _microseconds(draft.expire_time),
    )
    texts = [
        *draft.account_key,
        draft.request_id,
        draft.counter_account_id,
        draft.reason,
        draft.program_revision,
        *_told(rejection),
        *_labels(draft.labels),
    ]
    return numbers + _framed(texts)


def _refused_reversal(draft: ReversalDraft, rejection: Rejection) -> bytes:
    """The same for a reversal."""
    numbers = struct.pack(
        ">chhqqqhih",
        b"W",
        draft.type,
        draft.given,
        NEVER if draft.amount is None else draft.amount,
        _microseconds(rejection.commit_time),
        NEVER if draft.effective_time is None else _microseconds(draft.effective_time),
        draft.late_restore,
        draft.grace_days,
        draft.shortfall,
    )
    texts = [
        *draft.account_key,
        draft.request_id,
        draft.reversed_request_id,
        draft.reason,
        draft.program_revision,
        *_told(rejection),
        *_labels(draft.labels),
    ]
    return numbers + _framed(texts)


def _refused_hold(draft: HoldDraft, rejection: Rejection) -> bytes:
    """The same for a change of a hold."""
    numbers = struct.pack(
        ">chhqqqc",
        b"I",
        draft.type,
        draft.given,
        NEVER if draft.amount is None else draft.amount,
        _microseconds(rejection.commit_time),
        _lifetime(draft.lifetime),
        b"F" if draft.final else b"-",
    )
    texts = [
        *draft.account_key,
        draft.request_id,
        draft.hold_id,
        draft.counter_account_id,
        draft.reason,
        draft.program_revision,
        *_told(rejection),
        *_labels(draft.labels),
    ]
    return numbers + _framed(texts)


def _told(rejection: Rejection) -> Iterator[str]:
    """Which refusal it was, with all that it said."""
    yield type(rejection.error).__name__
    for name, value in vars(rejection.error).items():
        yield f"{name}={value}"


def _labels(labels: Mapping[str, str]) -> Iterator[str]:
    """Names and values, in the order of the names."""
    for name in sorted(labels):
        yield name
        yield labels[name]


def _framed(texts: Sequence[str]) -> bytes:
    """All lengths, then all texts: no two lists of texts look alike."""
    encoded = [text.encode() for text in texts]
    lengths = struct.pack(f">{len(encoded) + 1}I", len(encoded), *map(len, encoded))
    return lengths + b"".join(encoded)


def _microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // MICROSECOND
