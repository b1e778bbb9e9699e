"""The chain over everything recorded: what has been posted cannot be changed unnoticed.

A record is a leaf, the leaves of a shard's batch are a Merkle tree (the shape of RFC 9162), and
the hash of each batch covers the hash of the one before it. The encoding is binary, with the length
or the number before everything that varies, and says its own version: digests never depend on how a
date or a number is printed, and no two records are encoded alike.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from laurel_ledger.domain.changes import Activation, Exchange, HoldEvent, LotChange, Transfer
from laurel_ledger.domain.reversal_terms import Reversal
from laurel_ledger.domain.spendings import AskedLine, LineReversals, LotPolicy, Spending
from laurel_ledger.domain.transactions import (
    AnyDraft,
    Draft,
    HoldDraft,
    LotDraft,
    Record,
    Rejection,
    ReversalDraft,
    Transaction,
)
from laurel_ledger.domain.trees import hash_of_leaf

VERSION = b"laurel.ledger/1"
POSTED = b"P"
REFUSED = b"R"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NEVER = -(2**63)
"""The instant that stands for none: no other one is encoded so."""

MARK_BYTES = 4
"""How much of a record's digest the log keeps."""

USUAL_MAX = 1024
"""Texts and instants that are kept encoded: ids of a program, what it names, ends of lots."""

_PLACE = struct.Struct(">hq")
_POSTED = struct.Struct(">15s1shqhhqqqqq")
_REFUSED = struct.Struct(">hhqqqq")
_MOVEMENT = struct.Struct(">iqqq")
_LINK = struct.Struct(">hqqiq")
_COUNT = struct.Struct(">I")
_NUMBER = struct.Struct(">q")
NO_LABELS = _COUNT.pack(0)
_REVERSAL = struct.Struct(">cqqqqhih")
_HOLD = struct.Struct(">cqqqqqqqqhc")
_PIN = struct.Struct(">iq")
_SPENDING = struct.Struct(">qhI")
_TYPE = struct.Struct(">h")
_REVERSAL_ASKED = struct.Struct(">chih")
_HOLD_ASKED = struct.Struct(">cqc")

Fact = str | int | datetime
"""What a refusal says: names, numbers, instants."""


def leaf_of(record: Record, *, shard_id: int, position: int) -> bytes:
    """The digest of one record at its place in the log."""
    return hash_of_leaf(record_bytes(record, shard_id=shard_id, position=position))


def record_bytes(record: Record, *, shard_id: int, position: int) -> bytes:
    """A record as it is hashed: version, kind, place, numbers, texts, labels, and what its kind
    adds.
    """
    if isinstance(record, Transaction):
        return b"".join(_posted(record, shard_id, position))
    place = _PLACE.pack(shard_id, position)
    return b"".join((VERSION, REFUSED, place, *_refused(record)))


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
    place = _LINK.pack(shard_id, batch_no, first_position, item_count, microseconds(commit_time))
    return sha256(b"\x02" + VERSION + place + previous + root).digest()


def marks_of(leaves: Iterable[bytes]) -> bytes:
    """The beginnings of the digests of a batch, one after the other: which record was changed, they
    tell; that one was, the root tells for sure.
    """
    return b"".join(leaf[:MARK_BYTES] for leaf in leaves)


def microseconds(instant: datetime) -> int:
    """An instant as a number."""
    return (instant - EPOCH) // MICROSECOND


def _posted(transaction: Transaction, shard_id: int, position: int) -> list[bytes]:
    """Everything of a transaction, in a fixed order. Written out for what every one has."""
    commit_time = effective_time = microseconds(transaction.commit_time)
    if transaction.effective_time is not transaction.commit_time:
        effective_time = microseconds(transaction.effective_time)
    key, movements, labels = transaction.key, transaction.movements, transaction.labels
    member_id, request_id = key.member_id.encode(), transaction.request_id.encode()
    parts = [
        _POSTED.pack(
            VERSION,
            POSTED,
            shard_id,
            position,
            transaction.type,
            transaction.given,
            transaction.amount,
            transaction.version,
            transaction.posted_after,
            commit_time,
            effective_time,
        ),
        _usual_text_bytes(key.program_id),
        _COUNT.pack(len(member_id)),
        member_id,
        _usual_text_bytes(key.asset_id),
        _COUNT.pack(len(request_id)),
        request_id,
        _usual_text_bytes(transaction.counter_account_id),
        _usual_text_bytes(transaction.reason),
        _usual_text_bytes(transaction.program_revision),
        labels_bytes(labels) if labels else NO_LABELS,
        _COUNT.pack(len(movements)),
    ]
    for movement in movements:
        expire_time = _usual_instant(movement.expire_time)
        parts += (
            _MOVEMENT.pack(movement.lot_no, movement.amount, movement.position, expire_time),
            _usual_text_bytes(movement.funding_account_id),
        )
    # What only some transactions have stands last, behind what says its own length.
    if transaction.reversal is not None:
        parts += _reversal(transaction.reversal)
    if transaction.hold is not None:
        parts += _hold_event(transaction.hold)
    if transaction.activation is not None:
        parts += _activation(transaction.activation)
    if transaction.lots is not None:
        parts += _lot_change(transaction.lots)
    if transaction.transfer is not None or transaction.conversion is not None:
        parts += _other_side(transaction.transfer, transaction.conversion)
    if transaction.spending is not None or transaction.cost is not None:
        parts += _event(transaction.spending, transaction.cost)
    if transaction.reversal is not None and transaction.reversal.of_lines is not None:
        parts += _line_reversals(transaction.reversal.of_lines)
    return parts


def _event(spending: Spending | None, cost: int | None) -> Iterable[bytes]:
    """What a spending says beyond its amount, or what an earning cost."""
    if spending is not None:
        yield from _spending(spending)
    if cost is not None:
        yield b"C" + _NUMBER.pack(cost)


def _other_side(transfer: Transfer | None, exchange: Exchange | None) -> Iterable[bytes]:
    """The transaction on the other side, of another member or of another asset."""
    if transfer is not None:
        yield b"T" + text_bytes(transfer.member_id) + text_bytes(transfer.request_id)
        if transfer.lots:
            yield b"M" + _COUNT.pack(len(transfer.lots))
        for lot in transfer.lots:
            yield _PIN.pack(lot.lot_no, _or_never(lot.active_time)) + _flag(lot.activated)
            yield text_bytes(lot.activation_key or "")
    if exchange is not None:
        yield b"X" + text_bytes(exchange.asset_id) + text_bytes(exchange.request_id)
        yield _NUMBER.pack(exchange.amount)


def _spending(spending: Spending) -> Iterable[bytes]:
    """What a spending says beyond its amount."""
    yield b"S" + _SPENDING.pack(spending.requested, spending.shortfall, len(spending.lines))
    for line_id, amount in spending.lines:
        yield text_bytes(line_id) + _NUMBER.pack(amount)
    if spending.lot_policy is not LotPolicy.SOONEST_EXPIRY:
        yield b"O" + _TYPE.pack(spending.lot_policy)


def _line_reversals(done: LineReversals) -> Iterable[bytes]:
    """What a reversal did to lines, and what was asked of them."""
    yield b"N" + _COUNT.pack(len(done.lines))
    for line_id, before, amount in done.lines:
        yield text_bytes(line_id) + _NUMBER.pack(before) + _NUMBER.pack(amount)
    yield from _asked_lines(done.asked)


def _asked_lines(asked: Sequence[AskedLine]) -> Iterable[bytes]:
    """Lines to reverse after their number, 0 for all that is left of one."""
    yield _COUNT.pack(len(asked))
    for line_id, amount in asked:
        yield text_bytes(line_id) + _NUMBER.pack(amount or 0)


def _activation(activation: Activation) -> Iterable[bytes]:
    """From when on, or on what, earned points can be spent."""
    yield b"A" + _NUMBER.pack(_or_never(activation.time))
    yield text_bytes(activation.key or "")


def _lot_change(change: LotChange) -> Iterable[bytes]:
    """What a change of lots says beyond other transactions."""
    yield from _chosen_lots(change)
    yield _COUNT.pack(len(change.lots))
    for lot in change.lots:
        yield _PIN.pack(*lot)


def _chosen_lots(chosen: LotChange | LotDraft) -> Iterable[bytes]:
    """How lots were chosen."""
    yield b"L" + _COUNT.pack(len(chosen.lot_nos))
    for lot_no in chosen.lot_nos:
        yield _COUNT.pack(lot_no)
    yield text_bytes(chosen.activation_key)
    yield text_bytes(chosen.freeze_key)


def _reversal(reversal: Reversal) -> Iterable[bytes]:
    """What a reversal says beyond other transactions."""
    yield _REVERSAL.pack(
        b"V",
        reversal.original_amount,
        reversal.reversed_before,
        reversal.requested,
        reversal.late,
        reversal.late_restore,
        reversal.grace_days,
        reversal.shortfall,
    )
    yield text_bytes(reversal.reversed_request_id)


def _hold_event(event: HoldEvent) -> Iterable[bytes]:
    """What a change of a hold says beyond other transactions: the hold after it."""
    hold = event.hold
    yield _HOLD.pack(
        b"H",
        hold.amount,
        hold.captured,
        hold.released,
        microseconds(hold.create_time),
        microseconds(hold.expire_time),
        event.held_after,
        event.expiring,
        _span(event.lifetime),
        hold.state,
        _flag(event.final),
    )
    yield text_bytes(hold.hold_id)
    yield _COUNT.pack(len(hold.pins))
    for pin in hold.pins:
        yield _PIN.pack(*pin)


def _refused(rejection: Rejection) -> Iterable[bytes]:
    """Everything of a refusal: whose request, what it asked for and what it was told."""
    draft = rejection.draft
    yield _REFUSED.pack(
        draft.type,
        draft.given,
        draft.amount or 0,
        microseconds(rejection.commit_time),
        _or_never(draft.effective_time),
        _or_never(draft.expire_time if isinstance(draft, Draft) else None),
    )
    yield from map(text_bytes, draft.account_key)
    yield text_bytes(draft.request_id)
    yield text_bytes("" if isinstance(draft, ReversalDraft) else draft.counter_account_id)
    yield text_bytes(draft.reason)
    yield text_bytes(draft.program_revision)
    yield labels_bytes(draft.labels)
    yield text_bytes(type(rejection.error).__name__)
    facts = vars(rejection.error)
    yield _COUNT.pack(len(facts))
    for name in sorted(facts):
        yield text_bytes(name)
        yield _fact(facts[name])
    yield from _asked(draft)


def _asked(draft: AnyDraft) -> Iterable[bytes]:
    """What only some drafts ask for; stands last."""
    if isinstance(draft, ReversalDraft):
        yield _REVERSAL_ASKED.pack(b"V", draft.late_restore, draft.grace_days, draft.shortfall)
        yield text_bytes(draft.reversed_request_id)
        if draft.lines:
            yield b"N"
            yield from _asked_lines(draft.lines)
    elif isinstance(draft, HoldDraft):
        yield _HOLD_ASKED.pack(b"H", _span(draft.lifetime), _flag(draft.final))
        yield text_bytes(draft.hold_id)
    elif isinstance(draft, LotDraft):
        yield from _chosen_lots(draft)
    elif draft.cost is not None or draft.activation is not None:
        yield from _asked_of_earning(draft)
    elif draft.spending is not None:
        yield from _spending(draft.spending)
    elif draft.to_member_id:
        yield b"T" + text_bytes(draft.to_member_id)
    elif draft.to_asset_id:
        yield b"X" + text_bytes(draft.to_asset_id)


def _asked_of_earning(draft: Draft) -> Iterable[bytes]:
    """On what the points wait, and what they cost."""
    if draft.activation is not None:
        yield from _activation(draft.activation)
    if draft.cost is not None:
        yield b"C" + _NUMBER.pack(draft.cost)


def text_bytes(text: str) -> bytes:
    """A text after its length."""
    encoded = text.encode()
    return _COUNT.pack(len(encoded)) + encoded


@lru_cache(USUAL_MAX)
def _usual_text_bytes(text: str) -> bytes:
    """The same for a text that most records share."""
    return text_bytes(text)


def labels_bytes(labels: Mapping[str, str]) -> bytes:
    """Names and values after their number, by name."""
    if not labels:
        return NO_LABELS
    pairs = (text_bytes(name) + text_bytes(labels[name]) for name in sorted(labels))
    return _COUNT.pack(len(labels)) + b"".join(pairs)


def _fact(fact: Fact) -> bytes:
    """What a refusal says, after a letter for what it is."""
    if isinstance(fact, str):
        return b"s" + text_bytes(fact)
    if isinstance(fact, datetime):
        return b"t" + _NUMBER.pack(microseconds(fact))
    return b"i" + _NUMBER.pack(fact)


def _or_never(instant: datetime | None) -> int:
    return NEVER if instant is None else microseconds(instant)


@lru_cache(USUAL_MAX)
def _usual_instant(instant: datetime | None) -> int:
    """The same for an instant that most records share, such as the end of a year."""
    return _or_never(instant)


def _span(lifetime: timedelta | None) -> int:
    return NEVER if lifetime is None else lifetime // MICROSECOND


def _flag(holds: bool) -> bytes:  # One fact, no option.
    return b"F" if holds else b"-"
