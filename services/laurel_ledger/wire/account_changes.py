"""Changes of accounts between messages and values."""

from __future__ import annotations

from laurel.ledger.v1 import accounts_pb2 as pb
from laurel_kit.fingerprint import fingerprint

from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.standings import AccountLimits, ChangeKind
from laurel_ledger.handlers.account_changes import ChangeAccount

Request = (
    pb.SuspendAccountRequest
    | pb.ResumeAccountRequest
    | pb.SetAccountLimitsRequest
    | pb.CloseAccountRequest
)


def read_suspend_account(request: pb.SuspendAccountRequest) -> ChangeAccount:
    """Which account to suspend."""
    return _read(request, ChangeKind.SUSPENSION)


def read_resume_account(request: pb.ResumeAccountRequest) -> ChangeAccount:
    """Which account to resume."""
    return _read(request, ChangeKind.RESUMPTION)


def read_set_account_limits(request: pb.SetAccountLimitsRequest) -> ChangeAccount:
    """Which limits to set."""
    return _read(request, ChangeKind.LIMITING, read_limits(request.limits))


def read_close_account(request: pb.CloseAccountRequest) -> ChangeAccount:
    """Which account to close."""
    return _read(request, ChangeKind.CLOSURE)


def _read(request: Request, kind: ChangeKind, limits: AccountLimits | None = None) -> ChangeAccount:
    return ChangeAccount(
        kind=kind,
        key=AccountKey(request.program_id, request.member_id, request.asset_id),
        request_id=request.request_id,
        etag=request.etag,
        reason=request.reason,
        limits=limits,
        fingerprint=fingerprint(request).encoded,
    )


def read_limits(limits: pb.AccountLimits) -> AccountLimits:
    """The limits in a message; one that is left out is none."""
    return AccountLimits(
        balance_max=limits.balance_max if limits.HasField("balance_max") else None,
        earn_max=limits.earn_max if limits.HasField("earn_max") else None,
        spend_max=limits.spend_max if limits.HasField("spend_max") else None,
    )


def write_limits(limits: AccountLimits) -> pb.AccountLimits:
    """The same as a message."""
    return pb.AccountLimits(
        balance_max=limits.balance_max, earn_max=limits.earn_max, spend_max=limits.spend_max
    )
