"""The door for tiers."""

from __future__ import annotations

from typing import Any

from grpc.aio import ServicerContext
from laurel.scoring.v1 import tiers_pb2 as pb
from laurel.scoring.v1 import tiers_pb2_grpc as rpc

from laurel_scoring.handlers.overrides import override_tier
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.tiers import batch_get_tiers, get_tier, list_tier_changes
from laurel_scoring.wire import tiers as wire

Context = ServicerContext[Any, Any]


class TierServicer(rpc.TierServiceServicer):
    """Answers and overrides tiers."""

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
