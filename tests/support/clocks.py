"""Clocks for tests: they move when they are told to."""

from __future__ import annotations

from datetime import UTC, datetime

from laurel_kit.clock import SettableClock

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
"""Noon of 10 March 2026 in Shanghai."""


class StandingClock:
    """A clock that stands still."""

    def __init__(self, instant: datetime = NOON) -> None:
        self._instant = instant

    def now(self) -> datetime:
        return self._instant


def settable_clock(instant: datetime = NOON) -> SettableClock:
    """A clock that stands where it is set."""
    return SettableClock(StandingClock(instant))
