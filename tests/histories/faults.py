"""What can happen to a ledger while it is used, each for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from tests.histories.stand import Stand
from tests.support.outages import Wire

MOMENT = 0.15
DELAY = 0.02


async def cut(wire: Wire) -> None:
    """Every connection is reset, and new ones are refused for a moment."""
    await wire.cut()
    await asyncio.sleep(MOMENT)
    await wire.mend()


async def slow(wire: Wire) -> None:
    """Everything takes longer."""
    wire.delay = DELAY
    await asyncio.sleep(4 * MOMENT)
    wire.delay = 0.0


async def half_open(wire: Wire) -> None:
    """The server hears everything and nobody hears the server, until the connections break."""
    wire.deaf = True
    await asyncio.sleep(MOMENT)
    await wire.cut()
    wire.deaf = False
    await wire.mend()


async def lose_commit(wire: Wire) -> None:
    """The next commit arrives, and its answer does not."""
    wire.lose_answer_to = b"COMMIT"
    await asyncio.sleep(MOMENT)
    wire.lose_answer_to = b""


Fault = Callable[[Stand], Awaitable[None]]
FAULTS: Mapping[str, Fault] = {
    "the service is killed": Stand.kill_service,
    "PostgreSQL is killed": Stand.kill_database,
    "clients are cut off": lambda stand: cut(stand.to_service),
    "clients are far away": lambda stand: slow(stand.to_service),
    "clients hear nothing": lambda stand: half_open(stand.to_service),
    "the database is cut off": lambda stand: cut(stand.to_database),
    "the database is far away": lambda stand: slow(stand.to_database),
    "the database is not heard": lambda stand: half_open(stand.to_database),
    "a commit is not answered": lambda stand: lose_commit(stand.to_database),
}
KILLS = ("the service is killed", "PostgreSQL is killed")
