"""The door for games and the cash they pay."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import games_pb2 as pb
from laurel.benefits.v1 import games_pb2_grpc as grpc_pb

from laurel_benefits.handlers import harvests, trees, wallets
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import trees as tree_wire
from laurel_benefits.wire import wallets as wallet_wire
from laurel_benefits.wire.times import read_member

Context = grpc.aio.ServicerContext[Any, Any]


class GameServicer(grpc_pb.GameServiceServicer):
    """Grows trees, and keeps the cash that games pay."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def GetTree(self, request: pb.GetTreeRequest, context: Context) -> pb.GetTreeResponse:
        member = read_member(request)
        return tree_wire.write_get_tree(await trees.get_tree(member, resources=self._resources))

    async def CollectWater(
        self, request: pb.CollectWaterRequest, context: Context
    ) -> pb.CollectWaterResponse:
        command = tree_wire.read_collect_water(request)
        return tree_wire.write_collect_water(
            await trees.collect_water(command, resources=self._resources)
        )

    async def WaterTree(
        self, request: pb.WaterTreeRequest, context: Context
    ) -> pb.WaterTreeResponse:
        command = tree_wire.read_water_tree(request)
        return tree_wire.write_water_tree(
            await trees.water_tree(command, resources=self._resources)
        )

    async def HelpTree(self, request: pb.HelpTreeRequest, context: Context) -> pb.HelpTreeResponse:
        command = tree_wire.read_help_tree(request)
        return tree_wire.write_help_tree(await trees.help_tree(command, resources=self._resources))

    async def HarvestTree(
        self, request: pb.HarvestTreeRequest, context: Context
    ) -> pb.HarvestTreeResponse:
        command = tree_wire.read_harvest_tree(request)
        return tree_wire.write_harvest_tree(
            await harvests.harvest_tree(command, resources=self._resources)
        )

    async def GetWallet(
        self, request: pb.GetWalletRequest, context: Context
    ) -> pb.GetWalletResponse:
        member = read_member(request)
        return wallet_wire.write_get_wallet(
            await wallets.get_wallet(member, resources=self._resources)
        )

    async def PayOutWallet(
        self, request: pb.PayOutWalletRequest, context: Context
    ) -> pb.PayOutWalletResponse:
        command = wallet_wire.read_pay_out_wallet(request)
        return wallet_wire.write_pay_out_wallet(
            await wallets.pay_out_wallet(command, resources=self._resources)
        )
