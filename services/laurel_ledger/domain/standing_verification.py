"""Verifying how accounts stood: every change of them, and that every posting was allowed by it.

What a suspension stops and what limits are about is said here once more, so that a fault of posting
shows as well as a row that somebody changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from laurel_ledger.domain.account_verification import AccountFold
from laurel_ledger.domain.standings import NO_LIMITS, AccountLimits, AccountState, ChangeKind
from laurel_ledger.domain.transactions import Transaction, TransactionType
from laurel_ledger.domain.verification import (
    Difference,
    StoredRecord,
    differing,
    unexpected,
)

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
"""What nobody may have posted in a suspended account."""
TAKING = frozenset(
    (
        TransactionType.SPEND,
        TransactionType.HOLD,
        TransactionType.TRANSFER_OUT,
        TransactionType.EXCHANGE_OUT,
    )
)
"""What may not be of more points than one spending may take."""
FILLING = frozenset(
    (
        TransactionType.EARN,
        TransactionType.TRANSFER_IN,
        TransactionType.EXCHANGE_IN,
        TransactionType.ADJUSTMENT_CREDIT,
    )
)
"""What may not leave more points than the account may have."""
LEADS_TO = {
    ChangeKind.SUSPENSION: AccountState.SUSPENDED,
    ChangeKind.RESUMPTION: AccountState.OPEN,
    ChangeKind.CLOSURE: AccountState.CLOSED,
}
KINDS: Mapping[int, ChangeKind] = {int(kind): kind for kind in ChangeKind}
LAST = 2**63 - 1
"""No record has a higher position."""
RIGHT, WRONG = "that of the row", "that of another content"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChange:
    """A change of an account as it stands in the books."""

    shard_id: int
    account_id: int
    change_no: int
    kind: int
    state: int
    limits: AccountLimits
    position: int
    """Of the last record before it."""
    of_member: bool
    """Whether there is an account of a member that it is about."""
    sound: bool
    """Whether its digest is that of its content."""

    @property
    def row(self) -> str:
        """Which row it is."""
        return f"account {self.account_id} change {self.change_no}"


@dataclass(slots=True, kw_only=True)
class StandingFold:
    """How an account stands, as its changes say, while its records are read in their order."""

    changes: deque[StoredChange] = field(default_factory=deque)
    """Those that are still to come."""
    state: AccountState = AccountState.OPEN
    limits: AccountLimits = NO_LIMITS
    change_no: int = 0
    position: int = 0

    def check(self, stored: StoredRecord, before: AccountFold) -> Iterator[Difference]:
        """Verify the next record of the account, which was `before` until then."""
        yield from self.go_on(stored.position, before)
        transaction = stored.record
        if isinstance(transaction, Transaction):
            for said, most, found in self._broken(transaction):
                yield from before.differing(stored, **{said: (most, found)})

    def go_on(self, position: int, account: AccountFold) -> Iterator[Difference]:
        """Verify the changes before a position."""
        while self.changes and self.changes[0].position < position:
            yield from self._check(self.changes.popleft(), account)

    def _check(self, change: StoredChange, account: AccountFold) -> Iterator[Difference]:
        """One change follows from the one before it and from what the account had."""
        kind = KINDS.get(change.kind)
        expected = self.state if kind is None else LEADS_TO.get(kind, self.state)
        limiting = kind is ChangeKind.LIMITING
        yield from differing(
            "account_change",
            change.shard_id,
            change.row,
            digest=(RIGHT, RIGHT if change.sound else WRONG),
            change_no=(self.change_no + 1, change.change_no),
            kind=(True, kind is not None and self.state is not AccountState.CLOSED),
            state=(int(expected), change.state),
            limits=(change.limits if limiting else self.limits, change.limits),
            position=(True, change.position >= self.position),
        )
        if kind is ChangeKind.CLOSURE:
            left = sum(lot.remaining for lot in account.lots.values()) or -account.owed
            yield from differing(
                "account_change",
                change.shard_id,
                change.row,
                kind=("an empty account", "an empty account" if not left else f"{left} points"),
            )
        self.state, self.limits = expected, change.limits
        self.change_no, self.position = change.change_no, change.position

    def _broken(self, transaction: Transaction) -> Iterator[tuple[str, str, str]]:
        """What a transaction may not have been: the column, what was allowed, what is found."""
        type_, limits = transaction.type, self.limits
        closed = self.state is AccountState.CLOSED
        if closed or (self.state is AccountState.SUSPENDED and type_ in STOPPED):
            yield "type", f"none in an account that is {self.state.name}", type_.name
        asked = transaction.spending.requested if transaction.spending else transaction.amount
        if type_ in TAKING:
            yield from _above("amount", limits.spend_max, asked)
        if type_ is TransactionType.EARN:
            yield from _above("amount", limits.earn_max, asked)
        if type_ in FILLING:
            yield from _above("posted_after", limits.balance_max, transaction.posted_after)


def _above(column: str, most: int | None, found: int) -> Iterator[tuple[str, str, str]]:
    if most is not None and found > most:
        yield column, f"at most {most}", str(found)


@dataclass(slots=True, kw_only=True)
class Standings:
    """How some accounts stand while their records are read."""

    folds: dict[int, StandingFold]

    @classmethod
    def of(cls, changes: Iterable[StoredChange]) -> Standings:
        """Changes by account, each account's in their order."""
        folds: dict[int, StandingFold] = {}
        for change in changes:
            folds.setdefault(change.account_id, StandingFold()).changes.append(change)
        return cls(folds=folds)

    def check(self, stored: StoredRecord, before: AccountFold) -> Iterator[Difference]:
        """Verify the next record of an account."""
        if fold := self.folds.get(stored.account_id):
            yield from fold.check(stored, before)

    def check_end(self, accounts: dict[int, AccountFold], shard_id: int) -> Iterator[Difference]:
        """Verify the changes after the last record of each account."""
        for number, fold in self.folds.items():
            for change in fold.changes:
                if not change.of_member:
                    yield unexpected("account_change", shard_id, change.row)
            account = accounts.get(number) or AccountFold(shard_id=shard_id, account_id=number)
            yield from fold.go_on(LAST, account)
