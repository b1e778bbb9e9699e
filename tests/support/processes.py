"""Processes that tests start and kill."""

from __future__ import annotations

import asyncio
from pathlib import Path

from laurel_cli.service_process import log_tail, wait_healthy

from tests.support.nursery import Born


async def wait_serving(process: Born, address: str, log: Path, patience: float) -> None:
    """Return once a service serves; fail with its last words when it ends, or takes too long."""
    serves, ends = (asyncio.ensure_future(each) for each in (wait_healthy(address), process.wait()))
    try:
        async with asyncio.timeout(patience):
            await asyncio.wait((serves, ends), return_when=asyncio.FIRST_COMPLETED)
    finally:
        serves.cancel()
        ends.cancel()
        await asyncio.gather(serves, ends, return_exceptions=True)
        assert not serves.cancelled(), f"{address}: {log_tail(log, 0)}"
