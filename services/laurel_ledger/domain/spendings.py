"""What a spending may say beyond its amount: the lines it pays for, what to do when points are too
few, and which of them to take first.

A line is a share of the spending that can be given back by itself: an article of an order, for
example (E12). Which lots points come back to does not depend on their line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


class SpendShortfall(IntEnum):
    """What to do when fewer points are available than are to be spent. Stored, the contract's."""

    REJECT = 1
    PARTIAL = 2
    DEBT = 3


class LotPolicy(IntEnum):
    """Which points a spending takes first. Stored, the contract's."""

    SOONEST_EXPIRY = 1
    OLDEST = 2
    NEWEST = 3


class Line(NamedTuple):
    """Points that a spending is to take for one of the things it pays for."""

    line_id: str
    amount: int


class AskedLine(NamedTuple):
    """Points of a line that are to be given back; None for all that are left of it."""

    line_id: str
    amount: int | None = None


class LineReversal(NamedTuple):
    """Points of a line that were given back before a reversal, and by it."""

    line_id: str
    before: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a spending says beyond others."""

    requested: int
    """Points that were to be spent."""
    shortfall: SpendShortfall = SpendShortfall.REJECT
    lines: tuple[Line, ...] = ()
    lot_policy: LotPolicy = LotPolicy.SOONEST_EXPIRY

    def lines_for(self, spent: int) -> Iterator[Line]:
        """How much of each line was paid for: in their order, for as long as the points last."""
        for line_id, amount in self.lines:
            paid = min(amount, spent)
            spent -= paid
            yield Line(line_id, paid)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReversals:
    """What a reversal did to the lines of a spending."""

    asked: tuple[AskedLine, ...] = ()
    """What the caller said of them; none for an amount, or for all that was left."""
    lines: tuple[LineReversal, ...] = ()
    """All lines of the spending, in its order."""


def spread(
    paid: Sequence[Line], before: Mapping[str, int], amount: int
) -> tuple[LineReversal, ...]:
    """An amount of a spending that names no lines: from its last line on, what is left of each."""
    done = []
    for line_id, most in reversed(paid):
        already = before.get(line_id, 0)
        part = min(amount, most - already)
        amount -= part
        done.append(LineReversal(line_id, already, part))
    return tuple(reversed(done))
