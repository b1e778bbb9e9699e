"""How many calls are in flight, and whether further ones are let in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from laurel_kit.refusals import QueueFull, ShuttingDown


class Gate:
    """Lets calls in up to a limit, and none any more once it is closed.

    grpc's own limit stands behind it as a last resort; that one can give no reason and no
    RetryInfo.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.inside = 0
        self.closed = False
        self._streams: set[asyncio.Timeout] = set()

    def check(self) -> None:
        """Refuse the call that has just entered. Raises QueueFull or ShuttingDown."""
        if self.closed:
            raise ShuttingDown
        if self.inside > self.limit:
            raise QueueFull(limit=self.limit)

    @contextmanager
    def ending_with(self, clock: asyncio.Timeout) -> Iterator[None]:
        """While the block runs, closing the gate ends the work that `clock` times."""
        self._streams.add(clock)
        try:
            yield
        finally:
            self._streams.discard(clock)

    def close(self) -> None:
        """Let no call in any more, and end the streams that would go on for ever."""
        self.closed = True
        for clock in self._streams:
            if not clock.expired():
                clock.reschedule(asyncio.get_running_loop().time())
