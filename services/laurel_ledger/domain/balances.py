"""What a member has at an instant, exact whether or not due expiries have been posted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from laurel_ledger.domain.accounts import Account, AccountKey
from laurel_ledger.domain.holds import without_lapsed

EXPIRIES_SHOWN = 10
"""How many of the next expiries a balance names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiringPoints:
    """Points that become void at one instant."""

    expire_time: datetime
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a member has of one asset."""

    key: AccountKey
    posted: int
    available: int
    held: int
    debt: int
    pending: int
    """Points that cannot be spent yet."""
    frozen: int
    """Points that cannot be spent until they are thawed."""
    version: int
    next_expiries: tuple[ExpiringPoints, ...]
    as_of_time: datetime


class MemberBalance(NamedTuple):
    """What one of many members has: the part of a balance that needs no lots."""

    posted: int
    available: int
    version: int


def member_balance_at(account: Account, now: datetime) -> MemberBalance:
    """That part of the balance at `now`."""
    balance = balance_at(account, now)
    return MemberBalance(balance.posted, balance.available, balance.version)


def balance_after(account: Account, commit_time: datetime) -> Balance:
    """The balance right after the entry of that commit: posted is what the statement says there."""
    return replace(balance_at(account, commit_time), posted=account.posted)


def balance_at(account: Account, now: datetime) -> Balance:
    """The balance at `now`: what is due counts as gone."""
    if account.holds:
        account = without_lapsed(account, now)
    there = void = usable = pending = frozen = 0
    amounts: dict[datetime, int] = {}
    for lot in account.lots:
        free, end = lot.free, lot.expire_time
        there += free
        if lot.frozen:
            frozen += free
        elif lot.due(now):
            void += free
        else:
            if end is not None and end > now and free > 0:
                amounts[end] = amounts.get(end, 0) + free
            if lot.pending(now):
                pending += free
            elif lot.usable(now):
                usable += free
    owed = there - account.posted + account.held
    return Balance(
        key=account.key,
        posted=account.posted - void,
        available=max(0, usable - owed),
        held=account.held,
        debt=max(0, owed - usable),
        pending=pending,
        frozen=frozen,
        version=account.version,
        next_expiries=tuple(
            [
                ExpiringPoints(expire_time=each, amount=amounts[each])
                for each in sorted(amounts)[:EXPIRIES_SHOWN]
            ]
        ),
        as_of_time=now,
    )
