"""The rate that a member's points are multiplied by at the time of each fact (B1-B7)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

from laurel_kit.calendar import day_start

from laurel_scoring.domain.history import History, Standing, measures_of, refreshed
from laurel_scoring.domain.models import WHOLE_BPS, Coefficient, ReturnRatio, rate_of
from laurel_scoring.domain.windows import INSTANT, day_of_leaving


class Rates:
    """The rates of one member, found by time; read once for each score."""

    def __init__(self, coefficient: Coefficient, standing: Standing, history: History) -> None:
        self._coefficient = coefficient
        self._reports = reports_of(coefficient, standing)
        self._starts = [time for time, _ in self._reports]
        ratio = coefficient.return_ratio
        self._ratios = Ratios(ratio, history, standing) if ratio else None

    def at(self, time: datetime) -> int:
        """The rate in basis points for a fact of that time."""
        position = bisect_right(self._starts, time)
        if position:
            return rate_of(self._coefficient.bands, self._reports[position - 1][1])
        return self._ratios.at(time) if self._ratios else WHOLE_BPS


def reports_of(coefficient: Coefficient, standing: Standing) -> list[tuple[datetime, int]]:
    """From when on each reported value holds; of one instant the report of last is the last."""
    source = coefficient.credit
    found = [
        (refreshed(report.activity_time, source.refresh_day, standing.zone), known[0])
        for report in standing.reports
        if (known := measures_of(report).get(source.measure))
    ]
    # Stable: reports that begin to count together stay in the order in which they were made.
    return sorted(found, key=lambda each: each[0])


class Ratios:
    """The rate by the share of a member's orders of which anything went back (B6)."""

    def __init__(self, ratio: ReturnRatio, history: History, standing: Standing) -> None:
        self._ratio = ratio
        changes = sorted(changes_of(ratio, history, standing))
        self._times = [time for time, _, _ in changes]
        self._orders = sums([orders for _, orders, _ in changes])
        self._returned = sums([returned for _, _, returned in changes])

    def at(self, time: datetime) -> int:
        """The rate by the orders before a time, the order of that time left out."""
        position = bisect_left(self._times, time)
        orders, returned = self._orders[position], self._returned[position]
        if orders < self._ratio.orders_min:
            return WHOLE_BPS
        return rate_of(self._ratio.bands, returned * WHOLE_BPS // orders)


Change = tuple[datetime, int, int]
"""When the numbers of orders, and of those with a return, change, and by how much."""


def changes_of(ratio: ReturnRatio, history: History, standing: Standing) -> list[Change]:
    """How orders come into the months that count and leave them."""
    changes: list[Change] = []
    for bought in history.bought:
        leaves = day_start(day_of_leaving(bought.day, ratio.months), standing.zone) - INSTANT
        changes.append((bought.purchase.activity_time, 1, 0))
        changes.append((leaves, -1, 0))
        first = next((back.activity_time for back in bought.returns), None)
        if first is not None and first < leaves:
            changes.append((first, 0, 1))
            changes.append((leaves, 0, -1))
    return changes


def sums(steps: Sequence[int]) -> list[int]:
    """What there is before each step and after the last one."""
    return list(accumulate(steps, initial=0))
