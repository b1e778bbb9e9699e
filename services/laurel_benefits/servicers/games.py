"""The door for games and the cash they pay."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import games_pb2 as pb
from laurel.benefits.v1 import games_pb2_grpc as grpc_pb

from laurel_benefits.handlers import wallets
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import wallets as wallet_wire
from laurel_benefits.wire.times import read_member

Context = grpc.aio.ServicerContext[Any, Any]


class GameServicer(grpc_pb.GameServiceServicer):
    """Keeps the cash that games pay."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

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
