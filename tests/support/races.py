"""Several transactions at one point at the same time, without sleeping."""

from __future__ import annotations

import asyncio


class Meeting:
    """Everybody waits here until all have come; the second time round nobody waits."""

    def __init__(self, people: int) -> None:
        self._people = people
        self._come = 0
        self._all_here = asyncio.Event()

    async def arrive(self) -> None:
        self._come += 1
        if self._come >= self._people:
            self._all_here.set()
        async with asyncio.timeout(60):
            await self._all_here.wait()
