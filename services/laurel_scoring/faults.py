"""What each refusal of scoring is on the wire."""

from __future__ import annotations

from grpc import StatusCode
from laurel.type.v1.error_reason_pb2 import ErrorReason
from laurel_kit.faults import Fault, FaultTable, bad_field, precondition, quota, resource

from laurel_scoring.domain.errors import (
    ActivityIdReused,
    ActivityInUse,
    ActivityNotFound,
    ActivityRetracted,
    AlreadyInvited,
    AmountNegative,
    AmountNotRepresentable,
    ApprovalByAuthor,
    CreditOutOfRange,
    GroupTooSmall,
    InsightNotDeclared,
    InvitationNotFound,
    LevelNotByInvitation,
    LevelNotFound,
    ModelNotFound,
    ModelNotSettled,
    NotInVocabulary,
    OverrideEndInvalid,
    OverrideNotFound,
    PurchaseLineReused,
    ReturnExceedsPurchase,
    ReturnNotBought,
    ScoreBelowLevel,
    ScoreNotPublished,
    SegmentNotFound,
    SettlementNotDue,
    SettlementNotFound,
    SettlementNotPublished,
    TierFull,
    TiersNotDeclared,
)

FAULTS: FaultTable = {
    ActivityIdReused: Fault(
        StatusCode.ALREADY_EXISTS,
        ErrorReason.ERROR_REASON_ACTIVITY_ID_REUSED,
        "Member {member_id} has an activity {activity_id} with other content.",
    ),
    NotInVocabulary: Fault(
        StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_NOT_IN_VOCABULARY,
        "{field}: {value} is not in the program's {vocabulary}.",
    ),
    AmountNegative: Fault(
        StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_AMOUNT_NEGATIVE,
        "{field}: {amount} fen is below zero.",
    ),
    AmountNotRepresentable: Fault(
        StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_AMOUNT_NOT_REPRESENTABLE,
        "{field}: {cause}.",
    ),
    ApprovalByAuthor: Fault(
        StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_APPROVAL_BY_AUTHOR,
        "Member {member_id} wrote the review {review_id} and cannot approve of it.",
    ),
    CreditOutOfRange: Fault(
        StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_CREDIT_OUT_OF_RANGE,
        "{field}: {value} is outside the range of the program.",
    ),
    PurchaseLineReused: Fault(
        StatusCode.ALREADY_EXISTS,
        ErrorReason.ERROR_REASON_PURCHASE_LINE_REUSED,
        "Line {line_id} of order {order_id} is recorded with another purchase.",
    ),
    ReturnNotBought: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_RETURN_NOT_BOUGHT,
        "Line {line_id} of order {order_id} has not been bought by the time of the return.",
        detail=precondition("PURCHASE", "order_id"),
    ),
    ReturnExceedsPurchase: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_RETURN_EXCEEDS_PURCHASE,
        "{quantity} pieces of line {line_id} of order {order_id} go back, {remaining} are left.",
        detail=precondition("PURCHASE", "order_id"),
    ),
    ActivityNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_ACTIVITY_NOT_FOUND,
        "Member {member_id} has no activity {activity_id}.",
        detail=resource("laurel.scoring.v1.Activity", "activity_id"),
    ),
    ActivityRetracted: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ACTIVITY_RETRACTED,
        "Activity {activity_id} of member {member_id} was taken back by another request.",
        detail=precondition("ACTIVITY", "activity_id"),
    ),
    ActivityInUse: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ACTIVITY_IN_USE,
        "Goods of {activity_id} went back by {return_id}, which has to be taken back first.",
        detail=precondition("ACTIVITY", "return_id"),
    ),
    ModelNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_MODEL_NOT_FOUND,
        "Program {program_id} has no score model {model_id} at that time.",
        detail=resource("laurel.program.v1.ScoreModel", "model_id"),
    ),
    ScoreNotPublished: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_SCORE_NOT_PUBLISHED,
        "No score of member {member_id} by {model_id} was published by that time.",
        detail=resource("laurel.scoring.v1.Score", "member_id"),
    ),
    ModelNotSettled: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_MODEL_NOT_SETTLED,
        "Model {model_id} publishes no scores.",
        detail=precondition("SCORE_MODEL", "model_id"),
    ),
    SettlementNotDue: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_SETTLEMENT_NOT_DUE,
        "The settlement is due at {due_time}.",
        detail=precondition("SETTLEMENT", "due_time"),
    ),
    SettlementNotPublished: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_SETTLEMENT_NOT_PUBLISHED,
        "The settlement of {settlement_month} is not published yet.",
        detail=precondition("SETTLEMENT", "settlement_month"),
    ),
    SettlementNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_SETTLEMENT_NOT_FOUND,
        "There is no settlement {run} of {settlement_month}.",
        detail=resource("laurel.scoring.v1.Settlement", "settlement_month"),
    ),
    TiersNotDeclared: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_TIERS_NOT_DECLARED,
        "The program does not say how the levels of model {model_id} are held.",
        detail=precondition("TIER_POLICY", "model_id"),
    ),
    LevelNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_LEVEL_NOT_FOUND,
        "Model {model_id} has no level {level_id}.",
        detail=resource("laurel.program.v1.ScoreLevel", "level_id"),
    ),
    OverrideEndInvalid: Fault(
        StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_OVERRIDE_END_INVALID,
        "The override would end at {end_time}: after {earliest} and by {latest} is possible.",
        detail=bad_field("end_time", "must be after {earliest} and by {latest}"),
    ),
    OverrideNotFound: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_OVERRIDE_NOT_FOUND,
        "The tier by {model_id} is not overridden.",
        detail=precondition("OVERRIDE", "model_id"),
    ),
    InsightNotDeclared: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_INSIGHT_NOT_DECLARED,
        "Program {program_id} has no {part}.",
        detail=precondition("INSIGHT", "part"),
    ),
    SegmentNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_SEGMENT_NOT_FOUND,
        "There is no group {segment_id}.",
        detail=resource("laurel.program.v1.RfmGroup", "segment_id"),
    ),
    GroupTooSmall: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_GROUP_TOO_SMALL,
        "Fewer than {members_min} members are told about to nobody.",
        detail=precondition("GROUP", "members_min"),
    ),
    LevelNotByInvitation: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_LEVEL_NOT_BY_INVITATION,
        "Level {level_id} is reached by score alone.",
        detail=precondition("LEVEL", "level_id"),
    ),
    AlreadyInvited: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ALREADY_INVITED,
        "An invitation of the member to {level_id} is {state} already.",
        detail=precondition("INVITATION", "level_id"),
    ),
    ScoreBelowLevel: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_SCORE_BELOW_LEVEL,
        "The published score {value} does not reach {level_id}, which begins at {required}.",
        detail=precondition("SCORE", "level_id"),
    ),
    TierFull: Fault(
        StatusCode.RESOURCE_EXHAUSTED,
        ErrorReason.ERROR_REASON_TIER_FULL,
        "{taken} of {seats} seats of {level_id} are taken.",
        detail=quota("level_id"),
    ),
    InvitationNotFound: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_INVITATION_NOT_FOUND,
        "No seat of {level_id} is offered to the member.",
        detail=precondition("INVITATION", "level_id"),
    ),
}
