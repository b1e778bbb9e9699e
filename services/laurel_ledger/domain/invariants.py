"""What must be true of the books after every batch, checked before anything is stored.

The numbers are those of the ledger's list of invariants; the database holds some of them a second
time as constraints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from laurel_ledger.domain.accounts import Account, AccountKey, debt_of
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
    versions = {key: before[key].version if key in before else 0 for key in after}
    for record in records:
        if isinstance(record, Transaction):
            _check_transaction(record)
            posted[record.key] += record.signed_amount
            versions[record.key] += 1
            _demand(record.posted_after == posted[record.key], "I2")
            _demand(record.version == versions[record.key], "I3")
    for key, account in after.items():
        _demand(account.posted == posted[key], "I2")
        _demand(account.version == versions[key], "I3")
        _check_account(account)


def _check_transaction(transaction: Transaction) -> None:
    """The lots say what the entry says (I1: the other entry is its negative), and are not void."""
    moved = 0
    void_by = transaction.commit_time
    expiring = transaction.type is TransactionType.EXPIRY
    # Points given back may come to a lot that is void by now, to expire there at once.
    restoring = transaction.type is TransactionType.SPEND_REVERSAL
    for movement in transaction.movements:
        moved += movement.amount
        if expiring:
            _demand(movement.expire_time == transaction.effective_time, "I16")
        elif movement.expire_time is not None and not (restoring and movement.amount > 0):
            _demand(movement.expire_time > void_by, "I16")
    if not expiring and (transaction.posted_after < 0 or moved != transaction.signed_amount):
        moved -= _debt_grown(transaction)
    _demand(moved == transaction.signed_amount, "I1")
    if transaction.reversal is not None:
        back = transaction.reversal
        _demand(0 < transaction.amount <= back.requested, "I10")
        _demand(back.reversed_before + back.requested <= back.original_amount, "I10")


def _debt_grown(transaction: Transaction) -> int:
    """By how much the balances say that the debt grew; points about to expire repay nothing."""
    void = transaction.reversal.expiring if transaction.reversal else 0
    before = debt_of(transaction.posted_after - transaction.signed_amount)
    return debt_of(transaction.posted_after - void) - before


def _check_account(account: Account) -> None:
    """The balance is what the lots hold, none of them less than nothing; a debtor has no points."""
    held = 0
    for lot in account.lots:
        held += lot.remaining
        _demand(0 <= lot.consumed <= lot.earned, "I6")
    _demand(account.posted == held or account.posted < 0 == held, "I4")
    _demand(-AMOUNT_MAX <= account.posted <= AMOUNT_MAX, "I8")


def _demand(holds: bool, invariant: str) -> None:
    if not holds:
        raise InvariantViolation(invariant=invariant)
