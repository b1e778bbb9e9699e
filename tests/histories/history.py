"""What clients of a ledger saw: what they asked, when, and what they were told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

EARN, SPEND, EXPIRY = 1, 2, 3


@dataclass(frozen=True, kw_only=True)
class Request:
    """Something that is asked once or again: points that come to a member, or go."""

    request_id: str
    member_id: str
    type: int
    amount: int
    expire_time: datetime | None = None
    group: str = ""
    """Requests of the same group are posted together or not at all."""


class Moved(NamedTuple):
    """Points that went into a lot or out of it."""

    lot_id: str
    amount: int
    position: int
    expire_time: datetime | None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of a member's account, as the ledger tells it."""

    request_id: str
    type: int
    version: int
    amount: int
    posted_after: int
    commit_time: datetime
    effective_time: datetime
    moved: tuple[Moved, ...]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """An answer that the request was refused for good."""

    reason: str
    available: int = 0
    """What the member had, when it was not enough."""


Outcome = Entry | Refused


@dataclass(kw_only=True)
class Operation:
    """A request with what became of it."""

    request: Request
    begun: float
    """When it was first sent, by the clients' monotonic clock."""
    ended: float = 0.0
    outcome: Outcome | None = None
    """None while nobody has been told."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A balance that was read."""

    member_id: str
    begun: float
    ended: float
    version: int
    posted: int
    available: int
    as_of_time: datetime
    """The instant of the reading: what is void by then does not count."""


@dataclass(kw_only=True)
class History:
    """Everything that happened in a run."""

    operations: list[Operation] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    """Answers that no client may ever be given, as they came."""

    @property
    def unresolved(self) -> list[Operation]:
        """Operations of which nobody knows what became."""
        return [each for each in self.operations if each.outcome is None]


@dataclass(frozen=True, kw_only=True)
class Books:
    """What the ledger says when all is over."""

    entries: dict[str, Sequence[Entry]]
    """Every entry of each member, by version."""
    differences: Sequence[str] = ()
    """What does not sum to zero, or was found to have been changed."""
