"""Goods that go back: from the wire and back, and what the two other services are told of them."""

from __future__ import annotations

from laurel.benefits.v1 import orders_pb2
from laurel.benefits.v1 import returns_pb2 as pb
from laurel.ledger.v1 import transactions_pb2 as ledger
from laurel.scoring.v1 import activities_pb2
from laurel_kit.fingerprint import fingerprint
from laurel_kit.money import write_money

from laurel_benefits.domain.ids import LineId, OrderId, OrderKey, RequestId
from laurel_benefits.domain.orders import TellingState
from laurel_benefits.domain.pieces import Pieces
from laurel_benefits.domain.returns import (
    OrderReturn,
    ReturnedLine,
    ReturnStep,
    ReturnStepKind,
    ReturnStepOutcome,
)
from laurel_benefits.handlers.returns import ReturnedOrderLines, ReturnOrderLines
from laurel_benefits.wire.times import read_member, write_instant

TAKING = (ReturnStepKind.TAKE_OR_OWE, ReturnStepKind.TAKE)

SHORTFALLS = {
    ReturnStepKind.TAKE_OR_OWE: ledger.SHORTFALL_DEBT,
    ReturnStepKind.TAKE: ledger.SHORTFALL_CLAMP,
}
"""What the ledger is to do about points that are not there any more."""


def read_return_order_lines(request: orders_pb2.ReturnOrderLinesRequest) -> ReturnOrderLines:
    """The command in a request."""
    return ReturnOrderLines(
        key=OrderKey(member=read_member(request), order_id=OrderId(request.order_id)),
        request_id=RequestId(request.request_id),
        wanted=tuple(
            Pieces(line_id=LineId(each.line_id), quantity=each.quantity) for each in request.lines
        ),
        reason=request.reason,
        fingerprint=fingerprint(request).encoded,
    )


def write_return_order_lines(returned: ReturnedOrderLines) -> orders_pb2.ReturnOrderLinesResponse:
    """The answer to a return."""
    return orders_pb2.ReturnOrderLinesResponse(
        order_return=write_order_return(returned.order_return), replayed=returned.replayed
    )


def write_order_return(order_return: OrderReturn) -> pb.OrderReturn:
    """Goods that went back, and how far that is."""
    steps = order_return.steps
    cut_fen = order_return.cut_fen
    return pb.OrderReturn(
        return_number=order_return.return_no,
        state=(pb.RETURN_STATE_RETURNED if order_return.settled else pb.RETURN_STATE_RETURNING),
        lines=[write_returned_line(line) for line in order_return.lines],
        restored_points=order_return.moved([ReturnStepKind.RESTORE]),
        forfeited_points=sum(step.lost_points for step in steps),
        taken_points=order_return.moved(TAKING),
        unfrozen_points=order_return.frozen_points,
        paid=write_money(order_return.refund_fen),
        cut=write_money(cut_fen),
        refund=write_money(order_return.refund_fen - cut_fen),
        owed_points=sum(step.owed_points for step in steps),
        scoring_told=order_return.telling.state is TellingState.TOLD,
        reason=order_return.reason,
        return_time=write_instant(order_return.return_time),
        transaction_request_ids=[step.ledger_request_id for step in steps],
    )


def write_returned_line(line: ReturnedLine) -> pb.ReturnedLine:
    """Pieces of a line with their part of everything."""
    return pb.ReturnedLine(
        line_id=line.line_id,
        quantity=line.quantity,
        points=line.points,
        paid=write_money(line.paid_fen),
        earned_points=line.earned_points,
    )


def write_return_step(
    order_return: OrderReturn, step: ReturnStep
) -> ledger.ReverseTransactionRequest:
    """A reversal of the ledger; always the same for the same step."""
    key = order_return.key
    return ledger.ReverseTransactionRequest(
        program_id=key.member.program_id,
        member_id=key.member.member_id,
        request_id=step.ledger_request_id,
        reversed_request_id=step.reversed_request_id,
        amount=step.points,
        late_restore=ledger.LATE_RESTORE_EXPIRE,
        shortfall=SHORTFALLS.get(step.kind, ledger.SHORTFALL_UNSPECIFIED),
        reason=f"return {order_return.return_no} of order {key.order_id}",
        labels={"order_id": key.order_id, "return": str(order_return.return_no)},
    )


def read_return_step(
    step: ReturnStep, response: ledger.ReverseTransactionResponse
) -> ReturnStepOutcome:
    """What came of a reversal."""
    transaction = response.transaction
    reversal = transaction.reversal
    if step.kind is ReturnStepKind.RESTORE:
        return ReturnStepOutcome(
            moved_points=step.points - reversal.expired, lost_points=reversal.expired
        )
    owed = max(transaction.debt_change, 0)
    return ReturnStepOutcome(
        moved_points=step.points - reversal.shortfall - owed,
        missing_points=reversal.shortfall,
        owed_points=owed,
    )


def refused_return_step(step: ReturnStep, refusal: str) -> ReturnStepOutcome:
    """What a refusal for good means: where nothing is there, all of it is missing."""
    nothing_there = step.kind is ReturnStepKind.TAKE and refusal == "INSUFFICIENT_POINTS"
    return ReturnStepOutcome(missing_points=step.points if nothing_there else 0, refusal=refusal)


def write_return_activity(order_return: OrderReturn) -> activities_pb2.RecordActivitiesRequest:
    """The fact that goods of a purchase went back."""
    lines = [
        activities_pb2.PurchaseReturnLine(line_id=line.line_id, quantity=line.quantity)
        for line in order_return.lines
    ]
    activity = activities_pb2.Activity(
        activity_id=order_return.telling.activity_id,
        member_id=order_return.key.member.member_id,
        activity_time=write_instant(order_return.return_time),
        purchase_return=activities_pb2.PurchaseReturn(
            order_id=order_return.key.order_id, lines=lines
        ),
    )
    return activities_pb2.RecordActivitiesRequest(
        program_id=order_return.key.member.program_id, activities=[activity]
    )
