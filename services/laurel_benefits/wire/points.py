"""What the ledger is told of the points of orders: holds, captures and what comes back."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from laurel.ledger.v1 import holds_pb2, transactions_pb2

from laurel_benefits.domain.reservations import Checkout, Step, StepOutcome, request_id_of


def write_place_hold(checkout: Checkout) -> holds_pb2.PlaceHoldRequest:
    """The hold of an order's points; always the same for the same order."""
    lifetime = Duration()
    lifetime.FromTimedelta(checkout.terms.hold_lifetime)
    return holds_pb2.PlaceHoldRequest(
        program_id=checkout.member.program_id,
        member_id=checkout.member.member_id,
        request_id=request_id_of(checkout, Step.HOLD),
        asset_id=checkout.terms.asset_id,
        amount=checkout.terms.points,
        lifetime=lifetime,
        reason=f"order {checkout.order_id}",
        labels={"order_id": checkout.order_id},
        program_revision=checkout.terms.program_revision,
    )


def write_capture_hold(checkout: Checkout) -> holds_pb2.CaptureHoldRequest:
    """The spending of all that is held."""
    return holds_pb2.CaptureHoldRequest(
        program_id=checkout.member.program_id,
        member_id=checkout.member.member_id,
        request_id=request_id_of(checkout, Step.CAPTURE),
        hold_id=request_id_of(checkout, Step.HOLD),
        final=True,
        redemption_account_id=checkout.terms.redemption_account_id,
        reason=f"order {checkout.order_id}",
        labels={"order_id": checkout.order_id},
        program_revision=checkout.terms.program_revision,
    )


def write_release_hold(checkout: Checkout) -> holds_pb2.ReleaseHoldRequest:
    """The end of a hold."""
    return holds_pb2.ReleaseHoldRequest(
        program_id=checkout.member.program_id,
        member_id=checkout.member.member_id,
        request_id=request_id_of(checkout, Step.RELEASE),
        hold_id=request_id_of(checkout, Step.HOLD),
        reason=f"order {checkout.order_id}",
        labels={"order_id": checkout.order_id},
        program_revision=checkout.terms.program_revision,
    )


def write_refund(checkout: Checkout) -> transactions_pb2.ReverseTransactionRequest:
    """What was spent on what is off, back to its own lots; what is void stays lost (E15)."""
    return transactions_pb2.ReverseTransactionRequest(
        program_id=checkout.member.program_id,
        member_id=checkout.member.member_id,
        request_id=request_id_of(checkout, Step.REFUND),
        reversed_request_id=request_id_of(checkout, Step.CAPTURE),
        amount=checkout.refunded_points,
        late_restore=transactions_pb2.LATE_RESTORE_EXPIRE,
        reason=f"order {checkout.order_id} is off",
        labels={"order_id": checkout.order_id},
        program_revision=checkout.terms.program_revision,
    )


def read_restored(response: transactions_pb2.ReverseTransactionResponse) -> StepOutcome:
    """What came back of spent points."""
    reversal = response.transaction.reversal
    return StepOutcome(restored_points=reversal.restored, expired_points=reversal.expired)
