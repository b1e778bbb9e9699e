"""Orders before they are paid: what they would cost and earn, and what was promised of that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from laurel_benefits.domain.coupon_application import CouponApplication
from laurel_benefits.domain.drafts import OrderDraft, OrderLine, Payment
from laurel_benefits.domain.errors import OrderPaymentsMismatch
from laurel_benefits.domain.ids import CouponId, OrderId, RevisionId
from laurel_benefits.domain.orders import Earned
from laurel_benefits.domain.spending import Spending


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutDraft:
    """An order as the shop is about to take it."""

    order_id: OrderId
    lines: tuple[OrderLine, ...]
    """`paid_fen` of them is what is payable before these coupons and before points."""
    freight_fen: int
    payment_method: str
    """The means that pays what nothing else does."""
    other_payments: tuple[Payment, ...]
    invoice_type: str
    coupon_ids: tuple[CouponId, ...] = ()

    @property
    def payment_methods(self) -> tuple[str, ...]:
        """Every means that pays something of it."""
        return (self.payment_method, *(each.payment_method for each in self.other_payments))


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What an evaluation says a member pays and gets, in few numbers."""

    order_digest: str
    points: int
    due_fen: int
    earned: Mapping[str, int]
    """Points by what they are for."""

    def changes(self, current: Promise) -> dict[str, tuple[str, str]]:
        """What is not so any more: what was said and what is so, by name."""
        named = {"order": (self.order_digest, current.order_digest)}
        numbers = {
            "points": (self.points, current.points),
            "due_fen": (self.due_fen, current.due_fen),
        }
        for kind in sorted({*self.earned, *current.earned}):
            numbers[kind] = (self.earned.get(kind, 0), current.earned.get(kind, 0))
        named |= {name: (str(was), str(now)) for name, (was, now) in numbers.items()}
        return {name: (was, now) for name, (was, now) in named.items() if was != now}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What an order would cost and earn."""

    spending: Spending
    coupons: CouponApplication
    order: OrderDraft
    """The order after coupons and points, as it would be reported when it is delivered."""
    due_fen: int
    earned: Earned
    order_digest: str
    program_revision: RevisionId

    @property
    def promise(self) -> Promise:
        """What a reservation has to keep."""
        earned = {
            f"{share.kind}/{share.campaign_id}" if share.campaign_id else str(share.kind): (
                share.points
            )
            for share in self.earned.shares
        }
        return Promise(
            order_digest=self.order_digest,
            points=self.spending.points,
            due_fen=self.due_fen,
            earned=earned,
        )


def due_of(draft: CheckoutDraft, points: int) -> int:
    """What the main means has to pay. Raises OrderPaymentsMismatch when others pay too much."""
    amount = sum(line.paid_fen for line in draft.lines) + draft.freight_fen - points
    others = sum(payment.amount_fen for payment in draft.other_payments)
    if others > amount:
        raise OrderPaymentsMismatch(paid_fen=others, due_fen=amount)
    return amount - others


def lines_after(lines: tuple[OrderLine, ...], parts: Iterable[int]) -> tuple[OrderLine, ...]:
    """The lines with what is left to pay of them after coupons, or points, a fen for each."""
    return tuple(
        replace(line, paid_fen=line.paid_fen - part)
        for line, part in zip(lines, parts, strict=True)
    )


def after_coupons(draft: CheckoutDraft, coupons: CouponApplication) -> CheckoutDraft:
    """The order with what its coupons leave to pay: the settlement amount of its lines (E5)."""
    off = [coupons.off_line(line.line_id) for line in draft.lines]
    return replace(draft, lines=lines_after(draft.lines, off))


def payments_of(draft: CheckoutDraft, due_fen: int) -> tuple[Payment, ...]:
    """What every means pays; nothing is no payment."""
    main = Payment(payment_method=draft.payment_method, amount_fen=due_fen)
    return tuple(each for each in (main, *draft.other_payments) if each.amount_fen)
