"""Orders through the door: what is paid and told, and what is left when a neighbour is away."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from laurel.benefits.v1 import orders_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    Standing,
    World,
    benefits_world,
    line,
    order_request,
    refusal_of,
)
from tests.support.databases import DatabaseOf


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock):
    async with benefits_world(database_of, clock) as world:
        yield world


async def test_complete_order_pays_base_points_and_tells_scoring(world: World) -> None:
    request = order_request(line("128.50"), order_time=world.clock.now())
    answer = await world.complete(request)
    order = answer.order
    assert not answer.replayed
    assert order.state == pb.ORDER_STATE_COMPLETED
    assert [(each.kind, each.points, each.state) for each in order.grants] == [
        (pb.GRANT_KIND_BASE, 128, pb.GRANT_STATE_POSTED)
    ]
    assert order.scoring_told
    assert world.ledger.amounts == {"base": 128}
    assert world.scoring.orders == [request.order.order_id]
