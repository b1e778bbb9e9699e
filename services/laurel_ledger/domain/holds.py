"""Holds: points set aside in lots of their own choosing until they are captured or released.

Pinned points are neither spent nor expired while the hold lives; a hold ends once (I9), by its
last capture, by a release, or at the instant it lapses, whether or not a sweeper ran.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from laurel_ledger.domain.accounts import (
    Account,
    Hold,
    HoldState,
    Lot,
    Movement,
    Pin,
    after_moving,
    available_at,
    movement_of,
    spending_order,
)
from laurel_ledger.domain.errors import (
    CaptureExceedsHold,
    HoldAlreadyCaptured,
    HoldAlreadyReleased,
    HoldExpired,
    InsufficientPoints,
)

Changed = tuple[Account, Hold, tuple[Movement, ...]]
"""The account after a hold was changed, the hold, and what it did to lots."""


def place(
    account: Account, *, hold_id: str, amount: int, lifetime: timedelta, now: datetime
) -> Changed:
    """Pin points in the order they would be spent. Raises InsufficientPoints."""
    available = available_at(account, now)
    if amount > available:
        raise InsufficientPoints(
            asset_id=account.key.asset_id, available=available, requested=amount
        )
    changed: dict[int, Lot] = {}
    pins: list[Pin] = []
    missing = amount
    for lot in spending_order(lot for lot in account.lots if lot.free and lot.usable(now)):
        part = min(missing, lot.free)
        pins.append(Pin(lot.lot_no, part))
        changed[lot.lot_no] = replace(lot, reserved=lot.reserved + part)
        missing -= part
        if not missing:
            break
    hold = Hold(
        key=account.key,
        hold_id=hold_id,
        amount=amount,
        create_time=now,
        expire_time=now + lifetime,
        pins=tuple(pins),
    )
    account = after_moving(account, changed, 0)
    account = replace(account, held=account.held + amount, holds=(*account.holds, hold))
    return account, hold, ()


def check_open(hold: Hold) -> None:
    """Raise what says how the hold ended, if it has."""
    if hold.state is HoldState.CAPTURED:
        raise HoldAlreadyCaptured(hold_id=hold.hold_id)
    if hold.state is HoldState.RELEASED:
        raise HoldAlreadyReleased(hold_id=hold.hold_id)
    if hold.state is HoldState.LAPSED:
        raise HoldExpired(hold_id=hold.hold_id, expire_time=hold.expire_time)


def capture(account: Account, hold: Hold, amount: int, *, final: bool, now: datetime) -> Changed:
    """Take pinned points, in the order they were pinned; the last capture releases the rest.

    Raises CaptureExceedsHold.
    """
    if amount > hold.remaining:
        raise CaptureExceedsHold(hold_id=hold.hold_id, requested=amount, remaining=hold.remaining)
    lots = {lot.lot_no: lot for lot in account.lots}
    movements: list[Movement] = []
    pins: list[Pin] = []
    changed: dict[int, Lot] = {}
    missing = amount
    for lot_no, pinned in hold.pins:
        part = min(missing, pinned)
        if part:
            lot = changed.get(lot_no, lots[lot_no])
            movements.append(movement_of(lot, -part, position=lot.consumed))
            changed[lot_no] = replace(
                lot, consumed=lot.consumed + part, reserved=lot.reserved - part
            )
        if pinned > part:
            pins.append(Pin(lot_no, pinned - part))
        missing -= part
    state = HoldState.CAPTURED if amount == hold.remaining else HoldState.OPEN
    after = replace(hold, captured=hold.captured + amount, pins=tuple(pins), state=state)
    account = after_moving(account, changed, -amount)
    account = _with_hold(replace(account, held=account.held - amount), after)
    if final and after.state is HoldState.OPEN:
        account, after, repaid = release(account, after, HoldState.CAPTURED, now=now)
        movements += repaid
    return account, after, tuple(movements)


def release(account: Account, hold: Hold, state: HoldState, *, now: datetime) -> Changed:
    """Unpin all that is still held. What is owed is repaid first from points that are not void."""
    owed = account.owed
    lots = {lot.lot_no: lot for lot in account.lots}
    changed: dict[int, Lot] = {}
    movements: list[Movement] = []
    for lot_no, pinned in hold.pins:
        lot = lots[lot_no]
        repaid = min(owed, pinned) if lot.usable(now) else 0
        if repaid:
            movements.append(movement_of(lot, -repaid, position=lot.consumed))
            owed -= repaid
        changed[lot_no] = replace(
            lot, consumed=lot.consumed + repaid, reserved=lot.reserved - pinned
        )
    after = replace(hold, released=hold.released + hold.remaining, pins=(), state=state)
    account = after_moving(account, changed, 0)
    return (
        _with_hold(replace(account, held=account.held - hold.remaining), after),
        after,
        tuple(movements),
    )


def extend(account: Account, hold: Hold, lifetime: timedelta, *, now: datetime) -> Changed:
    """Let a hold live as long from now on, or as long as it would have, if that is longer."""
    after = replace(hold, expire_time=max(hold.expire_time, now + lifetime))
    return _with_hold(account, after), after, ()


def lapsing(account: Account, now: datetime) -> Hold | None:
    """The hold that lapsed first and has not been released; None when all live."""
    due = [hold for hold in account.holds if hold.expire_time <= now]
    return min(due, key=lambda hold: (hold.expire_time, hold.hold_id)) if due else None


def hold_at(hold: Hold, now: datetime) -> Hold:
    """A hold as it is at an instant: one whose lifetime is over has lapsed, posted or not."""
    if hold.state is not HoldState.OPEN or hold.expire_time > now:
        return hold
    released = hold.released + hold.remaining
    return replace(hold, released=released, pins=(), state=HoldState.LAPSED)


def without_lapsed(account: Account, now: datetime) -> Account:
    """The account as it is once all holds that lapsed by `now` are released."""
    while hold := lapsing(account, now):
        account, *_ = release(account, hold, HoldState.LAPSED, now=now)
    return account


def with_holds(account: Account, holds: Iterable[Hold]) -> Account:
    """An account that keeps no holds yet, with those of some that are open.

    As of an effective time a lot may be later than a pin in it; then it is as if there were none.
    """
    lots = {lot.lot_no: lot for lot in account.lots}
    kept = []
    for hold in holds:
        if hold.state is HoldState.OPEN:
            pins = tuple(pin for pin in hold.pins if pin.lot_no in lots)
            kept.append(replace(hold, pins=pins))
            for pin in pins:
                lot = lots[pin.lot_no]
                lots[pin.lot_no] = replace(lot, reserved=lot.reserved + pin.amount)
    held = sum(hold.remaining for hold in kept)
    return replace(account, held=held, holds=tuple(kept), lots=tuple(lots.values()))


def _with_hold(account: Account, hold: Hold) -> Account:
    """The account with the hold as it is now; one that has ended is not among its holds."""
    others = tuple(
        hold if each.hold_id == hold.hold_id else each
        for each in account.holds
        if each.hold_id != hold.hold_id or hold.state is HoldState.OPEN
    )
    return replace(account, holds=others)
