"""Lots between messages and values."""

from __future__ import annotations

from datetime import datetime

from laurel.ledger.v1 import lots_pb2 as pb
from laurel_kit.pages import PageTokenInvalid, PageTokens, page_size

from laurel_ledger.domain.accounts import AccountKey, Lot
from laurel_ledger.handlers.lots import ListLots, LotPage
from laurel_ledger.wire.instants import write_instant

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


def write_lot(lot: Lot, now: datetime) -> pb.Lot:
    """A lot as it is at an instant: what is due has expired, posted or not."""
    void = lot.expired or lot.due(now)
    held = lot.reserved
    if void:
        state = pb.LOT_STATE_EXPIRED
    else:
        state = pb.LOT_STATE_ACTIVE if lot.remaining else pb.LOT_STATE_CONSUMED
    message = pb.Lot(
        lot_id=str(lot.lot_no),
        funding_account_id=lot.funding_account_id,
        state=state,
        earned=lot.earned,
        consumed=lot.earned - held if void else lot.consumed,
        remaining=held if void else lot.remaining,
        held=held,
        create_time=write_instant(lot.create_time),
    )
    if lot.expire_time is not None:
        message.expire_time.CopyFrom(write_instant(lot.expire_time))
    return message
