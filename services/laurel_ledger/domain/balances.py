"""What a member has at an instant, exact whether or not due expiries have been posted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from laurel_ledger.domain.accounts import (
    Account,
    AccountKey,
    Lot,
    available_at,
    debt_at,
    void_at,
)
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


def _expiring(lot: Lot) -> bool:
    """Whether a lot has points that become void with it."""
    return lot.free > 0 and not lot.frozen


def _gone(lot: Lot, now: datetime) -> bool:
    """Whether a lot's points do not wait any more: they are void, or frozen."""
    return lot.frozen or lot.due(now)


def balance_at(account: Account, now: datetime) -> Balance:
    """The balance at `now`: what is due counts as gone."""
    account = without_lapsed(account, now)
    posted = account.posted - void_at(account, now)
    amounts: dict[datetime, int] = {}
    for lot in account.lots:
        if lot.expire_time is not None and lot.expire_time > now and _expiring(lot):
            amounts[lot.expire_time] = amounts.get(lot.expire_time, 0) + lot.free
    soonest = sorted(amounts)[:EXPIRIES_SHOWN]
    return Balance(
        key=account.key,
        posted=posted,
        available=available_at(account, now),
        held=account.held,
        debt=debt_at(account, now),
        pending=sum(lot.free for lot in account.lots if lot.pending(now) and not _gone(lot, now)),
        frozen=sum(lot.free for lot in account.lots if lot.frozen),
        version=account.version,
        next_expiries=tuple(
            ExpiringPoints(expire_time=each, amount=amounts[each]) for each in soonest
        ),
        as_of_time=now,
    )
