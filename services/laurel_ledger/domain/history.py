"""Earlier moments of an account, and how much of it counts as of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from laurel_ledger.domain.errors import AsOfInFuture
from laurel_ledger.domain.transactions import TransactionType

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Which entries of an account count; what is None bounds nothing."""

    version: int | None = None
    commit_time: datetime | None = None
    effective_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An end of a statement: the last entry before an instant, and the posted balance after it."""

    time: datetime | None
    version: int = 0
    posted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFilter:
    """Which transactions of a member are wanted; what is empty or None leaves out nothing."""

    program_id: str
    member_id: str
    asset_id: str = ""
    types: tuple[TransactionType, ...] = ()
    start_time: datetime | None = None
    end_time: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def present_after(last_commit_time: datetime, now: datetime) -> datetime:
    """The instant before which everything has been posted that ever will be (I12)."""
    return max(now, last_commit_time + MICROSECOND)


def check_not_after(present: datetime, **instants: datetime | None) -> None:
    """Raise AsOfInFuture for the first of the named instants that has not come."""
    for name, instant in instants.items():
        if instant is not None and instant > present:
            raise AsOfInFuture(field=name, as_of=instant, latest=present)
