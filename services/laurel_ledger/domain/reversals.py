"""Reversals: giving spent points back to where they were, taking earned points back.

A reversal may be of a part, and be followed by others until nothing is left to reverse (I10). What
was reversed is derived from them and stored nowhere else; a reversal itself stands for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from laurel_ledger.domain import accounts
from laurel_ledger.domain.accounts import Account, Movement, spending_rank
from laurel_ledger.domain.assets import AMOUNT_MAX, Terms, expiry_of
from laurel_ledger.domain.errors import (
    AssetNotFound,
    BalanceLimitExceeded,
    DebtRepaid,
    InsufficientPoints,
    ReversalExceedsRemaining,
    TransactionNotReversible,
)
from laurel_ledger.domain.reversal_terms import LateRestore, Reversal, Shortfall
from laurel_ledger.domain.spending_decisions import requested_amount, reverse_lines
from laurel_ledger.domain.transactions import ReversalDraft, Transaction, TransactionType

REVERSED_BY = {
    TransactionType.SPEND: TransactionType.SPEND_REVERSAL,
    TransactionType.CAPTURE: TransactionType.SPEND_REVERSAL,
    TransactionType.EARN: TransactionType.EARN_REVERSAL,
}
"""What can be reversed, and what its reversal is."""

NO_LINES: Mapping[str, int] = {}
"""Nothing was reversed before."""

Moved = tuple[Account, tuple[Movement, ...]]


def aim(draft: ReversalDraft, original: Transaction) -> ReversalDraft:
    """The draft with what only the reversed transaction says: asset and type."""
    giving = original.signed_amount < 0
    type_ = TransactionType.SPEND_REVERSAL if giving else TransactionType.EARN_REVERSAL
    return replace(draft, asset_id=original.key.asset_id, type=type_)


def reverse(
    account: Account,
    draft: ReversalDraft,
    original: Transaction,
    *,
    reversed_before: int,
    terms: Terms,
    now: datetime,
    lines_before: Mapping[str, int] = NO_LINES,
) -> tuple[Transaction, Account]:
    """The transaction that reverses another, and the account after it; nothing of it was due.

    Raises TransactionNotReversible, LineNotFound, LineExceedsRemaining, ReversalExceedsRemaining,
    then what the kind of it raises.
    """
    if original.type not in REVERSED_BY:
        raise TransactionNotReversible(
            request_id=draft.reversed_request_id, type=original.type.name
        )
    reversible = original.amount - reversed_before
    requested = requested_amount(draft, original, reversible, lines_before)
    if not 0 < requested <= reversible:
        raise ReversalExceedsRemaining(
            request_id=draft.reversed_request_id, requested=requested, reversible=reversible
        )
    reversal = Reversal(
        reversed_request_id=draft.reversed_request_id,
        original_amount=original.amount,
        reversed_before=reversed_before,
        requested=requested,
        late_restore=draft.late_restore,
        grace_days=draft.grace_days,
        shortfall=draft.shortfall,
        of_lines=reverse_lines(draft, original, requested, lines_before),
    )
    if original.type is TransactionType.EARN:
        after, movements = _take_back(account, original, reversal, now)
    else:
        after, movements = _give_back(account, original, reversal, terms, now)
        late = sum(part for each, part in _parts(original, reversal) if _late(each, now))
        reversal = replace(reversal, late=late)
    after = replace(after, version=account.version + 1)  # One entry, whatever it was made of.
    transaction = _transaction(
        draft,
        original,
        amount=abs(after.posted - account.posted),
        after=after,
        movements=movements,
        reversal=reversal,
        terms=terms,
        now=now,
    )
    return transaction, after


def _transaction(
    draft: ReversalDraft,
    original: Transaction,
    *,
    amount: int,
    after: Account,
    movements: tuple[Movement, ...],
    reversal: Reversal,
    terms: Terms,
    now: datetime,
) -> Transaction:
    return Transaction(
        key=original.key,
        request_id=draft.request_id,
        type=REVERSED_BY[original.type],
        amount=amount,
        counter_account_id=original.counter_account_id,
        version=after.version,
        posted_after=after.posted,
        movements=movements,
        commit_time=now,
        effective_time=draft.effective_time or now,
        reason=draft.reason,
        labels=draft.labels,
        program_revision=draft.program_revision or terms.revision_id,
        given=draft.given,
        reversal=reversal,
    )


def _give_back(
    account: Account, original: Transaction, reversal: Reversal, terms: Terms, now: datetime
) -> Moved:
    """Spent points come back, last consumed first, to their own lots with their own expiry (E15).

    Those whose lot is void come back for a while, anew, or to expire at once, as was asked.
    """
    if account.posted + reversal.requested > AMOUNT_MAX:
        raise BalanceLimitExceeded(
            asset_id=account.key.asset_id,
            posted=account.posted,
            amount=reversal.requested,
            balance_max=AMOUNT_MAX,
        )
    lent = _lent(original, reversal)
    if lent > account.owed:
        raise DebtRepaid(request_id=reversal.reversed_request_id, lent=lent, owed=account.owed)
    account = replace(account, posted=account.posted + lent)
    movements: tuple[Movement, ...] = ()
    for taken, part in _parts(original, reversal):
        if _late(taken, now) and reversal.late_restore is LateRestore.EXPIRE:
            account, moved = accounts.reopen(account, taken.lot_no, part)
        else:
            account, moved = _put_back(
                account,
                taken,
                part,
                expire_time=_expiry(taken, account, reversal, terms, now),
                now=now,
            )
        movements += moved
    return account, movements


def _put_back(
    account: Account, taken: Movement, part: int, *, expire_time: datetime | None, now: datetime
) -> Moved:
    """Points come back to the lot they were in while it is open, to another one otherwise."""
    own = next((lot for lot in account.lots if lot.lot_no == taken.lot_no), None)
    if own is not None and not own.expired and expire_time == taken.expire_time:
        return accounts.fill(account, own, part, now=now)
    return accounts.earn(
        account,
        part,
        funding_account_id=taken.funding_account_id,
        expire_time=expire_time,
        now=now,
    )


def _parts(original: Transaction, reversal: Reversal) -> Iterator[tuple[Movement, int]]:
    """What the transaction took and how much of each is reversed now: the last consumed first."""
    lent = _lent_at_all(original)
    passed = max(0, reversal.reversed_before - lent)
    wanted = reversal.requested - _lent(original, reversal)
    for taken in reversed(_taken(original)):
        size = -taken.amount
        skipped = min(size, passed)
        part = min(size - skipped, wanted)
        passed -= skipped
        wanted -= part
        if part:
            yield taken, part


def _taken(original: Transaction) -> tuple[Movement, ...]:
    """What was spent: what comes after, in the last capture of a hold, repaid a debt."""
    spent = 0
    for count, movement in enumerate(original.movements, start=1):
        spent -= movement.amount
        if spent == original.amount:
            return original.movements[:count]
    assert original.lends, "a spending takes what it says from lots (I1)"
    return original.movements


def _lent_at_all(original: Transaction) -> int:
    """Points of a spending that were not there and that the member came to owe."""
    return original.amount + sum(movement.amount for movement in _taken(original))


def _lent(original: Transaction, reversal: Reversal) -> int:
    """How many of them are given back now: they were spent last, and are the first to come back."""
    return max(0, min(reversal.requested, _lent_at_all(original) - reversal.reversed_before))


def _late(taken: Movement, now: datetime) -> bool:
    """Whether points given back to that lot are void."""
    return taken.expire_time is not None and taken.expire_time <= now


def _expiry(
    taken: Movement, account: Account, reversal: Reversal, terms: Terms, now: datetime
) -> datetime | None:
    """When points given back become void: with their lot, after some days, or by the rule."""
    if not _late(taken, now):
        return taken.expire_time
    if reversal.late_restore is LateRestore.GRACE:
        return now + timedelta(days=reversal.grace_days)
    asset = terms.assets.get(account.key.asset_id)
    if asset is None:
        raise AssetNotFound(program_id=terms.program_id, asset_id=account.key.asset_id)
    return expiry_of(asset, now, terms.time_zone)


def _take_back(account: Account, original: Transaction, reversal: Reversal, now: datetime) -> Moved:
    """Earned points go: from their own lot and those they were carried into first, whatever their
    state, then soonest expiry first.

    What is not there any more is refused, left, or owed, as was asked (E17).
    """
    own = accounts.descendants(account.lots, original.movements[0].lot_no)
    withheld = sum(lot.free for lot in account.lots if lot.lot_no in own and not lot.usable(now))
    available = accounts.available_at(account, now) + withheld
    there = min(reversal.requested, available)
    missing = reversal.requested - there
    owed = missing if reversal.shortfall is Shortfall.DEBT else 0
    refused = missing if reversal.shortfall is Shortfall.REJECT else not there + owed
    if refused or account.posted - there - owed < -AMOUNT_MAX:
        raise InsufficientPoints(
            asset_id=account.key.asset_id,
            available=available,
            requested=reversal.requested,
        )
    filled = (lot for lot in account.lots if lot.free and (lot.lot_no in own or lot.usable(now)))
    order = sorted(filled, key=lambda lot: (lot.lot_no not in own, *spending_rank(lot)))
    movements: tuple[Movement, ...] = ()
    if there:
        account, movements = accounts.take(account, there, order)
    return replace(account, posted=account.posted - owed), movements
