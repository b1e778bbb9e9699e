"""Where the points of a lot came from and went, found by comparing positions.

Points leave a lot in the order they came, and every movement says which ones it was: what brought
point n and what took it are the two movements whose spans hold n.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_ledger.domain.transactions import TransactionType


@dataclass(frozen=True, slots=True, kw_only=True)
class LotEvent:
    """What a transaction did to one lot: the span of points it brought or took."""

    request_id: str
    type: TransactionType
    counter_account_id: str
    commit_time: datetime
    effective_time: datetime
    reason: str
    labels: Mapping[str, str]
    position: int
    amount: int

    @property
    def end(self) -> int:
        """The number of the first point after its span."""
        return self.position + self.amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Points that one transaction brought and one took; nobody took those still there."""

    position: int
    amount: int
    brought_by: LotEvent
    taken_by: LotEvent | None


def trace(brought: Sequence[LotEvent], taken: Sequence[LotEvent], start: int) -> Iterator[Stretch]:
    """The points from `start` on, cut wherever who brought or who took them changes.

    Both lists are in the order of positions and without gaps, and begin with the event that holds
    `start`; the trace ends with what was brought.
    """
    takers = iter(taken)
    taker = next(takers, None)
    position = start
    for event in brought:
        while position < event.end:
            while taker is not None and taker.end <= position:
                taker = next(takers, None)
            end = event.end if taker is None else min(event.end, taker.end)
            yield Stretch(
                position=position, amount=end - position, brought_by=event, taken_by=taker
            )
            position = end
