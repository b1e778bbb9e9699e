"""A member's account of one asset and its lots, and what coming and going points do to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import NamedTuple


class AccountKind(IntEnum):
    """Whose an account is. The numbers are stored."""

    MEMBER = 1
    FUNDING = 2
    REDEMPTION = 3
    BREAKAGE = 4


BREAKAGE = "breakage"
"""The name of the account of every asset that takes expired points (E21)."""
NEVER = datetime.max.replace(tzinfo=UTC)
"""Later than every expiry."""


class AccountKey(NamedTuple):
    """The name of a member's account."""

    program_id: str
    member_id: str
    asset_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Points of one funder and one expiry: a pocket that earnings fill and spendings empty.

    `earned` and `consumed` only ever grow, so each point has a number: the earning that brought
    point n and the spending that took it are found by comparing positions.
    """

    lot_no: int
    funding_account_id: str
    expire_time: datetime | None
    create_time: datetime
    earned: int = 0
    consumed: int = 0
    expired: bool = False

    @property
    def remaining(self) -> int:
        """Points in it."""
        return self.earned - self.consumed

    def with_counters(self, *, earned: int, consumed: int) -> Lot:
        """The lot after points came or went. Written out, as `replace` costs more than the rest."""
        return Lot(
            lot_no=self.lot_no,
            funding_account_id=self.funding_account_id,
            expire_time=self.expire_time,
            create_time=self.create_time,
            earned=earned,
            consumed=consumed,
            expired=self.expired,
        )

    def due(self, now: datetime) -> bool:
        """Whether its points are void at `now` and that has not been posted."""
        return not self.expired and self.expire_time is not None and self.expire_time <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What a transaction did to one lot: points put in (above zero) or taken (below zero)."""

    lot_no: int
    amount: int
    position: int
    funding_account_id: str
    expire_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A member's account of one asset, with every lot that is not expired."""

    key: AccountKey
    posted: int = 0
    version: int = 0
    lots_opened: int = 0
    lots: tuple[Lot, ...] = ()

    @property
    def next_due_time(self) -> datetime | None:
        """When points become void next; None when none ever will."""
        return min(
            (lot.expire_time for lot in self.lots if lot.expire_time and lot.remaining),
            default=None,
        )

    def without_expired_lots(self) -> Account:
        """The account as it is read again: closed lots matter to nothing that comes."""
        if not any(lot.expired for lot in self.lots):
            return self
        return replace(self, lots=tuple(lot for lot in self.lots if not lot.expired))

    def due_time(self, now: datetime) -> datetime | None:
        """The earliest expiry that is due at `now`; None when nothing is."""
        due = [lot.expire_time for lot in self.lots if lot.due(now)]
        return min((each for each in due if each), default=None) if due else None


def spending_order(lots: Iterable[Lot]) -> list[Lot]:
    """Soonest expiry first, those without expiry last (E20); among equals the oldest lot first."""
    return sorted(lots, key=_spending_rank)


def _spending_rank(lot: Lot) -> tuple[datetime, int]:
    """Where a lot stands in the order of spending."""
    return (lot.expire_time or NEVER, lot.lot_no)


def available_at(account: Account, now: datetime) -> int:
    """Points that can be spent at `now`, whether or not due expiries have been posted."""
    return account.posted - sum(lot.remaining for lot in account.lots if lot.due(now))


def earn(
    account: Account,
    amount: int,
    *,
    funding_account_id: str,
    expire_time: datetime | None,
    now: datetime,
) -> tuple[Account, tuple[Movement, ...]]:
    """Put points into the lot of that funder and expiry, which opens when there is none."""
    lot = next(
        (
            lot
            for lot in account.lots
            if lot.funding_account_id == funding_account_id and lot.expire_time == expire_time
        ),
        None,
    )
    if lot is None:
        lot = Lot(
            lot_no=account.lots_opened + 1,
            funding_account_id=funding_account_id,
            expire_time=expire_time,
            create_time=now,
        )
        account = replace(account, lots_opened=account.lots_opened + 1, lots=(*account.lots, lot))
    movement = _movement(lot, amount, position=lot.earned)
    filled = lot.with_counters(earned=lot.earned + amount, consumed=lot.consumed)
    return _after(account, {lot.lot_no: filled}, amount), (movement,)


def spend(account: Account, amount: int) -> tuple[Account, tuple[Movement, ...]]:
    """Take points that are there from lots that are not due, soonest expiry first (E20)."""
    assert amount <= account.posted, "a spending is refused before its points are taken"
    changed: dict[int, Lot] = {}
    movements: list[Movement] = []
    missing = amount
    for lot in spending_order(lot for lot in account.lots if lot.remaining):
        taken = min(missing, lot.remaining)
        movements.append(_movement(lot, -taken, position=lot.consumed))
        changed[lot.lot_no] = lot.with_counters(earned=lot.earned, consumed=lot.consumed + taken)
        missing -= taken
        if not missing:
            break
    assert not missing, "the lots of an account hold its balance (I4)"
    return _after(account, changed, -amount), tuple(movements)


def expire(account: Account, expire_time: datetime) -> tuple[Account, tuple[Movement, ...]]:
    """Void every lot of that expiry and take what is left in it; empty ones just close."""
    due = [lot for lot in account.lots if lot.expire_time == expire_time]
    movements = tuple(
        _movement(lot, -lot.remaining, position=lot.consumed) for lot in due if lot.remaining
    )
    changed = {lot.lot_no: replace(lot, consumed=lot.earned, expired=True) for lot in due}
    return _after(account, changed, sum(movement.amount for movement in movements)), movements


def _movement(lot: Lot, amount: int, *, position: int) -> Movement:
    return Movement(
        lot_no=lot.lot_no,
        amount=amount,
        position=position,
        funding_account_id=lot.funding_account_id,
        expire_time=lot.expire_time,
    )


def _after(account: Account, changed: dict[int, Lot], amount: int) -> Account:
    """The account with an entry more (none when nothing moved) and some lots changed."""
    return Account(
        key=account.key,
        posted=account.posted + amount,
        version=account.version + bool(amount),
        lots_opened=account.lots_opened,
        lots=tuple([changed.get(lot.lot_no, lot) for lot in account.lots]),
    )
