"""Drafts, what becomes of them, and when two of them are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import NamedTuple

from laurel_ledger.domain.accounts import AccountKey, AccountKind, Movement
from laurel_ledger.domain.errors import LedgerError


class TransactionType(IntEnum):
    """What kind of change a transaction is. The numbers are stored and the contract's."""

    EARN = 1
    SPEND = 2
    EXPIRY = 3


COUNTER_KIND = {
    TransactionType.EARN: AccountKind.FUNDING,
    TransactionType.SPEND: AccountKind.REDEMPTION,
    TransactionType.EXPIRY: AccountKind.BREAKAGE,
}
"""On whose account the other side of a transaction is."""


class Given(IntFlag):
    """What the caller said and the ledger did not fill in; a repeat must say the same. Stored."""

    NOTHING = 0
    EFFECTIVE_TIME = 1
    EXPIRE_TIME = 2
    PROGRAM_REVISION = 4


class RequestKey(NamedTuple):
    """The name of an outcome: one for ever."""

    program_id: str
    member_id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A transaction that a caller wants posted."""

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

    @property
    def account_key(self) -> AccountKey:
        """The account whose points move."""
        return AccountKey(self.program_id, self.member_id, self.asset_id)

    @property
    def request_key(self) -> RequestKey:
        """The name of its outcome."""
        return RequestKey(self.program_id, self.member_id, self.request_id)

    @property
    def given(self) -> Given:
        """Which of the optional fields the caller filled."""
        if not (self.effective_time or self.expire_time or self.program_revision):
            return Given.NOTHING  # The usual case, without the cost of combining flags.
        return (
            (Given.EFFECTIVE_TIME if self.effective_time else Given.NOTHING)
            | (Given.EXPIRE_TIME if self.expire_time else Given.NOTHING)
            | (Given.PROGRAM_REVISION if self.program_revision else Given.NOTHING)
        )


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

    @property
    def request_key(self) -> RequestKey:
        """Its name."""
        return RequestKey(self.key.program_id, self.key.member_id, self.request_id)

    @property
    def signed_amount(self) -> int:
        """What it adds to the member's account (above zero) or takes from it (below zero)."""
        return self.amount if self.type is TransactionType.EARN else -self.amount

    @property
    def draft(self) -> Draft:
        """What the caller asked for."""
        expiry = self.movements[0].expire_time if self.given & Given.EXPIRE_TIME else None
        return Draft(
            program_id=self.key.program_id,
            request_id=self.request_id,
            type=self.type,
            member_id=self.key.member_id,
            asset_id=self.key.asset_id,
            amount=self.amount,
            counter_account_id=self.counter_account_id,
            expire_time=expiry,
            effective_time=self.effective_time if self.given & Given.EFFECTIVE_TIME else None,
            reason=self.reason,
            labels=self.labels,
            program_revision=self.program_revision if self.given & Given.PROGRAM_REVISION else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A refusal that is the outcome of its request id for ever."""

    draft: Draft
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


Record = Transaction | Rejection
"""What a request id stands for."""

_FIELD_NAMES = {
    TransactionType.EARN: {"counter_account_id": "funding_account_id"},
    TransactionType.SPEND: {"counter_account_id": "redemption_account_id"},
}
_COMPARED = (
    "amount",
    "counter_account_id",
    "expire_time",
    "effective_time",
    "reason",
    "labels",
    "program_revision",
)


def mismatched_fields(earlier: Draft, later: Draft) -> tuple[str, ...]:
    """Where two drafts of one request id differ, by the contract's names; empty when nowhere."""
    if earlier.type is not later.type:
        return ("effect",)
    names = _FIELD_NAMES.get(later.type, {})
    asset = ("asset_id",) if earlier.asset_id != later.asset_id else ()
    return asset + tuple(
        names.get(name, name)
        for name in _COMPARED
        if getattr(earlier, name) != getattr(later, name)
    )
