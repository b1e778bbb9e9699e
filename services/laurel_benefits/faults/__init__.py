"""What each refusal of this service is on the wire."""

from __future__ import annotations

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from laurel.type.v1.error_reason_pb2 import ErrorReason
from laurel_kit.faults import Fault, FaultTable, bad_field, precondition, resource

from laurel_benefits.domain import errors, invoice_errors
from laurel_benefits.faults.activities import ACTIVITY_FAULTS
from laurel_benefits.faults.games import GAME_FAULTS
from laurel_benefits.faults.mall import MALL_FAULTS
from laurel_benefits.faults.merchants import MERCHANT_FAULTS

Code = grpc.StatusCode


def unknown_words(error: errors.OrderWordUnknown) -> Message:
    """Every word the program does not have, at its place in the request."""
    detail: Message = error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(
                field=path, description=f"{word!r} is no word of the program"
            )
            for path, word in error.listing
        ]
    )
    return detail


def changes_of_evaluation(error: errors.EvaluationChanged) -> Message:
    """What was said and what is so, one by one."""
    detail: Message = error_details_pb2.PreconditionFailure(
        violations=[
            error_details_pb2.PreconditionFailure.Violation(
                type="EVALUATION", subject=name, description=f"was {was}, is {now}"
            )
            for name, was, now in error.listing
        ]
    )
    return detail


FAULTS: FaultTable = {
    **ACTIVITY_FAULTS,
    **GAME_FAULTS,
    **MALL_FAULTS,
    **MERCHANT_FAULTS,
    errors.OrderWordUnknown: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_ORDER_WORD_UNKNOWN,
        "The program {program_id} does not have the words {words}.",
        detail=unknown_words,
    ),
    errors.OrderPaymentsMismatch: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_ORDER_PAYMENTS_MISMATCH,
        "{paid_fen} fen were paid, lines and freight come to {due_fen} fen.",
        detail=bad_field("order.payments", "come to {paid_fen} fen, {due_fen} fen are due"),
    ),
    errors.OrderTimesReversed: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_ORDER_TIMES_REVERSED,
        "The order was placed at {order_time} and delivered before, at {complete_time}.",
        detail=bad_field("order.complete_time", "must not be before {order_time}"),
    ),
    errors.TimeInFuture: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_TIME_IN_FUTURE,
        "{field} is {time}, and it is {current_time}.",
        detail=bad_field("order.complete_time", "must not be after {current_time}"),
    ),
    errors.OrderCompleted: Fault(
        Code.ALREADY_EXISTS,
        ErrorReason.ERROR_REASON_ORDER_COMPLETED,
        "The order {order_id} was completed under another request id.",
        detail=resource("laurel.benefits.v1.Order", "order_id"),
    ),
    errors.OrderNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_ORDER_NOT_FOUND,
        "The member has no order {order_id}.",
        detail=resource("laurel.benefits.v1.Order", "order_id"),
    ),
    errors.PlanNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_PLAN_NOT_FOUND,
        "The program has no membership plan {plan_id}.",
        detail=resource("laurel.program.v1.MembershipPlan", "plan_id"),
    ),
    errors.PlanKindMismatch: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_PLAN_KIND_MISMATCH,
        "A trial is started, every other plan is bought; {plan_id} being a trial is {trial}.",
        detail=bad_field("plan_id", "being a trial is {trial}"),
    ),
    errors.QuoteNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_QUOTE_NOT_FOUND,
        "The member has no quote {quote_id}.",
        detail=resource("laurel.benefits.v1.Quote", "quote_id"),
    ),
    errors.QuoteExpired: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_QUOTE_EXPIRED,
        "The quote {quote_id} held until {expire_time}.",
        detail=precondition("QUOTE", "quote_id"),
    ),
    errors.QuoteUsed: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_QUOTE_USED,
        "The membership {membership_id} was bought by the quote {quote_id}.",
        detail=precondition("QUOTE", "quote_id"),
    ),
    errors.MembershipActive: Fault(
        Code.ALREADY_EXISTS,
        ErrorReason.ERROR_REASON_MEMBERSHIP_ACTIVE,
        "The membership {membership_id} of the plan {plan_id} runs until {expire_time}.",
        detail=resource("laurel.benefits.v1.Membership", "membership_id"),
    ),
    errors.MembershipNotRunning: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_MEMBERSHIP_NOT_RUNNING,
        "No bought term of the family of {plan_id} is running.",
        detail=precondition("MEMBERSHIP", "plan_id"),
    ),
    errors.MembershipRenewed: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_MEMBERSHIP_RENEWED,
        "The term was renewed: the membership {membership_id} follows it.",
        detail=precondition("MEMBERSHIP", "membership_id"),
    ),
    invoice_errors.InvoiceTypeNotIssued: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_INVOICE_TYPE_NOT_ISSUED,
        "There is no invoice {invoice_type} of the fee; issued: {issued}.",
        detail=precondition("MEMBERSHIP", "invoice_type"),
    ),
    invoice_errors.NothingToInvoice: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_NOTHING_TO_INVOICE,
        "Nothing was paid for the membership {membership_id}.",
        detail=precondition("MEMBERSHIP", "membership_id"),
    ),
    invoice_errors.InvoiceRequested: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_INVOICE_REQUESTED,
        "The fee of {membership_id} was invoiced at {request_time}.",
        detail=precondition("MEMBERSHIP", "membership_id"),
    ),
    errors.MembershipStateMismatch: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_MEMBERSHIP_STATE_MISMATCH,
        "The membership {membership_id} is {state}.",
        detail=precondition("MEMBERSHIP", "membership_id"),
    ),
    errors.TermNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_TERM_NOT_FOUND,
        "The member has no membership {membership_id}.",
        detail=resource("laurel.benefits.v1.Membership", "membership_id"),
    ),
    errors.ChannelNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_CHANNEL_NOT_FOUND,
        "The plan {plan_id} is not sold by the channel {channel_id}.",
        detail=resource("laurel.program.v1.MembershipChannel", "channel_id"),
    ),
    errors.ChannelReferenceMissing: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_CHANNEL_REFERENCE_MISSING,
        "A purchase by the channel {channel_id} names what it is paid with.",
        detail=bad_field("payment_reference", "is required by the channel {channel_id}"),
    ),
    errors.ChannelReferenceUsed: Fault(
        Code.ALREADY_EXISTS,
        ErrorReason.ERROR_REASON_CHANNEL_REFERENCE_USED,
        "{reference} has bought a membership by the channel {channel_id} before.",
        detail=resource("laurel.benefits.v1.Membership", "reference"),
    ),
    errors.CampaignNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_CAMPAIGN_NOT_FOUND,
        "The program has no campaign {campaign_id}.",
        detail=resource("laurel.program.v1.Campaign", "campaign_id"),
    ),
    errors.WinBackNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_WIN_BACK_NOT_FOUND,
        "The program {program_id} wins nobody back.",
        detail=resource("laurel.program.v1.WinBackRules", "program_id"),
    ),
    errors.FunnelRises: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_FUNNEL_RISES,
        "The step {step_id} is taken by {conversion_bps} of 10,000, the one before by "
        "{conversion_before_bps}.",
        detail=bad_field("steps", "{step_id} is taken by more people than the step before"),
    ),
    errors.MembershipNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_MEMBERSHIP_NOT_FOUND,
        "The member never had a membership of the plan {plan_id}.",
        detail=resource("laurel.program.v1.MembershipPlan", "plan_id"),
    ),
    errors.BenefitNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_BENEFIT_NOT_FOUND,
        "The program has no benefit {benefit_id}.",
        detail=resource("laurel.program.v1.Benefit", "benefit_id"),
    ),
    errors.BenefitUseNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_BENEFIT_USE_NOT_FOUND,
        "The member has no use {use_id} of a benefit.",
        detail=resource("laurel.benefits.v1.BenefitUse", "use_id"),
    ),
    errors.BenefitUseReversed: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_BENEFIT_USE_REVERSED,
        "The use {use_id} was given back at {reverse_time}.",
        detail=precondition("BENEFIT_USE", "use_id"),
    ),
    errors.EndPassed: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_END_PASSED,
        "It would end at {expire_time}, and it is {current_time}.",
        detail=bad_field("expire_time", "must be after {current_time}"),
    ),
    errors.BenefitNotGranted: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_BENEFIT_NOT_GRANTED,
        "No grant of the benefit {benefit_id} is running.",
        detail=precondition("BENEFIT_GRANT", "benefit_id"),
    ),
    errors.MemberBlocked: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_MEMBER_BLOCKED,
        "The member {member_id} is blocked.",
        detail=precondition("MEMBER", "member_id"),
    ),
    errors.PointsNotSpendable: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_POINTS_NOT_SPENDABLE,
        "The program {program_id} lets points pay nothing of an order.",
        detail=precondition("PROGRAM", "program_id"),
    ),
    errors.FingerprintInvalid: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_FINGERPRINT_INVALID,
        "The fingerprint is not one that EvaluateOrder gave.",
    ),
    errors.EvaluationChanged: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_EVALUATION_CHANGED,
        "Of the order {order_id} is no longer so what was said: {changes}.",
        detail=changes_of_evaluation,
    ),
    errors.OrderReserved: Fault(
        Code.ALREADY_EXISTS,
        ErrorReason.ERROR_REASON_ORDER_RESERVED,
        "The order {order_id} was reserved by another request.",
        detail=resource("laurel.benefits.v1.Checkout", "order_id"),
    ),
    errors.OrderNotReserved: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ORDER_NOT_RESERVED,
        "The order {order_id} is not reserved, it is {state}.",
        detail=precondition("ORDER", "order_id"),
    ),
    errors.ReservationLapsed: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_RESERVATION_LAPSED,
        "The order {order_id} was to be paid before {expire_time}.",
        detail=precondition("ORDER", "order_id"),
    ),
    errors.OrderNotCancellable: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ORDER_NOT_CANCELLABLE,
        "The order {order_id} is {state}.",
        detail=precondition("ORDER", "order_id"),
    ),
    errors.OrderNotCommitted: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ORDER_NOT_COMMITTED,
        "The order {order_id} is not paid, it is {state}.",
        detail=precondition("ORDER", "order_id"),
    ),
    errors.OrderNotCompleted: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ORDER_NOT_COMPLETED,
        "The order {order_id} is not delivered.",
        detail=precondition("ORDER", "order_id"),
    ),
    errors.OrderLineNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_ORDER_LINE_NOT_FOUND,
        "The order {order_id} has no line {line_id}.",
        detail=resource("laurel.benefits.v1.OrderLine", "line_id"),
    ),
    errors.OrderLineCancelled: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ORDER_LINE_CANCELLED,
        "Of the order {order_id} {left} pieces of the line {line_id} are left, not {requested}.",
        detail=precondition("ORDER", "order_id"),
    ),
    errors.AlreadyReturned: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ALREADY_RETURNED,
        "Of the order {order_id} {left} pieces of the line {line_id} are left, not {requested}.",
        detail=precondition("ORDER", "order_id"),
    ),
}
