"""What time it is: the only place that asks the machine.

Services are handed a `Clock`. In sandbox mode it is a `SettableClock`, which
`laurel_kit.sandbox` moves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

NO_OFFSET = timedelta()


class Clock(Protocol):
    """Tells the present."""

    def now(self) -> datetime:
        """The present instant: aware, UTC, to the microsecond."""
        ...


class SystemClock:
    """The time of the machine."""

    def now(self) -> datetime:
        """The present instant of the machine."""
        return datetime.now(UTC)


def machine_nanoseconds() -> int:
    """Nanoseconds since 1970 by the machine: finer than `now`, for the order of ids alone."""
    return time.time_ns()


class SettableClock:
    """A clock that runs as another one does, but from where it was set.

    While it is held it stands still and moves by `set` alone, so that everything which falls due at
    one instant sees exactly that instant.
    """

    def __init__(self, base: Clock | None = None, *, offset: timedelta = NO_OFFSET) -> None:
        self._base = base or SystemClock()
        self._offset = offset
        self._held_at: datetime | None = None

    def now(self) -> datetime:
        """Where the clock stands."""
        return self._held_at or self._base.now() + self._offset

    def set(self, instant: datetime) -> None:
        """Put the clock to an instant, forward or back; it goes on from there."""
        assert instant.tzinfo is not None, "a naive instant is no instant"
        instant = instant.astimezone(UTC)
        self._offset = instant - self._base.now()
        if self._held_at is not None:
            self._held_at = instant

    @property
    def offset(self) -> timedelta:
        """How far the clock is ahead of its base; negative when behind."""
        return self._offset

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the clock stand still for the length of the block, then go on from there."""
        self._held_at = self.now()
        try:
            yield
        finally:
            stands_at = self.now()
            self._held_at = None
            self.set(stands_at)
