"""Orders: from the wire and back."""

from __future__ import annotations

from datetime import datetime

from laurel.benefits.v1 import orders_pb2 as pb
from laurel_kit.fingerprint import fingerprint
from laurel_kit.money import read_money, write_money

from laurel_benefits.domain.drafts import OrderDraft, OrderLine
from laurel_benefits.domain.ids import LineId, OrderId, OrderKey, RequestId
from laurel_benefits.domain.orders import Grant, Order, TellingState
from laurel_benefits.handlers.orders import CompletedOrder, CompleteOrder, KnownOrder
from laurel_benefits.wire.checkouts import write_checkout
from laurel_benefits.wire.earnings import read_payment, write_line_earning, write_payment
from laurel_benefits.wire.returns import write_order_return
from laurel_benefits.wire.times import read_instant, read_member, write_instant


def read_complete_order(request: pb.CompleteOrderRequest) -> CompleteOrder:
    """The command in a request."""
    whole = request.HasField("order")
    dated = request.order if whole else request
    return CompleteOrder(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        order_id=OrderId(request.order.order_id if whole else request.order_id),
        draft=read_draft(request.order) if whole else None,
        complete_time=(
            read_instant(dated.complete_time) if dated.HasField("complete_time") else None
        ),
        fingerprint=fingerprint(request).encoded,
        validate_only=request.validate_only,
    )


def read_get_order(request: pb.GetOrderRequest) -> OrderKey:
    """The order a request names."""
    return OrderKey(member=read_member(request), order_id=OrderId(request.order_id))


def read_draft(message: pb.OrderDraft) -> OrderDraft:
    """An order as the shop reports it."""
    return OrderDraft(
        order_id=OrderId(message.order_id),
        order_time=read_instant(message.order_time),
        lines=tuple(
            read_line(line, f"order.lines[{index}]") for index, line in enumerate(message.lines)
        ),
        payments=tuple(
            read_payment(payment, f"order.payments[{index}]")
            for index, payment in enumerate(message.payments)
        ),
        freight_fen=read_money(message.freight, field="order.freight"),
        invoice_type=message.invoice_type,
    )


def read_line(message: pb.OrderLine, path: str) -> OrderLine:
    """One line of an order."""
    return OrderLine(
        line_id=LineId(message.line_id),
        sku_id=message.sku_id,
        category_id=message.category_id,
        goods_class=message.goods_class,
        sale_type=message.sale_type,
        shop_id=message.shop_id,
        quantity=message.quantity,
        paid_fen=read_money(message.paid, field=f"{path}.paid"),
    )


def write_complete_order(completed: CompletedOrder) -> pb.CompleteOrderResponse:
    """The answer to a completion."""
    return pb.CompleteOrderResponse(order=write_order(completed.order), replayed=completed.replayed)


def write_get_order(known: KnownOrder) -> pb.GetOrderResponse:
    """The answer to a question for an order."""
    return pb.GetOrderResponse(
        order=write_order(known.order) if known.order else None,
        checkout=write_checkout(known.checkout) if known.checkout else None,
        returns=[write_order_return(each) for each in known.returns],
    )


def write_order(order: Order) -> pb.Order:
    """An order and what it earned."""
    state = pb.ORDER_STATE_COMPLETED if order.paid_out else pb.ORDER_STATE_COMPLETING
    return pb.Order(
        program_id=order.member.program_id,
        member_id=order.member.member_id,
        draft=write_draft(order.draft, order.complete_time),
        state=state,
        grants=[write_grant(grant) for grant in order.grants],
        line_earnings=[write_line_earning(earning) for earning in order.line_earnings],
        membership_id=order.membership_id or "",
        scoring_told=order.telling.state is TellingState.TOLD,
        program_revision=order.program_revision,
        create_time=write_instant(order.create_time),
        grant_time=write_instant(order.grant_time),
    )


def write_draft(draft: OrderDraft, complete_time: datetime) -> pb.OrderDraft:
    """The order as it was reported, with the defaults filled in."""
    return pb.OrderDraft(
        order_id=draft.order_id,
        order_time=write_instant(draft.order_time),
        complete_time=write_instant(complete_time),
        lines=[write_line(line) for line in draft.lines],
        payments=[write_payment(payment) for payment in draft.payments],
        freight=write_money(draft.freight_fen),
        invoice_type=draft.invoice_type,
    )


def write_line(line: OrderLine) -> pb.OrderLine:
    """One line of an order."""
    return pb.OrderLine(
        line_id=line.line_id,
        sku_id=line.sku_id,
        category_id=line.category_id,
        goods_class=line.goods_class,
        sale_type=line.sale_type,
        shop_id=line.shop_id,
        quantity=line.quantity,
        paid=write_money(line.paid_fen),
    )


def write_grant(grant: Grant) -> pb.Grant:
    """Points an order earned."""
    return pb.Grant(
        kind=pb.GrantKind.Value(f"GRANT_KIND_{grant.kind.value}"),
        asset_id=grant.asset_id,
        funding_account_id=grant.funding_account_id,
        points=grant.points,
        state=pb.GrantState.Value(f"GRANT_STATE_{grant.state.value}"),
        transaction_request_id=grant.ledger_request_id,
        refusal=grant.refusal,
        commit_token=grant.commit_token,
        campaign_id=grant.campaign_id or "",
    )
