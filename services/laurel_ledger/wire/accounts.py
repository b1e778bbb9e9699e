"""Accounts between messages and values."""

from __future__ import annotations

from laurel.ledger.v1 import accounts_pb2 as pb
from laurel_kit.pages import PageTokens, page_size

from laurel_ledger.domain.account_changes import etag_of
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.directory import AccountEntry, AccountPlace
from laurel_ledger.domain.standings import NO_LIMITS
from laurel_ledger.handlers.account_changes import ChangedAccount
from laurel_ledger.handlers.accounts import BEFORE_ALL, AccountPage, ListAccounts
from laurel_ledger.wire.account_changes import write_limits
from laurel_ledger.wire.instants import write_instant


def read_get_account(request: pb.GetAccountRequest) -> AccountKey:
    """The account asked for."""
    return AccountKey(request.program_id, request.member_id, request.asset_id)


def write_get_account(found: AccountEntry) -> pb.GetAccountResponse:
    """The account."""
    return pb.GetAccountResponse(account=write_account(found))


def read_list_accounts(request: pb.ListAccountsRequest) -> ListAccounts:
    """The page asked for. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, int, int)
    after = AccountPlace(*(int(part or 0) for part in cursor)) if cursor else BEFORE_ALL
    return ListAccounts(
        program_id=request.program_id,
        member_id=request.member_id,
        asset_id=request.asset_id,
        page_size=page_size(request.page_size),
        after=after,
    )


def write_list_accounts(
    page: AccountPage, request: pb.ListAccountsRequest
) -> pb.ListAccountsResponse:
    """A page of accounts."""
    cursor = page.accounts[-1].place if page.more else None
    return pb.ListAccountsResponse(
        accounts=[write_account(each) for each in page.accounts],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_suspend_account(changed: ChangedAccount) -> pb.SuspendAccountResponse:
    """The account that was suspended."""
    return pb.SuspendAccountResponse(
        account=write_account(changed.account), replayed=changed.replayed
    )


def write_resume_account(changed: ChangedAccount) -> pb.ResumeAccountResponse:
    """The account that was resumed."""
    return pb.ResumeAccountResponse(
        account=write_account(changed.account), replayed=changed.replayed
    )


def write_set_account_limits(changed: ChangedAccount) -> pb.SetAccountLimitsResponse:
    """The account that was limited."""
    return pb.SetAccountLimitsResponse(
        account=write_account(changed.account), replayed=changed.replayed
    )


def write_close_account(changed: ChangedAccount) -> pb.CloseAccountResponse:
    """The account that was closed."""
    return pb.CloseAccountResponse(
        account=write_account(changed.account), replayed=changed.replayed
    )


def write_account(account: AccountEntry) -> pb.Account:
    """An account as it is posted."""
    standing = account.standing
    return pb.Account(
        program_id=account.program_id,
        member_id=account.member_id,
        asset_id=account.asset_id,
        open_time=write_instant(account.open_time),
        posted=account.posted,
        version=account.version,
        lot_count=account.lots_opened,
        state=standing.state.value,  # type: ignore[arg-type]  # Same numbers, by a test.
        limits=write_limits(standing.limits) if standing.limits != NO_LIMITS else None,
        etag=etag_of(standing.change_no),
    )
