"""Orders before they are paid: from the wire and back."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

from laurel.benefits.v1 import checkouts_pb2 as pb
from laurel.benefits.v1 import orders_pb2
from laurel_kit.fingerprint import content_digest, fingerprint
from laurel_kit.money import read_money, write_money
from pydantic import TypeAdapter

from laurel_benefits.domain.cancellations import Cancellation
from laurel_benefits.domain.checkouts import CheckoutDraft, Evaluation, Promise
from laurel_benefits.domain.coupon_application import AppliedCoupon
from laurel_benefits.domain.drafts import OrderLine
from laurel_benefits.domain.errors import FingerprintInvalid
from laurel_benefits.domain.ids import CouponId, LineId, OrderId, OrderKey, RequestId
from laurel_benefits.domain.pieces import Pieces
from laurel_benefits.domain.reservations import Checkout, Step, refund_id_of, request_id_of
from laurel_benefits.domain.spending import Group
from laurel_benefits.handlers.checkouts import EvaluateOrder
from laurel_benefits.handlers.reserving import (
    ChangedOrder,
    ChangeOrder,
    ReservedOrder,
    ReserveOrder,
)
from laurel_benefits.wire.decisions import write_decision, write_reason
from laurel_benefits.wire.earnings import read_payment, write_line_earning
from laurel_benefits.wire.times import read_member, write_instant

PROMISE: TypeAdapter[tuple[str, int, int, dict[str, int]]] = TypeAdapter(
    tuple[str, int, int, dict[str, int]]
)
"""What the text of a fingerprint holds."""


def read_evaluate_order(request: orders_pb2.EvaluateOrderRequest) -> EvaluateOrder:
    """The question in a request."""
    return EvaluateOrder(
        member=read_member(request),
        draft=read_checkout_draft(request.order),
        points=request.points,
        order_digest=digest_of(request.order),
    )


def read_reserve_order(request: orders_pb2.ReserveOrderRequest) -> ReserveOrder:
    """The command in a request."""
    wish = EvaluateOrder(
        member=read_member(request),
        draft=read_checkout_draft(request.order),
        points=request.points,
        order_digest=digest_of(request.order),
    )
    return ReserveOrder(
        request_id=RequestId(request.request_id),
        wish=wish,
        promise=read_promise(request.fingerprint) if request.fingerprint else None,
        fingerprint=fingerprint(request).encoded,
    )


def read_commit_order(request: orders_pb2.CommitOrderRequest) -> ChangeOrder:
    """The command in a request to pay an order."""
    return ChangeOrder(
        request_id=RequestId(request.request_id),
        key=OrderKey(member=read_member(request), order_id=OrderId(request.order_id)),
        reason="",
        fingerprint=fingerprint(request).encoded,
    )


def read_cancel_order(request: orders_pb2.CancelOrderRequest) -> ChangeOrder:
    """The command in a request to call off an order or a part of it."""
    return ChangeOrder(
        request_id=RequestId(request.request_id),
        key=OrderKey(member=read_member(request), order_id=OrderId(request.order_id)),
        reason=request.reason,
        fingerprint=fingerprint(request).encoded,
        wanted=tuple(
            Pieces(line_id=LineId(each.line_id), quantity=each.quantity) for each in request.lines
        ),
    )


def read_checkout_draft(message: pb.CheckoutDraft) -> CheckoutDraft:
    """An order before it is paid."""
    return CheckoutDraft(
        order_id=OrderId(message.order_id),
        lines=tuple(
            read_checkout_line(line, f"order.lines[{index}]")
            for index, line in enumerate(message.lines)
        ),
        freight_fen=read_money(message.freight, field="order.freight"),
        payment_method=message.payment_method,
        other_payments=tuple(
            read_payment(payment, f"order.other_payments[{index}]")
            for index, payment in enumerate(message.other_payments)
        ),
        invoice_type=message.invoice_type,
        coupon_ids=tuple(CouponId(coupon_id) for coupon_id in message.coupon_ids),
    )


def read_checkout_line(message: pb.CheckoutLine, path: str) -> OrderLine:
    """One line before it is paid."""
    return OrderLine(
        line_id=LineId(message.line_id),
        sku_id=message.sku_id,
        category_id=message.category_id,
        goods_class=message.goods_class,
        sale_type=message.sale_type,
        shop_id=message.shop_id,
        quantity=message.quantity,
        paid_fen=read_money(message.amount, field=f"{path}.amount"),
        points_share_bps=(
            message.points_share_bps if message.HasField("points_share_bps") else None
        ),
    )


def digest_of(message: pb.CheckoutDraft) -> str:
    """Names the content of an order."""
    return content_digest(message, without=()).hex()


def write_evaluate_order(evaluation: Evaluation) -> orders_pb2.EvaluateOrderResponse:
    """The answer to the question."""
    return orders_pb2.EvaluateOrderResponse(evaluation=write_evaluation(evaluation))


def write_evaluation(evaluation: Evaluation) -> pb.Evaluation:
    """What an order would cost and earn."""
    spending = evaluation.spending
    return pb.Evaluation(
        fingerprint=write_promise(evaluation.promise),
        decision=write_decision(spending.decision),
        usable_points=spending.usable_points,
        limits=[write_reason(reason) for reason in spending.limits],
        groups=[write_group(group) for group in spending.groups],
        points=spending.points,
        lines=write_evaluated_lines(
            evaluation.order.lines, spending.line_points, evaluation.coupons.off_line
        ),
        due=write_money(evaluation.due_fen),
        line_earnings=[write_line_earning(line) for line in evaluation.earned.lines],
        earned_points=sum(share.points for share in evaluation.earned.shares),
        program_revision=evaluation.program_revision,
        coupons=[write_applied_coupon(each) for each in evaluation.coupons.applied],
    )


def write_evaluated_lines(
    lines: tuple[OrderLine, ...],
    line_points: tuple[int, ...],
    coupon_fen: Callable[[LineId], int],
) -> list[pb.EvaluatedLine]:
    """The lines with their part of coupons, points and money."""
    return [
        pb.EvaluatedLine(
            line_id=line.line_id,
            points=points,
            paid=write_money(line.paid_fen),
            coupon_off=write_money(coupon_fen(line.line_id)),
        )
        for line, points in zip(lines, line_points, strict=True)
    ]


def write_applied_coupon(applied: AppliedCoupon) -> pb.AppliedCoupon:
    """What a coupon takes off an order, or why nothing."""
    return pb.AppliedCoupon(
        coupon_id=applied.coupon_id,
        off=write_money(applied.off_fen),
        refusal=write_reason(applied.reason) if applied.reason else None,
    )


def write_group(group: Group) -> pb.SpendingGroup:
    """Lines with the same rules for points."""
    return pb.SpendingGroup(
        goods_classes=group.goods_classes,
        amount=write_money(group.amount_fen),
        points_max=group.points_max,
        limits=[write_reason(reason) for reason in group.limits],
    )


def write_promise(promise: Promise) -> str:
    """What was promised, as text that can be compared and taken apart again."""
    content = [promise.order_digest, promise.points, promise.due_fen, dict(promise.earned)]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode()


def read_promise(text: str) -> Promise:
    """What was promised. Raises FingerprintInvalid for what `write_promise` did not make."""
    try:
        content = PROMISE.validate_json(urlsafe_b64decode(text.encode()))
    except ValueError as error:
        raise FingerprintInvalid from error
    digest, points, due_fen, earned = content
    return Promise(order_digest=digest, points=points, due_fen=due_fen, earned=earned)


def write_reserve_order(reserved: ReservedOrder) -> orders_pb2.ReserveOrderResponse:
    """The answer to a reservation."""
    return orders_pb2.ReserveOrderResponse(
        decision=write_decision(reserved.decision),
        checkout=write_checkout(reserved.checkout) if reserved.checkout else None,
        replayed=reserved.replayed,
    )


def write_commit_order(changed: ChangedOrder) -> orders_pb2.CommitOrderResponse:
    """The answer to a payment."""
    return orders_pb2.CommitOrderResponse(
        checkout=write_checkout(changed.checkout), replayed=changed.replayed
    )


def write_cancel_order(changed: ChangedOrder) -> orders_pb2.CancelOrderResponse:
    """The answer to a cancellation."""
    checkout, part = changed.checkout, changed.cancellation
    return orders_pb2.CancelOrderResponse(
        checkout=write_checkout(checkout),
        replayed=changed.replayed,
        cancellation=write_cancellation(checkout, part) if part else None,
    )


def write_cancellation(checkout: Checkout, part: Cancellation) -> pb.OrderCancellation:
    """What was called off at once."""
    return pb.OrderCancellation(
        cancellation_number=part.cancellation_no,
        lines=[
            pb.CancelledLine(
                line_id=line.line_id,
                quantity=line.quantity,
                points=line.points,
                paid=write_money(line.paid_fen),
            )
            for line in part.lines
        ],
        restored_points=part.returned_points,
        forfeited_points=part.forfeited_points,
        freight=write_money(part.freight_fen),
        refund=write_money(part.refund_fen),
        refusal=part.refusal,
        transaction_request_id=(
            refund_id_of(checkout, part.cancellation_no) if part.points else ""
        ),
        reason=part.reason,
        cancel_time=write_instant(part.cancel_time),
    )


def write_checkout(checkout: Checkout) -> pb.Checkout:
    """A reserved order as it is."""
    terms = checkout.terms
    committed, ended = checkout.commit_time, checkout.end_time
    return pb.Checkout(
        program_id=checkout.member.program_id,
        member_id=checkout.member.member_id,
        order_id=checkout.order_id,
        state=pb.CheckoutState.Value(f"CHECKOUT_STATE_{checkout.state.value}"),
        points=terms.points,
        reservation_number=checkout.reservation_no,
        lines=write_evaluated_lines(terms.order.lines, terms.line_points, terms.coupon_fen),
        coupons=[write_applied_coupon(each) for each in terms.coupons],
        due=write_money(terms.due_fen),
        promised_points=terms.promised_points,
        create_time=write_instant(checkout.create_time),
        expire_time=write_instant(checkout.expire_time),
        commit_time=write_instant(committed) if committed else None,
        end_time=write_instant(ended) if ended else None,
        end_reason=checkout.end_reason,
        refusal=checkout.refusal,
        hold_id=request_id_of(checkout, Step.HOLD) if terms.points else "",
        capture_request_id=(
            request_id_of(checkout, Step.CAPTURE) if terms.points and committed else ""
        ),
        returned_points=checkout.returned_points,
        forfeited_points=checkout.forfeited_points,
        program_revision=terms.program_revision,
        cancellations=[write_cancellation(checkout, each) for each in checkout.cancellations],
    )
