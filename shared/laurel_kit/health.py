"""Health (grpc.health.v1) that lets a server end although somebody watches it."""

from __future__ import annotations

import asyncio
from typing import Any

from grpc_health.v1.health import aio


class Health(aio.HealthServicer):  # type: ignore[misc]  # The library has no types.
    """As the library's, but its watches end when the server does.

    A server that stops waits for the calls in flight, and a watch never ends by itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ended = asyncio.Event()

    async def Watch(self, request: Any, context: Any) -> None:  # noqa: N802  # The RPC's name.
        """The states of a service as they change, until the watcher goes or the server ends."""
        watch = asyncio.ensure_future(super().Watch(request, context))
        end = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((watch, end), return_when=asyncio.FIRST_COMPLETED)
        finally:
            watch.cancel()
            end.cancel()

    def end_watches(self) -> None:
        """Let every watch return."""
        self._ended.set()
