"""The door for checks of benefits."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import eligibility_pb2 as pb
from laurel.benefits.v1 import eligibility_pb2_grpc as grpc_pb

from laurel_benefits.handlers import eligibility
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import eligibility as wire

Context = grpc.aio.ServicerContext[Any, Any]


class EligibilityServicer(grpc_pb.EligibilityServiceServicer):
    """Answers whether a member may have a benefit."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def CheckBenefit(
        self, request: pb.CheckBenefitRequest, context: Context
    ) -> pb.CheckBenefitResponse:
        query = wire.read_check_benefit(request)
        return wire.write_check_benefit(
            await eligibility.check_benefit(query, resources=self._resources)
        )
