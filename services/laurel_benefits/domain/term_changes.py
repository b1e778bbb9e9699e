"""What happened to a term after it was bought: suspensions, extensions, cancellation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """A while in which a term gave nothing, because of abuse (B11)."""

    start_time: datetime
    end_time: datetime | None
    """None while it lasts."""
    reason: str
    maker: str

    def covers(self, instant: datetime) -> bool:
        """Whether it held at an instant."""
        return self.start_time <= instant and (self.end_time is None or instant < self.end_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """Business days that a term was given more; its caps stay (F6)."""

    days: int
    extend_time: datetime
    reason: str
    maker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """The early end of a term, and what comes back of its price."""

    cancel_time: datetime
    used_fen: int
    """What was had of the membership by then."""
    refund_fen: int
    reason: str
    maker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """The invoice of a membership's fee, as it was wished (F26)."""

    invoice_type: str
    title: str
    tax_number: str
    amount_fen: int
    request_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TermChanges:
    """All of it, the earliest first."""

    suspensions: tuple[Suspension, ...] = ()
    extensions: tuple[Extension, ...] = ()
    cancellation: Cancellation | None = None
    invoice: Invoice | None = None

    def suspended_at(self, instant: datetime) -> bool:
        """Whether the term was suspended at an instant."""
        return any(each.covers(instant) for each in self.suspensions)

    def suspended(self, suspension: Suspension) -> TermChanges:
        """The same with one more suspension."""
        return replace(self, suspensions=(*self.suspensions, suspension))

    def resumed(self, now: datetime) -> TermChanges:
        """The same with no suspension that lasts."""
        return replace(self, suspensions=tuple(ended(self.suspensions, now)))

    def extended(self, extension: Extension) -> TermChanges:
        """The same with one more extension."""
        return replace(self, extensions=(*self.extensions, extension))


def ended(suspensions: Sequence[Suspension], now: datetime) -> list[Suspension]:
    """Suspensions of which none lasts beyond now."""
    return [replace(each, end_time=now) if each.end_time is None else each for each in suspensions]


UNCHANGED = TermChanges()
