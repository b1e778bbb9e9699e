"""The door for campaigns."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import campaigns_pb2 as pb
from laurel.benefits.v1 import campaigns_pb2_grpc as grpc_pb

from laurel_benefits.domain.ids import CampaignId, ProgramId
from laurel_benefits.handlers import campaigns, win_back
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import campaign_shows as wire
from laurel_benefits.wire import win_back as win_back_wire

Context = grpc.aio.ServicerContext[Any, Any]


class CampaignServicer(grpc_pb.CampaignServiceServicer):
    """Shows campaigns and their budgets, plans points, and wins members back."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def GetCampaign(
        self, request: pb.GetCampaignRequest, context: Context
    ) -> pb.GetCampaignResponse:
        shown = await campaigns.get_campaign(
            ProgramId(request.program_id),
            CampaignId(request.campaign_id),
            resources=self._resources,
        )
        return wire.write_get_campaign(shown)

    async def ListCampaigns(
        self, request: pb.ListCampaignsRequest, context: Context
    ) -> pb.ListCampaignsResponse:
        after, page_size = wire.read_page(request)
        page = await campaigns.list_campaigns(
            ProgramId(request.program_id),
            after=after,
            page_size=page_size,
            resources=self._resources,
        )
        return wire.write_list_campaigns(page, request)

    async def GetBudget(
        self, request: pb.GetBudgetRequest, context: Context
    ) -> pb.GetBudgetResponse:
        budget = await campaigns.get_budget(
            ProgramId(request.program_id),
            CampaignId(request.campaign_id),
            resources=self._resources,
        )
        return wire.write_get_budget(budget)

    async def PlanPoints(
        self, request: pb.PlanPointsRequest, context: Context
    ) -> pb.PlanPointsResponse:
        planned = campaigns.plan_points(wire.read_funnel(request))
        return wire.write_plan_points(planned, request)

    async def ListWinBackCandidates(
        self, request: pb.ListWinBackCandidatesRequest, context: Context
    ) -> pb.ListWinBackCandidatesResponse:
        query = win_back_wire.read_list_win_back_candidates(request)
        page = await win_back.list_win_back_candidates(query, resources=self._resources)
        return win_back_wire.write_list_win_back_candidates(page, request)

    async def RecordContact(
        self, request: pb.RecordContactRequest, context: Context
    ) -> pb.RecordContactResponse:
        command = win_back_wire.read_record_contact(request)
        recorded = await win_back.record_contact(command, resources=self._resources)
        return win_back_wire.write_record_contact(recorded)
