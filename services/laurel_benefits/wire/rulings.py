"""Rulings on benefits: from the wire and back."""

from __future__ import annotations

from laurel.benefits.v1 import eligibility_pb2 as pb
from laurel_kit.fingerprint import fingerprint

from laurel_benefits.domain.ids import BenefitId, RequestId
from laurel_benefits.domain.rulings import Ruling
from laurel_benefits.handlers.rulings import RuledOnBenefit, RuleOnBenefit
from laurel_benefits.wire.times import read_instant, read_member, write_instant


def read_ruling(request: pb.GrantBenefitRequest | pb.RevokeBenefitRequest) -> RuleOnBenefit:
    """The command in a request."""
    ends = request.HasField("expire_time")
    return RuleOnBenefit(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        benefit_id=BenefitId(request.benefit_id),
        reason=request.reason,
        expire_time=read_instant(request.expire_time) if ends else None,
        fingerprint=fingerprint(request).encoded,
    )


def write_grant_benefit(ruled: RuledOnBenefit) -> pb.GrantBenefitResponse:
    """The answer to a grant."""
    return pb.GrantBenefitResponse(ruling=write_ruling(ruled.ruling), replayed=ruled.replayed)


def write_revoke_benefit(ruled: RuledOnBenefit) -> pb.RevokeBenefitResponse:
    """The answer to a revocation."""
    return pb.RevokeBenefitResponse(ruling=write_ruling(ruled.ruling), replayed=ruled.replayed)


def write_ruling(ruling: Ruling) -> pb.BenefitRuling:
    """What was decided by hand."""
    ends = ruling.expire_time
    return pb.BenefitRuling(
        program_id=ruling.member.program_id,
        member_id=ruling.member.member_id,
        benefit_id=ruling.benefit_id,
        kind=pb.BenefitRulingKind.Value(f"BENEFIT_RULING_KIND_{ruling.kind.value}"),
        reason=ruling.reason,
        maker=ruling.maker,
        create_time=write_instant(ruling.create_time),
        expire_time=write_instant(ends) if ends else None,
    )
