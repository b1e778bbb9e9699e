"""What each refusal of the ledger is on the wire. Nothing else here knows a status code."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc import StatusCode
from laurel.type.v1.error_reason_pb2 import ErrorReason
from laurel_kit.faults import Fault, FaultTable, bad_field, precondition, quota, resource

from laurel_ledger.domain.errors import (
    AccountClosed,
    AccountLimitExceeded,
    AccountNotEmpty,
    AccountNotFound,
    AccountNotMergeable,
    AccountSuspended,
    AdjustmentDecided,
    AdjustmentLimitExceeded,
    AdjustmentNotFound,
    AdjustmentReasonNotFound,
    AmountTooLarge,
    AsOfInFuture,
    AssetNotFound,
    BalanceConditionFailed,
    BalanceLimitExceeded,
    BatchMemberFailed,
    CaptureExceedsHold,
    ChainBroken,
    CheckpointNotFound,
    CheckpointPending,
    DebtRepaid,
    EtagMismatch,
    ExchangeNotAllowed,
    ExchangeNotWhole,
    ExpiryNotAfterActive,
    FundingBudgetExhausted,
    HoldAlreadyCaptured,
    HoldAlreadyReleased,
    HoldExpired,
    HoldNotFound,
    InsufficientPoints,
    InvariantViolation,
    LineExceedsRemaining,
    LineNotFound,
    LinesNotSumming,
    LotNotFound,
    LotsNotFound,
    PeriodClosed,
    RequestIdReused,
    ResumeTokenInvalid,
    ReversalExceedsRemaining,
    SelfApproval,
    ShardHalted,
    TimeInFuture,
    TransactionNotFound,
    TransactionNotReversible,
    TransferNotAllowed,
    VersionMismatch,
)

SOON = timedelta(seconds=5)
"""When someone may have looked at a halted shard."""

NEXT_CHECKPOINT = timedelta(seconds=10)
"""When the next checkpoint is there, unless it is set otherwise."""


def _failed_member(error: BatchMemberFailed) -> Message:
    """Which transaction of the batch it was, and what was wrong with it, for people."""
    violation = error_details_pb2.BadRequest.FieldViolation(
        field=f"transactions[{error.index}]", description=str(error.__cause__), reason=error.cause
    )
    detail: Message = error_details_pb2.BadRequest(field_violations=[violation])
    return detail


FAULTS: FaultTable = {
    RequestIdReused: Fault(
        StatusCode.ALREADY_EXISTS,
        ErrorReason.ERROR_REASON_REQUEST_ID_REUSED,
        "Request id {request_id} has an outcome for other content; different: {mismatched_fields}.",
        detail=resource("laurel.ledger.v1.Transaction", "request_id"),
    ),
    AssetNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_ASSET_NOT_FOUND,
        "Program {program_id} has no asset {asset_id}.",
        detail=resource("laurel.ledger.v1.Asset", "asset_id"),
    ),
    AccountNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_ACCOUNT_NOT_FOUND,
        "Program {program_id} has no {kind} account {account_id}.",
        detail=resource("laurel.ledger.v1.ProgramAccount", "account_id"),
    ),
    TransactionNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_TRANSACTION_NOT_FOUND,
        "Member {member_id} of program {program_id} has no transaction {request_id}.",
        detail=resource("laurel.ledger.v1.Transaction", "request_id"),
    ),
    LotNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_LOT_NOT_FOUND,
        "The account of {asset_id} of member {member_id} has no lot {lot_id}.",
        detail=resource("laurel.ledger.v1.Lot", "lot_id"),
    ),
    LotsNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_LOTS_NOT_FOUND,
        "The account of {asset_id} of member {member_id} has no lot that can be changed so.",
        detail=resource("laurel.ledger.v1.Account", "member_id"),
    ),
    TimeInFuture: Fault(
        StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_TIME_IN_FUTURE,
        "{field} is {time}, but it is {current_time}.",
        detail=bad_field("transaction.effective_time", "is after {current_time}"),
    ),
    AsOfInFuture: Fault(
        StatusCode.OUT_OF_RANGE,
        ErrorReason.ERROR_REASON_AS_OF_IN_FUTURE,
        "{field} is {as_of}, and {latest} is the last that can be asked for.",
    ),
    AmountTooLarge: Fault(
        StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_AMOUNT_TOO_LARGE,
        "{amount} of {asset_id} are more than the {amount_max} one transaction may move.",
        detail=bad_field("transaction.amount", "is above {amount_max}"),
    ),
    ExpiryNotAfterActive: Fault(
        StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_EXPIRY_NOT_AFTER_ACTIVE,
        "The points would be void at {expire_time}, and it is {current_time}.",
        detail=bad_field("transaction.earn.expire_time", "is not after {current_time}"),
    ),
    InsufficientPoints: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_INSUFFICIENT_POINTS,
        "{requested} of {asset_id} were asked for, {available} are available.",
        detail=precondition("BALANCE", "asset_id"),
    ),
    BalanceLimitExceeded: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_BALANCE_LIMIT_EXCEEDED,
        "{posted} and {amount} of {asset_id} are more than the {balance_max} a member may have.",
        detail=quota("asset_id"),
    ),
    FundingBudgetExhausted: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_FUNDING_BUDGET_EXHAUSTED,
        "{amount} of {asset_id} are more than the {left} left of the {budget} that "
        "{funding_account_id} may issue.",
        detail=quota("funding_account_id"),
    ),
    PeriodClosed: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_PERIOD_CLOSED,
        "{time} lies in a closed period: the books are closed until {closed_until}.",
        detail=precondition("PERIOD", "closed_until"),
    ),
    TransactionNotReversible: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_TRANSACTION_NOT_REVERSIBLE,
        "Transaction {request_id} is of type {type}, which cannot be reversed.",
        detail=precondition("TRANSACTION", "request_id"),
    ),
    ReversalExceedsRemaining: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_REVERSAL_EXCEEDS_REMAINING,
        "{requested} of transaction {request_id} were to be reversed, {reversible} are left.",
        detail=precondition("TRANSACTION", "request_id"),
    ),
    TransferNotAllowed: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_TRANSFER_NOT_ALLOWED,
        "Members cannot give {asset_id} to one another.",
        detail=precondition("ASSET", "asset_id"),
    ),
    ExchangeNotAllowed: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_EXCHANGE_NOT_ALLOWED,
        "The program has no rate by which {asset_id} become {to_asset_id}.",
        detail=precondition("ASSET", "asset_id"),
    ),
    ExchangeNotWhole: Fault(
        StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_EXCHANGE_NOT_WHOLE,
        "{amount} of {asset_id} are no multiple of {multiple}, and only those are exchanged.",
        detail=bad_field("transaction.exchange.amount", "is no multiple of {multiple}"),
    ),
    LinesNotSumming: Fault(
        StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_LINES_NOT_SUMMING,
        "The lines are {lines_total} points together, the spending is of {amount}.",
    ),
    LineNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_LINE_NOT_FOUND,
        "Transaction {request_id} has no line {line_id}.",
        detail=resource("laurel.ledger.v1.Transaction", "request_id"),
    ),
    LineExceedsRemaining: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_LINE_EXCEEDS_REMAINING,
        "{requested} of line {line_id} of transaction {request_id} were to be reversed, "
        "{reversible} are left.",
        detail=precondition("TRANSACTION", "request_id"),
    ),
    DebtRepaid: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_DEBT_REPAID,
        "{lent} points of transaction {request_id} were owed, and only {owed} still are.",
        detail=precondition("TRANSACTION", "request_id"),
    ),
    HoldNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_HOLD_NOT_FOUND,
        "Member {member_id} of program {program_id} has no hold {hold_id}.",
        detail=resource("laurel.ledger.v1.Hold", "hold_id"),
    ),
    HoldExpired: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_HOLD_EXPIRED,
        "Hold {hold_id} lapsed at {expire_time}.",
        detail=precondition("HOLD", "hold_id"),
    ),
    HoldAlreadyCaptured: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_HOLD_ALREADY_CAPTURED,
        "Hold {hold_id} was captured.",
        detail=precondition("HOLD", "hold_id"),
    ),
    HoldAlreadyReleased: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_HOLD_ALREADY_RELEASED,
        "Hold {hold_id} was released.",
        detail=precondition("HOLD", "hold_id"),
    ),
    CaptureExceedsHold: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_CAPTURE_EXCEEDS_HOLD,
        "{requested} were to be captured, hold {hold_id} keeps {remaining}.",
        detail=precondition("HOLD", "hold_id"),
    ),
    AccountSuspended: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ACCOUNT_SUSPENDED,
        "The account of {asset_id} of member {member_id} is suspended.",
        detail=precondition("ACCOUNT", "member_id"),
    ),
    AccountClosed: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ACCOUNT_CLOSED,
        "The account of {asset_id} of member {member_id} is closed.",
        detail=precondition("ACCOUNT", "member_id"),
    ),
    AccountNotEmpty: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ACCOUNT_NOT_EMPTY,
        "The account of {asset_id} of member {member_id} has {points} and owes {debt}.",
        detail=precondition("ACCOUNT", "member_id"),
    ),
    AccountNotMergeable: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ACCOUNT_NOT_MERGEABLE,
        "Member {member_id} has {held} of {asset_id} held, {frozen} frozen and {debt} owed.",
        detail=precondition("ACCOUNT", "member_id"),
    ),
    AccountLimitExceeded: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ACCOUNT_LIMIT_EXCEEDED,
        "{amount} of {asset_id} are more than the {amount_max} that the account's {limit} allows.",
        detail=quota("limit"),
    ),
    VersionMismatch: Fault(
        StatusCode.ABORTED,
        ErrorReason.ERROR_REASON_VERSION_MISMATCH,
        "The {asset_id} of {member_id} are at version {version}, not at {expected_version}.",
    ),
    BalanceConditionFailed: Fault(
        StatusCode.ABORTED,
        ErrorReason.ERROR_REASON_BALANCE_CONDITION_FAILED,
        "The {asset_id} of {member_id} are {points}, which {condition} {bound} does not allow.",
    ),
    EtagMismatch: Fault(
        StatusCode.ABORTED,
        ErrorReason.ERROR_REASON_ETAG_MISMATCH,
        "The account stands as {current_etag} says, no more as {etag} did.",
    ),
    AdjustmentNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_ADJUSTMENT_NOT_FOUND,
        "Member {member_id} of program {program_id} has no adjustment {adjustment_id}.",
        detail=resource("laurel.ledger.v1.Adjustment", "adjustment_id"),
    ),
    AdjustmentReasonNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_ADJUSTMENT_REASON_NOT_FOUND,
        "Program {program_id} has no reason {reason_id} to change balances by hand.",
        detail=resource("laurel.program.v1.AdjustmentReason", "reason_id"),
    ),
    AdjustmentDecided: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_ADJUSTMENT_DECIDED,
        "Adjustment {adjustment_id} is {state}: it was decided before.",
        detail=precondition("ADJUSTMENT", "adjustment_id"),
    ),
    SelfApproval: Fault(
        StatusCode.PERMISSION_DENIED,
        ErrorReason.ERROR_REASON_SELF_APPROVAL,
        "{operator_id} proposed adjustment {adjustment_id} and cannot approve it.",
    ),
    AdjustmentLimitExceeded: Fault(
        StatusCode.PERMISSION_DENIED,
        ErrorReason.ERROR_REASON_ADJUSTMENT_LIMIT_EXCEEDED,
        "{amount} are more than the {amount_max} that {operator_id} may decide upon.",
    ),
    BatchMemberFailed: Fault(
        StatusCode.ABORTED,
        ErrorReason.ERROR_REASON_BATCH_MEMBER_FAILED,
        "Nothing was posted: transaction {index} of the batch was refused with {cause}.",
        detail=_failed_member,
    ),
    ResumeTokenInvalid: Fault(
        StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_RESUME_TOKEN_INVALID,
        "The resume token is damaged or belongs to another program or ledger.",
        detail=bad_field("resume_token", "is damaged or belongs to another program or ledger"),
    ),
    CheckpointNotFound: Fault(
        StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_CHECKPOINT_NOT_FOUND,
        "There is no checkpoint {checkpoint_number}.",
        detail=resource("laurel.ledger.v1.Checkpoint", "checkpoint_number"),
    ),
    CheckpointPending: Fault(
        StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_CHECKPOINT_PENDING,
        "What became of {request_id} is not under checkpoint {checkpoint_number} yet.",
        retry_after=NEXT_CHECKPOINT,
        detail=precondition("CHECKPOINT", "request_id"),
    ),
    ChainBroken: Fault(
        StatusCode.DATA_LOSS,
        ErrorReason.ERROR_REASON_CHAIN_BROKEN,
        "Batch {batch} of shard {shard} is not what was recorded.",
    ),
    InvariantViolation: Fault(
        StatusCode.INTERNAL,
        ErrorReason.ERROR_REASON_INVARIANT_VIOLATION,
        "Posting would have broken invariant {invariant}; nothing was posted.",
    ),
    ShardHalted: Fault(
        StatusCode.UNAVAILABLE,
        ErrorReason.ERROR_REASON_SHARD_HALTED,
        "Shard {shard} posts nothing until its books have been looked at.",
        retry_after=SOON,
    ),
}
"""One row for each class of `domain/errors.py`."""
