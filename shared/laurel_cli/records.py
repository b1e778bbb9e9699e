"""Records of the ledger as they are hashed, read back for people.

A record is `laurel.ledger/1`, a letter for its kind (P posted, R refused), the shard (2 bytes) and
the position (8), then the numbers of its kind, its texts, labels, and movements or facts. Numbers
are big-endian and signed, instants microseconds since 1970; texts, labels, movements and facts
stand after their length or number (4 bytes). What only reversals (V), changes of holds (H),
earnings that are not active at once (A) and changes of lots (L) have stands last, after that
letter, and so do the lines of spendings (S) and of their reversals (N), which points were taken
first (O) and what they cost (C), and who is on the other side of a transfer (T), the lots that a
merge carried (M), and what is on the other side of an exchange (X).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

VERSION = b"laurel.ledger/1"
NO_INSTANT = -(1 << 63)
TYPES = dict(
    enumerate(
        (
            *("earn", "spend", "expiry", "spend reversal", "earn reversal", "capture", "hold"),
            *("release", "lapse", "extension", "activation", "freeze", "thaw", "voiding"),
            *("repayment", "lot extension", "transfer out", "transfer in"),
            *("exchange out", "exchange in", "merge out", "merge in"),
        ),
        start=1,
    )
)

Fields = dict[str, object]
"""What a record says, by name."""


class ProofRefused(Exception):
    """The proof does not hold; the text says why."""


class Reader:
    """Reads the parts of a record one after the other."""

    def __init__(self, content: bytes) -> None:
        self._left = content

    def take(self, size: int) -> bytes:
        """The next bytes."""
        taken, self._left = self._left[:size], self._left[size:]
        if len(taken) != size:
            raise ProofRefused("the record ends too early")
        return taken

    def integer(self, size: int = 8) -> int:
        """A number."""
        return int.from_bytes(self.take(size), "big", signed=True)

    def text(self) -> str:
        """A text after its length."""
        try:
            return self.take(self.integer(4)).decode()
        except UnicodeDecodeError:
            raise ProofRefused("a text of the record is none") from None

    def instant(self) -> str | None:
        """An instant, None for the one that stands for none."""
        counted = self.integer()
        if counted == NO_INSTANT:
            return None
        try:
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=counted)).isoformat()
        except OverflowError:
            raise ProofRefused("an instant of the record is none") from None

    def several(self, read: Callable[[], object]) -> list[object]:
        """A number of things of one kind."""
        return [read() for _ in range(self.integer(4))]

    def letter(self) -> bytes:
        """What kind of part follows; nothing at the end."""
        return self.take(1) if self._left else b""

    def end(self) -> None:
        """Nothing may be left."""
        if self._left:
            raise ProofRefused("the record goes on behind its end")


def read_record(content: bytes) -> Fields:
    """What a record says. Raises ProofRefused for what is no record."""
    reader = Reader(content)
    if reader.take(len(VERSION)) != VERSION:
        raise ProofRefused("the record is of a version that is not known here")
    kind = reader.take(1)
    place = {"shard": reader.integer(2), "position": reader.integer()}
    if kind not in (b"P", b"R"):
        raise ProofRefused("the record is of a kind that is not known here")
    record = read_posted(reader) if kind == b"P" else read_refused(reader)
    reader.end()
    return place | record


def read_posted(reader: Reader) -> Fields:
    """A transaction."""
    type_ = reader.integer(2)
    reader.integer(2)
    return {
        "outcome": "posted",
        "type": TYPES.get(type_, str(type_)),
        "amount": reader.integer(),
        "version": reader.integer(),
        "posted_after": reader.integer(),
        "commit_time": reader.instant(),
        "effective_time": reader.instant(),
        **read_names(reader),
        "lot_movements": reader.several(lambda: read_movement(reader)),
        **read_parts(
            reader,
            {
                b"V": read_reversal,
                b"H": read_hold,
                b"A": read_activation,
                b"L": read_lot_change,
                b"S": read_spending,
                b"O": read_lot_policy,
                b"C": read_cost,
                b"N": read_line_reversals,
                b"T": read_transfer,
                b"M": read_carried_lots,
                b"X": read_exchange,
            },
        ),
    }


def read_parts(reader: Reader, parts: dict[bytes, Callable[[Reader], Fields]]) -> Fields:
    """What only some records have; nothing for the others."""
    found: Fields = {}
    while letter := reader.letter():
        if letter not in parts:
            raise ProofRefused("a part of the record is of a kind that is not known here")
        found |= parts[letter](reader)
    return found


def read_spending(reader: Reader) -> Fields:
    """What a spending says beyond its amount."""
    numbers: Fields = {"requested": reader.integer(), "spend_shortfall": reader.integer(2)}
    return numbers | {"lines": reader.several(lambda: {reader.text(): reader.integer()})}


def read_lot_policy(reader: Reader) -> Fields:
    """Which points a spending took first, where not those that expire soonest."""
    return {"lot_policy": reader.integer(2)}


def read_cost(reader: Reader) -> Fields:
    """What the points of an earning cost."""
    return {"cost_fen": reader.integer()}


def read_line_reversals(reader: Reader) -> Fields:
    """What a reversal did to lines, and what was asked of them."""
    lines = reader.several(
        lambda: {
            "line_id": reader.text(),
            "reversed_before": reader.integer(),
            "amount": reader.integer(),
        }
    )
    return {"lines": lines} | read_asked_lines(reader)


def read_transfer(reader: Reader) -> Fields:
    """The other member of a transfer, and that member's transaction."""
    return {"other_member_id": reader.text(), "other_request_id": reader.text()}


def read_exchange(reader: Reader) -> Fields:
    """The transaction of the other asset of an exchange."""
    return {
        "other_asset_id": reader.text(),
        "other_request_id": reader.text(),
        "other_amount": reader.integer(),
    }


def read_wanted_asset(reader: Reader) -> Fields:
    """Which points were to come in a refused exchange."""
    return {"to_asset_id": reader.text()}


def read_carried_lots(reader: Reader) -> Fields:
    """Lots that a merge opened and whose points wait, or waited."""
    lots = reader.several(
        lambda: {
            "lot_no": reader.integer(4),
            "active_time": reader.instant(),
            "activated": reader.take(1) == b"F",
            "activation_key": reader.text(),
        }
    )
    return {"carried_lots": lots}


def read_receiver(reader: Reader) -> Fields:
    """Who was to get the points of a refused transfer."""
    return {"to_member_id": reader.text()}


def read_asked_lines(reader: Reader) -> Fields:
    """Lines that were to be reversed; 0 stands for all that is left of one."""
    return {"asked_lines": reader.several(lambda: {reader.text(): reader.integer()})}


def read_reversal(reader: Reader) -> Fields:
    """What a transaction reversed."""
    numbers: Fields = {
        name: reader.integer()
        for name in ("original_amount", "reversed_before", "requested", "late")
    }
    terms: Fields = {
        "late_restore": reader.integer(2),
        "grace_days": reader.integer(4),
        "shortfall": reader.integer(2),
    }
    return {"reversal": numbers | terms | {"reversed_request_id": reader.text()}}


def read_hold(reader: Reader) -> Fields:
    """What a transaction did to a hold, and the hold after it."""
    hold: Fields = {
        "amount": reader.integer(),
        "captured": reader.integer(),
        "released": reader.integer(),
        "create_time": reader.instant(),
        "expire_time": reader.instant(),
        "held_after": reader.integer(),
        "expiring": reader.integer(),
        "lifetime": read_span(reader),
        "state": reader.integer(2),
        "final": reader.take(1) == b"F",
        "hold_id": reader.text(),
    }
    pins = reader.several(lambda: {str(reader.integer(4)): reader.integer()})
    return {"hold": hold | {"pins": pins}}


def read_activation(reader: Reader) -> Fields:
    """From when on, or on what, earned points can be spent."""
    return {"active_time": reader.instant(), "activation_key": reader.text()}


def read_lot_change(reader: Reader) -> Fields:
    """Which lots a transaction changed, each with its points, and how they were chosen."""
    chosen = read_chosen_lots(reader)
    lots = reader.several(lambda: {str(reader.integer(4)): reader.integer()})
    return chosen | {"lots": lots}


def read_chosen_lots(reader: Reader) -> Fields:
    """How lots were chosen."""
    return {
        "lot_ids": reader.several(lambda: str(reader.integer(4))),
        "with_activation_key": reader.text(),
        "with_freeze_key": reader.text(),
    }


def read_reversal_asked(reader: Reader) -> Fields:
    """What a refused reversal asked for."""
    terms: Fields = {
        "late_restore": reader.integer(2),
        "grace_days": reader.integer(4),
        "shortfall": reader.integer(2),
    }
    return terms | {"reversed_request_id": reader.text()}


def read_hold_asked(reader: Reader) -> Fields:
    """What a refused change of a hold asked for."""
    lifetime = read_span(reader)
    return {"lifetime": lifetime, "final": reader.take(1) == b"F", "hold_id": reader.text()}


def read_span(reader: Reader) -> int | None:
    """A span in microseconds, None where there is none."""
    counted = reader.integer()
    return None if counted == NO_INSTANT else counted


def read_refused(reader: Reader) -> Fields:
    """A refusal that is the outcome of its request for ever."""
    type_ = reader.integer(2)
    reader.integer(2)
    return {
        "outcome": "refused",
        "type": TYPES.get(type_, str(type_)),
        "amount": reader.integer(),
        "commit_time": reader.instant(),
        "effective_time": reader.instant(),
        "expire_time": reader.instant(),
        **read_names(reader),
        "refusal": reader.text(),
        "facts": reader.several(lambda: read_fact(reader)),
        **read_parts(
            reader,
            {
                b"V": read_reversal_asked,
                b"H": read_hold_asked,
                b"A": read_activation,
                b"L": read_chosen_lots,
                b"S": read_spending,
                b"O": read_lot_policy,
                b"C": read_cost,
                b"N": read_asked_lines,
                b"T": read_receiver,
                b"X": read_wanted_asset,
            },
        ),
    }


def read_names(reader: Reader) -> Fields:
    """The texts and labels that every record has."""
    names = (
        *("program_id", "member_id", "asset_id", "request_id", "counter_account_id"),
        *("reason", "program_revision"),
    )
    texts: Fields = {name: reader.text() for name in names}
    return texts | {"labels": reader.several(lambda: {reader.text(): reader.text()})}


def read_movement(reader: Reader) -> Fields:
    """What happened to a lot."""
    return {
        "lot_id": str(reader.integer(4)),
        "amount": reader.integer(),
        "position": reader.integer(),
        "expire_time": reader.instant(),
        "funding_account_id": reader.text(),
    }


def read_fact(reader: Reader) -> Fields:
    """Something that a refusal says."""
    name, kind = reader.text(), reader.take(1)
    readers: dict[bytes, Callable[[], object]] = {
        b"s": reader.text,
        b"i": reader.integer,
        b"t": reader.instant,
    }
    if kind not in readers:
        raise ProofRefused("a fact of the record is of a kind that is not known here")
    return {name: readers[kind]()}
