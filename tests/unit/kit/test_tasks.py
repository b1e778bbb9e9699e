"""Tasks that go on for ever end when they are told to, and clean up first."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from laurel_kit.tasks import end, heed_cancellation

TICK = timedelta(milliseconds=10)


class Losing:
    """A loop whose work turns a cancellation into a failure of its own, as drivers can."""

    def __init__(self, *, heeding: bool) -> None:
        """Whether the loop asks after each failure if it was told to end."""
        self.heeding = heeding
        self.cancellations = 0

    async def run(self) -> None:
        """Go on for ever."""
        while True:
            try:
                await self._work()
            except ConnectionError:
                if self.heeding:
                    heed_cancellation()

    async def _work(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancellations += 1
            if self.cancellations > 1:
                raise
            raise ConnectionError from None


async def test_a_cancellation_that_was_lost_is_heeded_at_the_next_failure() -> None:
    loop = Losing(heeding=True)
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(0)
    await asyncio.wait_for(end([task]), 1)
    assert (task.cancelled(), loop.cancellations) == (True, 1)


async def test_a_task_that_does_not_heed_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laurel_kit.tasks.CLEANUP_MAX", TICK)
    loop = Losing(heeding=False)
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(0)
    await asyncio.wait_for(end([task]), 1)
    assert (task.cancelled(), loop.cancellations) == (True, 2)


async def test_a_task_that_nobody_told_goes_on() -> None:
    heed_cancellation()
