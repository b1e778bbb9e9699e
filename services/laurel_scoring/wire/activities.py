"""RecordActivities and StreamActivities: messages to facts, and what became of them to messages."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from datetime import datetime
from functools import cache

from google.rpc.status_pb2 import Status
from google.type.money_pb2 import Money
from laurel.scoring.v1 import activities_pb2 as pb
from laurel_kit.fingerprint import content_digest
from laurel_kit.money import read_money
from laurel_kit.refusals import RequestInvalid

from laurel_scoring.domain.errors import AmountNotRepresentable, FactRefused
from laurel_scoring.domain.facts import (
    Approval,
    CreditReport,
    Engagement,
    Fact,
    Payment,
    ProfileChange,
    Purchase,
    PurchaseLine,
    PurchaseReturn,
    ReturnLine,
    ReviewQuality,
    Violation,
)
from laurel_scoring.domain.intake import Accepted, Reported
from laurel_scoring.handlers.activities import Acknowledged, RecordActivities, Result
from laurel_scoring.wire.times import read_time, write_time

WriteStatus = Callable[[Exception], Status]
"""A refusal as a status; the table of faults is not known here."""


def read_record_activities(
    request: pb.RecordActivitiesRequest | pb.StreamActivitiesRequest,
) -> RecordActivities:
    """The facts of a request; one whose money cannot be read is a refusal already."""
    return RecordActivities(
        program_id=request.program_id,
        reports=tuple(read_report(activity) for activity in request.activities),
        activity_ids=tuple(activity.activity_id for activity in request.activities),
    )


async def read_stream_activities(
    requests: AsyncIterable[pb.StreamActivitiesRequest],
) -> AsyncIterator[RecordActivities]:
    """The facts of each message of an import, read when they are asked for."""
    async for request in requests:
        yield read_record_activities(request)


def read_report(activity: pb.Activity) -> Reported | FactRefused:
    """One reported fact."""
    try:
        fact = read_fact(activity)
    except AmountNotRepresentable as refusal:
        return refusal
    return Reported(member_id=activity.member_id, fact=fact, digest=content_digest(activity))


def read_fact(activity: pb.Activity) -> Fact:
    """The fact of an activity. Raises AmountNotRepresentable."""
    name, time = activity.activity_id, read_time(activity.activity_time)
    match activity.WhichOneof("fact"):
        case "purchase":
            purchase = activity.purchase
            return Purchase(
                activity_id=name,
                activity_time=time,
                order_id=purchase.order_id,
                payments=read_payments(purchase.payments),
                lines=read_lines(purchase.lines),
            )
        case "purchase_return":
            back = activity.purchase_return
            lines = [
                ReturnLine(line_id=each.line_id, quantity=each.quantity) for each in back.lines
            ]
            return PurchaseReturn(
                activity_id=name, activity_time=time, order_id=back.order_id, lines=tuple(lines)
            )
        case "engagement":
            done = activity.engagement
            return Engagement(
                activity_id=name,
                activity_time=time,
                kind=done.kind,
                subject_id=done.subject_id,
                order_id=done.order_id,
                review_quality=read_quality(done),
            )
    return read_fact_of_member(name, time, activity)


def read_fact_of_member(name: str, time: datetime, activity: pb.Activity) -> Fact:
    """A fact about a member and no order."""
    match activity.WhichOneof("fact"):
        case "profile_change":
            change = activity.profile_change
            return ProfileChange(
                activity_id=name, activity_time=time, attribute=change.attribute, is_set=change.set
            )
        case "approval":
            approval = activity.approval
            return Approval(
                activity_id=name,
                activity_time=time,
                review_id=approval.review_id,
                approver_member_id=approval.approver_member_id,
            )
        case "violation":
            return Violation(activity_id=name, activity_time=time, kind=activity.violation.kind)
    return read_credit_report(name, time, activity.credit_report)


def read_quality(done: pb.Engagement) -> ReviewQuality | None:
    """What a review is like; None for everything else."""
    if not done.HasField("review_quality"):
        return None
    quality = done.review_quality
    return ReviewQuality(
        copied_bps=quality.copied_bps,
        overlap_bps=quality.overlap_bps,
        punctuation_stuffed=quality.punctuation_stuffed,
        report_count=quality.report_count,
        poster_place=quality.poster_place,
    )


def read_credit_report(name: str, time: datetime, report: pb.CreditReport) -> CreditReport:
    """A credit report; a measure it does not name is None."""
    return CreditReport(
        activity_id=name,
        activity_time=time,
        credit_score=report.credit_score if report.HasField("credit_score") else None,
        credit_stars=report.credit_stars if report.HasField("credit_stars") else None,
    )


def read_payments(payments: Iterable[pb.Payment]) -> tuple[Payment, ...]:
    """The payments of an order."""
    return tuple(
        Payment(
            payment_method=payment.payment_method,
            amount=read_amount(payment.amount, f"purchase.payments[{number}].amount"),
        )
        for number, payment in enumerate(payments)
    )


def read_lines(lines: Iterable[pb.PurchaseLine]) -> tuple[PurchaseLine, ...]:
    """The lines of an order."""
    return tuple(
        PurchaseLine(
            line_id=line.line_id,
            sku_id=line.sku_id,
            category_id=line.category_id,
            shop_id=line.shop_id,
            goods_class=line.goods_class,
            quantity=line.quantity,
            paid=read_amount(line.paid, f"purchase.lines[{number}].paid"),
        )
        for number, line in enumerate(lines)
    )


def read_amount(money: Money, field: str) -> int:
    """An amount in minor units. Raises AmountNotRepresentable instead of failing the request."""
    try:
        return read_money(money, field=field)
    except RequestInvalid as invalid:
        cause = invalid.listing[0].description
        raise AmountNotRepresentable(field=field, cause=cause) from None


def write_record_activities(
    command: RecordActivities, results: Iterable[Result], write_status: WriteStatus
) -> pb.RecordActivitiesResponse:
    """One result for each fact of the request."""
    return pb.RecordActivitiesResponse(results=write_results(command, results, write_status))


def write_stream_activities(
    acknowledged: Acknowledged, write_status: WriteStatus
) -> pb.StreamActivitiesResponse:
    """That one message of an import is done."""
    return pb.StreamActivitiesResponse(
        results=write_results(acknowledged.command, acknowledged.results, write_status),
        messages_done=acknowledged.done,
        activities_recorded=acknowledged.recorded,
        activities_refused=acknowledged.refused,
    )


def write_results(
    command: RecordActivities, results: Iterable[Result], write_status: WriteStatus
) -> list[pb.RecordActivityResult]:
    """What became of each fact."""
    # What was recorded together has one time: its message is written once.
    write_recorded = cache(write_accepted)
    return [
        pb.RecordActivityResult(activity_id=activity_id, recorded=write_recorded(result))
        if isinstance(result, Accepted)
        else pb.RecordActivityResult(activity_id=activity_id, error=write_status(result))
        for activity_id, result in zip(command.activity_ids, results, strict=True)
    ]


def write_accepted(accepted: Accepted) -> pb.RecordedActivity:
    """That a fact stands."""
    return pb.RecordedActivity(
        record_time=write_time(accepted.record_time), replayed=accepted.replayed
    )
