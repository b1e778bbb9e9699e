"""What a test leaves running in the loop that it shares with others."""

from __future__ import annotations

import asyncio

ROUNDS = 20
"""Turns of the loop in which a task that is about to end may end."""


def left_behind(loop: asyncio.AbstractEventLoop, before: set[asyncio.Task[object]]) -> list[str]:
    """The tasks that were not there before and do not end by themselves; they are cancelled."""
    for _ in range(ROUNDS):
        left = [task for task in asyncio.all_tasks(loop) - before if not task.done()]
        if not left:
            return []
        loop.run_until_complete(asyncio.sleep(0))
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    return [repr(task.get_coro()) for task in left]
