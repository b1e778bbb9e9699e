"""Ending the tasks that go on for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

CLEANUP_MAX = timedelta(seconds=10)
"""How long a task that is cancelled may clean up before it is cancelled again."""


async def end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until all have ended.

    A cancellation that comes while a connection is given back would leave the pool in disorder,
    so it is repeated only after long: loops heed the first one by `heed_cancellation`.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CLEANUP_MAX.total_seconds())


def heed_cancellation() -> None:
    """End the current task if it was asked to end; for loops that go on after any error.

    A cancellation can be lost to the failure of what the task was doing, for example when its
    connection was closed beneath it at the same moment. Raises CancelledError.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
