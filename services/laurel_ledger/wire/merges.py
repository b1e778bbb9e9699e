"""Merges of accounts between messages and values."""

from __future__ import annotations

from laurel.ledger.v1 import accounts_pb2 as pb
from laurel_kit.fingerprint import fingerprint

from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.handlers.merges import MergeAccounts, MergedAccounts
from laurel_ledger.wire.accounts import write_account
from laurel_ledger.wire.transactions import fill_transaction


def read_merge_accounts(request: pb.MergeAccountsRequest) -> MergeAccounts:
    """Whose account goes on in whose."""
    return MergeAccounts(
        key=AccountKey(request.program_id, request.member_id, request.asset_id),
        to_member_id=request.to_member_id,
        request_id=request.request_id,
        etag=request.etag,
        release_holds=request.release_holds,
        reason=request.reason,
        fingerprint=fingerprint(request).encoded,
    )


def write_merge_accounts(merged: MergedAccounts) -> pb.MergeAccountsResponse:
    """The account that is closed, and what went from it into the other one."""
    response = pb.MergeAccountsResponse(
        account=write_account(merged.account),
        commit_token=merged.commit_token,
        replayed=merged.replayed,
    )
    if merged.given is not None:
        fill_transaction(response.given, merged.given)
    if merged.received is not None:
        fill_transaction(response.received, merged.received)
    return response
