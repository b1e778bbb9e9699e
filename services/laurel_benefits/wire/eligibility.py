"""Checks of benefits: from the wire and back."""

from __future__ import annotations

from laurel.benefits.v1 import eligibility_pb2 as pb

from laurel_benefits.domain.gates import BirthDate
from laurel_benefits.domain.ids import BenefitId
from laurel_benefits.handlers.eligibility import CheckBenefit, CheckedBenefit
from laurel_benefits.wire.decisions import write_decision
from laurel_benefits.wire.times import read_member


def read_check_benefit(request: pb.CheckBenefitRequest) -> CheckBenefit:
    """The question in a request."""
    return CheckBenefit(
        member=read_member(request),
        benefit_id=BenefitId(request.benefit_id),
        birth_date=read_birth_date(request),
    )


def read_birth_date(request: pb.CheckBenefitRequest) -> BirthDate | None:
    """The member's date of birth, where the caller says it."""
    if not request.HasField("birth_date"):
        return None
    return BirthDate(month=request.birth_date.month, day=request.birth_date.day)


def write_check_benefit(checked: CheckedBenefit) -> pb.CheckBenefitResponse:
    """The answer to a check."""
    return pb.CheckBenefitResponse(
        decision=write_decision(checked.decision), display_name=checked.benefit.display_name
    )
