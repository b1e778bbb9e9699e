"""Holds between messages and values."""

from __future__ import annotations

from laurel.ledger.v1 import holds_pb2 as pb
from laurel_kit.pages import PageTokens, page_size

from laurel_ledger.domain.accounts import AccountKey, Hold
from laurel_ledger.domain.transactions import HoldDraft, RequestKey, TransactionType
from laurel_ledger.handlers.holds import NO_PLACE_YET, HoldPage, ListHolds
from laurel_ledger.handlers.transactions import PostedTransaction
from laurel_ledger.wire.instants import write_instant
from laurel_ledger.wire.transactions import write_transaction


def read_place_hold(request: pb.PlaceHoldRequest) -> HoldDraft:
    """What is to be set aside."""
    return HoldDraft(
        program_id=request.program_id,
        request_id=request.request_id,
        type=TransactionType.HOLD,
        member_id=request.member_id,
        hold_id=request.request_id,
        asset_id=request.asset_id,
        amount=request.amount,
        lifetime=request.lifetime.ToTimedelta(),
        reason=request.reason,
        labels=dict(request.labels),
        program_revision=request.program_revision,
    )


def read_capture_hold(request: pb.CaptureHoldRequest) -> HoldDraft:
    """What is to be spent of a hold."""
    return HoldDraft(
        program_id=request.program_id,
        request_id=request.request_id,
        type=TransactionType.CAPTURE,
        member_id=request.member_id,
        hold_id=request.hold_id,
        amount=request.amount if request.HasField("amount") else None,
        final=request.final,
        counter_account_id=request.redemption_account_id,
        reason=request.reason,
        labels=dict(request.labels),
        program_revision=request.program_revision,
    )


def read_release_hold(request: pb.ReleaseHoldRequest) -> HoldDraft:
    """Which hold is to end."""
    return HoldDraft(
        program_id=request.program_id,
        request_id=request.request_id,
        type=TransactionType.RELEASE,
        member_id=request.member_id,
        hold_id=request.hold_id,
        reason=request.reason,
        labels=dict(request.labels),
        program_revision=request.program_revision,
    )


def read_extend_hold(request: pb.ExtendHoldRequest) -> HoldDraft:
    """Which hold is to live longer."""
    return HoldDraft(
        program_id=request.program_id,
        request_id=request.request_id,
        type=TransactionType.EXTENSION,
        member_id=request.member_id,
        hold_id=request.hold_id,
        lifetime=request.lifetime.ToTimedelta(),
        reason=request.reason,
        labels=dict(request.labels),
        program_revision=request.program_revision,
    )


def write_place_hold(posted: PostedTransaction) -> pb.PlaceHoldResponse:
    """The hold after it."""
    return pb.PlaceHoldResponse(
        hold=_hold_after(posted),
        transaction=write_transaction(posted.transaction),
        commit_token=posted.commit_token,
        replayed=posted.replayed,
    )


def write_capture_hold(posted: PostedTransaction) -> pb.CaptureHoldResponse:
    """The hold after it."""
    return pb.CaptureHoldResponse(
        hold=_hold_after(posted),
        transaction=write_transaction(posted.transaction),
        commit_token=posted.commit_token,
        replayed=posted.replayed,
    )


def write_release_hold(posted: PostedTransaction) -> pb.ReleaseHoldResponse:
    """The hold after it."""
    return pb.ReleaseHoldResponse(
        hold=_hold_after(posted),
        transaction=write_transaction(posted.transaction),
        commit_token=posted.commit_token,
        replayed=posted.replayed,
    )


def write_extend_hold(posted: PostedTransaction) -> pb.ExtendHoldResponse:
    """The hold after it."""
    return pb.ExtendHoldResponse(
        hold=_hold_after(posted),
        transaction=write_transaction(posted.transaction),
        commit_token=posted.commit_token,
        replayed=posted.replayed,
    )


def _hold_after(posted: PostedTransaction) -> pb.Hold:
    event = posted.transaction.hold
    assert event is not None, "a change of a hold says what the hold became"
    return write_hold(event.hold)


def read_get_hold(request: pb.GetHoldRequest) -> RequestKey:
    """The hold asked for."""
    return RequestKey(request.program_id, request.member_id, request.hold_id)


def write_get_hold(hold: Hold) -> pb.GetHoldResponse:
    """The hold."""
    return pb.GetHoldResponse(hold=write_hold(hold))


def read_list_holds(request: pb.ListHoldsRequest) -> ListHolds:
    """The page asked for. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, int)
    return ListHolds(
        key=AccountKey(request.program_id, request.member_id, request.asset_id),
        include_ended=request.include_ended,
        page_size=page_size(request.page_size),
        before=int(cursor[0] or 0) if cursor else NO_PLACE_YET,
    )


def write_list_holds(page: HoldPage, request: pb.ListHoldsRequest) -> pb.ListHoldsResponse:
    """A page of holds."""
    cursor = None if page.next_place is None else (page.next_place,)
    return pb.ListHoldsResponse(
        holds=[write_hold(hold) for hold in page.holds],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_hold(hold: Hold) -> pb.Hold:
    """A hold."""
    return pb.Hold(
        program_id=hold.key.program_id,
        member_id=hold.key.member_id,
        asset_id=hold.key.asset_id,
        hold_id=hold.hold_id,
        state=hold.state.value,  # type: ignore[arg-type]  # Same numbers, by a test.
        amount=hold.amount,
        captured=hold.captured,
        released=hold.released,
        remaining=hold.remaining,
        create_time=write_instant(hold.create_time),
        expire_time=write_instant(hold.expire_time),
        pins=[pb.HoldPin(lot_id=str(pin.lot_no), amount=pin.amount) for pin in hold.pins],
    )
