"""More orders at once than can be served: what is let in is done, the rest may come again."""

from __future__ import annotations

import asyncio

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from laurel.benefits.v1.orders_pb2 import ReserveOrderRequest
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    PATIENCE,
    World,
    benefits_world,
    checkout_draft,
    refusal_of,
    reserve_request,
)
from tests.support.databases import DatabaseOf

LIMIT, CALLS = 4, 24


async def reserve(world: World, request: ReserveOrderRequest) -> grpc.aio.AioRpcError | None:
    """Why an order is not reserved; None when it is."""
    try:
        answer = await world.orders.ReserveOrder(request, timeout=PATIENCE)
    except grpc.aio.AioRpcError as error:
        return error
    assert answer.decision.allowed
    return None


def comes_again(error: grpc.aio.AioRpcError) -> bool:
    """Whether a refusal says when to come again."""
    status = rpc_status.from_call(error)
    assert status is not None
    return any(each.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for each in status.details)


async def test_orders_beyond_the_limit_are_refused_as_exhausted_and_come_again(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with benefits_world(database_of, clock, calls_max=LIMIT) as world:
        wanted = [reserve_request(checkout_draft(), 0) for _ in range(CALLS)]
        answers = await asyncio.gather(*(reserve(world, each) for each in wanted))
        refused = [each for each in answers if each is not None]
        assert 0 < len(refused) < CALLS
        for error in refused:
            code, reason, metadata = refusal_of(error)
            assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
            assert metadata == {"limit": str(LIMIT)}
            assert comes_again(error)
        for request in wanted:
            assert await reserve(world, request) is None
