"""What a test leaves running in the loop that it shares with others."""

from __future__ import annotations

import asyncio

PATIENCE = 60.0
"""Seconds in which a task that is about to end may end; a server on a busy machine takes some."""


def left_behind(loop: asyncio.AbstractEventLoop, before: set[asyncio.Task[object]]) -> list[str]:
    """The tasks that were not there before and do not end by themselves; they are cancelled."""
    left = asyncio.all_tasks(loop) - before
    if not left:
        return []
    _, left = loop.run_until_complete(asyncio.wait(left, timeout=PATIENCE))
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    return [repr(task.get_coro()) for task in left]
