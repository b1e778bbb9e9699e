"""GetScore and ExplainScore: messages to queries, scores and what made them to messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from laurel.scoring.v1 import scores_pb2 as pb
from laurel_kit.calendar import ONE_DAY
from laurel_kit.pages import PageTokenInvalid, PageTokens, page_size

from laurel_scoring.domain.awards import Cut
from laurel_scoring.domain.balances import Adjustment, AdjustmentKind
from laurel_scoring.domain.models import Level
from laurel_scoring.domain.scores import Contribution, DimensionTotal, Profile
from laurel_scoring.domain.windows import Basis
from laurel_scoring.handlers.scores import Answer, Explanation, ScoreQuery, View
from laurel_scoring.wire.times import (
    from_microseconds,
    microseconds,
    optional_time,
    write_date,
    write_time,
)

BASES = {
    pb.SCORE_BASIS_LIVE: Basis.LIVE,
    pb.SCORE_BASIS_PUBLISHED: Basis.PUBLISHED,
}
ADJUSTMENT_KINDS = {
    AdjustmentKind.CEILING: pb.ADJUSTMENT_KIND_CEILING,
    AdjustmentKind.TERM_END: pb.ADJUSTMENT_KIND_TERM_END,
    AdjustmentKind.FORGIVEN: pb.ADJUSTMENT_KIND_FORGIVEN,
}
WRITTEN_BASES = {basis: message for message, basis in BASES.items()}


def read_get_score(request: pb.GetScoreRequest | pb.ExplainScoreRequest) -> ScoreQuery:
    """Which score is wanted."""
    return ScoreQuery(
        program_id=request.program_id,
        member_id=request.member_id,
        model_id=request.model_id,
        basis=BASES[request.basis],
        as_of=optional_time(request, "as_of_time"),
    )


def write_get_score(answer: Answer) -> pb.GetScoreResponse:
    """A score with what is known of the member."""
    return pb.GetScoreResponse(score=write_score(answer), profile=write_profile(answer.profile))


def read_explain_page(request: pb.ExplainScoreRequest) -> tuple[tuple[View, int] | None, int]:
    """Where a page begins, and how many contributions it has at most. Raises PageTokenInvalid."""
    tokens = PageTokens.of(request)
    cursor = tokens.decode(request.page_token, int, int, int, str, int, int)
    size = page_size(request.page_size)
    if cursor is None:
        return None, size
    try:
        return read_cursor(cursor), size
    except (ValueError, OverflowError) as forged:
        raise PageTokenInvalid from forged


def read_cursor(cursor: Sequence[Any]) -> tuple[View, int]:
    """What the score of a page token is made of, and how far the pages have come."""
    instant, revision_time, version, month, run, offset = cursor
    view = View(
        instant=from_microseconds(instant),
        revision_time=from_microseconds(revision_time),
        version=version,
        published=(date.fromisoformat(month), run) if month else None,
    )
    return view, offset


def write_explain_score(
    request: pb.ExplainScoreRequest, explanation: Explanation
) -> pb.ExplainScoreResponse:
    """A page of what made a score."""
    answer = explanation.answer
    return pb.ExplainScoreResponse(
        score=write_score(answer),
        profile=write_profile(answer.profile),
        dimensions=[write_dimension(each) for each in explanation.valuation.dimensions],
        adjustments=[write_adjustment(each) for each in explanation.valuation.adjustments],
        contributions=[write_contribution(each) for each in explanation.contributions],
        next_page_token=write_next_page(request, explanation),
    )


def write_next_page(request: pb.ExplainScoreRequest, explanation: Explanation) -> str:
    """The token of the next page: what the score is made of, and how far the pages have come."""
    if explanation.next_offset is None:
        return ""
    view = explanation.answer.view
    month, run = view.published or (None, 0)
    return PageTokens.of(request).encode(
        [
            microseconds(view.instant),
            microseconds(view.revision_time),
            view.version or 0,
            month.isoformat() if month else "",
            run,
            explanation.next_offset,
        ]
    )


def write_score(answer: Answer) -> pb.Score:
    """A score."""
    first, last = answer.span.first, answer.span.end - ONE_DAY
    message = pb.Score(
        program_id=answer.query.program_id,
        member_id=answer.query.member_id,
        model_id=answer.query.model_id,
        value=answer.value,
        level=write_level(answer.level),
        basis=WRITTEN_BASES[answer.query.basis],
        as_of_time=write_time(answer.view.instant),
        window_start_date=write_optional_date(first),
        window_end_date=write_date(last),
        program_revision=answer.revision_id,
        term_end_date=write_optional_date(answer.term_end),
    )
    if answer.published:
        message.settlement_date.CopyFrom(write_date(answer.settlement_date))
        message.publish_time.CopyFrom(write_time(answer.published.publish_time))
        message.correction_reason = answer.published.correction_reason
    return message


def write_level(level: Level) -> pb.Level:
    """A level."""
    return pb.Level(
        level_id=level.level_id, display_name=level.display_name, position=level.position
    )


def write_profile(profile: Profile) -> pb.MemberProfile:
    """What is known of a member."""
    first: Timestamp | None = None
    if profile.first_purchase_time is not None:
        first = write_time(profile.first_purchase_time)
    return pb.MemberProfile(
        attributes=profile.attributes,
        credit_score=profile.credit_score,
        credit_stars=profile.credit_stars,
        first_purchase_time=first,
    )


def write_dimension(total: DimensionTotal) -> pb.DimensionTotal:
    """The sum of a dimension."""
    factors = [
        pb.AppliedFactor(
            dimension_id=each.dimension_id, numerator=each.numerator, denominator=each.denominator
        )
        for each in total.factors
    ]
    return pb.DimensionTotal(
        dimension_id=total.dimension_id,
        display_name=total.display_name,
        base_points=total.base,
        factors=factors,
        points=total.points,
    )


def write_adjustment(adjustment: Adjustment) -> pb.Adjustment:
    """What changed a sum."""
    return pb.Adjustment(
        ceiling_id=adjustment.ceiling_id,
        points=adjustment.points,
        kind=ADJUSTMENT_KINDS[adjustment.kind],
        date=write_optional_date(adjustment.day),
        level_id=adjustment.level_id,
    )


def write_contribution(contribution: Contribution) -> pb.Contribution:
    """One reason for points."""
    return pb.Contribution(
        dimension_id=contribution.dimension_id,
        rule_id=contribution.rule_id,
        activity_id=contribution.activity_id,
        activity_time=write_time(contribution.activity_time),
        uncapped_points=contribution.uncapped,
        base_points=contribution.base,
        rate_bps=contribution.rate_bps,
        counted_points=contribution.counted,
        cuts=[write_cut(cut) for cut in contribution.cuts],
        roll_off_date=write_optional_date(contribution.roll_off_date),
    )


def write_cut(cut: Cut) -> pb.Cut:
    """Points that do not count; the reasons of the domain are the names of the contract's kinds."""
    kind = pb.CutKind.Value(f"CUT_KIND_{cut.reason.upper()}")
    return pb.Cut(kind=kind, limit=cut.limit, points=cut.points)


def write_optional_date(day: date | None) -> Date | None:
    """A day as a message, None when there is none."""
    return None if day is None else write_date(day)
