"""The door for assets."""

from __future__ import annotations

from typing import Any

from laurel.ledger.v1 import assets_pb2 as pb
from laurel.ledger.v1 import assets_pb2_grpc

from laurel_ledger.handlers.assets import get_asset, list_assets
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.wire import assets as wire

Context = Any


class AssetServicer(assets_pb2_grpc.AssetServiceServicer):
    """Answers the assets of programs."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def GetAsset(self, request: pb.GetAssetRequest, context: Context) -> pb.GetAssetResponse:
        """Answers one asset."""
        found = await get_asset(request.program_id, request.asset_id, ledger=self._ledger)
        return wire.write_get_asset(found)

    async def ListAssets(
        self, request: pb.ListAssetsRequest, context: Context
    ) -> pb.ListAssetsResponse:
        """Lists the assets of a program."""
        return wire.write_list_assets(await list_assets(request.program_id, ledger=self._ledger))
