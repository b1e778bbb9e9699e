"""Drafts, what becomes of them, and when two of them are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import ClassVar, NamedTuple

from laurel_ledger.domain.accounts import AccountKey, AccountKind, Movement
from laurel_ledger.domain.changes import Activation, Exchange, Given, HoldEvent, LotChange, Transfer
from laurel_ledger.domain.conditions import AccountConditions
from laurel_ledger.domain.errors import LedgerError
from laurel_ledger.domain.quick_values import quick
from laurel_ledger.domain.reversal_terms import LateRestore, Reversal, Shortfall
from laurel_ledger.domain.spendings import (
    AskedLine,
    Line,
    LotPolicy,
    Spending,
    SpendShortfall,
)


class TransactionType(IntEnum):
    """What kind of change a transaction is. The numbers are stored and the contract's."""

    EARN = 1
    SPEND = 2
    EXPIRY = 3
    SPEND_REVERSAL = 4
    EARN_REVERSAL = 5
    CAPTURE = 6
    HOLD = 7
    RELEASE = 8
    LAPSE = 9
    EXTENSION = 10
    ACTIVATION = 11
    FREEZE = 12
    THAW = 13
    VOIDING = 14
    REPAYMENT = 15
    LOT_EXTENSION = 16
    TRANSFER_OUT = 17
    TRANSFER_IN = 18
    EXCHANGE_OUT = 19
    EXCHANGE_IN = 20
    MERGE_OUT = 21
    MERGE_IN = 22
    ADJUSTMENT_CREDIT = 23
    ADJUSTMENT_DEBIT = 24

    __hash__ = int.__hash__  # That of Enum is a function in Python, and types are looked up often.


COUNTER_KIND = {
    TransactionType.EARN: AccountKind.FUNDING,
    TransactionType.SPEND: AccountKind.REDEMPTION,
    TransactionType.EXPIRY: AccountKind.BREAKAGE,
    TransactionType.SPEND_REVERSAL: AccountKind.REDEMPTION,
    TransactionType.EARN_REVERSAL: AccountKind.FUNDING,
    TransactionType.CAPTURE: AccountKind.REDEMPTION,
    TransactionType.VOIDING: AccountKind.BREAKAGE,
    TransactionType.TRANSFER_OUT: AccountKind.CLEARING,
    TransactionType.TRANSFER_IN: AccountKind.CLEARING,
    TransactionType.MERGE_OUT: AccountKind.CLEARING,
    TransactionType.MERGE_IN: AccountKind.CLEARING,
    TransactionType.EXCHANGE_OUT: AccountKind.CONVERSION,
    TransactionType.EXCHANGE_IN: AccountKind.CONVERSION,
    TransactionType.ADJUSTMENT_CREDIT: AccountKind.ADJUSTMENT,
    TransactionType.ADJUSTMENT_DEBIT: AccountKind.ADJUSTMENT,
}
"""On whose account the other side of a transaction is; the types left out have no other side."""

EARNING = frozenset((TransactionType.EARN, TransactionType.ADJUSTMENT_CREDIT))
"""The types that bring a member new points, which the funding account named beside them owes."""

COMING = EARNING | {
    TransactionType.SPEND_REVERSAL,
    TransactionType.TRANSFER_IN,
    TransactionType.EXCHANGE_IN,
    TransactionType.MERGE_IN,
}
"""The types that add to a member's balance."""


_new = tuple.__new__
"""Makes a name for a third of what its own constructor costs, a function in Python."""


class RequestKey(NamedTuple):
    """The name of an outcome: one for ever."""

    program_id: str
    member_id: str
    request_id: str


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A transaction that a caller wants posted."""

    EFFECTIVE_TIME: ClassVar = "transaction.effective_time"
    """Where the contract has its effective time."""
    program_id: str
    request_id: str
    type: TransactionType
    member_id: str
    asset_id: str
    amount: int
    counter_account_id: str
    expire_time: datetime | None = None
    effective_time: datetime | None = None
    reason: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    program_revision: str = ""
    active_time: datetime | None = None
    activation_key: str | None = None
    spending: Spending | None = None
    """Of a spending that says more than its amount."""
    to_member_id: str = ""
    """Of a transfer: who gets the points."""
    to_asset_id: str = ""
    """Of an exchange: which points come for those that are given."""
    cost: int | None = None
    """Of an earning: what its points cost in fen; None when nothing is said of it."""
    conditions: AccountConditions | None = None
    """What must be true of the account. No part of what is asked for: neither kept nor compared."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """What a spending pays for, line by line."""
        return self.spending.lines if self.spending else ()

    @property
    def shortfall(self) -> SpendShortfall:
        """What to do when fewer points are available than are to be spent."""
        return self.spending.shortfall if self.spending else SpendShortfall.REJECT

    @property
    def lot_policy(self) -> LotPolicy:
        """Which points a spending takes first."""
        return self.spending.lot_policy if self.spending else LotPolicy.SOONEST_EXPIRY

    @property
    def account_key(self) -> AccountKey:
        """The account whose points move."""
        return _new(AccountKey, (self.program_id, self.member_id, self.asset_id))

    @property
    def request_key(self) -> RequestKey:
        """The name of its outcome."""
        return _new(RequestKey, (self.program_id, self.member_id, self.request_id))

    @property
    def activation(self) -> Activation | None:
        """From when on, or on what, the points can be spent; None for at once."""
        if self.active_time is None and self.activation_key is None:
            return None
        return Activation(self.active_time, self.activation_key)

    @property
    def given(self) -> Given:
        """Which of the optional fields the caller filled."""
        times = self.effective_time or self.expire_time
        if not (times or self.program_revision or self.spending or self.cost is not None):
            return Given.NOTHING  # The usual case, without the cost of combining flags.
        return (
            (Given.EFFECTIVE_TIME if self.effective_time else Given.NOTHING)
            | (Given.EXPIRE_TIME if self.expire_time else Given.NOTHING)
            | (Given.PROGRAM_REVISION if self.program_revision else Given.NOTHING)
            | (Given.SPENDING if self.spending else Given.NOTHING)
            | (Given.NOTHING if self.cost is None else Given.COST)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalDraft:
    """A reversal that a caller wants posted. Its asset and type are those of what it reverses."""

    EFFECTIVE_TIME: ClassVar = "effective_time"
    """Where the contract has its effective time."""
    program_id: str
    request_id: str
    member_id: str
    reversed_request_id: str
    amount: int | None = None
    """How many points; None for all that remain, or for what is said of lines."""
    lines: tuple[AskedLine, ...] = ()
    late_restore: LateRestore = LateRestore.EXPIRE
    grace_days: int = 0
    shortfall: Shortfall = Shortfall.CLAMP
    effective_time: datetime | None = None
    reason: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    program_revision: str = ""
    asset_id: str = ""
    type: TransactionType = TransactionType.SPEND_REVERSAL

    @property
    def account_key(self) -> AccountKey:
        """The account whose points move; known once what is reversed is."""
        return AccountKey(self.program_id, self.member_id, self.asset_id)

    @property
    def request_key(self) -> RequestKey:
        """The name of its outcome."""
        return RequestKey(self.program_id, self.member_id, self.request_id)

    @property
    def reversed_key(self) -> RequestKey:
        """The name of what it reverses."""
        return RequestKey(self.program_id, self.member_id, self.reversed_request_id)

    @property
    def given(self) -> Given:
        """Which of the optional fields the caller filled."""
        return (
            (Given.EFFECTIVE_TIME if self.effective_time else Given.NOTHING)
            | (Given.PROGRAM_REVISION if self.program_revision else Given.NOTHING)
            | (Given.NOTHING if self.amount is None else Given.AMOUNT)
            | (Given.SPENDING if self.lines else Given.NOTHING)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldDraft:
    """What a caller wants to be done with a hold; its own request id names the hold to place."""

    EFFECTIVE_TIME: ClassVar = "effective_time"
    program_id: str
    request_id: str
    type: TransactionType
    member_id: str
    hold_id: str
    asset_id: str = ""
    """Known from the request of a hold to place, from the hold otherwise."""
    amount: int | None = None
    lifetime: timedelta | None = None
    final: bool = False
    counter_account_id: str = ""
    reason: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    program_revision: str = ""
    effective_time: ClassVar[None] = None

    @property
    def account_key(self) -> AccountKey:
        """The account whose points are held."""
        return AccountKey(self.program_id, self.member_id, self.asset_id)

    @property
    def request_key(self) -> RequestKey:
        """The name of its outcome."""
        return RequestKey(self.program_id, self.member_id, self.request_id)

    @property
    def hold_key(self) -> RequestKey:
        """The name of the hold."""
        return RequestKey(self.program_id, self.member_id, self.hold_id)

    @property
    def given(self) -> Given:
        """Which of the optional fields the caller filled."""
        return (Given.PROGRAM_REVISION if self.program_revision else Given.NOTHING) | (
            Given.NOTHING if self.amount is None else Given.AMOUNT
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LotDraft:
    """What a caller wants to be done with lots: those that are named, or all that have a key."""

    EFFECTIVE_TIME: ClassVar = "effective_time"
    program_id: str
    request_id: str
    type: TransactionType
    member_id: str
    asset_id: str
    lot_nos: tuple[int, ...] = ()
    activation_key: str = ""
    """Of the lots that wait for it."""
    freeze_key: str = ""
    """Of the lots that are frozen under it; for a freeze, under which they will be."""
    expire_time: datetime | None = None
    """Of an extension: until when the points can be spent from now on."""
    reason: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    program_revision: str = ""
    counter_account_id: ClassVar[str] = ""
    amount: ClassVar[None] = None
    effective_time: ClassVar[None] = None

    @property
    def account_key(self) -> AccountKey:
        """The account whose lots are meant."""
        return AccountKey(self.program_id, self.member_id, self.asset_id)

    @property
    def request_key(self) -> RequestKey:
        """The name of its outcome."""
        return RequestKey(self.program_id, self.member_id, self.request_id)

    @property
    def given(self) -> Given:
        """Which of the optional fields the caller filled."""
        return Given.PROGRAM_REVISION if self.program_revision else Given.NOTHING


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A posted transaction of one member's account and one of the program's own."""

    key: AccountKey
    request_id: str
    type: TransactionType
    amount: int
    counter_account_id: str
    version: int
    posted_after: int
    movements: tuple[Movement, ...]
    commit_time: datetime
    effective_time: datetime
    reason: str
    labels: Mapping[str, str]
    program_revision: str
    given: Given = Given.NOTHING
    reversal: Reversal | None = None
    hold: HoldEvent | None = None
    activation: Activation | None = None
    lots: LotChange | None = None
    spending: Spending | None = None
    transfer: Transfer | None = None
    conversion: Exchange | None = None
    cost: int | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """How much of each of its lines a spending paid for."""
        return tuple(self.spending.lines_for(self.amount)) if self.spending else ()

    @property
    def lends(self) -> bool:
        """Whether the member may owe more after it."""
        lending = self.spending is not None and self.spending.shortfall is SpendShortfall.DEBT
        return lending or self.type is TransactionType.EARN_REVERSAL

    @property
    def request_key(self) -> RequestKey:
        """Its name."""
        return _new(RequestKey, (*self.key[:2], self.request_id))

    @property
    def signed_amount(self) -> int:
        """What it adds to the member's account (above zero) or takes from it (below zero)."""
        type_ = self.type
        if type_ in COMING:
            return self.amount
        # Looking a type up costs more than naming the usual one.
        taking = type_ is TransactionType.SPEND or type_ in COUNTER_KIND
        return -self.amount if taking else 0

    @property
    def debt_change(self) -> int:
        """By how much the member's debt grew (above zero) or was repaid (below zero)."""
        moved = -self.signed_amount
        for movement in self.movements:
            moved += movement.amount
        return moved

    @property
    def draft(self) -> AnyDraft:
        """What the caller asked for."""
        if self.hold is not None:
            return _draft_of_hold(self, self.hold)
        if self.lots is not None:
            return _draft_of_lots(self, self.lots)
        if self.reversal is not None:
            return _draft_of_reversal(self, self.reversal)
        expiry = self.movements[0].expire_time if self.given & Given.EXPIRE_TIME else None
        return Draft(
            program_id=self.key.program_id,
            request_id=self.request_id,
            type=self.type,
            member_id=self.key.member_id,
            asset_id=self.key.asset_id,
            amount=self.spending.requested if self.spending else self.amount,
            counter_account_id=self.counter_account_id,
            expire_time=expiry,
            effective_time=self.effective_time if self.given & Given.EFFECTIVE_TIME else None,
            reason=self.reason,
            labels=self.labels,
            program_revision=self.program_revision if self.given & Given.PROGRAM_REVISION else "",
            active_time=self.activation.time if self.activation else None,
            activation_key=self.activation.key if self.activation else None,
            spending=self.spending,
            to_member_id=self.transfer.member_id if self.transfer else "",
            to_asset_id=self.conversion.asset_id if self.conversion else "",
            cost=self.cost,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A refusal that is the outcome of its request id for ever."""

    draft: AnyDraft
    error: LedgerError
    commit_time: datetime

    @property
    def key(self) -> AccountKey:
        """The account under which it is kept."""
        return self.draft.account_key

    @property
    def request_key(self) -> RequestKey:
        """Its name."""
        return self.draft.request_key


AnyDraft = Draft | ReversalDraft | HoldDraft | LotDraft
"""Whatever a caller may want."""
Record = Transaction | Rejection
"""What a request id stands for."""


def _draft_of_hold(transaction: Transaction, event: HoldEvent) -> HoldDraft:
    """What the caller of a change of a hold asked for."""
    given = transaction.given
    return HoldDraft(
        program_id=transaction.key.program_id,
        request_id=transaction.request_id,
        type=transaction.type,
        member_id=transaction.key.member_id,
        hold_id=event.hold.hold_id,
        asset_id=transaction.key.asset_id,
        amount=transaction.amount if given & Given.AMOUNT else None,
        lifetime=event.lifetime,
        final=event.final,
        counter_account_id=transaction.counter_account_id,
        reason=transaction.reason,
        labels=transaction.labels,
        program_revision=transaction.program_revision if given & Given.PROGRAM_REVISION else "",
    )


def _draft_of_lots(transaction: Transaction, change: LotChange) -> LotDraft:
    """What the caller of a change of lots asked for."""
    given = transaction.given
    extending = transaction.type is TransactionType.LOT_EXTENSION
    return LotDraft(
        program_id=transaction.key.program_id,
        request_id=transaction.request_id,
        type=transaction.type,
        member_id=transaction.key.member_id,
        asset_id=transaction.key.asset_id,
        lot_nos=change.lot_nos,
        activation_key=change.activation_key,
        freeze_key=change.freeze_key,
        expire_time=transaction.movements[-1].expire_time if extending else None,
        reason=transaction.reason,
        labels=transaction.labels,
        program_revision=transaction.program_revision if given & Given.PROGRAM_REVISION else "",
    )


def _draft_of_reversal(transaction: Transaction, reversal: Reversal) -> ReversalDraft:
    """What the caller of a posted reversal asked for."""
    given = transaction.given
    return ReversalDraft(
        program_id=transaction.key.program_id,
        request_id=transaction.request_id,
        member_id=transaction.key.member_id,
        reversed_request_id=reversal.reversed_request_id,
        amount=reversal.requested if given & Given.AMOUNT else None,
        lines=reversal.of_lines.asked if reversal.of_lines else (),
        late_restore=reversal.late_restore,
        grace_days=reversal.grace_days,
        shortfall=reversal.shortfall,
        effective_time=transaction.effective_time if given & Given.EFFECTIVE_TIME else None,
        reason=transaction.reason,
        labels=transaction.labels,
        program_revision=transaction.program_revision if given & Given.PROGRAM_REVISION else "",
        asset_id=transaction.key.asset_id,
        type=transaction.type,
    )
