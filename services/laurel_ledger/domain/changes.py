"""What a transaction says, or did to a hold or to lots, beyond moving points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntFlag
from typing import NamedTuple

from laurel_ledger.domain.accounts import Hold, Pin


class Given(IntFlag):
    """What the caller said and the ledger did not fill in; a repeat must say the same. Stored."""

    NOTHING = 0
    EFFECTIVE_TIME = 1
    EXPIRE_TIME = 2
    PROGRAM_REVISION = 4
    AMOUNT = 8
    SPENDING = 16
    """Lines, of a spending or of its reversal, what to do when points are too few, or which to take
    first.
    """
    COST = 32
    """Of an earning; it stands beside the transaction, as spendings have theirs."""


class Activation(NamedTuple):
    """From when on, or on what, earned points can be spent."""

    time: datetime | None = None
    key: str | None = None


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


class CarriedLot(NamedTuple):
    """A lot that a merge opened and whose points wait, or waited, to be spent."""

    lot_no: int
    active_time: datetime | None
    activation_key: str | None
    activated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """The other side of a transfer or a merge: another member's transaction."""

    member_id: str
    """Who got the points, or who gave them."""
    request_id: str
    """The name of that member's transaction."""
    lots: tuple[CarriedLot, ...] = ()
    """Of what a merge brought: the lots whose points were not to be spent from the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The other side of an exchange: a transaction of the same member and another asset."""

    asset_id: str
    """What came, or what was given."""
    request_id: str
    """The name of that transaction."""
    amount: int
    """How many points of it."""
