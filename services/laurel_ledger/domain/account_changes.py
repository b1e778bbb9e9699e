"""Suspending, resuming, limiting and closing accounts, and what that means to postings (B10)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from laurel_ledger.domain.accounts import Account, AccountKey
from laurel_ledger.domain.errors import (
    AccountClosed,
    AccountLimitExceeded,
    AccountNotEmpty,
    AccountSuspended,
    EtagMismatch,
)
from laurel_ledger.domain.standings import (
    AccountChange,
    AccountLimits,
    AccountState,
    ChangeKind,
)
from laurel_ledger.domain.transactions import TransactionType

STATE_AFTER = {
    ChangeKind.SUSPENSION: AccountState.SUSPENDED,
    ChangeKind.RESUMPTION: AccountState.OPEN,
    ChangeKind.CLOSURE: AccountState.CLOSED,
}
"""The state a change leads to; limits leave it as it is."""

STOPPED = frozenset(
    (
        TransactionType.EARN,
        TransactionType.SPEND,
        TransactionType.HOLD,
        TransactionType.TRANSFER_OUT,
        TransactionType.TRANSFER_IN,
        TransactionType.EXCHANGE_OUT,
        TransactionType.EXCHANGE_IN,
        TransactionType.MERGE_IN,
    )
)
"""What a suspension stops. What was promised before goes on: holds are captured or end, returned
goods are settled, points expire, and what two people decided by hand is posted.
"""

SPENDING = frozenset(
    (
        TransactionType.SPEND,
        TransactionType.HOLD,
        TransactionType.TRANSFER_OUT,
        TransactionType.EXCHANGE_OUT,
    )
)
"""What the limit of one spending is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDraft:
    """A change that somebody wants."""

    kind: ChangeKind
    key: AccountKey
    etag: str
    """How the account must stand; empty for however it does."""
    maker_id: str
    reason: str
    limits: AccountLimits | None = None


def check_standing(account: Account, type_: TransactionType) -> None:
    """Raise AccountClosed or AccountSuspended when a transaction of a type may not be posted."""
    state = account.standing.state
    if state is AccountState.CLOSED:
        raise AccountClosed(member_id=account.key.member_id, asset_id=account.key.asset_id)
    if state is AccountState.SUSPENDED and type_ in STOPPED:
        raise AccountSuspended(member_id=account.key.member_id, asset_id=account.key.asset_id)


def check_limits(account: Account, type_: TransactionType, amount: int) -> None:
    """Raise AccountLimitExceeded when one transaction would move more than it may."""
    limits = account.standing.limits
    if type_ is TransactionType.EARN and limits.earn_max is not None:
        _check_limit(account.key, "earn_max", amount, limits.earn_max)
    if type_ in SPENDING and limits.spend_max is not None:
        _check_limit(account.key, "spend_max", amount, limits.spend_max)


def _check_limit(key: AccountKey, limit: str, amount: int, amount_max: int) -> None:
    if amount > amount_max:
        raise AccountLimitExceeded(
            asset_id=key.asset_id, limit=limit, amount=amount, amount_max=amount_max
        )


def balance_max_of(account: Account, balance_max: int) -> int:
    """The most points an account may have where its asset allows so many."""
    own = account.standing.limits.balance_max
    return balance_max if own is None else min(own, balance_max)


def decide_change(account: Account, draft: ChangeDraft, now: datetime) -> AccountChange:
    """The change, and how the account stands after it; nothing of the account is due.

    Raises EtagMismatch, AccountClosed, AccountNotEmpty, in this order.
    """
    check_change(account, draft)
    standing = account.standing
    if draft.kind is ChangeKind.CLOSURE:
        _check_empty(account)
    return AccountChange(
        kind=draft.kind,
        standing=replace(
            standing,
            state=STATE_AFTER.get(draft.kind, standing.state),
            limits=standing.limits if draft.limits is None else draft.limits,
            change_no=standing.change_no + 1,
        ),
        maker_id=draft.maker_id,
        reason=draft.reason,
        change_time=now,
    )


def check_change(account: Account, draft: ChangeDraft) -> None:
    """Raise EtagMismatch or AccountClosed when an account does not stand so that it can change."""
    etag = etag_of(account.standing.change_no)
    if draft.etag and draft.etag != etag:
        raise EtagMismatch(etag=draft.etag, current_etag=etag)
    if account.standing.state is AccountState.CLOSED:
        raise AccountClosed(member_id=draft.key.member_id, asset_id=draft.key.asset_id)


def etag_of(change_no: int) -> str:
    """What names how an account stands: the number of changes it has seen."""
    return f"c{change_no}"


def _check_empty(account: Account) -> None:
    """Points, also those that wait, are frozen or held, and debt stand against closing."""
    points = sum(lot.remaining for lot in account.lots)
    if points or account.held or account.owed:
        raise AccountNotEmpty(
            member_id=account.key.member_id,
            asset_id=account.key.asset_id,
            points=points,
            debt=account.owed,
        )
