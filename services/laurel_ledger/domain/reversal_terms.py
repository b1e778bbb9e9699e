"""On which terms a transaction is reversed, and what a reversal says of what it did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from laurel_ledger.domain.spendings import LineReversals


class LateRestore(IntEnum):
    """What becomes of points that a reversal gives back to a lot that is void by then.

    The numbers are stored and the contract's.
    """

    EXPIRE = 1
    GRACE = 2
    REISSUE = 3


class Shortfall(IntEnum):
    """What to do when points to take back are no longer there. Numbers stored, the contract's."""

    REJECT = 1
    CLAMP = 2
    DEBT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """What a transaction reversed, on which terms, and what could not be as it was."""

    reversed_request_id: str
    original_amount: int
    """Points that what it reverses moved."""
    reversed_before: int
    """Points of it that earlier reversals had reversed."""
    requested: int
    """Points that were to be reversed."""
    late_restore: LateRestore
    grace_days: int
    shortfall: Shortfall
    late: int = 0
    """Points given back whose lot was void by then."""
    of_lines: LineReversals | None = None
    """What it did to the lines of a spending that has some."""

    @property
    def expiring(self) -> int:
        """Points that came back only to expire at once."""
        return self.late if self.late_restore is LateRestore.EXPIRE else 0
