"""What must be true of the books after every batch, checked before anything is stored.

The numbers are those of the ledger's list of invariants; the database holds some of them a second
time as constraints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from laurel_ledger.domain.accounts import Account, AccountKey, HoldState, usable_at
from laurel_ledger.domain.assets import AMOUNT_MAX
from laurel_ledger.domain.errors import InvariantViolation
from laurel_ledger.domain.transactions import Record, Transaction, TransactionType

REPAYING = frozenset(
    (
        TransactionType.EARN,
        TransactionType.SPEND_REVERSAL,
        TransactionType.CAPTURE,
        TransactionType.RELEASE,
        TransactionType.LAPSE,
        TransactionType.ACTIVATION,
        TransactionType.THAW,
        TransactionType.REPAYMENT,
    )
)
"""The types that may repay what is owed."""


UNSPENT = frozenset(
    (
        TransactionType.CAPTURE,
        TransactionType.VOIDING,
        TransactionType.EARN_REVERSAL,
        TransactionType.LOT_EXTENSION,
    )
)
"""The types that may take points after their expiry."""


def check_batch(
    before: Mapping[AccountKey, Account],
    after: Mapping[AccountKey, Account],
    records: Iterable[Record],
    *,
    now: datetime,
) -> None:
    """Raise InvariantViolation when what is about to be stored does not agree with itself."""
    posted = {key: before[key].posted if key in before else 0 for key in after}
    held = {key: before[key].held if key in before else 0 for key in after}
    versions = {key: before[key].version if key in before else 0 for key in after}
    owed = {key: before[key].owed if key in before else 0 for key in after}
    for record in records:
        if isinstance(record, Transaction):
            if record.hold:
                held[record.key] = record.hold.held_after
            _check_transaction(record)
            owed[record.key] += record.debt_change
            posted[record.key] += record.signed_amount
            versions[record.key] += 1
            _demand(record.posted_after == posted[record.key], "I2")
            _demand(record.version == versions[record.key], "I3")
    for key, account in after.items():
        _demand(account.posted == posted[key], "I2")
        _demand(account.version == versions[key], "I3")
        _demand(account.held == held[key], "I7")
        _demand(account.owed == owed[key], "I4")
        _check_account(account)
        if account.owed and account.version != _version_before(before, key):
            _demand(not usable_at(account, now), "I5")


def _check_transaction(transaction: Transaction) -> None:
    """The lots say what the entry says (I1: the other entry is its negative), and are not void."""
    moved = 0
    void_by = transaction.commit_time
    expiring = transaction.type is TransactionType.EXPIRY
    # Points may be void by now that were pinned before, or in a frozen lot: these are not spent.
    pinned = transaction.type in UNSPENT
    # Points given back may come to a lot that is void by now, to expire there at once.
    restoring = transaction.type is TransactionType.SPEND_REVERSAL
    for movement in transaction.movements:
        moved += movement.amount
        if expiring:
            _demand(movement.expire_time == transaction.effective_time, "I16")
        elif movement.expire_time is not None and not (
            pinned or (restoring and movement.amount > 0)
        ):
            _demand(movement.expire_time > void_by, "I16")
    owed_more = moved - transaction.signed_amount
    if owed_more:  # The rare case: what is owed grows by few types, and shrinks by few.
        lends = transaction.type is TransactionType.EARN_REVERSAL
        _demand(owed_more > 0 if lends else owed_more < 0 and transaction.type in REPAYING, "I1")
    if transaction.reversal is not None:
        back = transaction.reversal
        _demand(0 < transaction.amount <= back.requested, "I10")
        _demand(back.reversed_before + back.requested <= back.original_amount, "I10")


def _check_account(account: Account) -> None:
    """The balance is what the lots hold less what is owed; no lot holds less than nothing."""
    reserved = 0
    for lot in account.lots:
        reserved += lot.reserved
        _demand(0 <= lot.reserved <= lot.remaining and lot.consumed >= 0, "I6")
    _demand(account.owed >= 0, "I4")
    _demand(account.held == reserved, "I7")
    if account.held or account.holds:
        _check_holds(account)
    _demand(-AMOUNT_MAX <= account.posted <= AMOUNT_MAX, "I8")


def _check_holds(account: Account) -> None:
    """What is held is what open holds have pinned, lot by lot, and each of them ends once."""
    pinned: dict[int, int] = {}
    for hold in account.holds:
        _demand(hold.state is HoldState.OPEN and hold.remaining > 0, "I9")
        _demand(hold.remaining == sum(pin.amount for pin in hold.pins), "I7")
        for lot_no, amount in hold.pins:
            pinned[lot_no] = pinned.get(lot_no, 0) + amount
    for lot in account.lots:
        _demand(lot.reserved == pinned.pop(lot.lot_no, 0), "I7")
    _demand(not pinned, "I7")


def _version_before(before: Mapping[AccountKey, Account], key: AccountKey) -> int:
    """How many entries an account had."""
    return before[key].version if key in before else 0


def _demand(holds: bool, invariant: str) -> None:
    if not holds:
        raise InvariantViolation(invariant=invariant)
