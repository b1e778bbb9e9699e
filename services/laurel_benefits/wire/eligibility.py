"""Checks of benefits: from the wire and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from google.rpc.status_pb2 import Status
from google.type.date_pb2 import Date
from laurel.benefits.v1 import eligibility_pb2 as pb
from laurel_kit.money import read_money
from laurel_kit.pages import PageTokens, page_size

from laurel_benefits.domain.eligibility import Occasion
from laurel_benefits.domain.gates import BirthDate
from laurel_benefits.domain.ids import BenefitId, MemberId, MemberKey, ProgramId
from laurel_benefits.handlers.eligibility import (
    BenefitPage,
    CheckBenefit,
    CheckedBenefit,
    ListBenefits,
)
from laurel_benefits.wire.decisions import write_decision
from laurel_benefits.wire.times import read_member

PAGE_SIZE_MAX = 100
"""Most benefits of a page: each is decided on."""

Asking = pb.CheckBenefitRequest | pb.BenefitCheck | pb.ListBenefitsRequest | pb.UseBenefitRequest
"""Messages that say something of the moment."""

StatusOf = Callable[[Exception], Status]


def read_check_benefit(request: pb.CheckBenefitRequest) -> CheckBenefit:
    """The question in a request."""
    return CheckBenefit(
        member=read_member(request),
        benefit_id=BenefitId(request.benefit_id),
        occasion=read_occasion(request),
    )


def read_batch_check_benefits(
    request: pb.BatchCheckBenefitsRequest,
) -> tuple[ProgramId, Sequence[CheckBenefit]]:
    """The program and the questions in a request."""
    program_id = ProgramId(request.program_id)
    return program_id, [read_check(program_id, each) for each in request.checks]


def read_check(program_id: ProgramId, check: pb.BenefitCheck) -> CheckBenefit:
    """One question of many."""
    return CheckBenefit(
        member=MemberKey(program_id=program_id, member_id=MemberId(check.member_id)),
        benefit_id=BenefitId(check.benefit_id),
        occasion=read_occasion(check),
    )


def read_list_benefits(request: pb.ListBenefitsRequest) -> ListBenefits:
    """The page asked for. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, str)
    return ListBenefits(
        member=read_member(request),
        occasion=read_occasion(request),
        page_size=page_size(request.page_size, maximum=PAGE_SIZE_MAX),
        after=BenefitId(str(cursor[0])) if cursor else None,
    )


def read_occasion(request: Asking) -> Occasion:
    """What the caller says of the moment."""
    born = request.birth_date if request.HasField("birth_date") else None
    return Occasion(
        birth_date=read_birth_date(born) if born else None,
        order_fen=(
            read_money(request.order_amount, field="order_amount")
            if request.HasField("order_amount")
            else 0
        ),
        shop_id=request.shop_id,
    )


def read_birth_date(message: Date) -> BirthDate:
    """Month and day of birth."""
    return BirthDate(month=message.month, day=message.day)


def write_check_benefit(checked: CheckedBenefit) -> pb.CheckBenefitResponse:
    """The answer to a check."""
    return pb.CheckBenefitResponse(
        decision=write_decision(checked.decision), display_name=checked.benefit.display_name
    )


def write_batch_check_benefits(
    outcomes: Sequence[CheckedBenefit | Exception], status_of: StatusOf
) -> pb.BatchCheckBenefitsResponse:
    """The answers to several checks."""
    return pb.BatchCheckBenefitsResponse(
        results=[write_result(outcome, status_of) for outcome in outcomes]
    )


def write_result(outcome: CheckedBenefit | Exception, status_of: StatusOf) -> pb.BenefitCheckResult:
    """The answer to one of several checks."""
    if isinstance(outcome, Exception):
        return pb.BenefitCheckResult(error=status_of(outcome))
    return pb.BenefitCheckResult(offer=write_offer(outcome))


def write_list_benefits(
    page: BenefitPage, request: pb.ListBenefitsRequest
) -> pb.ListBenefitsResponse:
    """A page of benefits."""
    cursor = [page.checked[-1].benefit.benefit_id] if page.more else None
    return pb.ListBenefitsResponse(
        offers=[write_offer(each) for each in page.checked],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_offer(checked: CheckedBenefit) -> pb.BenefitOffer:
    """A benefit with the decision about it."""
    return pb.BenefitOffer(
        benefit_id=checked.benefit.benefit_id,
        display_name=checked.benefit.display_name,
        decision=write_decision(checked.decision),
    )
