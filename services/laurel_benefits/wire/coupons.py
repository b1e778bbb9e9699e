"""Coupons: from the wire and back."""

from __future__ import annotations

from collections.abc import Sequence

from laurel.benefits.v1 import coupons_pb2 as pb
from laurel_kit.money import write_money
from laurel_kit.pages import PageTokens, page_size

from laurel_benefits.domain.coupon_rules import AmountOffLines, RateOff
from laurel_benefits.domain.coupons import Coupon, CouponState
from laurel_benefits.domain.ids import CouponId, CouponTypeId, MemberId, ProgramId
from laurel_benefits.handlers.coupon_jobs import (
    ImportedCodes,
    ImportJob,
    IssuedCoupons,
    IssueJob,
)
from laurel_benefits.handlers.coupons import (
    ClaimCoupon,
    ClaimedCoupon,
    CouponView,
    ListCoupons,
    VoidCoupon,
    VoidedCoupon,
)
from laurel_benefits.wire.decisions import write_code, write_decision
from laurel_benefits.wire.repeats import read_write_key
from laurel_benefits.wire.times import read_member, write_instant

PREFIX = "COUPON_STATE_"


def read_claim_coupon(request: pb.ClaimCouponRequest) -> ClaimCoupon:
    """The command in a request."""
    return ClaimCoupon(
        key=read_write_key(request),
        coupon_type_id=CouponTypeId(request.coupon_type_id),
        validate_only=request.validate_only,
    )


def write_claim_coupon(answer: ClaimedCoupon) -> pb.ClaimCouponResponse:
    """The answer to a claim."""
    return pb.ClaimCouponResponse(
        decision=write_decision(answer.decision),
        coupon=write_coupon(answer.coupon, answer.coupon.state) if answer.coupon else None,
        replayed=answer.replayed,
    )


def read_issue_coupons(request: pb.IssueCouponsRequest) -> IssueJob:
    """The job in a request."""
    return IssueJob(
        program_id=ProgramId(request.program_id),
        coupon_type_id=CouponTypeId(request.coupon_type_id),
        member_ids=tuple(MemberId(member_id) for member_id in request.member_ids),
        reason=request.reason,
    )


def write_issue_coupons(given: IssuedCoupons) -> pb.IssueCouponsResponse:
    """What a job has given."""
    return pb.IssueCouponsResponse(
        issued=given.issued,
        skipped=[
            pb.SkippedMember(member_id=each.member_id, reason=write_code(each.reason))
            for each in given.skipped
        ],
    )


def read_coupon_id(request: pb.GetCouponRequest) -> CouponId:
    """The coupon a request names."""
    return CouponId(request.coupon_id)


def write_get_coupon(view: CouponView) -> pb.GetCouponResponse:
    """A coupon as of now."""
    return pb.GetCouponResponse(coupon=write_coupon(view.coupon, view.state))


def read_list_coupons(request: pb.ListCouponsRequest) -> ListCoupons:
    """The question in a request; one row more than a page tells whether there is another."""
    after = PageTokens.of(request).decode(request.page_token, str)
    return ListCoupons(
        member=read_member(request),
        state=read_state(request.state),
        before=str(after[0]) if after else None,
        limit=page_size(request.page_size) + 1,
    )


def write_list_coupons(
    views: Sequence[CouponView], request: pb.ListCouponsRequest
) -> pb.ListCouponsResponse:
    """A page, and where the next one begins."""
    size = page_size(request.page_size)
    page = views[:size]
    last = (page[-1].coupon.coupon_id,) if len(views) > size else None
    return pb.ListCouponsResponse(
        coupons=[write_coupon(view.coupon, view.state) for view in page],
        next_page_token=PageTokens.of(request).encode(last),
    )


def read_void_coupon(request: pb.VoidCouponRequest) -> VoidCoupon:
    """The command in a request."""
    return VoidCoupon(
        key=read_write_key(request),
        coupon_id=CouponId(request.coupon_id),
        reason=request.reason,
    )


def write_void_coupon(answer: VoidedCoupon) -> pb.VoidCouponResponse:
    """The coupon that was taken away."""
    return pb.VoidCouponResponse(
        coupon=write_coupon(answer.coupon, answer.coupon.state), replayed=answer.replayed
    )


def read_import_codes(request: pb.ImportCodesRequest) -> ImportJob:
    """The job in a request."""
    return ImportJob(
        program_id=ProgramId(request.program_id),
        coupon_type_id=CouponTypeId(request.coupon_type_id),
        codes=tuple(request.codes),
    )


def write_import_codes(taken: ImportedCodes) -> pb.ImportCodesResponse:
    """What a job has taken in."""
    return pb.ImportCodesResponse(imported=taken.imported, duplicates=taken.duplicates)


def read_state(state: pb.CouponState.ValueType) -> CouponState | None:
    """The state asked for; none means all."""
    if state == pb.COUPON_STATE_UNSPECIFIED:
        return None
    return CouponState(pb.CouponState.Name(state).removeprefix(PREFIX))


def write_coupon(coupon: Coupon, state: CouponState) -> pb.Coupon:
    """A coupon in a state."""
    terms = coupon.terms
    message = pb.Coupon(
        program_id=coupon.member.program_id,
        member_id=coupon.member.member_id,
        coupon_id=coupon.coupon_id,
        coupon_type_id=coupon.coupon_type_id,
        display_name=terms.display_name,
        class_id=terms.class_id,
        state=pb.CouponState.Value(f"{PREFIX}{state.value}"),
        order_min=write_money(terms.order_min_fen) if terms.order_min_fen else None,
        # What is set aside for the mall is not the member's yet.
        code="" if state is CouponState.RESERVED else coupon.code,
        source=coupon.source,
        reference=coupon.reference,
        order_id=coupon.order_id or "",
        issue_time=write_instant(coupon.issue_time),
        expire_time=write_instant(coupon.expire_time),
        void_reason=coupon.void_reason,
        program_revision=coupon.program_revision,
    )
    match terms.discount:
        case AmountOffLines(amount_off_fen=fen):
            message.amount_off.CopyFrom(write_money(fen))
        case RateOff(rate_bps=rate, amount_max_fen=most):
            message.rate_off_bps = rate
            if most is not None:
                message.amount_off.CopyFrom(write_money(most))
    return message
