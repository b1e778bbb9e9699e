"""Holds over gRPC: set aside, spent, freed, extended, lapsed, as a caller sees it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.ledger.v1 import holds_pb2 as pb
from laurel.ledger.v1 import transactions_pb2
from laurel.ledger.v1.balances_pb2 import (
    BatchGetBalancesRequest,
    GetBalanceRequest,
    ListEntriesRequest,
)
from laurel.ledger.v1.lots_pb2 import ListLotsRequest
from laurel.sandbox.v1.clock_pb2 import AdvanceClockRequest
from laurel.sandbox.v1.clock_pb2_grpc import ClockServiceStub

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of, spend

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
WHO = {"program_id": "jd", "member_id": "m-1"}


def instant(moment: datetime) -> Timestamp:
    return Timestamp(seconds=int(moment.timestamp()))


def place(ledger: LedgerStubs, request_id: str, amount: int, *, minutes: int = 60, **fields):
    lifetime = Duration(seconds=60 * minutes)
    names = {**WHO, "asset_id": "bean", "lifetime": lifetime, "request_id": request_id} | fields
    return ledger.holds.PlaceHold(pb.PlaceHoldRequest(amount=amount, **names), timeout=DEADLINE)


def capture(ledger: LedgerStubs, request_id: str, amount: int | None = None, **fields):
    names = {**WHO, "hold_id": "h-1", "redemption_account_id": "order-payment"} | fields
    request = pb.CaptureHoldRequest(request_id=request_id, amount=amount, **names)
    return ledger.holds.CaptureHold(request, timeout=DEADLINE)


def release(ledger: LedgerStubs, request_id: str, **fields):
    request = pb.ReleaseHoldRequest(request_id=request_id, **({**WHO, "hold_id": "h-1"} | fields))
    return ledger.holds.ReleaseHold(request, timeout=DEADLINE)


def extend(ledger: LedgerStubs, request_id: str, *, minutes: int, **fields):
    names = {**WHO, "hold_id": "h-1", "lifetime": Duration(seconds=60 * minutes)} | fields
    request = pb.ExtendHoldRequest(request_id=request_id, **names)
    return ledger.holds.ExtendHold(request, timeout=DEADLINE)


async def get(ledger: LedgerStubs, hold_id: str = "h-1") -> pb.Hold:
    request = pb.GetHoldRequest(hold_id=hold_id, **WHO)
    return (await ledger.holds.GetHold(request, timeout=DEADLINE)).hold


async def balance(ledger: LedgerStubs) -> tuple[int, int, int]:
    """Posted, available and held."""
    request = GetBalanceRequest(asset_id="bean", **WHO)
    found = (await ledger.balances.GetBalance(request, timeout=DEADLINE)).balance
    return found.posted, found.available, found.held


async def test_place_hold_takes_points_out_of_what_is_available(ledger: LedgerStubs) -> None:
    await ledger.post(earn("long", 50))
    await ledger.post(earn("short", 30, expire_time=instant(NOON + timedelta(days=1))))
    placed = await place(ledger, "h-1", 40, reason="checkout", labels={"order": "o-1"})
    hold = placed.hold
    assert (hold.hold_id, hold.state, hold.remaining) == ("h-1", pb.HOLD_STATE_OPEN, 40)
    assert [(pin.lot_id, pin.amount) for pin in hold.pins] == [("2", 30), ("1", 10)]
    assert hold.expire_time.seconds - hold.create_time.seconds == 3600
    (entry,) = placed.transaction.entries
    assert (entry.amount, entry.version, entry.posted_after) == (0, 3, 80)
    assert placed.transaction.hold == transactions_pb2.HoldChange(
        hold_id="h-1", remaining=40, held_after=40
    )
    assert placed.commit_token
    assert await balance(ledger) == (80, 40, 40)
    assert (await refusal_of(ledger.post(spend("s", 41)))).metadata["available"] == "40"
    refused = await refusal_of(place(ledger, "h-2", 41))
    assert (refused.reason, refused.metadata["available"]) == ("INSUFFICIENT_POINTS", "40")
    request = ListLotsRequest(asset_id="bean", **WHO)
    lots = (await ledger.lots.ListLots(request, timeout=DEADLINE)).lots
    assert [(lot.remaining, lot.held) for lot in lots] == [(30, 30), (50, 10)]


async def test_place_hold_repeated_answers_the_first_outcome(ledger: LedgerStubs) -> None:
    await ledger.post(earn("long", 50))
    first = await place(ledger, "h-1", 40)
    await capture(ledger, "c-1", 10)
    again = await place(ledger, "h-1", 40)
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.hold, again.transaction) == (first.hold, first.transaction)
    refused = await refusal_of(place(ledger, "h-1", 41, minutes=61))
    assert refused.metadata["mismatched_fields"] == "amount,lifetime"


async def test_capture_hold_spends_until_nothing_is_held(ledger: LedgerStubs) -> None:
    await ledger.post(earn("long", 50))
    await place(ledger, "h-1", 40)
    first = await capture(ledger, "c-1", 15)
    assert (first.hold.captured, first.hold.remaining) == (15, 25)
    assert first.transaction.type == transactions_pb2.TRANSACTION_TYPE_CAPTURE
    member, checkout = first.transaction.entries
    assert (member.amount, member.posted_after, checkout.amount) == (-15, 35, 15)
    refused = await refusal_of(capture(ledger, "c-2", 26))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "CAPTURE_EXCEEDS_HOLD",
    )
    assert refused.metadata == {"hold_id": "h-1", "requested": "26", "remaining": "25"}
    assert await refusal_of(capture(ledger, "c-2", 26)) == refused
    last = await capture(ledger, "c-3")
    assert (last.hold.state, last.transaction.amount) == (pb.HOLD_STATE_CAPTURED, 25)
    assert await balance(ledger) == (10, 10, 0)
    assert (await capture(ledger, "c-1", 15)).hold == first.hold
    for late in (capture(ledger, "c-4"), release(ledger, "r-1"), extend(ledger, "e-1", minutes=1)):
        assert (await refusal_of(late)).reason == "HOLD_ALREADY_CAPTURED"


async def test_capture_hold_that_is_final_frees_the_rest(ledger: LedgerStubs) -> None:
    await ledger.post(earn("long", 50))
    await place(ledger, "h-1", 40)
    answer = await capture(ledger, "c-1", 15, final=True)
    assert (answer.hold.captured, answer.hold.released) == (15, 25)
    assert await balance(ledger) == (35, 35, 0)


async def test_capture_hold_at_once_captures_once(ledger: LedgerStubs) -> None:
    await ledger.post(earn("long", 50))
    await place(ledger, "h-1", 40)
    calls = (capture(ledger, f"c-{number}", 40) for number in range(10))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(answer, pb.CaptureHoldResponse) for answer in answers) == 1
    assert await balance(ledger) == (10, 10, 0)


async def test_capture_hold_is_reversed_as_a_spending(ledger: LedgerStubs) -> None:
    await ledger.post(earn("long", 50))
    await place(ledger, "h-1", 40)
    await capture(ledger, "c-1")
    request = transactions_pb2.ReverseTransactionRequest(
        request_id="b-1", reversed_request_id="c-1", amount=30, **WHO
    )
    back = (await ledger.transactions.ReverseTransaction(request, timeout=DEADLINE)).transaction
    assert (back.reversal.restored, back.reversal.reversible_after) == (30, 10)
    assert await balance(ledger) == (40, 40, 0)


async def test_release_hold_frees_what_it_keeps(ledger: LedgerStubs) -> None:
    await ledger.post(earn("long", 50))
    await place(ledger, "h-1", 40)
    freed = await release(ledger, "r-1")
    assert (freed.hold.state, freed.hold.released) == (pb.HOLD_STATE_RELEASED, 40)
    assert await balance(ledger) == (50, 50, 0)
    assert (await release(ledger, "r-1")).replayed
    assert (await refusal_of(release(ledger, "r-2"))).reason == "HOLD_ALREADY_RELEASED"
    assert (await refusal_of(capture(ledger, "c-1"))).reason == "HOLD_ALREADY_RELEASED"


async def test_release_hold_after_the_expiry_says_what_expired(ledger: LedgerStubs, clock) -> None:
    await ledger.post(earn("short", 30, expire_time=instant(NOON + timedelta(days=1))))
    await ledger.post(earn("long", 50))
    await place(ledger, "h-1", 40, minutes=60 * 72)
    clock.set(NOON + timedelta(days=2))
    assert await balance(ledger) == (80, 40, 40)
    freed = await release(ledger, "r-1")
    assert freed.transaction.hold.expired == 30
    assert await balance(ledger) == (50, 50, 0)


async def test_extend_hold_lets_it_live_longer(ledger: LedgerStubs, clock) -> None:
    await ledger.post(earn("long", 50))
    await place(ledger, "h-1", 40)
    longer = await extend(ledger, "e-1", minutes=120)
    assert (await extend(ledger, "e-2", minutes=1)).hold.expire_time == longer.hold.expire_time
    clock.set(NOON + timedelta(minutes=90))
    assert (await get(ledger)).state == pb.HOLD_STATE_OPEN


async def test_get_hold_has_lapsed_at_its_instant_posted_or_not(ledger: LedgerStubs, clock) -> None:
    await ledger.post(earn("long", 50))
    placed = (await place(ledger, "h-1", 40)).hold
    end = placed.expire_time.ToDatetime(tzinfo=UTC)
    clock.set(end - timedelta(microseconds=1))
    assert await get(ledger) == placed
    clock.set(end)
    lapsed = await get(ledger)
    assert (lapsed.state, lapsed.released, lapsed.remaining) == (pb.HOLD_STATE_LAPSED, 40, 0)
    assert await balance(ledger) == (50, 50, 0)
    refused = await refusal_of(capture(ledger, "c-1"))
    assert (refused.reason, refused.metadata["hold_id"]) == ("HOLD_EXPIRED", "h-1")
    assert await refusal_of(capture(ledger, "c-1")) == refused
    assert await get(ledger) == lapsed
    assert (await ledger.post(spend("s", 50))).transaction.entries[0].posted_after == 0


async def test_a_hold_that_nobody_touches_lapses_by_the_clock(ledger: LedgerStubs) -> None:
    await ledger.post(earn("long", 50))
    await place(ledger, "h-1", 40)
    advance = AdvanceClockRequest(duration=Duration(seconds=3601))
    clock = ClockServiceStub(ledger.channel)
    assert (await clock.AdvanceClock(advance, timeout=DEADLINE)).timers_run >= 1
    request = ListEntriesRequest(asset_id="bean", **WHO)
    entries = (await ledger.balances.ListEntries(request, timeout=DEADLINE)).entries
    types = [transactions_pb2.TransactionType.Name(each.type)[17:] for each in entries]
    assert types == ["LAPSE", "HOLD", "EARN"]
    assert [each.posted_after for each in entries] == [50] * 3


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount": 0}, "AMOUNT_NOT_POSITIVE"),
        ({"amount": 10**15 + 1}, "AMOUNT_TOO_LARGE"),
        ({"minutes": 0}, "REQUEST_INVALID"),
        ({"lifetime": None}, "REQUEST_INVALID"),
        ({"minutes": 60 * 24 * 367}, "REQUEST_INVALID"),
        ({"asset_id": "gold"}, "ASSET_NOT_FOUND"),
        ({"program_id": "none"}, "PROGRAM_NOT_FOUND"),
    ],
)
async def test_place_hold_refused_changes_nothing(
    ledger: LedgerStubs, fields: dict, reason: str
) -> None:
    await ledger.post(earn("long", 50))
    assert (await refusal_of(place(ledger, "h-1", **({"amount": 5} | fields)))).reason == reason
    assert not (await place(ledger, "h-1", 5)).replayed


async def test_holds_that_are_not_there_are_not_found(ledger: LedgerStubs) -> None:
    await ledger.post(earn("long", 50))
    await refusal_of(place(ledger, "h-1", 51))
    calls = (capture(ledger, "c-1"), release(ledger, "r-1"), extend(ledger, "e-1", minutes=1))
    for call in (*calls, get(ledger)):
        refused = await refusal_of(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "HOLD_NOT_FOUND")


async def test_list_holds_answers_pages_latest_first(ledger: LedgerStubs, clock) -> None:
    await ledger.post(earn("long", 50))
    for number in range(1, 6):
        await place(ledger, f"h-{number}", number, minutes=60 * number)
    await release(ledger, "r-1", hold_id="h-4")
    clock.set(NOON + timedelta(minutes=90))
    names = {"asset_id": "bean", "page_size": 2, **WHO}
    request = pb.ListHoldsRequest(**names)
    first = await ledger.holds.ListHolds(request, timeout=DEADLINE)
    assert [hold.hold_id for hold in first.holds] == ["h-5", "h-3"]
    request.page_token = first.next_page_token
    second = await ledger.holds.ListHolds(request, timeout=DEADLINE)
    assert [hold.hold_id for hold in second.holds] == ["h-2"]
    assert not second.next_page_token
    request = pb.ListHoldsRequest(include_ended=True, asset_id="bean", **WHO)
    every = (await ledger.holds.ListHolds(request, timeout=DEADLINE)).holds
    assert [pb.HoldState.Name(hold.state)[11:] for hold in every] == [
        "OPEN",
        "RELEASED",
        "OPEN",
        "OPEN",
        "LAPSED",
    ]
    request.page_token = first.next_page_token
    refused = await refusal_of(ledger.holds.ListHolds(request, timeout=DEADLINE))
    assert refused.reason == "PAGE_TOKEN_INVALID"


async def balances_as_of(ledger: LedgerStubs, **moment) -> tuple[int, int, int]:
    request = GetBalanceRequest(asset_id="bean", **WHO, **moment)
    found = (await ledger.balances.GetBalance(request, timeout=DEADLINE)).balance
    return found.posted, found.available, found.held


async def test_get_balance_of_an_earlier_moment_knows_what_was_held_then(
    ledger: LedgerStubs, clock
) -> None:
    await ledger.post(earn("long", 50))
    await place(ledger, "h-1", 40)
    clock.set(clock.now() + timedelta(minutes=10))
    between = instant(clock.now())
    clock.set(clock.now() + timedelta(minutes=10))
    await capture(ledger, "c-1", 15)
    await release(ledger, "r-1")
    assert await balance(ledger) == (35, 35, 0)
    assert await balances_as_of(ledger, version=1) == (50, 50, 0)
    assert await balances_as_of(ledger, version=2) == (50, 10, 40)
    assert await balances_as_of(ledger, version=3) == (35, 10, 25)
    assert await balances_as_of(ledger, version=4) == (35, 35, 0)
    assert await balances_as_of(ledger, commit_time=between) == (50, 10, 40)
    assert await balances_as_of(ledger, effective_time=between) == (50, 10, 40)


async def test_batch_get_balances_leaves_out_what_is_held_or_owed(
    ledger: LedgerStubs, clock
) -> None:
    """Also between the instant something falls due and its posting."""
    soon = instant(NOON + timedelta(minutes=30))
    await ledger.post(earn("long", 50))
    await ledger.post(earn("short", 30, expire_time=soon))
    await place(ledger, "h-1", 40)
    await ledger.post(earn("gift", 20, member_id="m-2"))
    await ledger.post(spend("bought", 20, member_id="m-2"))
    owed = transactions_pb2.ReverseTransactionRequest(
        program_id="jd",
        member_id="m-2",
        request_id="owed",
        reversed_request_id="gift",
        shortfall=transactions_pb2.SHORTFALL_DEBT,
    )
    await ledger.transactions.ReverseTransaction(owed, timeout=DEADLINE)
    request = BatchGetBalancesRequest(
        program_id="jd", asset_id="bean", member_ids=["m-1", "m-2", "m-3"]
    )
    expected = {0: (80, 40), 31: (80, 40), 61: (50, 50)}
    for minutes, own in expected.items():
        clock.set(NOON + timedelta(minutes=minutes))
        found = (await ledger.balances.BatchGetBalances(request, timeout=DEADLINE)).balances
        answered = [(each.posted, each.available) for each in found]
        assert answered == [own, (-20, 0), (0, 0)]
        assert (await balance(ledger))[:2] == own
