"""Rewards that wait for somebody to look at them: from the wire and back."""

from __future__ import annotations

from collections.abc import Sequence

from laurel.benefits.v1 import risk_pb2 as pb
from laurel_kit.pages import PageTokens, page_size

from laurel_benefits.domain.ids import MemberId, ProgramId, ReviewCaseId
from laurel_benefits.domain.review_cases import ReviewCase, ReviewCaseState
from laurel_benefits.handlers.review_cases import (
    ListReviewCases,
    ResolvedReviewCase,
    ResolveReviewCase,
)
from laurel_benefits.wire.repeats import read_write_key
from laurel_benefits.wire.times import write_instant


def read_list_review_cases(request: pb.ListReviewCasesRequest) -> ListReviewCases:
    """The question in a request; one more than the page tells whether another follows."""
    after = PageTokens.of(request).decode(request.page_token, str)
    name = pb.ReviewCaseState.Name(request.state).removeprefix("REVIEW_CASE_STATE_")
    return ListReviewCases(
        program_id=ProgramId(request.program_id),
        member_id=MemberId(request.member_id) if request.member_id else None,
        state=ReviewCaseState(name) if request.state else None,
        after=ReviewCaseId(str(after[0])) if after else None,
        limit=page_size(request.page_size) + 1,
    )


def write_list_review_cases(
    cases: Sequence[ReviewCase], request: pb.ListReviewCasesRequest
) -> pb.ListReviewCasesResponse:
    """A page of cases."""
    size = page_size(request.page_size)
    cursor = [cases[size - 1].case_id] if len(cases) > size else None
    return pb.ListReviewCasesResponse(
        cases=[write_case(each) for each in cases[:size]],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def read_resolve_review_case(request: pb.ResolveReviewCaseRequest) -> ResolveReviewCase:
    """The command in a request."""
    return ResolveReviewCase(
        key=read_write_key(request),
        case_id=ReviewCaseId(request.case_id.lower()),
        approved=request.verdict == pb.REVIEW_VERDICT_APPROVE,
        reason=request.reason,
        resolver=request.resolver,
    )


def write_resolve_review_case(resolved: ResolvedReviewCase) -> pb.ResolveReviewCaseResponse:
    """The case as it was decided."""
    return pb.ResolveReviewCaseResponse(
        review_case=write_case(resolved.case), replayed=resolved.replayed
    )


def write_case(case: ReviewCase) -> pb.ReviewCase:
    """A case."""
    decided = case.resolve_time
    return pb.ReviewCase(
        case_id=case.case_id,
        member_id=case.member.member_id,
        activity_id=case.activity_id,
        kind=case.kind,
        rule_id=case.rule_id,
        points=case.points,
        asset_id=case.asset_id,
        state=pb.ReviewCaseState.Value(f"REVIEW_CASE_STATE_{case.state.value}"),
        raised_by=case.raised_by,
        raise_time=write_instant(case.raise_time),
        resolver=case.resolver,
        resolve_reason=case.resolve_reason,
        resolve_time=write_instant(decided) if decided else None,
    )
