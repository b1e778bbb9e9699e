"""Lots over gRPC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from laurel.ledger.v1 import lots_pb2 as pb
from laurel.ledger.v1.transactions_pb2 import TRANSACTION_TYPE_EXPIRY

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


async def expiring(ledger: LedgerStubs, **fields) -> list[tuple[str, str, int]]:
    names = {"program_id": "jd", "asset_id": "bean", "start_time": in_days(0)} | fields
    call = ledger.lots.ListExpiringLots(pb.ListExpiringLotsRequest(**names), timeout=DEADLINE)
    parts = [part async for part in call]
    assert parts
    assert all(part.HasField("as_of_time") for part in parts)
    return sorted((lot.member_id, lot.lot_id, lot.remaining) for part in parts for lot in part.lots)


async def test_list_expiring_lots_finds_every_member_in_the_span(ledger: LedgerStubs) -> None:
    for number in range(1, 20):
        member = f"m-{number}"
        await ledger.post(earn("a", 10, member_id=member, expire_time=in_days(number)))
        await ledger.post(earn("b", 5, member_id=member, expire_time=in_days(number + 1)))
    await ledger.post(spend("s", 3, member_id="m-3"))
    await ledger.post(spend("s", 10, member_id="m-4"))
    await ledger.post(earn("c", 9, member_id="m-3", expire_time=in_days(400)))
    assert await expiring(ledger, start_time=in_days(3), end_time=in_days(5)) == [
        ("m-2", "2", 5),
        ("m-3", "1", 7),
        ("m-3", "2", 5),
    ]
    assert len(await expiring(ledger, end_time=in_days(401))) == 38


async def test_list_expiring_lots_leaves_out_what_is_void(ledger: LedgerStubs, clock) -> None:
    await ledger.post(earn("a", 10, expire_time=in_days(1)))
    await ledger.post(earn("b", 5, expire_time=in_days(2)))
    clock.set(NOON + timedelta(days=1))
    assert await expiring(ledger, end_time=in_days(9)) == [("m-1", "2", 5)]
    assert await expiring(ledger, end_time=in_days(2)) == []


async def test_list_expiring_lots_refuses_what_it_cannot_answer(ledger: LedgerStubs) -> None:
    span = {"start_time": in_days(1), "end_time": in_days(1)}
    assert (await refusal_of(expiring(ledger, **span))).reason == "REQUEST_INVALID"
    assert (await refusal_of(expiring(ledger))).reason == "REQUEST_INVALID"
    unknown = expiring(ledger, asset_id="gold", end_time=in_days(2))
    assert (await refusal_of(unknown)).reason == "ASSET_NOT_FOUND"


async def trace_of(ledger: LedgerStubs, **fields) -> pb.TraceLotResponse:
    names = {"program_id": "jd", "member_id": "m-1", "asset_id": "bean", "lot_id": "1"} | fields
    return await ledger.lots.TraceLot(pb.TraceLotRequest(**names), timeout=DEADLINE)


def told(stretches) -> list[tuple[int, int, str, str]]:
    return [
        (each.position, each.amount, each.brought_by.request_id, each.taken_by.request_id)
        for each in stretches
    ]


async def test_trace_lot_leads_back_to_earnings_and_on_to_spendings(
    ledger: LedgerStubs, clock
) -> None:
    await ledger.post(earn("a", 10, labels={"order_id": "o-1"}))
    await ledger.post(earn("soon", 4, expire_time=in_days(5)))
    await ledger.post(earn("b", 20))
    await ledger.post(spend("s", 9, reason="a coupon"))
    await ledger.post(spend("t", 10))
    found = await trace_of(ledger)
    assert told(found.stretches) == [
        (0, 5, "a", "s"),
        (5, 5, "a", "t"),
        (10, 5, "b", "t"),
        (15, 15, "b", ""),
    ]
    assert (found.lot.earned, found.lot.consumed) == (30, 15)
    assert found.stretches[0].brought_by.labels["order_id"] == "o-1"
    assert found.stretches[0].taken_by.reason == "a coupon"
    assert not found.stretches[3].HasField("taken_by")
    assert told((await trace_of(ledger, lot_id="2")).stretches) == [(0, 4, "soon", "s")]
    clock.set(NOON + timedelta(days=800))
    await ledger.post(earn("new", 1))
    last = (await trace_of(ledger)).stretches[-1]
    assert last.taken_by.type == TRANSACTION_TYPE_EXPIRY
    assert last.taken_by.counter_account_id == "breakage"


async def test_trace_lot_runs_through_pages(ledger: LedgerStubs) -> None:
    for number in range(1, 8):
        await ledger.post(earn(f"e-{number}", number))
    for number in range(5):
        await ledger.post(spend(f"s-{number}", 4))
    whole = told((await trace_of(ledger)).stretches)
    assert sum(amount for _, amount, _, _ in whole) == 28
    for size in (1, 2, 3):
        seen, token = [], ""
        while True:
            page = await trace_of(ledger, page_size=size, page_token=token)
            assert len(page.stretches) <= size
            seen += told(page.stretches)
            token = page.next_page_token
            if not token:
                break
        assert seen == whole


async def test_trace_lot_refuses_what_it_cannot_answer(ledger: LedgerStubs) -> None:
    refused = await refusal_of(trace_of(ledger))
    assert (refused.code.name, refused.reason) == ("NOT_FOUND", "LOT_NOT_FOUND")
    assert refused.metadata == {"member_id": "m-1", "asset_id": "bean", "lot_id": "1"}
    await ledger.post(earn("a", 10))
    assert (await refusal_of(trace_of(ledger, lot_id="2"))).reason == "LOT_NOT_FOUND"
    assert (await refusal_of(trace_of(ledger, lot_id="0"))).reason == "REQUEST_INVALID"
    assert (await refusal_of(trace_of(ledger, lot_id="1234567890"))).reason == "REQUEST_INVALID"
    assert (await refusal_of(trace_of(ledger, asset_id="gold"))).reason == "ASSET_NOT_FOUND"
    assert (await refusal_of(trace_of(ledger, page_token="x"))).reason == "PAGE_TOKEN_INVALID"
