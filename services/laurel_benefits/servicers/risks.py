"""The door for judgements of members."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import risk_pb2 as pb
from laurel.benefits.v1 import risk_pb2_grpc as grpc_pb

from laurel_benefits.handlers import risks
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import risks as wire
from laurel_benefits.wire.times import read_member

Context = grpc.aio.ServicerContext[Any, Any]


class RiskServicer(grpc_pb.RiskServiceServicer):
    """Keeps how members are judged."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def SetMemberRisk(
        self, request: pb.SetMemberRiskRequest, context: Context
    ) -> pb.SetMemberRiskResponse:
        command = wire.read_set_member_risk(request)
        return wire.write_set_member_risk(
            await risks.set_member_risk(command, resources=self._resources)
        )

    async def GetMemberRisk(
        self, request: pb.GetMemberRiskRequest, context: Context
    ) -> pb.GetMemberRiskResponse:
        member = read_member(request)
        return wire.write_get_member_risk(
            await risks.get_member_risk(member, resources=self._resources)
        )
