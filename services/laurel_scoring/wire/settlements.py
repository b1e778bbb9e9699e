"""RunSettlement, GetSettlement and ListSettlements: messages to values and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from laurel.scoring.v1 import settlements_pb2 as pb
from laurel_kit.calendar import ONE_DAY
from laurel_kit.fingerprint import fingerprint
from laurel_kit.pages import Cursor, PageTokenInvalid, PageTokens, page_size

from laurel_scoring.domain.settlements import SettlementState
from laurel_scoring.handlers.settlements import RunSettlement, SettlementView
from laurel_scoring.wire.times import read_month, write_date, write_month, write_time

STATES = {
    SettlementState.RUNNING: pb.SETTLEMENT_STATE_RUNNING,
    SettlementState.PUBLISHED: pb.SETTLEMENT_STATE_PUBLISHED,
}


def read_run_settlement(request: pb.RunSettlementRequest) -> RunSettlement:
    """Which month to settle."""
    return RunSettlement(
        request_id=request.request_id,
        fingerprint=fingerprint(request).encoded,
        program_id=request.program_id,
        model_id=request.model_id,
        month=read_month(request.settlement_month),
        correction_reason=request.correction_reason,
    )


def write_run_settlement(view: SettlementView) -> pb.RunSettlementResponse:
    """What a settlement ended in."""
    return pb.RunSettlementResponse(settlement=write_settlement(view))


def write_get_settlement(view: SettlementView) -> pb.GetSettlementResponse:
    """One settlement."""
    return pb.GetSettlementResponse(settlement=write_settlement(view))


def read_list_page(request: pb.ListSettlementsRequest) -> tuple[tuple[date, int] | None, int]:
    """Where a page begins, and how many settlements it has at most. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, str, int)
    return read_month_cursor(cursor), page_size(request.page_size)


def read_month_cursor(cursor: Cursor | None) -> tuple[date, int] | None:
    """The month and the run after which a page begins. Raises PageTokenInvalid."""
    if cursor is None:
        return None
    month, run = cursor
    try:
        return date.fromisoformat(str(month)), int(run or 0)
    except ValueError as forged:
        raise PageTokenInvalid from forged


def write_list_settlements(
    request: pb.ListSettlementsRequest, views: Sequence[SettlementView], size: int
) -> pb.ListSettlementsResponse:
    """A page of settlements; one more than its size says that another page follows."""
    page = views[:size]
    cursor: Cursor | None = None
    if len(views) > size:
        last = page[-1].settlement.key
        cursor = [last.month.isoformat(), last.run]
    return pb.ListSettlementsResponse(
        settlements=[write_settlement(view) for view in page],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_settlement(view: SettlementView) -> pb.Settlement:
    """A settlement."""
    settlement, span = view.settlement, view.span
    message = pb.Settlement(
        program_id=settlement.key.program_id,
        model_id=settlement.key.model_id,
        settlement_month=write_month(settlement.key.month),
        run=settlement.key.run,
        state=STATES[settlement.state],
        settlement_date=write_date(view.due_date),
        window_start_date=write_date(span.first) if span.first else None,
        window_end_date=write_date(span.end - ONE_DAY),
        program_revision=settlement.revision_id,
        start_time=write_time(settlement.start_time),
        members_done=settlement.members_done,
        members_total=settlement.members_total,
        scores_published=settlement.scores_published,
        correction_reason=settlement.correction_reason,
    )
    if settlement.end_time is not None:
        message.end_time.CopyFrom(write_time(settlement.end_time))
    return message
