"""A member's facts put in order: what was bought and is kept, what was done, what stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day, day_start, month_start, next_month_start

from laurel_scoring.domain.facts import (
    Approval,
    CreditReport,
    Engagement,
    Fact,
    ProfileChange,
    Purchase,
    PurchaseLine,
    PurchaseReturn,
    Violation,
    happened,
)
from laurel_scoring.domain.models import FromCredit, Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A purchase with everything of it that went back, in the order of the returns."""

    purchase: Purchase
    day: date
    returns: list[PurchaseReturn] = field(default_factory=list)

    def kept(self, line: PurchaseLine) -> bool:
        """Whether any piece of a line is still with the member."""
        return self.returned_pieces(line, self.returns) < line.quantity

    def returned_pieces(self, line: PurchaseLine, returns: Iterable[PurchaseReturn]) -> int:
        """How many pieces of a line these returns brought back."""
        return sum(
            back.quantity for one in returns for back in one.lines if back.line_id == line.line_id
        )

    def returned_money(self, line: PurchaseLine, returns: Iterable[PurchaseReturn]) -> int:
        """What was paid for the returned pieces, floored over all of them together (X3)."""
        return line.paid * self.returned_pieces(line, returns) // line.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An engagement on its business day."""

    engagement: Engagement
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Behaviour before an instant, oldest first, ties by id: never by arrival."""

    bought: tuple[Bought, ...]
    done: Mapping[str, Sequence[Done]]
    """By kind, so that no rule has to look at all of them."""
    violations: tuple[date, ...] = ()
    """The days on which a rule was broken."""

    def done_of(self, kinds: frozenset[str]) -> Sequence[Done]:
        """The engagements of some kinds."""
        lists = [self.done[kind] for kind in kinds if kind in self.done]
        if len(lists) <= 1:
            return lists[0] if lists else ()
        return sorted(chain.from_iterable(lists), key=lambda done: happened(done.engagement))

    @property
    def first_purchase_time(self) -> datetime | None:
        """When the first order was completed, whatever went back of it (Q29); None without any."""
        return self.bought[0].purchase.activity_time if self.bought else None

    def order_days(self) -> dict[str, date]:
        """The day on which each order was first completed (C8)."""
        days: dict[str, date] = {}
        for bought in self.bought:
            days.setdefault(bought.purchase.order_id, bought.day)
        return days


class Items:
    """The articles a member bought, found by order; put together when one is looked for."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._found: dict[tuple[str, str], tuple[Bought, PurchaseLine]] | None = None

    def find(self, order_id: str, sku_id: str) -> tuple[Bought, PurchaseLine] | None:
        """The first line of an order with an article, and its purchase; None when not known."""
        if self._found is None:
            self._found = {}
            for bought in self._history.bought:
                for line in bought.purchase.lines:
                    key = bought.purchase.order_id, line.sku_id
                    self._found.setdefault(key, (bought, line))
        return self._found.get((order_id, sku_id)) if sku_id else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds of a member at an instant: the latest fact for each attribute and measure."""

    attributes: dict[str, ProfileChange]
    """Only those that are set."""
    credit: dict[Measure, tuple[int, CreditReport]]
    reports: tuple[CreditReport, ...]
    """All of them by then, oldest first."""
    zone: ZoneInfo
    instant: datetime

    def credit_at(self, source: FromCredit) -> tuple[int, CreditReport] | None:
        """The value that holds by a source, with its refresh day (B2); None when none does."""
        if not source.refresh_day:
            return self.credit.get(source.measure)
        for report in reversed(self.reports):
            known = measures_of(report).get(source.measure)
            if known and refreshed(report.activity_time, source.refresh_day, self.zone) <= (
                self.instant
            ):
                return known
        return None

    def credit_of(self, measure: Measure) -> int | None:
        """The value reported last, None when none was."""
        known = self.credit.get(measure)
        return None if known is None else known[0]


def history_of(facts: Sequence[Fact], *, until: datetime, zone: ZoneInfo) -> History:
    """The behaviour that happened before `until`; facts are in the order of `happened`."""
    bought: list[Bought] = []
    done: dict[str, list[Done]] = {}
    returns: list[PurchaseReturn] = []
    violations: list[date] = []
    for fact in facts:
        if fact.activity_time >= until:
            break
        day = business_day(fact.activity_time, zone)
        match fact:
            case Purchase():
                bought.append(Bought(purchase=fact, day=day))
            case Engagement():
                done.setdefault(fact.kind, []).append(Done(engagement=fact, day=day))
            case PurchaseReturn():
                returns.append(fact)
            case Violation():
                violations.append(day)
            case ProfileChange() | CreditReport() | Approval():
                pass
    give_back(bought, returns)
    return History(bought=tuple(bought), done=done, violations=tuple(violations))


def give_back(bought: Sequence[Bought], returns: Iterable[PurchaseReturn]) -> None:
    """Put every return to the purchases of its order."""
    by_order: dict[str, list[Bought]] = {}
    for each in bought:
        by_order.setdefault(each.purchase.order_id, []).append(each)
    for one in returns:
        for each in by_order.get(one.order_id, ()):
            each.returns.append(one)


def standing_of(facts: Sequence[Fact], *, instant: datetime, zone: ZoneInfo) -> Standing:
    """What holds at an instant, itself included; facts are in the order of `happened`."""
    attributes: dict[str, ProfileChange] = {}
    credit: dict[Measure, tuple[int, CreditReport]] = {}
    reports: list[CreditReport] = []
    for fact in facts:
        if fact.activity_time > instant:
            break
        match fact:
            case ProfileChange(is_set=True):
                attributes[fact.attribute] = fact
            case ProfileChange(is_set=False):
                attributes.pop(fact.attribute, None)
            case CreditReport():
                credit.update(measures_of(fact))
                reports.append(fact)
            case Purchase() | PurchaseReturn() | Engagement() | Approval() | Violation():
                pass
    return Standing(
        attributes=attributes, credit=credit, reports=tuple(reports), zone=zone, instant=instant
    )


def refreshed(reported: datetime, refresh_day: int, zone: ZoneInfo) -> datetime:
    """From when on a report counts: the next refresh day at or after it, 0 meaning at once (B2)."""
    if not refresh_day:
        return reported
    month = month_start(business_day(reported, zone))
    refresh = day_start(month.replace(day=refresh_day), zone)
    if refresh >= reported:
        return refresh
    return day_start(next_month_start(month).replace(day=refresh_day), zone)


def measures_of(report: CreditReport) -> dict[Measure, tuple[int, CreditReport]]:
    """The measures that a report names."""
    named = {Measure.SCORE: report.credit_score, Measure.STARS: report.credit_stars}
    return {measure: (value, report) for measure, value in named.items() if value is not None}


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Facts as they happened."""
    return sorted(facts, key=happened)
