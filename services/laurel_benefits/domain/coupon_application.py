"""What coupons take off an order: who goes with whom, in which order, and off which lines (M9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from laurel_kit.values import split_largest_remainder

from laurel_benefits.domain.coupon_rules import StackClass
from laurel_benefits.domain.coupons import Coupon, CouponState
from laurel_benefits.domain.decisions import Reason, ReasonCode
from laurel_benefits.domain.drafts import OrderLine
from laurel_benefits.domain.gates import judge_risk
from laurel_benefits.domain.ids import CouponId, LineId, OrderId
from laurel_benefits.domain.risks import MemberRisk


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponLine:
    """A line of an order, as far as coupons look at it."""

    line_id: LineId
    category_id: str
    goods_class: str
    shop_id: str
    price_fen: int
    """What the line costs before coupons, after promotions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedCoupon:
    """What one coupon takes off, or why it takes off nothing."""

    coupon_id: CouponId
    off_by_line: Mapping[LineId, int] = field(default_factory=dict)
    reason: Reason | None = None

    @property
    def off_fen(self) -> int:
        """What it takes off the order."""
        return sum(self.off_by_line.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponApplication:
    """What all coupons take off, in the order in which they were applied."""

    applied: tuple[AppliedCoupon, ...]

    @property
    def off_fen(self) -> int:
        """What they take off the order."""
        return sum(each.off_fen for each in self.applied)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why some of them cannot be used."""
        return tuple(each.reason for each in self.applied if each.reason)

    def reasons_for(self, risk: MemberRisk | None, now: datetime) -> tuple[Reason, ...]:
        """The same for a member: who is blocked uses none (B11)."""
        blocked = tuple(judge_risk(risk, now)) if self.applied else ()
        return (*blocked, *self.reasons)

    def off_line(self, line_id: LineId) -> int:
        """What they take off a line."""
        return sum(each.off_by_line.get(line_id, 0) for each in self.applied)


NO_COUPONS = CouponApplication(applied=())


def coupon_line(line: OrderLine) -> CouponLine:
    """A line of an order as coupons look at it."""
    return CouponLine(
        line_id=line.line_id,
        category_id=line.category_id,
        goods_class=line.goods_class,
        shop_id=line.shop_id,
        price_fen=line.paid_fen,
    )


def apply_coupons(
    coupons: Sequence[Coupon],
    lines: Sequence[CouponLine],
    classes: Mapping[str, StackClass],
    *,
    now: datetime,
    order_id: OrderId | None = None,
) -> CouponApplication:
    """Apply coupons to an order. Those that cannot be used say why and take off nothing.

    Classes go in the order of the program; within a class the one with the highest minimum goes
    first, then the one that ends first. Minimum and share look at what is left of the lines then.
    What one takes off is split over its lines by what is left of them (X4).
    `order_id` is the order for which some of them may be reserved already.
    """
    left = {line.line_id: line.price_fen for line in lines}
    used: Counter[str] = Counter()
    applied: list[AppliedCoupon] = []
    for coupon in sorted(coupons, key=lambda each: turn_of(each, classes)):
        outcome = apply_coupon(coupon, lines, left, classes, used, now=now, order_id=order_id)
        applied.append(outcome)
        for line_id, off in outcome.off_by_line.items():
            left[line_id] -= off
        if outcome.reason is None:
            used[coupon.terms.class_id] += 1
    return CouponApplication(applied=tuple(applied))


def turn_of(
    coupon: Coupon, classes: Mapping[str, StackClass]
) -> tuple[int, int, datetime, CouponId]:
    """When a coupon has its turn. One of a class the program no longer has comes last."""
    known = classes.get(coupon.terms.class_id)
    position = known.position if known else len(classes) + 1
    return position, -coupon.terms.order_min_fen, coupon.expire_time, coupon.coupon_id


def apply_coupon(
    coupon: Coupon,
    lines: Sequence[CouponLine],
    left: Mapping[LineId, int],
    classes: Mapping[str, StackClass],
    used: Mapping[str, int],
    *,
    now: datetime,
    order_id: OrderId | None,
) -> AppliedCoupon:
    """What one coupon takes off what is left of its lines."""
    terms = coupon.terms
    fitting = [
        line.line_id
        for line in lines
        if terms.scope.holds(
            category_id=line.category_id, goods_class=line.goods_class, shop_id=line.shop_id
        )
        and left[line.line_id] > 0
    ]
    price = sum(left[line_id] for line_id in fitting)
    reason = (
        judge_state(coupon, now, order_id)
        or judge_company(terms.class_id, classes, used)
        or judge_price(price, terms.order_min_fen)
    )
    if reason:
        return AppliedCoupon(coupon_id=coupon.coupon_id, reason=reason)
    shares = split_largest_remainder(
        terms.discount.of(price), [left[line_id] for line_id in fitting]
    )
    return AppliedCoupon(
        coupon_id=coupon.coupon_id,
        off_by_line={line_id: off for line_id, off in zip(fitting, shares, strict=True) if off},
    )


def judge_state(coupon: Coupon, now: datetime, order_id: OrderId | None) -> Reason | None:
    """Whether the coupon can be used for this order."""
    state = coupon.state_at(now)
    ours = state is CouponState.RESERVED and order_id is not None and coupon.order_id == order_id
    if state is CouponState.AVAILABLE or ours:
        return None
    return Reason(code=ReasonCode.COUPON_NOT_AVAILABLE, subject=state)


def judge_company(
    class_id: str, classes: Mapping[str, StackClass], used: Mapping[str, int]
) -> Reason | None:
    """Whether the coupons that are used already bear another one of this class beside them."""
    wanted = classes.get(class_id)
    if wanted is None:
        return Reason(code=ReasonCode.COUPON_NOT_AVAILABLE, subject=class_id)
    for other_id, count in used.items():
        excluded = other_id in wanted.excluded_classes
        if count and (excluded or class_id in classes[other_id].excluded_classes):
            return Reason(code=ReasonCode.EXCLUSIVE_GROUP, subject=other_id)
    if used.get(class_id, 0) >= wanted.per_order_max:
        return Reason(code=ReasonCode.EXCLUSIVE_GROUP, subject=class_id)
    return None


def judge_price(price_fen: int, order_min_fen: int) -> Reason | None:
    """Whether there are lines it is for, and whether they cost enough."""
    if price_fen == 0:
        return Reason(code=ReasonCode.ITEM_EXCLUDED, subject="scope")
    if price_fen < order_min_fen:
        return Reason(
            code=ReasonCode.ORDER_TOO_SMALL,
            subject="order",
            required=order_min_fen,
            actual=price_fen,
        )
    return None
