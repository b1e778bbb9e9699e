"""The door for accounts."""

from __future__ import annotations

from typing import Any

from laurel.ledger.v1 import accounts_pb2 as pb
from laurel.ledger.v1 import accounts_pb2_grpc

from laurel_ledger.handlers.accounts import get_account, list_accounts
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.wire import accounts as wire

Context = Any


class AccountServicer(accounts_pb2_grpc.AccountServiceServicer):
    """Answers which accounts members have."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def GetAccount(
        self, request: pb.GetAccountRequest, context: Context
    ) -> pb.GetAccountResponse:
        """Answers one account."""
        key = wire.read_get_account(request)
        return wire.write_get_account(await get_account(key, ledger=self._ledger))

    async def ListAccounts(
        self, request: pb.ListAccountsRequest, context: Context
    ) -> pb.ListAccountsResponse:
        """Lists the accounts of a program or a member."""
        page = await list_accounts(wire.read_list_accounts(request), ledger=self._ledger)
        return wire.write_list_accounts(page, request)
