"""Posted transactions as the bytes of their messages: what is usual of them, packed in one go.

A message is made of them by one call, where setting it field by field is one call for each of its
fields. A test holds both equal. Where a transaction has what only some have, nothing is packed.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from laurel_ledger.domain.accounts import AccountKind, Movement
from laurel_ledger.domain.transactions import COUNTER_KIND, Transaction
from laurel_ledger.wire.instants import (
    EPOCH,
    NANOSECONDS_OF_MICROSECOND,
    SECONDS_OF_DAY,
)

USUAL_MAX = 1024
"""Texts and instants that are kept packed: ids of a program, what it names, ends of lots."""
BITS = 7
"""Of a number in each byte."""
MORE = 1 << BITS
"""Says that another byte follows."""
LOW = MORE - 1
"""The bits of a byte that count."""
NUMBERS_MAX = 16_384
"""Numbers that are kept packed."""
NUMBERS = 1 << 64
"""Those below zero are counted down from here."""
REPLAYED = b"\x18\x01"


def packed_transaction(transaction: Transaction) -> bytes | None:
    """The content of its message; None where it has what only some transactions have."""
    if (
        transaction.labels
        or transaction.reversal is not None
        or transaction.activation is not None
        or transaction.lots is not None
        or transaction.transfer is not None
        or transaction.conversion is not None
        or transaction.spending is not None
        or transaction.cost is not None
        or transaction.hold is not None
        or (kind := COUNTER_KIND.get(transaction.type)) is None
    ):
        return None
    key, signed, counter = (
        transaction.key,
        transaction.signed_amount,
        transaction.counter_account_id,
    )
    member, request = key.member_id.encode(), transaction.request_id.encode()
    entry = (
        _NAMED[len(member)] if len(member) < MORE else b"\x12" + number(len(member)),
        member,
        b"\x18",
        number(signed),
        b"\x20",
        number(transaction.version),
        b"\x28",
        number(transaction.posted_after),
    )
    debt, moved = -signed, []
    for movement in transaction.movements:
        debt += movement.amount
        moved.append(_movement(movement))
    commit_time, effective_time = transaction.commit_time, transaction.effective_time
    committed = instant(commit_time)
    return b"".join(
        (
            usual_text(b"\x0a", key.program_id),
            b"\x12",
            number(len(request)),
            request,
            b"\x1a",
            number(len(member)),
            member,
            usual_text(b"\x22", key.asset_id),
            b"\x28",
            number(transaction.type),
            b"\x30",
            number(transaction.amount),
            b"\x3a",
            number(2 + sum(map(len, entry))),
            b"\x08\x01",
            *entry,
            _counter_entry(kind, counter, -signed),
            *moved,
            b"\x4a",
            committed,
            b"\x52",
            committed if effective_time is commit_time else instant(effective_time),
            usual_text(b"\x5a", transaction.reason),
            usual_text(b"\x6a", transaction.program_revision),
            b"\x78",
            number(debt),
        )
    )


def packed_result(content: bytes, *, replayed: bool) -> bytes:
    """A transaction as one of the results of a batch or a message of a stream."""
    result = b"\x0a" + number(len(content)) + content + (REPLAYED if replayed else b"")
    return within_results(result)


def within_results(result: bytes) -> bytes:
    """One more result."""
    return b"\x0a" + number(len(result)) + result


def _number(value: int) -> bytes:
    """A number, seven bits a byte."""
    if value < 0:
        value += NUMBERS
    packed = bytearray()
    while value >= MORE:
        packed.append(value % MORE | MORE)
        value >>= BITS
    packed.append(value)
    return bytes(packed)


number = lru_cache(NUMBERS_MAX)(_number)
"""The same, kept: amounts, balances, versions and lengths are much the same ones all day."""
_NAMED = [b"\x12" + number(length) for length in range(MORE)]


@lru_cache(USUAL_MAX)
def usual_text(tag: bytes, text: str) -> bytes:
    """A field with a text that most messages share."""
    encoded = text.encode()
    return tag + number(len(encoded)) + encoded


def instant(value: datetime) -> bytes:
    """An instant as the content of a field, its nanoseconds always in five bytes."""
    since = value - EPOCH
    nanos = since.microseconds * NANOSECONDS_OF_MICROSECOND
    return _second(since.days * SECONDS_OF_DAY + since.seconds) + bytes(
        (
            nanos & LOW | MORE,
            nanos >> 7 & LOW | MORE,
            nanos >> 14 & LOW | MORE,
            nanos >> 21 & LOW | MORE,
            nanos >> 28,
        )
    )


@lru_cache(USUAL_MAX)
def _second(value: int) -> bytes:
    second = _number(value)
    return number(len(second) + 7) + b"\x08" + second + b"\x10"


@lru_cache(USUAL_MAX)
def _end(expire_time: datetime | None) -> bytes:
    return b"" if expire_time is None else b"\x2a" + instant(expire_time)


@lru_cache(USUAL_MAX)
def _counter_entry(kind: AccountKind, account_id: str, amount: int) -> bytes:
    content = b"\x08" + number(kind) + usual_text(b"\x12", account_id) + b"\x18" + number(amount)
    return b"\x3a" + number(len(content)) + content


def _movement(movement: Movement) -> bytes:
    content = b"".join(
        (
            _lot_id(movement.lot_no),
            b"\x10",
            number(movement.amount),
            b"\x18",
            number(movement.position),
            usual_text(b"\x22", movement.funding_account_id),
            _end(movement.expire_time),
        )
    )
    return b"\x42" + number(len(content)) + content


@lru_cache(USUAL_MAX)
def _lot_id(lot_no: int) -> bytes:
    return usual_text(b"\x0a", str(lot_no))
