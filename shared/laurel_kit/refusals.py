"""What the kit itself refuses, as values: no status code, no text for the wire (see `faults`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


class KitError(Exception):
    """Parent of the refusals that any service may give."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One field of a request that breaks a rule.

    `field` is the path as in the contract: `transaction.earn.amount`, `transactions[3].request_id`.
    """

    field: str
    description: str
    rule: str = ""
    """The rule's id in the contract. One that is the name of an error reason can become the
    reason."""


class RequestInvalid(KitError):
    """The request can never be right. Carries everything wrong with it, at least one violation."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        assert violations, "a request without violations is not refused"
        super().__init__("; ".join(f"{each.field}: {each.description}" for each in violations))
        self.listing = tuple(violations)
        self.violations = len(self.listing)


@dataclass(eq=False, kw_only=True)
class DeadlineRequired(KitError):
    """A write came without a deadline, or with one further away than the server allows."""

    deadline_max: timedelta


@dataclass(eq=False, kw_only=True)
class DeadlineExceeded(KitError):
    """The caller's time was over before the work began or ended."""


@dataclass(eq=False, kw_only=True)
class TokenInvalid(KitError):
    """The caller could not be made out. `cause` is one word: missing, expired, damaged, foreign."""

    cause: str


@dataclass(eq=False, kw_only=True)
class ScopeMissing(KitError):
    """The caller is known but lacks the scope the RPC names."""

    scope: str


@dataclass(eq=False, kw_only=True)
class QueueFull(KitError):
    """More calls wait than `limit`; this one was not begun."""

    limit: int


@dataclass(eq=False, kw_only=True)
class ShuttingDown(KitError):
    """The server is going away and did not begin the call."""


@dataclass(eq=False, kw_only=True)
class DependencyDown(KitError):
    """A service this one needs does not answer. `dependency` is its name: `ledger`."""

    dependency: str


@dataclass(eq=False, kw_only=True)
class TimeInFuture(KitError):
    """A fact is said to have happened after the server's present. `field` is its path."""

    field: str
    time: datetime
    current_time: datetime
