"""What each rule of a model gives for each fact, before any cap (C5-C10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from laurel_scoring.domain.facts import Purchase, PurchaseLine
from laurel_scoring.domain.history import Bought, History, Items, Standing
from laurel_scoring.domain.models import (
    WHOLE_BPS,
    Condition,
    DistinctKey,
    FromCredit,
    PerAmount,
    PerBand,
    PerUnit,
    Rule,
)
from laurel_scoring.domain.windows import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Points of a fact that do not count, and why: a cap's name, or what withholds them."""

    reason: str
    limit: int
    points: int


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
    breaks: date | None = None
    """The day on which a run of months breaks when nothing else happens."""
    revoked: tuple[datetime, str] | None = None
    """When a running balance loses all of it again, and by which return."""
    rate_bps: int = WHOLE_BPS
    """The rate of the coefficient when it was given (B7)."""
    cuts: list[Cut] = field(default_factory=list)

    @property
    def granted(self) -> int:
        """What counts of it after the coefficient, floored (X3)."""
        if self.rate_bps == WHOLE_BPS:
            return self.counted
        return self.counted * self.rate_bps // WHOLE_BPS

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
    items: Items
    is_running: bool
    """Whether the points of the model are a running balance."""


def award_attribute(attribute: str, points: int, standing: Standing) -> Iterator[Award]:
    """Points as long as the attribute is set (C5, C12)."""
    if change := standing.attributes.get(attribute):
        yield Award(
            time=change.activity_time,
            activity_id=change.activity_id,
            points=points,
            counted=points,
        )


def award_credit(
    source: FromCredit, award: PerUnit | PerBand, standing: Standing
) -> Iterator[Award]:
    """Points for each unit of the measure that holds (C10), or for its band (I9)."""
    if known := standing.credit_at(source):
        value, report = known
        points = award.points_of(value)
        yield Award(
            time=report.activity_time,
            activity_id=report.activity_id,
            points=points,
            counted=points,
        )


def award_amounts(
    rule: Rule, award: PerAmount, history: History, split: frozenset[DistinctKey]
) -> Iterator[Award]:
    """Points for money paid, floored once an order, or once each category or shop of it (C6)."""
    for bought in history.bought:
        parts = parts_of(bought.purchase, rule.condition, split)
        if award.order_minor_units_min and not is_enough(award, bought.purchase, parts):
            continue
        for key, lines in parts.items():
            paid = paid_by(award, bought.purchase, sum(line.paid for line in lines))
            points = paid * award.points // award.minor_units
            if points:
                yield order_award(bought, points, lines, category_id=key[0], shop_id=key[1])


def is_enough(
    award: PerAmount,
    purchase: Purchase,
    parts: Mapping[tuple[str, str], tuple[PurchaseLine, ...]],
) -> bool:
    """Whether enough was paid for the lines of an order that count, all parts together (A6)."""
    whole = sum(line.paid for lines in parts.values() for line in lines)
    return paid_by(award, purchase, whole) >= award.order_minor_units_min


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
