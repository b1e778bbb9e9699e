"""RetractActivity, GetActivity and ListActivities: messages to values, kept facts to messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from laurel.scoring.v1 import activities_pb2 as pb
from laurel_kit.fingerprint import fingerprint
from laurel_kit.money import write_money
from laurel_kit.pages import Cursor, PageTokenInvalid, PageTokens, page_size

from laurel_scoring.domain.facts import (
    Approval,
    CreditReport,
    Engagement,
    Fact,
    ProfileChange,
    Purchase,
    PurchaseReturn,
    Violation,
)
from laurel_scoring.domain.retractions import ActivityRecord, RecordFilter, Retraction
from laurel_scoring.handlers.retractions import ActivityKey, RetractActivity, RetractedActivity
from laurel_scoring.wire.activities import read_report
from laurel_scoring.wire.times import from_microseconds, microseconds, optional_time, write_time


def read_retract_activity(request: pb.RetractActivityRequest) -> RetractActivity:
    """Which fact to take back, and what is true instead."""
    replaced = request.HasField("replacement")
    return RetractActivity(
        request_id=request.request_id,
        fingerprint=fingerprint(request).encoded,
        program_id=request.program_id,
        member_id=request.member_id,
        activity_id=request.activity_id,
        reason=request.reason,
        replacement=read_report(request.replacement) if replaced else None,
    )


def write_retract_activity(answer: RetractedActivity) -> pb.RetractActivityResponse:
    """That a fact was taken back."""
    return pb.RetractActivityResponse(
        retraction=write_retraction(answer.retraction), replayed=answer.replayed
    )


def read_get_activity(request: pb.GetActivityRequest) -> ActivityKey:
    """Which fact is wanted."""
    return ActivityKey(
        program_id=request.program_id,
        member_id=request.member_id,
        activity_id=request.activity_id,
    )


def write_get_activity(record: ActivityRecord) -> pb.GetActivityResponse:
    """One fact."""
    return pb.GetActivityResponse(record=write_record(record))


def read_list_activities(request: pb.ListActivitiesRequest) -> RecordFilter:
    """Which facts are wanted; the names of the contract's kinds are those of the table."""
    return RecordFilter(
        program_id=request.program_id,
        member_id=request.member_id,
        kinds=tuple(kind_name(kind) for kind in request.kinds),
        start_time=optional_time(request, "start_time"),
        end_time=optional_time(request, "end_time"),
        include_retracted=request.include_retracted,
    )


def kind_name(kind: pb.ActivityKind.ValueType) -> str:
    """`purchase_return` for ACTIVITY_KIND_PURCHASE_RETURN."""
    return pb.ActivityKind.Name(kind).removeprefix("ACTIVITY_KIND_").lower()


def read_list_page(request: pb.ListActivitiesRequest) -> tuple[tuple[datetime, str] | None, int]:
    """Where a page begins, and how many facts it has at most. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, int, str)
    size = page_size(request.page_size)
    if cursor is None:
        return None, size
    time, activity_id = cursor
    try:
        return (from_microseconds(int(time or 0)), str(activity_id)), size
    except OverflowError as forged:
        raise PageTokenInvalid from forged


def write_list_activities(
    request: pb.ListActivitiesRequest, records: Sequence[ActivityRecord], size: int
) -> pb.ListActivitiesResponse:
    """A page of facts; one more than its size says that another page follows."""
    page = records[:size]
    cursor: Cursor | None = None
    if len(records) > size:
        last = page[-1].fact
        cursor = [microseconds(last.activity_time), last.activity_id]
    return pb.ListActivitiesResponse(
        records=[write_record(record) for record in page],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_record(record: ActivityRecord) -> pb.ActivityRecord:
    """A fact as it is kept."""
    retraction = record.retraction
    return pb.ActivityRecord(
        activity=write_activity(record.member_id, record.fact),
        record_time=write_time(record.record_time),
        retraction=write_retraction(retraction) if retraction else None,
    )


def write_retraction(retraction: Retraction) -> pb.Retraction:
    """That a fact was taken back."""
    return pb.Retraction(
        activity_id=retraction.activity_id,
        reason=retraction.reason,
        retract_time=write_time(retraction.retract_time),
        replacement_id=retraction.replacement_id,
    )


def write_activity(member_id: str, fact: Fact) -> pb.Activity:
    """A fact as it was reported."""
    activity = pb.Activity(
        activity_id=fact.activity_id,
        member_id=member_id,
        activity_time=write_time(fact.activity_time),
    )
    match fact:
        case Purchase():
            activity.purchase.CopyFrom(write_purchase(fact))
        case PurchaseReturn():
            activity.purchase_return.CopyFrom(write_return(fact))
        case Engagement():
            activity.engagement.CopyFrom(write_engagement(fact))
        case ProfileChange(attribute=attribute, is_set=is_set):
            activity.profile_change.CopyFrom(pb.ProfileChange(attribute=attribute, set=is_set))
        case CreditReport(credit_score=points, credit_stars=stars):
            report = pb.CreditReport(credit_score=points, credit_stars=stars)
            activity.credit_report.CopyFrom(report)
        case Approval(review_id=review_id, approver_member_id=approver):
            approval = pb.Approval(review_id=review_id, approver_member_id=approver)
            activity.approval.CopyFrom(approval)
        case Violation(kind=kind):
            activity.violation.CopyFrom(pb.Violation(kind=kind))
    return activity


def write_engagement(engagement: Engagement) -> pb.Engagement:
    """What a member did beside buying."""
    message = pb.Engagement(
        kind=engagement.kind, subject_id=engagement.subject_id, order_id=engagement.order_id
    )
    if quality := engagement.review_quality:
        written = pb.ReviewQuality(
            copied_bps=quality.copied_bps,
            overlap_bps=quality.overlap_bps,
            punctuation_stuffed=quality.punctuation_stuffed,
            report_count=quality.report_count,
            poster_place=quality.poster_place,
        )
        message.review_quality.CopyFrom(written)
    return message


def write_purchase(purchase: Purchase) -> pb.Purchase:
    """A completed order."""
    return pb.Purchase(
        order_id=purchase.order_id,
        payments=[
            pb.Payment(payment_method=each.payment_method, amount=write_money(each.amount))
            for each in purchase.payments
        ],
        lines=[
            pb.PurchaseLine(
                line_id=line.line_id,
                sku_id=line.sku_id,
                category_id=line.category_id,
                shop_id=line.shop_id,
                goods_class=line.goods_class,
                quantity=line.quantity,
                paid=write_money(line.paid),
            )
            for line in purchase.lines
        ],
    )


def write_return(back: PurchaseReturn) -> pb.PurchaseReturn:
    """Goods that went back."""
    lines = [pb.PurchaseReturnLine(line_id=x.line_id, quantity=x.quantity) for x in back.lines]
    return pb.PurchaseReturn(order_id=back.order_id, lines=lines)
