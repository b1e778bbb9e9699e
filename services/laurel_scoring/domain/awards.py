"""What each rule of a model gives for each fact, before any cap (C5-C10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache

from laurel_kit.calendar import add_months, month_start, year_start

from laurel_scoring.domain.facts import Purchase, PurchaseLine
from laurel_scoring.domain.history import Bought, Done, History, Standing
from laurel_scoring.domain.models import (
    Condition,
    DistinctKey,
    FromCredit,
    FromEngagements,
    FromProfile,
    PerActivePeriod,
    PerAmount,
    PerCount,
    PerDistinct,
    Period,
    PerUnit,
    Rule,
    WhileSet,
)
from laurel_scoring.domain.windows import DAYS_KEPT, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Points of a fact that do not count, and why: a cap's name, or the age of the order (C8)."""

    reason: str
    limit: int
    points: int


ORDER_AGE = "order_age"
ORDER_UNKNOWN = "order_unknown"


@dataclass(slots=True, kw_only=True)
class Award:
    """What a rule gives for a fact. `counted` shrinks as caps cut it, each cut is kept."""

    time: datetime
    activity_id: str
    points: int
    counted: int
    day: date | None = None
    """The business day it belongs to; None for what stands as long as nothing changes."""
    last_day: date | None = None
    """The day with which it leaves the window; later than `day` where later facts keep it up."""
    order_id: str = ""
    category_id: str = ""
    shop_id: str = ""
    bought: Bought | None = None
    lines: tuple[PurchaseLine, ...] = ()
    """The lines it was given for; returns of them take it back."""
    cuts: list[Cut] = field(default_factory=list)

    def cut(self, reason: str, *, limit: int, allowed: int) -> None:
        """Let no more than `allowed` of what still counts count."""
        if allowed < self.counted:
            self.cuts.append(Cut(reason=reason, limit=limit, points=self.counted - allowed))
            self.counted = allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the rules of a model look at: behaviour, what stands, and the days that count."""

    history: History
    standing: Standing
    span: Span
    order_days: Mapping[str, date]


def awards_of(rule: Rule, known: Known, *, split: frozenset[DistinctKey]) -> list[Award]:
    """Everything a rule gives, oldest first.

    `split` names what a cap of the rule or its dimension looks at: purchases are then valued apart
    by it. What a single fact gives is listed also for facts before the window, because caps look at
    whole days, months and orders.
    """
    match rule.source, rule.award:
        case FromProfile(attribute=attribute), WhileSet(points=points):
            return list(award_attribute(attribute, points, known.standing))
        case FromCredit() as source, PerUnit(points=points):
            return list(award_credit(source, points, known.standing))
        case FromEngagements() as source, award:
            return engagement_awards(rule, source, award, known)
        case _, PerAmount() as award:
            return list(award_amounts(rule, award, known.history, split))
        case _, PerCount(points=points):
            return list(award_orders(rule, points, known.history))
        case _, (PerDistinct() | PerActivePeriod()) as award:
            return award_sets(award, purchase_supports(rule, award, known))
    raise AssertionError("a checked model pairs every source with an award of its kind")


def award_attribute(attribute: str, points: int, standing: Standing) -> Iterator[Award]:
    """Points as long as the attribute is set (C5, C12)."""
    if change := standing.attributes.get(attribute):
        yield Award(
            time=change.activity_time,
            activity_id=change.activity_id,
            points=points,
            counted=points,
        )


def award_credit(source: FromCredit, points: int, standing: Standing) -> Iterator[Award]:
    """Points for each unit of the measure reported last (C10)."""
    if known := standing.credit.get(source.measure):
        value, report = known
        yield Award(
            time=report.activity_time,
            activity_id=report.activity_id,
            points=value * points,
            counted=value * points,
        )


def award_amounts(
    rule: Rule, award: PerAmount, history: History, split: frozenset[DistinctKey]
) -> Iterator[Award]:
    """Points for money paid, floored once an order, or once each category or shop of it (C6)."""
    for bought in history.bought:
        for key, lines in parts_of(bought.purchase, rule.condition, split).items():
            paid = paid_by(award, bought.purchase, sum(line.paid for line in lines))
            points = paid * award.points // award.minor_units
            if points:
                yield order_award(bought, points, lines, category_id=key[0], shop_id=key[1])


def award_orders(rule: Rule, points: int, history: History) -> Iterator[Award]:
    """The same points for every order with a line that counts."""
    for bought in history.bought:
        if lines := matching(bought.purchase, rule.condition):
            yield order_award(bought, points, tuple(lines))


def order_award(
    bought: Bought,
    points: int,
    lines: tuple[PurchaseLine, ...],
    *,
    category_id: str = "",
    shop_id: str = "",
) -> Award:
    """Points for lines of a purchase."""
    return Award(
        time=bought.purchase.activity_time,
        activity_id=bought.purchase.activity_id,
        points=points,
        counted=points,
        day=bought.day,
        last_day=bought.day,
        order_id=bought.purchase.order_id,
        category_id=category_id,
        shop_id=shop_id,
        bought=bought,
        lines=lines,
    )


def paid_by(award: PerAmount, purchase: Purchase, paid: int) -> int:
    """The part of what lines cost that was paid by the means that count (A5), floored."""
    if not award.payment_methods:
        return paid
    total = sum(payment.amount for payment in purchase.payments)
    counted = sum(
        payment.amount
        for payment in purchase.payments
        if payment.payment_method in award.payment_methods
    )
    return paid * counted // total if total else 0


def parts_of(
    purchase: Purchase, condition: Condition | None, split: frozenset[DistinctKey]
) -> dict[tuple[str, str], tuple[PurchaseLine, ...]]:
    """The lines that count, by the category and shop they are valued apart for."""
    parts: dict[tuple[str, str], tuple[PurchaseLine, ...]] = {}
    for line in matching(purchase, condition):
        category = line.category_id if DistinctKey.CATEGORY in split else ""
        shop = line.shop_id if DistinctKey.SHOP in split else ""
        parts[category, shop] = (*parts.get((category, shop), ()), line)
    return dict(sorted(parts.items()))


def matching(purchase: Purchase, condition: Condition | None) -> list[PurchaseLine]:
    """The lines of a purchase that meet a condition."""
    if condition is None:
        return list(purchase.lines)
    methods = [payment.payment_method for payment in purchase.payments]
    return [
        line for line in purchase.lines if condition.holds(line_values(purchase, line, methods))
    ]


def line_values(
    purchase: Purchase, line: PurchaseLine, methods: list[str]
) -> dict[str, str | int | bool | list[str]]:
    """What a condition on purchases knows of a line."""
    return {
        "order_id": purchase.order_id,
        "payment_methods": methods,
        "sku_id": line.sku_id,
        "category_id": line.category_id,
        "shop_id": line.shop_id,
        "goods_class": line.goods_class,
        "quantity": line.quantity,
        "paid": line.paid,
    }


def engagement_awards(
    rule: Rule, source: FromEngagements, award: object, known: Known
) -> list[Award]:
    """What a rule gives for engagements of its kinds that meet its condition."""
    chosen = [done for done in known.history.done_of(source.kinds) if chooses(rule, done)]
    match award:
        case PerCount(points=points):
            return [engagement_award(rule, points, done, known.order_days) for done in chosen]
        case PerDistinct() | PerActivePeriod():
            young = [done for done in chosen if age_cut(rule, done, known.order_days) is None]
            return award_sets(award, engagement_supports(award, young, known.span))
    raise AssertionError("a checked model gives engagements an award of their kind")


def chooses(rule: Rule, done: Done) -> bool:
    """Whether an engagement of the rule's kinds meets its condition."""
    engagement = done.engagement
    return rule.condition is None or rule.condition.holds(
        {
            "kind": engagement.kind,
            "subject_id": engagement.subject_id,
            "order_id": engagement.order_id,
        }
    )


def engagement_award(rule: Rule, points: int, done: Done, order_days: Mapping[str, date]) -> Award:
    """Points for one engagement; none of them count when its order is too old (C8)."""
    award = Award(
        time=done.engagement.activity_time,
        activity_id=done.engagement.activity_id,
        points=points,
        counted=points,
        day=done.day,
        last_day=done.day,
        order_id=done.engagement.order_id,
    )
    if reason := age_cut(rule, done, order_days):
        award.cut(reason, limit=rule.order_age_months_max, allowed=0)
    return award


def age_cut(rule: Rule, done: Done, order_days: Mapping[str, date]) -> str | None:
    """Why an engagement does not count for the age of its order; None when it does (C8).

    The last day that counts is the same day of the month so many months after the order.
    """
    if not rule.order_age_months_max:
        return None
    ordered = order_days.get(done.engagement.order_id)
    if ordered is None:
        return ORDER_UNKNOWN
    last = last_day_of_age(ordered, rule.order_age_months_max)
    return None if done.day <= last else ORDER_AGE


@lru_cache(maxsize=DAYS_KEPT)
def last_day_of_age(ordered: date, months: int) -> date:
    """The day up to which an order is no older than so many months."""
    return add_months(ordered, months)


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """A fact in the window that holds up one key: a category, a day of a month."""

    key: str | date
    time: datetime
    activity_id: str
    day: date


def purchase_supports(
    rule: Rule, award: PerDistinct | PerActivePeriod, known: Known
) -> Iterator[Support]:
    """What purchases hold up: lines with a piece still kept, on days of the window (C11)."""
    for bought in known.history.bought:
        if not known.span.holds(bought.day):
            continue
        kept = [line for line in matching(bought.purchase, rule.condition) if bought.kept(line)]
        for key in dict.fromkeys(key_of(award, line, bought.day) for line in kept):
            if key:
                yield Support(
                    key=key,
                    time=bought.purchase.activity_time,
                    activity_id=bought.purchase.activity_id,
                    day=bought.day,
                )


def engagement_supports(
    award: PerDistinct | PerActivePeriod, chosen: Sequence[Done], span: Span
) -> Iterator[Support]:
    """What engagements hold up, on days of the window."""
    for done in chosen:
        key = done.day if isinstance(award, PerActivePeriod) else done.engagement.subject_id
        if key and span.holds(done.day):
            yield Support(
                key=key,
                time=done.engagement.activity_time,
                activity_id=done.engagement.activity_id,
                day=done.day,
            )


def key_of(award: PerDistinct | PerActivePeriod, line: PurchaseLine, day: date) -> str | date:
    """What a bought line holds up; empty when it does not say."""
    if isinstance(award, PerActivePeriod):
        return day
    keys = {
        DistinctKey.CATEGORY: line.category_id,
        DistinctKey.SHOP: line.shop_id,
        DistinctKey.SKU: line.sku_id,
    }
    return keys[award.key]


def award_sets(award: PerDistinct | PerActivePeriod, supports: Iterator[Support]) -> list[Award]:
    """Points for each key that is held up (C6), by the fact that was enough."""
    groups: dict[str | date, list[Support]] = {}
    for support in supports:
        groups.setdefault(group_of(award, support), []).append(support)
    needed = award.days_min if isinstance(award, PerActivePeriod) else 1
    awards = [set_award(award.points, group, needed) for group in groups.values()]
    return sorted((each for each in awards if each), key=lambda each: (each.time, each.activity_id))


def group_of(award: PerDistinct | PerActivePeriod, support: Support) -> str | date:
    """The key itself, or the period its day lies in."""
    if isinstance(award, PerDistinct):
        return support.key
    if award.period is Period.MONTH:
        return month_start(support.day)
    return year_start(support.day)


def set_award(points: int, supports: Sequence[Support], needed: int) -> Award | None:
    """Points for a group held up on enough days or, for a key, at all.

    They were earned by the first fact of the needed day, and last until fewer than the needed days
    are left in the window.
    """
    first_of_day: dict[date, Support] = {}
    for support in supports:
        first_of_day.setdefault(support.day, support)
    days = sorted(first_of_day)
    if len(days) < needed:
        return None
    enough = first_of_day[days[needed - 1]]
    return Award(
        time=enough.time,
        activity_id=enough.activity_id,
        points=points,
        counted=points,
        day=enough.day,
        last_day=days[-needed],
    )
