"""How a sub-command runs: connected to the suite, refusals told in place of tracebacks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import grpc

from laurel_cli.connections import Connections, connect, find_addresses
from laurel_cli.output import EXIT_REFUSED, EXIT_UNREACHABLE, fail, print_json
from laurel_cli.refusals import Refusal, read_refusal

Answer = TypeVar("Answer")


def run_connected(
    data: Path, work: Callable[[Connections], Awaitable[Answer]], *, json: bool = False
) -> Answer:
    """Do `work` with channels to the three services; a refusal ends the command with its text."""
    addresses = find_addresses(data)

    async def connected() -> Answer:
        async with connect(addresses) as connections:
            return await work(connections)

    try:
        return asyncio.run(connected())
    except grpc.aio.AioRpcError as error:
        refusal = read_refusal(error)
    end_refused(refusal, addresses, json=json)
    raise AssertionError("a refused command has ended")


def end_refused(refusal: Refusal, addresses: dict[str, str], *, json: bool) -> None:
    """Tell the refusal and end the command."""
    code = EXIT_UNREACHABLE if refusal.unreachable else EXIT_REFUSED
    if json:
        print_json({"error": refusal.as_json()})
        raise SystemExit(code)
    if refusal.unreachable:
        places = ", ".join(f"{name} on {address}" for name, address in addresses.items())
        fail(f"Not every service answers ({places}). Start them with: make run", code=code)
    fail(refusal.sentence(), code=code)
