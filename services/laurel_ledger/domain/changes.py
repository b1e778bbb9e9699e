"""What a transaction did to a hold or to lots beyond moving points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from laurel_ledger.domain.accounts import Hold, Pin


@dataclass(frozen=True, slots=True, kw_only=True)
class LotChange:
    """Which lots a transaction changed, and how they were chosen."""

    lot_nos: tuple[int, ...] = ()
    activation_key: str = ""
    freeze_key: str = ""
    lots: tuple[Pin, ...]
    """The lots, each with the points in it that are concerned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEvent:
    """What a transaction did to a hold."""

    hold: Hold
    """The hold after it."""
    held_after: int
    """Points of the account that all its holds keep after it."""
    lifetime: timedelta | None = None
    final: bool = False
    expiring: int = 0
    """Points it released whose lot was void by then, and that expired at once."""
