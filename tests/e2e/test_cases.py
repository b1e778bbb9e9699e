"""The golden cases of the rule book, one table, asked of three real processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from laurel.program.v1.program_service_pb2 import ApplyRevisionRequest
from laurel.program.v1.program_service_pb2_grpc import ProgramServiceStub
from laurel_cli.clocks import advance_clocks, set_clocks
from laurel_cli.connections import Connections, connect
from laurel_kit.clock import SystemClock
from laurel_kit.ids import new_id

from tests.support.golden_cases import CASES, TABLE, load_contracts, play_case
from tests.support.suites import Suite

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("suite"), pytest.mark.timeout(1200)]

PATIENCE = 50.0


class ServedSuite:
    """Three real processes."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections

    async def set_clock(self, instant: datetime) -> None:
        await set_clocks(self.connections, instant)

    async def advance_clock(self, until: datetime) -> None:
        await advance_clocks(self.connections, until)

    async def apply(self, text: str) -> None:
        for channel in self.connections.channels():
            request = ApplyRevisionRequest(request_id=new_id(), source=text)
            await ProgramServiceStub(channel).ApplyRevision(request, timeout=PATIENCE)

    async def call(self, method: MethodDescriptor, request: Message) -> Message:
        service = method.containing_service
        rpc: Any = getattr(self.connections, service.full_name.split(".")[1]).unary_unary(
            f"/{service.full_name}/{method.name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )
        answer: Message = await rpc(request, timeout=PATIENCE)
        return answer


@pytest.fixture(scope="module")
async def connections(suite: Suite) -> AsyncIterator[Connections]:
    """Channels to the suite; its clocks are brought back to the present afterwards."""
    load_contracts()
    async with connect(suite.addresses) as connections:
        yield connections
        await set_clocks(connections, SystemClock().now())


@pytest.mark.parametrize("name", CASES)
async def test_a_golden_case_holds_over_the_real_services(
    connections: Connections, name: str
) -> None:
    await play_case(ServedSuite(connections), name)


def test_every_case_names_its_rules_and_has_a_name_of_its_own() -> None:
    assert len(CASES) == len(TABLE["cases"])
    assert all(case["rules"] and case["text"].endswith(".") for case in TABLE["cases"])
