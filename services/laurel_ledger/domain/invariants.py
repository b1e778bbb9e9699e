"""What must be true of the books after every batch, checked before anything is stored.

The numbers are those of the ledger's list of invariants; the database holds some of them a second
time as constraints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from laurel_ledger.domain.accounts import Account, AccountKey, HoldState, debt_of
from laurel_ledger.domain.assets import AMOUNT_MAX
from laurel_ledger.domain.errors import InvariantViolation
from laurel_ledger.domain.transactions import Record, Transaction, TransactionType


def check_batch(
    before: Mapping[AccountKey, Account],
    after: Mapping[AccountKey, Account],
    records: Iterable[Record],
) -> None:
    """Raise InvariantViolation when what is about to be stored does not agree with itself."""
    posted = {key: before[key].posted if key in before else 0 for key in after}
    held = {key: before[key].held if key in before else 0 for key in after}
    versions = {key: before[key].version if key in before else 0 for key in after}
    for record in records:
        if isinstance(record, Transaction):
            held_before = held[record.key]
            held[record.key] = record.hold.held_after if record.hold else held_before
            _check_transaction(record, held_before, held[record.key])
            posted[record.key] += record.signed_amount
            versions[record.key] += 1
            _demand(record.posted_after == posted[record.key], "I2")
            _demand(record.version == versions[record.key], "I3")
    for key, account in after.items():
        _demand(account.posted == posted[key], "I2")
        _demand(account.version == versions[key], "I3")
        _demand(account.held == held[key], "I7")
        _check_account(account)


def _check_transaction(transaction: Transaction, held_before: int, held_after: int) -> None:
    """The lots say what the entry says (I1: the other entry is its negative), and are not void."""
    moved = 0
    void_by = transaction.commit_time
    expiring = transaction.type is TransactionType.EXPIRY
    # Captured points may be void by now, as they were pinned before.
    pinned = transaction.type is TransactionType.CAPTURE
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
    if moved != transaction.signed_amount or transaction.posted_after < held_after:
        moved -= _debt_grown(transaction, held_before, held_after)
    _demand(moved == transaction.signed_amount, "I1")
    if transaction.reversal is not None:
        back = transaction.reversal
        _demand(0 < transaction.amount <= back.requested, "I10")
        _demand(back.reversed_before + back.requested <= back.original_amount, "I10")


def _debt_grown(transaction: Transaction, held_before: int, held_after: int) -> int:
    """By how much the balances say that the debt grew; points about to expire repay nothing."""
    if transaction.type is TransactionType.EXPIRY:
        return 0
    void = transaction.reversal.expiring if transaction.reversal else 0
    void += transaction.hold.expiring if transaction.hold else 0
    posted_before = transaction.posted_after - transaction.signed_amount
    after = debt_of(transaction.posted_after - void - held_after)
    return after - debt_of(posted_before - held_before)


def _check_account(account: Account) -> None:
    """The balance is what the lots hold, none of them less than nothing; a debtor has no points."""
    free = reserved = 0
    for lot in account.lots:
        free += lot.free
        reserved += lot.reserved
        _demand(0 <= lot.reserved <= lot.remaining and lot.consumed >= 0, "I6")
    unheld = account.posted - account.held
    _demand(unheld == free or unheld < 0 == free, "I4")
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


def _demand(holds: bool, invariant: str) -> None:
    if not holds:
        raise InvariantViolation(invariant=invariant)
