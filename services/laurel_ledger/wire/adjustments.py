"""Changes by hand between messages and values."""

from __future__ import annotations

from datetime import timedelta

from laurel.ledger.v1 import adjustments_pb2 as pb
from laurel_kit.fingerprint import fingerprint
from laurel_kit.pages import PageTokens, page_size

from laurel_ledger.domain.adjustments import (
    Adjustment,
    AdjustmentDraft,
    AdjustmentKey,
    AdjustmentPlace,
    AdjustmentState,
)
from laurel_ledger.handlers.adjustments import (
    AdjustmentPage,
    AnsweredAdjustment,
    CreateAdjustment,
    DecideAdjustment,
    ListAdjustments,
)
from laurel_ledger.wire.instants import EPOCH, read_instant, write_instant

MICROSECOND = timedelta(microseconds=1)


def read_create_adjustment(request: pb.CreateAdjustmentRequest) -> CreateAdjustment:
    """What to propose."""
    expiring = request.HasField("expire_time")
    draft = AdjustmentDraft(
        key=AdjustmentKey(request.program_id, request.member_id, request.request_id),
        asset_id=request.asset_id,
        amount=request.amount,
        funding_account_id=request.funding_account_id,
        reason_id=request.reason_id,
        comment=request.comment,
        expire_time=read_instant(request.expire_time) if expiring else None,
    )
    return CreateAdjustment(
        draft=draft,
        operator_id=request.operator_id,
        fingerprint=fingerprint(request).encoded,
    )


def read_decision(
    request: pb.ApproveAdjustmentRequest | pb.RejectAdjustmentRequest,
) -> DecideAdjustment:
    """Upon what to decide."""
    return DecideAdjustment(
        key=AdjustmentKey(request.program_id, request.member_id, request.adjustment_id),
        request_id=request.request_id,
        comment=request.comment,
        operator_id=request.operator_id,
        fingerprint=fingerprint(request).encoded,
    )


def read_get_adjustment(request: pb.GetAdjustmentRequest) -> AdjustmentKey:
    """The adjustment asked for."""
    return AdjustmentKey(request.program_id, request.member_id, request.adjustment_id)


def read_list_adjustments(request: pb.ListAdjustmentsRequest) -> ListAdjustments:
    """The page asked for. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, int, str, str)
    after = None
    if cursor:
        microseconds, member_id, adjustment_id = cursor
        create_time = EPOCH + int(microseconds or 0) * MICROSECOND
        after = AdjustmentPlace(create_time, str(member_id), str(adjustment_id))
    return ListAdjustments(
        program_id=request.program_id,
        member_id=request.member_id,
        state=AdjustmentState(request.state) if request.state else None,
        page_size=page_size(request.page_size),
        after=after,
    )


def write_create_adjustment(answered: AnsweredAdjustment) -> pb.CreateAdjustmentResponse:
    """What was proposed."""
    return pb.CreateAdjustmentResponse(
        adjustment=write_adjustment(answered.adjustment), replayed=answered.replayed
    )


def write_approve_adjustment(answered: AnsweredAdjustment) -> pb.ApproveAdjustmentResponse:
    """What became of what was approved."""
    return pb.ApproveAdjustmentResponse(
        adjustment=write_adjustment(answered.adjustment),
        commit_token=answered.commit_token,
        replayed=answered.replayed,
    )


def write_reject_adjustment(answered: AnsweredAdjustment) -> pb.RejectAdjustmentResponse:
    """What was rejected."""
    return pb.RejectAdjustmentResponse(
        adjustment=write_adjustment(answered.adjustment), replayed=answered.replayed
    )


def write_get_adjustment(adjustment: Adjustment) -> pb.GetAdjustmentResponse:
    """The adjustment asked for."""
    return pb.GetAdjustmentResponse(adjustment=write_adjustment(adjustment))


def write_list_adjustments(
    page: AdjustmentPage, request: pb.ListAdjustmentsRequest
) -> pb.ListAdjustmentsResponse:
    """A page of adjustments."""
    cursor = None
    if page.more:
        last = page.adjustments[-1]
        microseconds = (last.create_time - EPOCH) // MICROSECOND
        cursor = (microseconds, last.draft.key.member_id, last.draft.key.adjustment_id)
    return pb.ListAdjustmentsResponse(
        adjustments=[write_adjustment(each) for each in page.adjustments],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_adjustment(adjustment: Adjustment) -> pb.Adjustment:
    """An adjustment."""
    draft, decided = adjustment.draft, adjustment.decide_time
    posted = adjustment.state is AdjustmentState.POSTED
    return pb.Adjustment(
        program_id=draft.key.program_id,
        member_id=draft.key.member_id,
        adjustment_id=draft.key.adjustment_id,
        asset_id=draft.asset_id,
        amount=draft.amount,
        funding_account_id=draft.funding_account_id,
        reason_id=draft.reason_id,
        comment=draft.comment,
        expire_time=write_instant(draft.expire_time) if draft.expire_time else None,
        state=adjustment.state.value,  # type: ignore[arg-type]  # Same numbers, by a test.
        maker_id=adjustment.maker_id,
        create_time=write_instant(adjustment.create_time),
        checker_id=adjustment.checker_id,
        decide_time=write_instant(decided) if decided else None,
        decision_comment=adjustment.decision_comment,
        transaction_id=adjustment.transaction_id if posted else "",
        failure_reason=adjustment.failure_reason,
        program_revision=adjustment.program_revision,
    )
