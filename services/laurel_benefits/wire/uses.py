"""Uses of benefits: from the wire and back."""

from __future__ import annotations

from laurel.benefits.v1 import eligibility_pb2 as pb
from laurel_kit.fingerprint import fingerprint

from laurel_benefits.domain.ids import BenefitId, BenefitUseId, OrderId, RequestId
from laurel_benefits.domain.uses import BenefitUse
from laurel_benefits.handlers.uses import ReversedUse, ReverseUse, UseBenefit, UsedBenefit
from laurel_benefits.wire.decisions import write_decision, write_value
from laurel_benefits.wire.eligibility import read_occasion
from laurel_benefits.wire.times import read_member, write_instant


def read_use_benefit(request: pb.UseBenefitRequest) -> UseBenefit:
    """The command in a request."""
    return UseBenefit(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        benefit_id=BenefitId(request.benefit_id),
        occasion=read_occasion(request),
        reference=request.reference,
        order_id=OrderId(request.order_id) if request.order_id else None,
        fingerprint=fingerprint(request).encoded,
        validate_only=request.validate_only,
    )


def read_reverse_use(request: pb.ReverseUseRequest) -> ReverseUse:
    """The command in a request."""
    return ReverseUse(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        use_id=BenefitUseId(request.use_id),
        reason=request.reason,
        fingerprint=fingerprint(request).encoded,
    )


def write_use_benefit(used: UsedBenefit) -> pb.UseBenefitResponse:
    """The answer to a use."""
    return pb.UseBenefitResponse(
        decision=write_decision(used.decision),
        use=write_use(used.use) if used.use else None,
        replayed=used.replayed,
    )


def write_reverse_use(given_back: ReversedUse) -> pb.ReverseUseResponse:
    """The answer to a reversal."""
    return pb.ReverseUseResponse(use=write_use(given_back.use), replayed=given_back.replayed)


def write_use(use: BenefitUse) -> pb.BenefitUse:
    """A benefit that was used once."""
    reversed_at = use.reverse_time
    return pb.BenefitUse(
        use_id=use.use_id,
        program_id=use.member.program_id,
        member_id=use.member.member_id,
        benefit_id=use.benefit_id,
        reference=use.reference,
        state=pb.BenefitUseState.Value(f"BENEFIT_USE_STATE_{use.state.value}"),
        use_time=write_instant(use.use_time),
        value=write_value(use.value),
        reverse_time=write_instant(reversed_at) if reversed_at else None,
        reverse_reason=use.reverse_reason,
        program_revision=use.program_revision,
        order_id=use.order_id or "",
        expire_time=write_instant(use.expire_time) if use.expire_time else None,
    )
