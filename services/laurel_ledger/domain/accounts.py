"""A member's account of one asset and its lots, and what coming and going points do to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, NamedTuple

from laurel_ledger.domain.quick_values import quick
from laurel_ledger.domain.standings import USUAL, Standing


class AccountKind(IntEnum):
    """Whose an account is. The numbers are stored."""

    MEMBER = 1
    FUNDING = 2
    REDEMPTION = 3
    BREAKAGE = 4
    CLEARING = 5
    ADJUSTMENT = 6
    CONVERSION = 7

    __hash__ = int.__hash__  # That of Enum is a function in Python, and kinds are in many names.


BREAKAGE = "breakage"
"""The name of the account of every asset that takes expired points (E21)."""
CLEARING = "clearing"
"""The name of the account of every asset through which points go from one member to another."""
CONVERSION = "conversion"
"""The name of the account of every asset that takes points which are given for those of another."""
NEVER = datetime.max.replace(tzinfo=UTC)
"""Later than every expiry."""


class AccountKey(NamedTuple):
    """The name of a member's account."""

    program_id: str
    member_id: str
    asset_id: str


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Points of one funder, one expiry and one activation: a pocket that earnings fill and
    spendings empty.

    `earned` and `consumed` only ever grow, so each point has a number: the earning that brought
    point n and the spending that took it are found by comparing positions.
    """

    lot_no: int
    funding_account_id: str
    expire_time: datetime | None
    create_time: datetime
    earned: int = 0
    consumed: int = 0
    reserved: int = 0
    """Points in it that holds have pinned: neither spent nor expired until the hold ends."""
    expired: bool = False
    active_time: datetime | None = None
    """From when on its points can be spent; None when that is no question of time."""
    activation_key: str | None = None
    """What its points wait for, whenever it comes; None when they wait for nothing."""
    activated: bool = False
    """Whether the wait was ended."""
    freeze_key: str | None = None
    """Why its points can neither be spent nor expire; None when they can."""
    parent_lot_no: int | None = None
    """The lot its first points were carried from; None for one that an earning opened."""

    @property
    def remaining(self) -> int:
        """Points in it."""
        return self.earned - self.consumed

    @property
    def free(self) -> int:
        """Points in it that no hold has pinned."""
        return self.earned - self.consumed - self.reserved

    def with_counters(self, *, earned: int, consumed: int) -> Lot:
        """The lot after points came or went. Written out, as `replace` costs more than the rest."""
        return Lot(
            lot_no=self.lot_no,
            funding_account_id=self.funding_account_id,
            expire_time=self.expire_time,
            create_time=self.create_time,
            earned=earned,
            consumed=consumed,
            reserved=self.reserved,
            expired=self.expired,
            active_time=self.active_time,
            activation_key=self.activation_key,
            activated=self.activated,
            freeze_key=self.freeze_key,
            parent_lot_no=self.parent_lot_no,
        )

    @property
    def frozen(self) -> bool:
        """Whether its points can neither be spent nor expire."""
        return self.freeze_key is not None

    @property
    def kept(self) -> bool:
        """Whether it is frozen with points in it; an empty one may close."""
        return self.freeze_key is not None and self.earned > self.consumed

    def pending(self, now: datetime) -> bool:
        """Whether its points still wait at `now` to be spent."""
        if self.activated:
            return False
        if self.activation_key is not None:
            return True
        return self.active_time is not None and self.active_time > now

    def usable(self, now: datetime) -> bool:
        """Whether free points in it can be spent at `now`."""
        if self.expire_time is not None and self.expire_time <= now:
            return False
        return self.freeze_key is None and not self.pending(now)

    def due(self, now: datetime) -> bool:
        """Whether points in it are void at `now` and that has not been posted."""
        if self.expired or self.expire_time is None or self.expire_time > now or self.kept:
            return False
        return not self.reserved or self.free > 0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What a transaction did to one lot: points put in (above zero) or taken (below zero)."""

    lot_no: int
    amount: int
    position: int
    funding_account_id: str
    expire_time: datetime | None


class HoldState(IntEnum):
    """What became of a hold. The numbers are stored and the contract's."""

    OPEN = 1
    CAPTURED = 2
    RELEASED = 3
    LAPSED = 4


class Pin(NamedTuple):
    """Points of one lot that a hold keeps for itself."""

    lot_no: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Points set aside until they are captured or released, or the hold lapses."""

    key: AccountKey
    hold_id: str
    amount: int
    captured: int = 0
    released: int = 0
    create_time: datetime
    expire_time: datetime
    pins: tuple[Pin, ...]
    """What is still held, in the order of spending."""
    state: HoldState = HoldState.OPEN

    @property
    def remaining(self) -> int:
        """Points still held."""
        return self.amount - self.captured - self.released


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A member's account of one asset, with every lot that is not expired and every open hold."""

    key: AccountKey
    posted: int = 0
    held: int = 0
    version: int = 0
    lots_opened: int = 0
    lots: tuple[Lot, ...] = ()
    holds: tuple[Hold, ...] = ()
    standing: Standing = USUAL

    @property
    def owed(self) -> int:
        """Points that were taken back when they were no longer there, and are not repaid (E17)."""
        there = self.held - self.posted
        for lot in self.lots:
            there += lot.free
        return there

    @property
    def withheld(self) -> bool:
        """Whether lots with points are frozen, or wait or waited to be spent."""
        for lot in self.lots:
            if lot.active_time is None and lot.activation_key is None and lot.freeze_key is None:
                continue  # The usual lot.
            if lot.remaining:
                return True
        return False

    @property
    def next_due_time(self) -> datetime | None:
        """When points become void, a hold lapses or points can repay what is owed next; None when
        nothing of that ever will.
        """
        soonest = None
        awaited = []
        for lot in self.lots:
            end = lot.expire_time
            if lot.freeze_key is not None or lot.free <= 0:
                continue
            if end is not None and (soonest is None or end < soonest):
                soonest = end
            if lot.active_time is not None and not lot.activated:
                awaited.append(lot.active_time)
        instants = [hold.expire_time for hold in self.holds]
        if awaited and self.owed:
            instants += awaited
        return min(soonest or NEVER, *instants) if instants else soonest

    def with_lot(self, lot: Lot) -> Account:
        """The account with a lot more. Written out, as `replace` costs more than the rest."""
        return Account(
            key=self.key,
            posted=self.posted,
            held=self.held,
            version=self.version,
            lots_opened=self.lots_opened + 1,
            lots=(*self.lots, lot),
            holds=self.holds,
            standing=self.standing,
        )

    def without_expired_lots(self) -> Account:
        """The account as it is read again: closed lots matter to nothing that comes."""
        for lot in self.lots:
            if lot.expired:
                return replace(self, lots=tuple(lot for lot in self.lots if not lot.expired))
        return self

    def due_time(self, now: datetime) -> datetime | None:
        """The earliest expiry that is due at `now`; None when nothing is."""
        due = None
        for lot in self.lots:
            end = lot.expire_time
            if end is not None and end <= now and (due is None or end < due) and lot.due(now):
                due = end
        return due


def spending_order(lots: Iterable[Lot]) -> list[Lot]:
    """Soonest expiry first, those without expiry last (E20); among equals the oldest lot first."""
    return sorted(lots, key=spending_rank)


def spending_rank(lot: Lot) -> tuple[datetime, int]:
    """Where a lot stands in the order of spending."""
    return (lot.expire_time or NEVER, lot.lot_no)


def void_at(account: Account, now: datetime) -> int:
    """Points that are void at `now` and whose expiry has not been posted."""
    return sum(lot.free for lot in account.lots if lot.due(now))


def usable_at(account: Account, now: datetime) -> int:
    """Points of lots that can be spent at `now`, whatever is owed."""
    return sum([lot.free for lot in account.lots if lot.usable(now)])


def available_at(account: Account, now: datetime) -> int:
    """Points that can be spent at `now`; what is owed is repaid from them first (E18)."""
    return max(0, usable_at(account, now) - account.owed)


def earn(
    account: Account,
    amount: int,
    *,
    funding_account_id: str,
    expire_time: datetime | None,
    now: datetime,
    active_time: datetime | None = None,
    activation_key: str | None = None,
) -> tuple[Account, tuple[Movement, ...]]:
    """Put points into the lot of that funder, expiry and activation, which opens when there is
    none.

    What the member owes is repaid first: those points go out again as they come in (E18).
    """
    name = (funding_account_id, expire_time, active_time, activation_key)
    for lot in account.lots:
        if _takes(lot, name):
            break
    else:
        lot = Lot(
            lot_no=account.lots_opened + 1,
            funding_account_id=funding_account_id,
            expire_time=expire_time,
            create_time=now,
            active_time=active_time,
            activation_key=activation_key,
        )
        account = account.with_lot(lot)
    return fill(account, lot, amount, now=now)


LotName = tuple[str, datetime | None, datetime | None, str | None]
"""What earnings must agree in to fill one lot: funder, expiry, and when or on what it is active."""


def _takes(lot: Lot, name: LotName) -> bool:
    """Whether points of that name go into a lot: neither into a frozen one nor, while they wait,
    into one that waited for the same and waits no more.
    """
    found = (lot.funding_account_id, lot.expire_time, lot.active_time, lot.activation_key)
    return found == name and not (lot.frozen or lot.activated)


def fill(
    account: Account, lot: Lot, amount: int, *, now: datetime
) -> tuple[Account, tuple[Movement, ...]]:
    """Put points into a lot. What is owed is repaid from them first, if they can be spent."""
    repaid = min(amount, account.owed) if lot.usable(now) else 0
    movements: tuple[Movement, ...] = (movement_of(lot, amount, position=lot.earned),)
    if repaid:
        movements += (movement_of(lot, -repaid, position=lot.consumed),)
    filled = lot.with_counters(earned=lot.earned + amount, consumed=lot.consumed + repaid)
    return after_moving(account, {lot.lot_no: filled}, amount), movements


def spend(
    account: Account,
    amount: int,
    *,
    now: datetime,
    rank: Callable[[Lot], Any] = spending_rank,
) -> tuple[Account, tuple[Movement, ...]]:
    """Take points that are there from lots that can be spent, soonest expiry first (E20) unless
    lots are ranked otherwise.
    """
    usable = (lot for lot in account.lots if lot.free and lot.usable(now))
    return take(account, amount, sorted(usable, key=rank))


def repay(account: Account, *, now: datetime) -> tuple[Account, tuple[Movement, ...]]:
    """Take what is owed from points that have come to be spent (E18)."""
    repaid = min(account.owed, usable_at(account, now))
    if not repaid:
        return account, ()
    after, movements = spend(account, repaid, now=now)
    return replace(after, posted=account.posted), movements


def take(
    account: Account, amount: int, order: Iterable[Lot]
) -> tuple[Account, tuple[Movement, ...]]:
    """Take points that are there from lots that have some, in the order given."""
    changed: dict[int, Lot] = {}
    movements: list[Movement] = []
    missing = amount
    for lot in order:
        taken = min(missing, lot.free)
        movements.append(movement_of(lot, -taken, position=lot.consumed))
        changed[lot.lot_no] = lot.with_counters(earned=lot.earned, consumed=lot.consumed + taken)
        missing -= taken
        if not missing:
            break
    assert not missing, "the lots of an account hold its balance (I4)"
    return after_moving(account, changed, -amount), tuple(movements)


def carry(
    account: Account, order: Iterable[Lot], *, expire_time: datetime, now: datetime
) -> tuple[Account, tuple[Movement, ...]]:
    """Carry the free points of lots into new ones with another expiry, each lot into one of its own
    so that what waits waits on, what is frozen stays so, and every point keeps its month.
    """
    movements: list[Movement] = []
    for lot in order:
        account, taken = take(account, lot.free, [lot])
        child = replace(
            lot,
            lot_no=account.lots_opened + 1,
            expire_time=expire_time,
            create_time=now,
            earned=lot.free,
            consumed=0,
            reserved=0,
            parent_lot_no=lot.lot_no,
        )
        account = replace(account.with_lot(child), posted=account.posted + lot.free)
        movements += (*taken, movement_of(child, child.earned, position=0))
    return account, tuple(movements)


def descendants(lots: Iterable[Lot], lot_no: int) -> set[int]:
    """A lot and those that its points were carried into; a lot is younger than its parent."""
    found = {lot_no}
    for lot in sorted(lots, key=lambda each: each.lot_no):
        if lot.parent_lot_no in found:
            found.add(lot.lot_no)
    return found


def reopen(account: Account, lot_no: int, amount: int) -> tuple[Account, tuple[Movement, ...]]:
    """Put points back into a lot that is void, from where they expire at once."""
    lot = next(lot for lot in account.lots if lot.lot_no == lot_no)
    filled = replace(lot, earned=lot.earned + amount, expired=False)
    movement = movement_of(lot, amount, position=lot.earned)
    return after_moving(account, {lot_no: filled}, amount), (movement,)


def expire(account: Account, expire_time: datetime) -> tuple[Account, tuple[Movement, ...]]:
    """Void every lot of that expiry and take what is left in it; empty ones just close.

    Pinned points stay until their hold ends.
    """
    due = [
        lot
        for lot in account.lots
        if lot.expire_time == expire_time and not (lot.expired or lot.kept)
    ]
    movements = tuple(movement_of(lot, -lot.free, position=lot.consumed) for lot in due if lot.free)
    changed = {
        lot.lot_no: replace(lot, consumed=lot.earned - lot.reserved, expired=not lot.reserved)
        for lot in due
    }
    return after_moving(account, changed, sum(movement.amount for movement in movements)), movements


def movement_of(lot: Lot, amount: int, *, position: int) -> Movement:
    """Points put into a lot or taken from it, from a position on."""
    return Movement(
        lot_no=lot.lot_no,
        amount=amount,
        position=position,
        funding_account_id=lot.funding_account_id,
        expire_time=lot.expire_time,
    )


def after_moving(account: Account, changed: dict[int, Lot], amount: int) -> Account:
    """The account with an entry more (none when nothing moved) and some lots changed."""
    return Account(
        key=account.key,
        posted=account.posted + amount,
        held=account.held,
        version=account.version + bool(amount),
        lots_opened=account.lots_opened,
        lots=tuple([changed.get(lot.lot_no, lot) for lot in account.lots]),
        holds=account.holds,
        standing=account.standing,
    )
