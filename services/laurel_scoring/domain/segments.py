"""The groups a member is in by what it bought and kept: RFM cells and dormancy (M16-M18)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from laurel_kit.calendar import add_months, business_day

from laurel_scoring.domain.facts import Fact, PurchaseLine
from laurel_scoring.domain.history import Bought, history_of, in_order
from laurel_scoring.domain.segment_rules import DormancySegment, InsightRules, RfmGroup, RfmRules
from laurel_scoring.domain.windows import INSTANT, day_of_leaving


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLine:
    """What a member bought in one line and kept at least a piece of."""

    order_id: str
    day: date
    category_id: str
    shop_id: str
    paid: int
    """What it cost, returned pieces taken off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The three scores of a member, each 1 or more, and the group they make."""

    recency: int
    frequency: int
    monetary: int
    group: RfmGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The groups of a member on a day; of who never kept an order nothing is known."""

    last_order_day: date | None
    recency_days: int | None
    """Days since the last order."""
    orders: int
    """In the window of RFM."""
    paid: int
    cell: Cell | None
    dormancy: DormancySegment | None
    next_day: date | None
    """The first day on which anything here changes without a new fact; None for never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """What a member spent in a shop on a category."""

    shop_id: str
    category_id: str
    paid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentMember:
    """A member of a group as of the last daily run; scores are None where there is no RFM."""

    member_id: str
    last_order_day: date
    orders: int
    paid: int
    recency: int | None
    frequency: int | None
    monetary: int | None


def kept_lines(facts: Iterable[Fact], *, now: datetime, zone: ZoneInfo) -> list[KeptLine]:
    """Everything bought by now and not returned whole, in the order of the purchases."""
    history = history_of(in_order(facts), until=now + INSTANT, zone=zone)
    return [
        kept_line(bought, line)
        for bought in history.bought
        for line in bought.purchase.lines
        if bought.kept(line)
    ]


def kept_line(bought: Bought, line: PurchaseLine) -> KeptLine:
    """A line of a purchase as far as it was kept."""
    return KeptLine(
        order_id=bought.purchase.order_id,
        day=bought.day,
        category_id=line.category_id,
        shop_id=line.shop_id,
        paid=line.paid - bought.returned_money(line, bought.returns),
    )


def segment_of(
    kept: Sequence[KeptLine], rules: InsightRules, *, now: datetime, zone: ZoneInfo
) -> Segment:
    """The groups of a member who kept these lines."""
    today = business_day(now, zone)
    counted = in_window(kept, rules.rfm, today)
    orders, paid = len({line.order_id for line in counted}), sum(line.paid for line in counted)
    last = max((line.day for line in kept), default=None)
    days = None if last is None else (today - last).days
    return Segment(
        last_order_day=last,
        recency_days=days,
        orders=orders,
        paid=paid,
        cell=None if days is None else cell_of(rules.rfm, days=days, orders=orders, paid=paid),
        dormancy=None if days is None else dormancy_of(rules, days),
        next_day=next_day_of(last, counted, rules, today),
    )


def in_window(kept: Sequence[KeptLine], rfm: RfmRules | None, today: date) -> list[KeptLine]:
    """The lines of the trailing months, today included."""
    if rfm is None:
        return []
    first = add_months(today, -rfm.window_months)
    return [line for line in kept if line.day >= first]


def cell_of(rfm: RfmRules | None, *, days: int, orders: int, paid: int) -> Cell | None:
    """The scores by days since the last order, orders, and money (M16), and their group (M17)."""
    if rfm is None:
        return None
    recency = 1 + sum(days <= bound for bound in rfm.recency_days)
    frequency = 1 + sum(orders >= bound for bound in rfm.orders)
    monetary = 1 + sum(paid >= bound for bound in rfm.paid)
    high = tuple(score >= rfm.high_from for score in (recency, frequency, monetary))
    group = next(each for each in rfm.groups if (each.recent, each.frequent, each.valuable) == high)
    return Cell(recency=recency, frequency=frequency, monetary=monetary, group=group)


def dormancy_of(rules: InsightRules, days: int) -> DormancySegment | None:
    """The segment by the days since the last order (M18); None for who ordered of late."""
    reached = [segment for segment in rules.dormancy if segment.from_days <= days]
    return reached[-1] if reached else None


def next_day_of(
    last: date | None, counted: Iterable[KeptLine], rules: InsightRules, today: date
) -> date | None:
    """The first day after today on which a bound is passed or a purchase leaves the window."""
    if last is None:
        return None
    days = [*bounds_after(last, rules)]
    if rules.rfm is not None:
        days += [day_of_leaving(line.day, rules.rfm.window_months) for line in counted]
    return min((day for day in days if day > today), default=None)


def bounds_after(last: date, rules: InsightRules) -> Iterator[date]:
    """The days on which the days since the last order pass a bound."""
    for bound in rules.rfm.recency_days if rules.rfm else ():
        yield last + timedelta(days=bound + 1)
    for segment in rules.dormancy:
        yield last + timedelta(days=segment.from_days)


def tastes_of(
    kept: Sequence[KeptLine], rules: InsightRules, *, now: datetime, zone: ZoneInfo
) -> list[Taste]:
    """What a member spent in the window by shop and category, as far as categories are known."""
    spent: Counter[tuple[str, str]] = Counter()
    for line in in_window(kept, rules.rfm, business_day(now, zone)):
        if line.category_id:
            spent[line.shop_id, line.category_id] += line.paid
    return [
        Taste(shop_id=shop_id, category_id=category_id, paid=paid)
        for (shop_id, category_id), paid in sorted(spent.items())
    ]
