"""The door for accounts."""

from __future__ import annotations

from typing import Any

from laurel.ledger.v1 import accounts_pb2 as pb
from laurel.ledger.v1 import accounts_pb2_grpc

from laurel_ledger.handlers.account_changes import (
    close_account,
    resume_account,
    set_account_limits,
    suspend_account,
)
from laurel_ledger.handlers.accounts import get_account, list_accounts
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.merges import merge_accounts
from laurel_ledger.wire import account_changes as changes
from laurel_ledger.wire import accounts as wire
from laurel_ledger.wire.merges import read_merge_accounts, write_merge_accounts

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

    async def SuspendAccount(
        self, request: pb.SuspendAccountRequest, context: Context
    ) -> pb.SuspendAccountResponse:
        """Stops new postings."""
        changed = await suspend_account(changes.read_suspend_account(request), ledger=self._ledger)
        return wire.write_suspend_account(changed)

    async def ResumeAccount(
        self, request: pb.ResumeAccountRequest, context: Context
    ) -> pb.ResumeAccountResponse:
        """Lets postings go on."""
        changed = await resume_account(changes.read_resume_account(request), ledger=self._ledger)
        return wire.write_resume_account(changed)

    async def SetAccountLimits(
        self, request: pb.SetAccountLimitsRequest, context: Context
    ) -> pb.SetAccountLimitsResponse:
        """Sets what postings may come to."""
        changed = await set_account_limits(
            changes.read_set_account_limits(request), ledger=self._ledger
        )
        return wire.write_set_account_limits(changed)

    async def CloseAccount(
        self, request: pb.CloseAccountRequest, context: Context
    ) -> pb.CloseAccountResponse:
        """Closes an empty account."""
        changed = await close_account(changes.read_close_account(request), ledger=self._ledger)
        return wire.write_close_account(changed)

    async def MergeAccounts(
        self, request: pb.MergeAccountsRequest, context: Context
    ) -> pb.MergeAccountsResponse:
        """Carries an account into another one and closes it."""
        merged = await merge_accounts(read_merge_accounts(request), ledger=self._ledger)
        return write_merge_accounts(merged)
