"""Points that go from one member to another: out of lots of the one, into lots of the other.

Each of them keeps who paid for it and when it becomes void. The two sides are a transaction each,
in the books of its member; between them the points are in the program's clearing account, which so
comes back to nothing (I18).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from laurel_ledger.domain import accounts
from laurel_ledger.domain.account_changes import balance_max_of
from laurel_ledger.domain.accounts import CLEARING, Account, AccountKey, Movement
from laurel_ledger.domain.assets import Asset, Terms
from laurel_ledger.domain.changes import Transfer
from laurel_ledger.domain.due import name_of_own
from laurel_ledger.domain.errors import (
    BalanceLimitExceeded,
    InsufficientPoints,
    TransferNotAllowed,
)
from laurel_ledger.domain.pages import MICROSECOND
from laurel_ledger.domain.transactions import Draft, Transaction, TransactionType

Side = tuple[Transaction, Account]
"""What a transfer is to one of its members: a transaction, and the account after it."""
Part = tuple[Movement, int]
"""What was taken from a lot, and how many points come for it."""


def target_of(draft: Draft) -> AccountKey:
    """The account that gets the points."""
    return AccountKey(draft.program_id, draft.to_member_id, draft.asset_id)


def transfer(
    source: Account, target: Account, draft: Draft, *, terms: Terms, asset: Asset, now: datetime
) -> tuple[Side, Side]:
    """Points leave one account, soonest expiry first, and come into the other; nothing of either
    is due. What the other member owes is repaid from them first (E18).

    Raises TransferNotAllowed, InsufficientPoints, BalanceLimitExceeded.
    """
    if not asset.transferable:
        raise TransferNotAllowed(asset_id=draft.asset_id)
    available = accounts.available_at(source, now)
    if draft.amount > available:
        raise InsufficientPoints(
            asset_id=draft.asset_id, available=available, requested=draft.amount
        )
    balance_max = balance_max_of(target, asset.balance_max)
    if target.posted + draft.amount > balance_max:
        raise BalanceLimitExceeded(
            asset_id=draft.asset_id,
            posted=target.posted,
            amount=draft.amount,
            balance_max=balance_max,
        )
    giver, taken = accounts.spend(source, draft.amount, now=now)
    later = now + MICROSECOND
    taker, came = put(target, [(each, -each.amount) for each in taken], now=later)
    name = name_of_own(taker, later)
    out = _side(
        giver,
        draft,
        TransactionType.TRANSFER_OUT,
        taken,
        terms=terms,
        now=now,
        name=draft.request_id,
        other=Transfer(member_id=draft.to_member_id, request_id=name),
    )
    into = _side(
        taker,
        draft,
        TransactionType.TRANSFER_IN,
        came,
        terms=terms,
        now=later,
        name=name,
        other=Transfer(member_id=draft.member_id, request_id=draft.request_id),
    )
    return (out, giver), (into, taker)


def put(
    target: Account, parts: Iterable[Part], *, now: datetime
) -> tuple[Account, tuple[Movement, ...]]:
    """The points come into lots of the same funder and expiry, as one entry."""
    after = target
    movements: tuple[Movement, ...] = ()
    for each, amount in parts:
        after, moved = accounts.earn(
            after,
            amount,
            funding_account_id=each.funding_account_id,
            expire_time=each.expire_time,
            now=now,
        )
        movements += moved
    return replace(after, version=target.version + 1), movements


def _side(
    after: Account,
    draft: Draft,
    type_: TransactionType,
    movements: tuple[Movement, ...],
    *,
    terms: Terms,
    now: datetime,
    name: str,
    other: Transfer,
) -> Transaction:
    return Transaction(
        key=after.key,
        request_id=name,
        type=type_,
        amount=draft.amount,
        counter_account_id=CLEARING,
        version=after.version,
        posted_after=after.posted,
        movements=movements,
        commit_time=now,
        effective_time=draft.effective_time or now,
        reason=draft.reason,
        labels=draft.labels,
        program_revision=draft.program_revision or terms.revision_id,
        given=draft.given,
        transfer=other,
    )
