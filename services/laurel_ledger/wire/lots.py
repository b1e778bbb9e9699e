"""Lots between messages and values."""

from __future__ import annotations

from datetime import datetime

from laurel.ledger.v1 import lots_pb2 as pb
from laurel_kit.pages import PageTokenInvalid, PageTokens, page_size

from laurel_ledger.domain.accounts import AccountKey, Lot
from laurel_ledger.domain.traces import LotEvent, Stretch
from laurel_ledger.handlers.lots import (
    ExpiringLotsPart,
    ListExpiringLots,
    ListLots,
    LotPage,
    LotTrace,
    TraceLot,
)
from laurel_ledger.wire.instants import read_instant, write_instant

NO_EXPIRY = ""
"""In a cursor, the expiry of a lot that has none."""


def read_list_lots(request: pb.ListLotsRequest) -> ListLots:
    """The page asked for. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, str, int)
    return ListLots(
        key=AccountKey(request.program_id, request.member_id, request.asset_id),
        include_closed=request.include_closed,
        page_size=page_size(request.page_size),
        after=_read_cursor(str(cursor[0]), int(cursor[1] or 0)) if cursor else None,
    )


def _read_cursor(expiry: str, lot_no: int) -> tuple[datetime | None, int]:
    try:
        return (datetime.fromisoformat(expiry) if expiry else None, lot_no)
    except ValueError as damage:
        raise PageTokenInvalid from damage


def write_list_lots(page: LotPage, request: pb.ListLotsRequest) -> pb.ListLotsResponse:
    """A page of lots."""
    cursor = None
    if page.more:
        last = page.lots[-1]
        expiry = last.expire_time.isoformat() if last.expire_time else NO_EXPIRY
        cursor = (expiry, last.lot_no)
    return pb.ListLotsResponse(
        lots=[write_lot(lot, page.as_of_time) for lot in page.lots],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def read_list_expiring_lots(request: pb.ListExpiringLotsRequest) -> ListExpiringLots:
    """The lots asked for."""
    return ListExpiringLots(
        program_id=request.program_id,
        asset_id=request.asset_id,
        start_time=read_instant(request.start_time),
        end_time=read_instant(request.end_time),
    )


def write_list_expiring_lots(part: ExpiringLotsPart) -> pb.ListExpiringLotsResponse:
    """The next message of the stream."""
    return pb.ListExpiringLotsResponse(
        lots=[
            pb.ExpiringLot(
                member_id=lot.member_id,
                lot_id=str(lot.lot_no),
                funding_account_id=lot.funding_account_id,
                expire_time=write_instant(lot.expire_time),
                remaining=lot.remaining,
            )
            for lot in part.lots
        ],
        as_of_time=write_instant(part.as_of_time),
    )


def read_trace_lot(request: pb.TraceLotRequest) -> TraceLot:
    """The lot and the page asked for. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, int)
    return TraceLot(
        key=AccountKey(request.program_id, request.member_id, request.asset_id),
        lot_no=int(request.lot_id),
        page_size=page_size(request.page_size),
        start=int(cursor[0] or 0) if cursor else 0,
    )


def write_trace_lot(found: LotTrace, request: pb.TraceLotRequest) -> pb.TraceLotResponse:
    """A page of a trace."""
    cursor = None if found.next_position is None else (found.next_position,)
    return pb.TraceLotResponse(
        lot=write_lot(found.lot, found.as_of_time),
        stretches=[write_stretch(each) for each in found.stretches],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_stretch(stretch: Stretch) -> pb.LotStretch:
    """Points that came together, with what brought and what took them."""
    message = pb.LotStretch(
        position=stretch.position,
        amount=stretch.amount,
        brought_by=write_event(stretch.brought_by),
    )
    if stretch.taken_by is not None:
        message.taken_by.CopyFrom(write_event(stretch.taken_by))
    return message


def write_event(event: LotEvent) -> pb.LotEvent:
    """A transaction as a trace names it."""
    return pb.LotEvent(
        request_id=event.request_id,
        type=event.type.value,  # type: ignore[arg-type]  # Same numbers, by a test.
        commit_time=write_instant(event.commit_time),
        effective_time=write_instant(event.effective_time),
        counter_account_id=event.counter_account_id,
        reason=event.reason,
        labels=event.labels,
    )


def write_lot(lot: Lot, now: datetime) -> pb.Lot:
    """A lot as it is at an instant: what is due has expired, posted or not."""
    void = lot.expired or lot.due(now)
    held = lot.reserved
    message = pb.Lot(
        lot_id=str(lot.lot_no),
        funding_account_id=lot.funding_account_id,
        state=_state_of(lot, now, void=void),
        earned=lot.earned,
        consumed=lot.earned - held if void else lot.consumed,
        remaining=held if void else lot.remaining,
        held=held,
        create_time=write_instant(lot.create_time),
    )
    message.activation_key = lot.activation_key or ""
    message.freeze_key = lot.freeze_key or ""
    if lot.active_time is not None:
        message.active_time.CopyFrom(write_instant(lot.active_time))
    if lot.expire_time is not None:
        message.expire_time.CopyFrom(write_instant(lot.expire_time))
    return message


def _state_of(lot: Lot, now: datetime, *, void: bool) -> pb.LotState.ValueType:
    """What can be done with a lot now."""
    if void:
        return pb.LOT_STATE_EXPIRED
    if not lot.remaining:
        return pb.LOT_STATE_CONSUMED
    if lot.frozen:
        return pb.LOT_STATE_FROZEN
    return pb.LOT_STATE_PENDING if lot.pending(now) else pb.LOT_STATE_ACTIVE
