"""`laurel health`: whether services serve, as an exit code."""

from __future__ import annotations

import asyncio
from typing import Annotated

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from laurel_cli.commands.options import DATA, Data, Json
from laurel_cli.connections import find_addresses
from laurel_cli.output import EXIT_UNREACHABLE, print_json, say

ANSWER_PATIENCE = 4.0
"""Seconds to wait for an answer."""


def health(
    addresses: Annotated[
        list[str] | None, typer.Argument(help="Host and port; without any, all three services.")
    ] = None,
    data: Data = DATA,
    *,
    json: Json = False,
) -> None:
    """Ask services whether they serve; the exit code is 0 when all of them do."""
    asked = addresses or list(find_addresses(data).values())
    states = asyncio.run(read_states(asked))
    if json:
        print_json(states)
    else:
        for address, state in states.items():
            say(f"{address} {state}")
    if set(states.values()) != {"SERVING"}:
        raise typer.Exit(EXIT_UNREACHABLE)


async def read_states(addresses: list[str]) -> dict[str, str]:
    """The state of every server by its address."""
    states = await asyncio.gather(*(read_state(address) for address in addresses))
    return dict(zip(addresses, states, strict=True))


async def read_state(address: str) -> str:
    """What a server says of itself, or the code of its silence."""
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=ANSWER_PATIENCE
            )
        except grpc.aio.AioRpcError as error:
            return error.code().name
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
