"""Activities: from the wire and back."""

from __future__ import annotations

from collections.abc import Callable

from google.rpc import status_pb2
from laurel.benefits.v1 import activities_pb2 as activities
from laurel.benefits.v1 import engagement_pb2 as pb
from laurel_kit.fingerprint import fingerprint

from laurel_benefits.domain.activities import (
    Action,
    Activity,
    ActivityDraft,
    Approval,
    Deletion,
    Fact,
    Penalty,
    Referral,
    Review,
)
from laurel_benefits.domain.ids import ActivityId, LineId, MemberId, OrderId
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.postings import Posting
from laurel_benefits.handlers.activities import (
    ActivityResult,
    PreviewReward,
    RecordActivities,
    RecordedActivities,
)
from laurel_benefits.wire.decisions import write_decision
from laurel_benefits.wire.eligibility import read_birth_date
from laurel_benefits.wire.repeats import read_write_key
from laurel_benefits.wire.times import read_instant, read_member

StatusOf = Callable[[Exception], status_pb2.Status]
"""What a refusal is on the wire."""


def read_record_activities(request: pb.RecordActivitiesRequest) -> RecordActivities:
    """The command in a request."""
    return RecordActivities(
        key=read_write_key(request),
        drafts=tuple(read_activity(each) for each in request.activities),
    )


def read_preview_reward(request: pb.PreviewRewardRequest) -> PreviewReward:
    """The question in a request."""
    asked = request.WhichOneof("action") == "activity"
    return PreviewReward(
        member=read_member(request), draft=read_activity(request.activity) if asked else None
    )


def read_activity(message: activities.Activity) -> ActivityDraft:
    """An activity as the caller reports it."""
    return ActivityDraft(
        activity_id=ActivityId(message.activity_id),
        activity_time=read_instant(message.activity_time),
        fact=read_fact(message),
        digest=fingerprint(message, without=()).digest.hex(),
    )


def read_fact(message: activities.Activity) -> Fact:
    """What it was; the contract asks for one of them."""
    match message.WhichOneof("fact"):
        case "review":
            return read_review(message.review)
        case "approval":
            return Approval(
                review_id=ActivityId(message.approval.review_id),
                approver_id=MemberId(message.approval.approver_member_id),
            )
        case "deletion":
            return Deletion(
                deleted_id=ActivityId(message.deletion.review_id),
                deletion_reason=message.deletion.reason,
            )
        case "referral":
            return read_referral(message.referral)
        case "penalty":
            return Penalty(
                penalty_kind=message.penalty.kind, order_id=OrderId(message.penalty.order_id)
            )
    return read_action(message.action)


def read_action(message: activities.Action) -> Action:
    """What its kind alone says."""
    born = message.HasField("birth_date")
    return Action(
        action_kind=message.kind,
        subject_id=message.subject_id,
        birth_date=read_birth_date(message.birth_date) if born else None,
    )


def read_review(message: activities.Review) -> Review:
    """A review of a line."""
    return Review(
        order_id=OrderId(message.order_id),
        line_id=LineId(message.line_id),
        photos=message.photos,
        characters=message.characters,
        copied_bps=message.copied_bps,
        overlap_bps=message.overlap_bps,
        punctuation_stuffed=message.punctuation_stuffed,
        report_count=message.report_count,
        poster_place=message.poster_place,
    )


def read_referral(message: activities.Referral) -> Referral:
    """That the member has brought another one."""
    return Referral(
        referred_id=MemberId(message.referred_member_id),
        referrer_marks=tuple(message.referrer_marks),
        referred_marks=tuple(message.referred_marks),
    )


def write_record_activities(
    recorded: RecordedActivities, status_of: StatusOf
) -> pb.RecordActivitiesResponse:
    """What became of each."""
    return pb.RecordActivitiesResponse(
        results=[write_result(each, status_of) for each in recorded.results],
        replayed=recorded.replayed,
    )


def write_result(result: ActivityResult, status_of: StatusOf) -> pb.ActivityResult:
    """What became of one."""
    outcome = result.outcome
    if result.activity is None:
        assert outcome.refusal is not None, "what is not recorded was refused"
        return pb.ActivityResult(activity_id=outcome.activity_id, error=status_of(outcome.refusal))
    return pb.ActivityResult(
        activity_id=outcome.activity_id,
        recorded=write_recorded(result.activity, result.postings, replayed=outcome.replayed),
    )


def write_recorded(
    activity: Activity, postings: tuple[Posting, ...], *, replayed: bool
) -> pb.RecordedActivity:
    """An activity with what it pays, and how far that is paid."""
    refused = [each for each in postings if each.state is GrantState.REFUSED]
    pending = [each for each in postings if each.state is GrantState.PENDING]
    shown = (pending or refused or list(postings))[-1:]
    state = f"REWARD_STATE_{shown[0].state.value}" if shown else "REWARD_STATE_UNSPECIFIED"
    return pb.RecordedActivity(
        decision=write_decision(activity.decision),
        points=activity.points,
        state=pb.RewardState.Value(state),
        refusal=refused[-1].refusal if refused else "",
        commit_token=postings[-1].commit_token if postings else "",
        fact_state=pb.FactState.Value(f"FACT_STATE_{activity.telling.value}"),
        replayed=replayed,
        case_id=postings[0].activation_key if postings else "",
    )
