"""What must be true of the books after every batch, checked before anything is stored.

The numbers are those of the ledger's list of invariants; the database holds some of them a second
time as constraints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
        TransactionType.TRANSFER_IN,
        TransactionType.EXCHANGE_IN,
        TransactionType.MERGE_IN,
        TransactionType.ADJUSTMENT_CREDIT,
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
    expected = {key: _Expected.after(before.get(key)) for key in after}
    for record in records:
        if isinstance(record, Transaction):
            entry = record.signed_amount
            due = expected[record.key]
            if record.hold:
                due.held = record.hold.held_after
            due.owed += _check_transaction(record, entry)
            due.posted += entry
            due.version += 1
            if record.posted_after != due.posted:
                raise InvariantViolation(invariant="I2")
            if record.version != due.version:
                raise InvariantViolation(invariant="I3")
    for key, account in after.items():
        _check_outcome(account, expected[key], now)


@dataclass(slots=True)
class _Expected:
    """What an account must have come to."""

    posted: int = 0
    version: int = 0
    held: int = 0
    owed: int = 0
    version_before: int = 0

    @classmethod
    def after(cls, before: Account | None) -> _Expected:
        """What it had before anything happened."""
        if before is None:
            return cls()
        version = before.version
        return cls(before.posted, version, before.held, before.owed, version)


def _check_outcome(account: Account, due: _Expected, now: datetime) -> None:
    """An account is as what happened to it says. Written out, as this is asked of every one."""
    if account.posted != due.posted:
        raise InvariantViolation(invariant="I2")
    if account.version != due.version:
        raise InvariantViolation(invariant="I3")
    if account.held != due.held:
        raise InvariantViolation(invariant="I7")
    owed = _check_account(account)
    if owed != due.owed:
        raise InvariantViolation(invariant="I4")
    if owed and account.version != due.version_before:
        _demand(not usable_at(account, now), "I5")


def _check_transaction(transaction: Transaction, entry: int) -> int:
    """The lots say what the entry says (I1: the other entry is its negative), and are not void;
    by how much what is owed has grown.
    """
    moved = -entry
    void_by = transaction.commit_time
    expiring = transaction.type is TransactionType.EXPIRY
    # Points may be void by now that were pinned before, or in a frozen lot: these are not spent.
    pinned = transaction.type in UNSPENT
    # Points given back may come to a lot that is void by now, to expire there at once.
    restoring = transaction.type is TransactionType.SPEND_REVERSAL
    for movement in transaction.movements:
        amount, end = movement.amount, movement.expire_time
        moved += amount
        if expiring:
            _demand(end == transaction.effective_time, "I16")
        elif end is not None and end <= void_by and not (pinned or (restoring and amount > 0)):
            raise InvariantViolation(invariant="I16")
    if moved:  # The rare case: what is owed grows by few types, and shrinks by few.
        repays = moved < 0 and transaction.type in REPAYING
        _demand(moved > 0 if transaction.lends else repays, "I1")
    if transaction.reversal is not None:
        back = transaction.reversal
        _demand(0 < transaction.amount <= back.requested, "I10")
        _demand(back.reversed_before + back.requested <= back.original_amount, "I10")
        if back.of_lines is not None:
            together = sum(line.amount for line in back.of_lines.lines)
            _demand(together == transaction.amount, "I10")
    return moved


def _check_account(account: Account) -> int:
    """The balance is what the lots hold less what is owed; no lot holds less than nothing. What is
    owed.
    """
    reserved = remaining = 0
    for lot in account.lots:
        pinned, consumed = lot.reserved, lot.consumed
        there = lot.earned - consumed
        reserved += pinned
        remaining += there
        if consumed < 0 or not 0 <= pinned <= there:
            raise InvariantViolation(invariant="I6")
    posted, held = account.posted, account.held
    owed = remaining - posted - reserved + held
    if owed < 0:
        raise InvariantViolation(invariant="I4")
    if held != reserved:
        raise InvariantViolation(invariant="I7")
    if held or account.holds:
        _check_holds(account)
    if not -AMOUNT_MAX <= posted <= AMOUNT_MAX:
        raise InvariantViolation(invariant="I8")
    return owed


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
