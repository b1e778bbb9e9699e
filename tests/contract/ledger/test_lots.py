"""Lots over gRPC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from laurel.ledger.v1 import lots_pb2 as pb

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of, spend

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)


def page_of(ledger: LedgerStubs, **fields):
    names = {"program_id": "jd", "member_id": "m-1", "asset_id": "bean"} | fields
    return ledger.lots.ListLots(pb.ListLotsRequest(**names), timeout=DEADLINE)


def in_days(days: int) -> Timestamp:
    return Timestamp(seconds=int((NOON + timedelta(days=days)).timestamp()))


async def test_list_lots_comes_in_the_order_of_spending(ledger: LedgerStubs) -> None:
    await ledger.post(earn("a", 10))
    await ledger.post(earn("b", 20, expire_time=in_days(5)))
    await ledger.post(earn("c", 30))
    page = await page_of(ledger)
    assert [(lot.lot_id, lot.earned, lot.state) for lot in page.lots] == [
        ("2", 20, pb.LOT_STATE_ACTIVE),
        ("1", 40, pb.LOT_STATE_ACTIVE),
    ]


async def test_list_lots_leaves_out_closed_ones_unless_asked(ledger: LedgerStubs, clock) -> None:
    for number, days in enumerate((1, 2, 3), start=1):
        await ledger.post(earn(f"e-{number}", 10, expire_time=in_days(days)))
    clock.set(NOON + timedelta(days=1))
    await ledger.post(spend("s", 10))
    clock.set(NOON + timedelta(days=1, hours=1))
    assert [lot.lot_id for lot in (await page_of(ledger)).lots] == ["3"]
    every = (await page_of(ledger, include_closed=True)).lots
    assert [(lot.state, lot.remaining) for lot in every] == [
        (pb.LOT_STATE_EXPIRED, 0),
        (pb.LOT_STATE_CONSUMED, 0),
        (pb.LOT_STATE_ACTIVE, 10),
    ]


async def test_list_lots_runs_through_pages(ledger: LedgerStubs) -> None:
    for number in range(1, 6):
        await ledger.post(earn(f"e-{number}", number, expire_time=in_days(number)))
    await ledger.post(earn("forever", 9))
    seen, token = [], ""
    while True:
        page = await page_of(ledger, page_size=2, page_token=token)
        seen += [lot.earned for lot in page.lots]
        token = page.next_page_token
        if not token:
            break
    assert seen == [1, 2, 3, 4, 5, 9]


async def test_list_lots_refuses_what_it_cannot_answer(ledger: LedgerStubs) -> None:
    assert (await refusal_of(page_of(ledger, asset_id="gold"))).reason == "ASSET_NOT_FOUND"
    assert (await refusal_of(page_of(ledger, page_token="x"))).reason == "PAGE_TOKEN_INVALID"
    assert (await refusal_of(page_of(ledger, page_size=-1))).reason == "REQUEST_INVALID"
