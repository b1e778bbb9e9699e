"""Cohorts: points of one asset, funder, month of issue and of expiry, folded from movements (I14).

A lot fills over many months, so it remembers from which of its points on each month began: a
spending that takes points by their positions then says which months' points they were. What is
folded for a batch is a few numbers for each cohort it touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from laurel_kit import calendar

from laurel_ledger.domain.accounts import NEVER, AccountKey, Movement
from laurel_ledger.domain.transactions import EARNING, Transaction, TransactionType

MONTHS_OF_YEAR = 12
KNOWN_MAX = 1000
"""Months of lots that are kept: those of a few earnings."""
MICROSECOND = timedelta(microseconds=1)
UTC = ZoneInfo("UTC")
"""Where nobody says otherwise."""


def month_of(number: int) -> date:
    """The first day of a numbered month."""
    year, month = divmod(number, MONTHS_OF_YEAR)
    return date(year, month + 1, 1)


class IssueMark(NamedTuple):
    """From this point of a lot on, its points were issued in this month."""

    month: int
    position: int


@dataclass(frozen=True, slots=True)
class LotMonths:
    """The months of a lot's points; its expiry's is the last month in which they can be spent."""

    expire_month: int | None
    issued: tuple[IssueMark, ...] = ()

    def with_month(self, month: int, position: int) -> LotMonths:
        """The same with points from `position` on of a month.

        Never of an earlier month than those before them, however late they are told: so a lot has
        no more marks than months.
        """
        if self.issued and month <= self.issued[-1].month:
            return self
        return replace(self, issued=(*self.issued, IssueMark(month, position)))

    def after(self, consumed: int) -> LotMonths:
        """The same without the months whose points have all left."""
        if len(self.issued) == 1:
            return self
        first = 0
        while first + 1 < len(self.issued) and self.issued[first + 1].position <= consumed:
            first += 1
        return replace(self, issued=self.issued[first:]) if first else self

    def split(self, position: int, amount: int) -> Iterator[tuple[int, int]]:
        """How many of the points from `position` on are of which month."""
        if len(self.issued) == 1:
            yield self.issued[0].month, amount
            return
        end = position + amount
        for index, mark in enumerate(self.issued):
            later = self.issued[index + 1].position if index + 1 < len(self.issued) else end
            within = min(end, later) - max(position, mark.position)
            if within > 0:
                yield mark.month, within


@lru_cache(KNOWN_MAX)
def _of_one_month(expire_month: int | None, month: int, position: int) -> LotMonths:
    """Those of a lot that was opened in a month; most lots of a day are alike."""
    return LotMonths(expire_month, (IssueMark(month, position),))


SPENDING = frozenset((TransactionType.SPEND, TransactionType.CAPTURE))
"""The types that take points from a member to be spent."""

VOIDING = frozenset((TransactionType.EXPIRY, TransactionType.VOIDING))
"""The types that make points of a member void."""

CARRIED_OUT = frozenset(
    (
        TransactionType.LOT_EXTENSION,
        TransactionType.TRANSFER_OUT,
        TransactionType.EXCHANGE_OUT,
        TransactionType.MERGE_OUT,
    )
)
"""The types that take points from a lot which go on in another one."""

CARRIED_IN = frozenset(
    (
        TransactionType.LOT_EXTENSION,
        TransactionType.TRANSFER_IN,
        TransactionType.EXCHANGE_IN,
        TransactionType.MERGE_IN,
    )
)
"""The types that bring points from another lot."""

LotKey = tuple[AccountKey, int]
"""The name of a lot: its account and its number."""


class CohortKey(NamedTuple):
    """The name of a cohort within a shard."""

    shard_id: int
    program_id: str
    asset_id: str
    funding_account_id: str
    issue_month: int
    expire_month: int | None


@dataclass(slots=True)
class CohortChange:
    """Points that came into a cohort, and that left it, by why."""

    issued: int = 0
    spent: int = 0
    expired: int = 0
    restored: int = 0
    reversed: int = 0
    carried_in: int = 0
    carried_out: int = 0

    def count(self, type_: TransactionType, amount: int, *, coming: bool) -> None:
        """Count what a transaction of a type brought or took.

        What it took although it gives repaid a debt: points that were taken back after all.
        """
        if coming:
            if type_ in EARNING:
                self.issued += amount
            elif type_ in CARRIED_IN:
                self.carried_in += amount
            else:
                self.restored += amount
        elif type_ in SPENDING:
            self.spent += amount
        elif type_ in VOIDING:
            self.expired += amount
        elif type_ in CARRIED_OUT:
            self.carried_out += amount
        else:
            self.reversed += amount


@dataclass(slots=True)
class Months:
    """The months of a zone. Batches are of one month mostly, so the last one found is kept."""

    zone: ZoneInfo
    start: datetime = NEVER
    end: datetime = NEVER
    number: int = 0

    def of(self, instant: datetime) -> int:
        """The number of the month of an instant."""
        if not self.start <= instant < self.end:
            first = calendar.month_start(calendar.business_day(instant, self.zone))
            self.start = calendar.day_start(first, self.zone)
            self.end = calendar.day_start(calendar.next_month_start(first), self.zone)
            self.number = first.year * MONTHS_OF_YEAR + first.month - 1
        return self.number


@dataclass(slots=True, kw_only=True)
class CohortFold:
    """The changes of a batch; transactions are added in the order of their commits."""

    months: dict[LotKey, LotMonths]
    """Of every lot that is known before the batch; lots it opens are added."""
    zones: Mapping[str, ZoneInfo]
    """In which zone a program counts its months."""
    changes: dict[CohortKey, CohortChange] = field(default_factory=dict)
    issue_months: dict[str, Months] = field(default_factory=dict)
    expire_months: dict[str, Months] = field(default_factory=dict)

    def add(self, transaction: Transaction, *, shard_id: int) -> None:
        """Fold the movements of a transaction."""
        key, type_ = transaction.key, transaction.type
        if type_ is TransactionType.LOT_EXTENSION:
            self._carry(transaction)
        program_id, _, asset_id = key
        for movement in transaction.movements:
            lot, moved = (key, movement.lot_no), movement.amount
            coming = moved > 0
            months = self._mark(lot, movement, transaction) if coming else self.months[lot]
            ends, funding_account_id = months.expire_month, movement.funding_account_id
            for month, amount in months.split(movement.position, abs(moved)):
                cohort = (shard_id, program_id, asset_id, funding_account_id, month, ends)
                change = self.changes.get(cohort)  # type: ignore[call-overload]  # A key, unnamed.
                if change is None:
                    change = self.changes[CohortKey(*cohort)] = CohortChange()
                change.count(type_, amount, coming=coming)

    def _carry(self, transaction: Transaction) -> None:
        """Open the months of lots that points were carried into: those of the points."""
        moved = transaction.movements
        for taken, put in zip(moved[::2], moved[1::2], strict=False):
            source = self.months[transaction.key, taken.lot_no]
            marks = []
            position = put.position
            for month, amount in source.split(taken.position, -taken.amount):
                marks.append(IssueMark(month, position))
                position += amount
            last = self._expire_month(transaction.key.program_id, put.expire_time)
            self.months[transaction.key, put.lot_no] = LotMonths(last, tuple(marks))

    def _mark(self, lot: LotKey, movement: Movement, transaction: Transaction) -> LotMonths:
        """Remember the month of points that came into a lot; those that come back into one that
        was there count to the month of its last ones. All months of the lot.
        """
        months = self.months.get(lot)
        if months is not None and transaction.type not in EARNING:
            return months
        program_id = lot[0].program_id
        month = self._months_of(program_id, self.issue_months).of(transaction.effective_time)
        if months is None:
            last = self._expire_month(program_id, movement.expire_time)
            marked = _of_one_month(last, month, movement.position)
        else:
            marked = months.with_month(month, movement.position)
        if marked is not months:
            self.months[lot] = marked
        return marked

    def _expire_month(self, program_id: str, expiry: datetime | None) -> int | None:
        """The last month in which points can be spent; None when they always can."""
        if expiry is None:
            return None
        return self._months_of(program_id, self.expire_months).of(expiry - MICROSECOND)

    def _months_of(self, program_id: str, known: dict[str, Months]) -> Months:
        months = known.get(program_id)
        if months is None:
            months = known[program_id] = Months(self.zones.get(program_id, UTC))
        return months
