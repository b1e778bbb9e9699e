"""How an account stands: open, suspended or closed, and what its postings may come to.

A change counts itself in the head of the account's shard, so every batch that comes after it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class AccountState(IntEnum):
    """Whether points of an account may come and go. The numbers are stored and the contract's."""

    OPEN = 1
    SUSPENDED = 2
    CLOSED = 3


class ChangeKind(IntEnum):
    """What was done to an account. The numbers are stored."""

    SUSPENSION = 1
    RESUMPTION = 2
    LIMITING = 3
    CLOSURE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """What postings of an account may come to, within what its asset allows; None for no more."""

    balance_max: int | None = None
    """The most points it may have after some came in."""
    earn_max: int | None = None
    """The most points one earning may bring."""
    spend_max: int | None = None
    """The most points one spending may take, or one hold may set aside."""


NO_LIMITS = AccountLimits()
"""Those of the asset alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an account stands after so many changes."""

    state: AccountState = AccountState.OPEN
    limits: AccountLimits = NO_LIMITS
    change_no: int = 0


USUAL = Standing()
"""How an account stands that nobody ever changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """Something that was done to an account, and how it stands since."""

    kind: ChangeKind
    standing: Standing
    maker_id: str
    reason: str
    change_time: datetime
