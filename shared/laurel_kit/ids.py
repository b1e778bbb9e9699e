"""Ids that we make: UUID version 7, whose order is the order in which they were made."""

from __future__ import annotations

import secrets
import threading
from uuid import UUID

from laurel_kit.clock import machine_nanoseconds

RANDOM_BITS = 62
COUNTER_BITS = 12
NANOSECONDS_OF_MILLISECOND = 1_000_000


class IdMaker:
    """Makes ids that strictly increase within the process, even if the machine's clock steps back.

    The 48 bits of milliseconds are followed by 12 bits of their fraction (RFC 9562, method 3).
    Ids are named by the machine's time and never by a sandbox clock: order and uniqueness must hold
    when that one is set back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest = 0

    def make(self) -> UUID:
        """The next id."""
        with self._lock:
            self._latest = max(self._latest + 1, fine_time(machine_nanoseconds()))
            stamp = self._latest
        milliseconds, fraction = divmod(stamp, 1 << COUNTER_BITS)
        return UUID(
            int=milliseconds << 80
            | 0x7 << 76
            | fraction << 64
            | 0b10 << RANDOM_BITS
            | secrets.randbits(RANDOM_BITS)
        )


def fine_time(nanoseconds: int) -> int:
    """Milliseconds since 1970 with 12 bits of fraction, about 244 ns each."""
    milliseconds, rest = divmod(nanoseconds, NANOSECONDS_OF_MILLISECOND)
    return milliseconds << COUNTER_BITS | (rest << COUNTER_BITS) // NANOSECONDS_OF_MILLISECOND


_MAKER = IdMaker()


def new_id() -> str:
    """A new id as text: 36 characters, sorting by the time of making."""
    return str(_MAKER.make())
