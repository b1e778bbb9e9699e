"""What members did beside buying, in scoring's contract."""

from __future__ import annotations

from collections.abc import Sequence

from laurel.scoring.v1 import activities_pb2 as scoring

from laurel_benefits.domain.activities import Activity, Approval, Deletion, Review
from laurel_benefits.wire.times import write_instant


def write_record_activities(
    activities: Sequence[Activity],
) -> scoring.RecordActivitiesRequest:
    """What one member did."""
    return scoring.RecordActivitiesRequest(
        program_id=activities[0].member.program_id,
        activities=[write_fact(activity) for activity in activities],
    )


def write_fact(activity: Activity) -> scoring.Activity:
    """An activity as a fact, under the same name."""
    fact = scoring.Activity(
        activity_id=activity.draft.activity_id,
        member_id=activity.member.member_id,
        activity_time=write_instant(activity.draft.activity_time),
    )
    match activity.draft.fact:
        case Approval(review_id=review_id, approver_id=approver_id):
            fact.approval.review_id = review_id
            fact.approval.approver_member_id = approver_id
        case Review() as review:
            fact.engagement.CopyFrom(write_review(activity, review))
        case _:
            fact.engagement.kind = activity.kind
            fact.engagement.subject_id = activity.subject_id
    return fact


def write_review(activity: Activity, review: Review) -> scoring.Engagement:
    """A review with its quality; scoring judges that by its own rules."""
    return scoring.Engagement(
        kind=activity.kind,
        subject_id=activity.subject_id,
        order_id=review.order_id,
        review_quality=scoring.ReviewQuality(
            copied_bps=review.copied_bps,
            overlap_bps=review.overlap_bps,
            punctuation_stuffed=review.punctuation_stuffed,
            report_count=review.report_count,
            poster_place=review.poster_place,
        ),
    )


def write_retract_activity(activity: Activity) -> scoring.RetractActivityRequest:
    """That a review was deleted."""
    deletion = activity.draft.fact
    assert isinstance(deletion, Deletion), "only deletions take something back"
    return scoring.RetractActivityRequest(
        request_id=activity.draft.activity_id,
        program_id=activity.member.program_id,
        member_id=activity.member.member_id,
        activity_id=deletion.deleted_id,
        reason=deletion.deletion_reason or "review_deleted",
    )
