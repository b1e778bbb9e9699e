"""The door for benefits: checks, uses, and what is decided by hand."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import eligibility_pb2 as pb
from laurel.benefits.v1 import eligibility_pb2_grpc as grpc_pb

from laurel_benefits.handlers import eligibility, rulings, uses
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import eligibility as wire
from laurel_benefits.wire import rulings as rulings_wire
from laurel_benefits.wire import uses as uses_wire

Context = grpc.aio.ServicerContext[Any, Any]


class EligibilityServicer(grpc_pb.EligibilityServiceServicer):
    """Answers whether a member may have a benefit, and counts its uses."""

    def __init__(self, resources: Resources, status_of: wire.StatusOf) -> None:
        self._resources = resources
        self._status_of = status_of

    async def CheckBenefit(
        self, request: pb.CheckBenefitRequest, context: Context
    ) -> pb.CheckBenefitResponse:
        query = wire.read_check_benefit(request)
        return wire.write_check_benefit(
            await eligibility.check_benefit(query, resources=self._resources)
        )

    async def BatchCheckBenefits(
        self, request: pb.BatchCheckBenefitsRequest, context: Context
    ) -> pb.BatchCheckBenefitsResponse:
        program_id, queries = wire.read_batch_check_benefits(request)
        outcomes = await eligibility.batch_check_benefits(
            program_id, queries, resources=self._resources
        )
        return wire.write_batch_check_benefits(outcomes, self._status_of)

    async def ListBenefits(
        self, request: pb.ListBenefitsRequest, context: Context
    ) -> pb.ListBenefitsResponse:
        query = wire.read_list_benefits(request)
        page = await eligibility.list_benefits(query, resources=self._resources)
        return wire.write_list_benefits(page, request)

    async def UseBenefit(
        self, request: pb.UseBenefitRequest, context: Context
    ) -> pb.UseBenefitResponse:
        command = uses_wire.read_use_benefit(request)
        return uses_wire.write_use_benefit(
            await uses.use_benefit(command, resources=self._resources)
        )

    async def ReverseUse(
        self, request: pb.ReverseUseRequest, context: Context
    ) -> pb.ReverseUseResponse:
        command = uses_wire.read_reverse_use(request)
        return uses_wire.write_reverse_use(
            await uses.reverse_use(command, resources=self._resources)
        )

    async def GrantBenefit(
        self, request: pb.GrantBenefitRequest, context: Context
    ) -> pb.GrantBenefitResponse:
        command = rulings_wire.read_ruling(request)
        return rulings_wire.write_grant_benefit(
            await rulings.grant_benefit(command, resources=self._resources)
        )

    async def RevokeBenefit(
        self, request: pb.RevokeBenefitRequest, context: Context
    ) -> pb.RevokeBenefitResponse:
        command = rulings_wire.read_ruling(request)
        return rulings_wire.write_revoke_benefit(
            await rulings.revoke_benefit(command, resources=self._resources)
        )
