"""Verifying members' accounts: balance, versions, lots and holds folded from the records.

Of the invariants I1 to I7, I10 and I16. Each type of transaction has a fold of its own; a new type
takes its place in `FOLDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from laurel_ledger.domain.accounts import (
    NEVER,
    Account,
    AccountKind,
    Hold,
    HoldState,
    Lot,
    Movement,
)
from laurel_ledger.domain.chain import EPOCH
from laurel_ledger.domain.changes import HoldEvent, LotChange
from laurel_ledger.domain.cohorts import CohortFold, LotMonths
from laurel_ledger.domain.folded_lots import AT_ONCE, FoldedHold, FoldedLot, opened_by_merge
from laurel_ledger.domain.line_verification import LinesFold
from laurel_ledger.domain.reversal_terms import Reversal
from laurel_ledger.domain.spendings import SpendShortfall
from laurel_ledger.domain.transactions import Transaction, TransactionType
from laurel_ledger.domain.verification import (
    Difference,
    StoredAccount,
    StoredHold,
    StoredLot,
    StoredRecord,
    differing,
    missing,
    unexpected,
)


@dataclass(slots=True, kw_only=True)
class AccountFold:
    """An account as its records make it."""

    shard_id: int
    account_id: int
    posted: int = 0
    held: int = 0
    owed: int = 0
    version: int = 0
    commit_time: datetime = EPOCH
    lots: dict[int, FoldedLot] = field(default_factory=dict)
    holds: dict[str, FoldedHold] = field(default_factory=dict)
    reversed: dict[str, int] = field(default_factory=dict)
    """How much of each transaction was reversed, by its request id."""
    lines: LinesFold = field(default_factory=LinesFold)
    cohorts: CohortFold = field(default_factory=lambda: CohortFold(months={}, zones={}))

    def count_months(self, transaction: Transaction, zone: ZoneInfo | None) -> None:
        """Fold of which months the points of the lots are (I14), in the program's zone then."""
        if zone is None:
            return
        if self.cohorts.zones.get(transaction.key.program_id) != zone:
            zones = {transaction.key.program_id: zone}
            self.cohorts = CohortFold(months=self.cohorts.months, zones=zones)
        with suppress(KeyError):  # Points left a lot that none had come into: told already.
            self.cohorts.add(transaction, shard_id=self.shard_id)

    def _months_of(self, stored: StoredLot) -> LotMonths | None:
        """Of which months the points of a lot are; whatever is stored, where none were counted."""
        for (_, lot_no), months in self.cohorts.months.items():
            if lot_no == stored.lot_no:
                return months.after(self.lots[stored.lot_no].consumed)
        return stored.months

    def add(self, stored: StoredRecord) -> Iterator[Difference]:
        """Go on with the next transaction of the account."""
        transaction = stored.record
        if not isinstance(transaction, Transaction):
            return
        self.posted += transaction.signed_amount
        self.version += 1
        yield from self.differing(
            stored,
            version=(self.version, transaction.version),
            posted_after=(self.posted, transaction.posted_after),
        )
        ordinals = () if stored.single else tuple(range(len(transaction.movements)))
        yield from differing(
            "lot_movement",
            self.shard_id,
            f"account {self.account_id} version {transaction.version}",
            ordinal=(ordinals, stored.ordinals),
        )
        self.lots |= opened_by_merge(transaction)
        if transaction.type is TransactionType.LOT_EXTENSION:
            yield from self._carry(stored, transaction)
        for movement in transaction.movements:
            yield from self._move(stored, transaction, movement)
        if transaction.hold is not None:
            yield from self._hold(stored, transaction.hold)
        if transaction.lots is not None:
            yield from self._change_lots(stored, transaction.type, transaction.lots)
        if transaction.reversal is not None:
            yield from self._reverse(stored, transaction.reversal, transaction.amount)
        yield from self.lines.add(self.shard_id, stored.position, transaction)
        yield from self._check_owed(stored, transaction)
        yield from FOLDS[transaction.type](self, stored, transaction)
        self.version, self.posted = transaction.version, transaction.posted_after
        self.commit_time = transaction.commit_time

    def differing(
        self, stored: StoredRecord, **columns: tuple[object, object]
    ) -> Iterator[Difference]:
        """A difference for each column of a record that is not as expected."""
        return differing("transaction", self.shard_id, f"position {stored.position}", **columns)

    def _move(
        self, stored: StoredRecord, transaction: Transaction, movement: Movement
    ) -> Iterator[Difference]:
        """Points go into a lot behind those that did before, and out of it in the same order."""
        lot = self.lots.setdefault(
            movement.lot_no,
            FoldedLot(
                funding_account_id=movement.funding_account_id,
                expire_time=movement.expire_time,
                create_time=transaction.commit_time,
                activation=transaction.activation or AT_ONCE,
            ),
        )
        reached = lot.earned if movement.amount > 0 else lot.consumed
        yield from self.differing(stored, lot_position=(reached, movement.position))
        if movement.amount > 0:
            lot.earned += movement.amount
        else:
            lot.consumed -= movement.amount
        if lot.remaining < 0:
            yield from differing(
                "lot",
                self.shard_id,
                f"account {self.account_id} lot {movement.lot_no}",
                consumed=(f"at most {lot.earned}", lot.consumed),
            )

    def _carry(self, stored: StoredRecord, transaction: Transaction) -> Iterator[Difference]:
        """Lots open in which points go on as they were in those they leave, pair by pair."""
        moved = transaction.movements
        opened = []
        for taken, put in zip(moved[::2], moved[1::2], strict=False):
            source = self.lots.get(taken.lot_no)
            if source is None or put.lot_no in self.lots:
                yield unexpected(
                    "lot", self.shard_id, f"account {self.account_id} lot {put.lot_no}"
                )
                continue
            opened.append((put.lot_no, -taken.amount))
            self.lots[put.lot_no] = source.continued(
                taken.lot_no, expire_time=put.expire_time, now=transaction.commit_time
            )
            yield from self.differing(
                stored,
                expire_time=(True, (source.expire_time or NEVER) < (put.expire_time or NEVER)),
                amount=(-taken.amount, put.amount),
            )
        changed = tuple(transaction.lots.lots) if transaction.lots else ()
        yield from differing(
            "lot_event", self.shard_id, f"position {stored.position}", lots=(tuple(opened), changed)
        )

    def _hold(self, stored: StoredRecord, event: HoldEvent) -> Iterator[Difference]:
        """A hold is as a transaction left it; what its pins were is free, what they are is not."""
        hold = event.hold
        before = self.holds.get(hold.hold_id)
        self.holds[hold.hold_id] = FoldedHold(
            hold=hold,
            position=before.position if before else stored.position,
            holder_no=stored.holder_no,
        )
        self._pin(before.hold if before else None, -1)
        self._pin(hold, 1)
        self.held += hold.remaining - (before.hold.remaining if before else 0)
        yield from differing(
            "hold_event",
            self.shard_id,
            f"position {stored.position}",
            held_after=(self.held, event.held_after),
            pins=(hold.remaining, sum(pin.amount for pin in hold.pins)),
            state=(hold.remaining > 0, hold.state is HoldState.OPEN),
        )
        self.held = event.held_after

    def _change_lots(
        self, stored: StoredRecord, type_: TransactionType, change: LotChange
    ) -> Iterator[Difference]:
        """Lots are active, frozen or thawed from a transaction on, with the points they have."""
        for lot_no, amount in change.lots:
            lot = self.lots.get(lot_no)
            if lot is None:
                yield missing("lot", self.shard_id, f"account {self.account_id} lot {lot_no}")
                continue
            lot.activated |= type_ is TransactionType.ACTIVATION
            if type_ in (TransactionType.FREEZE, TransactionType.THAW):
                freezing = type_ is TransactionType.FREEZE
                lot.freeze_key = change.freeze_key if freezing else None
            if type_ is TransactionType.FREEZE:
                yield from differing(
                    "lot_event",
                    self.shard_id,
                    f"position {stored.position}",
                    amount=(lot.remaining, amount),
                )

    def _pin(self, hold: Hold | None, sign: int) -> None:
        """Count what a hold keeps of each lot; of one that is not there, nothing."""
        for pin in hold.pins if hold else ():
            if lot := self.lots.get(pin.lot_no):
                lot.reserved += sign * pin.amount

    def _reverse(
        self, stored: StoredRecord, reversal: Reversal, amount: int
    ) -> Iterator[Difference]:
        """What was reversed before is what earlier reversals say, and never too much (I10)."""
        before = self.reversed.get(reversal.reversed_request_id, 0)
        self.reversed[reversal.reversed_request_id] = before + amount
        within = 0 < amount <= reversal.requested <= reversal.original_amount - before
        yield from differing(
            "reversal",
            self.shard_id,
            f"position {stored.position}",
            reversed_before=(before, reversal.reversed_before),
            requested=(True, within),
        )

    def _check_owed(self, stored: StoredRecord, transaction: Transaction) -> Iterator[Difference]:
        """What moved in lots is the entry and what the member came to owe by it; nothing is owed
        beside points that can be spent (I1, I4, I5).
        """
        now = transaction.commit_time
        owed = sum(lot.free for lot in self.lots.values()) - transaction.posted_after + self.held
        moved = sum(movement.amount for movement in transaction.movements)
        expected = moved - owed + self.owed
        yield from self.differing(stored, amount=(expected, transaction.signed_amount))
        usable = sum(lot.free for lot in self.lots.values() if lot.usable(now))
        settled = transaction.type in SETTLING or not (owed and usable)
        yield from self.differing(stored, posted_after=(True, owed >= 0 and settled))
        self.owed = owed

    def check_holds(self, holds: Sequence[StoredHold]) -> Iterator[Difference]:
        """Verify the holds as they stand in the books."""
        found = {each.hold.hold_id if each.hold else each.hold_key: each for each in holds}
        for hold_id, folded in self.holds.items():
            if stored := found.pop(hold_id, None):
                yield from differing(
                    "hold",
                    self.shard_id,
                    stored.row,
                    hold=(folded.hold, stored.hold),
                    position=(folded.position, stored.position),
                    holder_no=(folded.holder_no, stored.holder_no),
                )
            else:
                yield missing("hold", self.shard_id, f"account {self.account_id} hold {hold_id}")
        for each in found.values():
            yield unexpected("hold", self.shard_id, each.row)

    def check_account(self, account: StoredAccount) -> Iterator[Difference]:
        """Verify the account as it stands in the books."""
        lots = tuple(
            Lot(
                lot_no=lot_no,
                funding_account_id=lot.funding_account_id,
                expire_time=lot.expire_time,
                create_time=lot.create_time,
                earned=lot.earned,
                consumed=lot.consumed,
                reserved=lot.reserved,
                active_time=lot.activation.time,
                activation_key=lot.activation.key,
                activated=lot.activated,
                freeze_key=lot.freeze_key,
            )
            for lot_no, lot in self.lots.items()
        )
        holds = tuple(
            each.hold for each in self.holds.values() if each.hold.state is HoldState.OPEN
        )
        folded = Account(
            key=account.key,
            posted=self.posted,
            held=self.held,
            version=self.version,
            lots=lots,
            holds=holds,
        )
        yield from account.differing(
            posted=(self.posted, account.posted),
            held=(self.held, account.held),
            withheld=(folded.withheld, account.withheld),
            version=(self.version, account.version),
            lots_opened=(len(self.lots), account.lots_opened),
            next_due_time=(folded.next_due_time, account.next_due_time),
            holder_no=(account.first_of_holder, account.holder_no),
        )

    def check_lots(self, lots: Sequence[StoredLot], now: datetime) -> Iterator[Difference]:
        """Verify the lots as they stand in the books."""
        found = {lot.lot_no: lot for lot in lots}
        for lot_no, lot in self.lots.items():
            if stored := found.pop(lot_no, None):
                yield from self._check_lot(lot, stored, now)
            else:
                yield missing("lot", self.shard_id, f"account {self.account_id} lot {lot_no}")
        for lot_no in found:
            yield unexpected("lot", self.shard_id, f"account {self.account_id} lot {lot_no}")

    def _check_lot(self, lot: FoldedLot, stored: StoredLot, now: datetime) -> Iterator[Difference]:
        # An empty lot that falls due is closed by whoever comes next, without a record.
        closed = lot.void(self.commit_time) and not (lot.reserved or lot.kept)
        free = lot.void(now) and not lot.remaining
        yield from differing(
            "lot",
            self.shard_id,
            f"account {self.account_id} lot {stored.lot_no}",
            earned=(lot.earned, stored.earned),
            consumed=(lot.consumed, stored.consumed),
            reserved=(lot.reserved, stored.reserved),
            active_time=(lot.activation.time, stored.active_time),
            activation_key=(lot.activation.key, stored.activation_key),
            activated=(lot.activated, stored.activated),
            freeze_key=(lot.freeze_key, stored.freeze_key),
            parent_lot_no=(lot.parent_lot_no, stored.parent_lot_no),
            funding_account_id=(lot.funding_account_id, stored.funding_account_id),
            funding_kind=(int(AccountKind.FUNDING), stored.funding_kind),
            expire_time=(lot.expire_time, stored.expire_time),
            create_time=(lot.create_time, stored.create_time),
            expired=(closed or (free and stored.expired), stored.expired),
            months=(self._months_of(stored), stored.months),
        )


SETTLING = frozenset((TransactionType.EXPIRY, TransactionType.LAPSE))
"""Posted by the ledger before it repays what is owed."""

Fold = Callable[[AccountFold, StoredRecord, Transaction], Iterator[Difference]]
"""What must be true of a transaction of one type beyond its movements, given the account after
them.
"""


def _fold_earning(
    fold: AccountFold, stored: StoredRecord, transaction: Transaction
) -> Iterator[Difference]:
    """Points come in, from whom the transaction says, and are not void already."""
    yield from _not_void(fold, stored, transaction)
    for movement in transaction.movements:
        yield from fold.differing(
            stored,
            counter_account_id=(movement.funding_account_id, transaction.counter_account_id),
        )


def _fold_spending(
    fold: AccountFold, stored: StoredRecord, transaction: Transaction
) -> Iterator[Difference]:
    """Points go out that are not void (I16): as many as were asked for, unless fewer would do."""
    yield from _not_void(fold, stored, transaction)
    said = transaction.spending
    if said is not None:
        partial = said.shortfall is SpendShortfall.PARTIAL
        most = min(transaction.amount, said.requested) if partial else said.requested
        yield from fold.differing(stored, amount=(most, transaction.amount))


def _fold_expiry(
    fold: AccountFold, stored: StoredRecord, transaction: Transaction
) -> Iterator[Difference]:
    """All of the points that are void at its effective time go but those that are held, and that
    time has come.
    """
    left = sum(
        lot.free
        for lot in fold.lots.values()
        if lot.expire_time == transaction.effective_time and not lot.kept
    )
    yield from fold.differing(stored, amount=(transaction.amount + left, transaction.amount))
    for movement in transaction.movements:
        yield from fold.differing(
            stored, effective_time=(movement.expire_time, transaction.effective_time)
        )
    if transaction.effective_time > transaction.commit_time:
        yield from fold.differing(
            stored, commit_time=(transaction.effective_time, transaction.commit_time)
        )


def _fold_restoring(
    fold: AccountFold, stored: StoredRecord, transaction: Transaction
) -> Iterator[Difference]:
    """Points come back, perhaps to expire at once; what is repaid of a debt is not void."""
    repaid = tuple(each for each in transaction.movements if each.amount < 0)
    yield from _none_void(fold, stored, repaid)


def _fold_reclaiming(
    fold: AccountFold, stored: StoredRecord, transaction: Transaction
) -> Iterator[Difference]:
    """Points only go, void ones too where their lot is frozen."""
    yield from fold.differing(
        stored,
        lot_movement=((), tuple(each for each in transaction.movements if each.amount > 0)),
    )


def _fold_hold(
    fold: AccountFold, stored: StoredRecord, transaction: Transaction
) -> Iterator[Difference]:
    """A hold changes; no point moves but those that it kept, or that repay a debt."""
    yield from fold.differing(
        stored,
        hold=(True, transaction.hold is not None),
        lot_movement=((), tuple(each for each in transaction.movements if each.amount > 0)),
    )


def _fold_lots(
    fold: AccountFold, stored: StoredRecord, transaction: Transaction
) -> Iterator[Difference]:
    """Lots change, or a debt is repaid: points go, if any, and none of them are void."""
    voiding = transaction.type is TransactionType.VOIDING
    taken = () if voiding else transaction.movements
    yield from _none_void(fold, stored, taken)
    yield from fold.differing(
        stored,
        lots=(transaction.type is not TransactionType.REPAYMENT, transaction.lots is not None),
        lot_movement=((), tuple(each for each in transaction.movements if each.amount > 0)),
    )


def _fold_extension(
    fold: AccountFold, stored: StoredRecord, transaction: Transaction
) -> Iterator[Difference]:
    """Points go on in other lots: none into a void one, none out of one unless it is frozen."""
    frozen = {lot_no for lot_no, lot in fold.lots.items() if lot.freeze_key is not None}
    live = tuple(each for each in transaction.movements if each.lot_no not in frozen)
    put = tuple(each for each in transaction.movements if each.amount > 0)
    yield from _none_void(fold, stored, (*live, *put))
    yield from fold.differing(stored, amount=(transaction.amount, sum(each.amount for each in put)))


def _not_void(
    fold: AccountFold, stored: StoredRecord, transaction: Transaction
) -> Iterator[Difference]:
    """No point moves at or after its expiry (I16)."""
    yield from _none_void(fold, stored, transaction.movements)


def _none_void(
    fold: AccountFold, stored: StoredRecord, movements: Sequence[Movement]
) -> Iterator[Difference]:
    """None of these movements is of points that were void by then."""
    assert stored.record is not None
    commit_time = stored.record.commit_time
    for movement in movements:
        expire_time = movement.expire_time
        if expire_time is not None and expire_time <= commit_time:
            yield from fold.differing(
                stored, commit_time=(f"before {expire_time.isoformat()}", commit_time)
            )


FOLDS: Mapping[TransactionType, Fold] = {
    TransactionType.EARN: _fold_earning,
    TransactionType.SPEND: _fold_spending,
    TransactionType.EXPIRY: _fold_expiry,
    TransactionType.SPEND_REVERSAL: _fold_restoring,
    TransactionType.EARN_REVERSAL: _fold_reclaiming,
    TransactionType.CAPTURE: _fold_hold,
    TransactionType.HOLD: _fold_hold,
    TransactionType.RELEASE: _fold_hold,
    TransactionType.LAPSE: _fold_hold,
    TransactionType.EXTENSION: _fold_hold,
    TransactionType.ACTIVATION: _fold_lots,
    TransactionType.FREEZE: _fold_lots,
    TransactionType.THAW: _fold_lots,
    TransactionType.VOIDING: _fold_lots,
    TransactionType.REPAYMENT: _fold_lots,
    TransactionType.ADJUSTMENT_CREDIT: _fold_earning,
    TransactionType.ADJUSTMENT_DEBIT: _fold_spending,
    TransactionType.LOT_EXTENSION: _fold_extension,
    TransactionType.TRANSFER_OUT: _not_void,
    TransactionType.TRANSFER_IN: _not_void,
    TransactionType.EXCHANGE_OUT: _not_void,
    TransactionType.EXCHANGE_IN: _not_void,
    TransactionType.MERGE_OUT: _not_void,
    TransactionType.MERGE_IN: _not_void,
}
