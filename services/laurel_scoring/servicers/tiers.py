"""The door for tiers."""

from __future__ import annotations

from typing import Any

from grpc.aio import ServicerContext
from laurel.scoring.v1 import tiers_pb2 as pb
from laurel.scoring.v1 import tiers_pb2_grpc as rpc

from laurel_scoring.handlers.invitations import (
    accept_invitation,
    invite_member,
    list_candidates,
)
from laurel_scoring.handlers.overrides import override_tier
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.tiers import batch_get_tiers, get_tier, list_tier_changes
from laurel_scoring.wire import invitations
from laurel_scoring.wire import tiers as wire

Context = ServicerContext[Any, Any]


class TierServicer(rpc.TierServiceServicer):
    """Answers and overrides tiers, and invites to them."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def GetTier(self, request: pb.GetTierRequest, context: Context) -> pb.GetTierResponse:
        view = await get_tier(wire.read_get_tier(request), resources=self._resources)
        return wire.write_get_tier(view)

    async def BatchGetTiers(
        self, request: pb.BatchGetTiersRequest, context: Context
    ) -> pb.BatchGetTiersResponse:
        views = await batch_get_tiers(wire.read_batch_get_tiers(request), resources=self._resources)
        return wire.write_batch_get_tiers(views)

    async def ListTierChanges(
        self, request: pb.ListTierChangesRequest, context: Context
    ) -> pb.ListTierChangesResponse:
        before, size = wire.read_changes_page(request)
        changes = await list_tier_changes(
            wire.read_list_tier_changes(request),
            before=before,
            limit=size + 1,
            resources=self._resources,
        )
        return wire.write_list_tier_changes(request, changes, size)

    async def OverrideTier(
        self, request: pb.OverrideTierRequest, context: Context
    ) -> pb.OverrideTierResponse:
        answer = await override_tier(wire.read_override_tier(request), resources=self._resources)
        return wire.write_override_tier(answer)

    async def InviteMember(
        self, request: pb.InviteMemberRequest, context: Context
    ) -> pb.InviteMemberResponse:
        command = invitations.read_invite_member(request)
        answer = await invite_member(command, resources=self._resources)
        return invitations.write_invite_member(answer)

    async def AcceptInvitation(
        self, request: pb.AcceptInvitationRequest, context: Context
    ) -> pb.AcceptInvitationResponse:
        command = invitations.read_accept_invitation(request)
        answer = await accept_invitation(command, resources=self._resources)
        return invitations.write_accept_invitation(answer)

    async def ListCandidates(
        self, request: pb.ListCandidatesRequest, context: Context
    ) -> pb.ListCandidatesResponse:
        after, size = invitations.read_candidates_page(request)
        page = await list_candidates(
            invitations.read_list_candidates(request),
            after=after,
            limit=size + 1,
            resources=self._resources,
        )
        return invitations.write_list_candidates(request, page, size)
