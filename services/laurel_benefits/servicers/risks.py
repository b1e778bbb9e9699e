"""The door for judgements of members."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import risk_pb2 as pb
from laurel.benefits.v1 import risk_pb2_grpc as grpc_pb

from laurel_benefits.handlers import review_cases, risks
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import review_cases as cases_wire
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

    async def ListReviewCases(
        self, request: pb.ListReviewCasesRequest, context: Context
    ) -> pb.ListReviewCasesResponse:
        query = cases_wire.read_list_review_cases(request)
        found = await review_cases.list_review_cases(query, resources=self._resources)
        return cases_wire.write_list_review_cases(found, request)

    async def ResolveReviewCase(
        self, request: pb.ResolveReviewCaseRequest, context: Context
    ) -> pb.ResolveReviewCaseResponse:
        command = cases_wire.read_resolve_review_case(request)
        return cases_wire.write_resolve_review_case(
            await review_cases.resolve_review_case(command, resources=self._resources)
        )
