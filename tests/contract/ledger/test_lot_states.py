"""Lots that wait or are frozen over gRPC: what a caller can do to them, and what it comes to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.ledger.v1 import lots_pb2 as pb
from laurel.ledger.v1 import transactions_pb2
from laurel.ledger.v1.balances_pb2 import BatchGetBalancesRequest, GetBalanceRequest
from laurel.sandbox.v1.clock_pb2 import AdvanceClockRequest
from laurel.sandbox.v1.clock_pb2_grpc import ClockServiceStub

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of, spend

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHO = {"program_id": "jd", "member_id": "m-1", "asset_id": "bean"}


def instant(moment: datetime) -> Timestamp:
    return Timestamp(seconds=int(moment.timestamp()))


def activate(ledger: LedgerStubs, request_id: str = "activate", **fields):
    request = pb.ActivateLotsRequest(request_id=request_id, **(WHO | fields))
    return ledger.lots.ActivateLots(request, timeout=DEADLINE)


def void(ledger: LedgerStubs, request_id: str = "void", **fields):
    request = pb.VoidLotsRequest(request_id=request_id, **(WHO | fields))
    return ledger.lots.VoidLots(request, timeout=DEADLINE)


def freeze(ledger: LedgerStubs, request_id: str = "freeze", **fields):
    names = WHO | {"freeze_key": "case-1"} | fields
    return ledger.lots.FreezeLots(
        pb.FreezeLotsRequest(request_id=request_id, **names), timeout=DEADLINE
    )


def thaw(ledger: LedgerStubs, request_id: str = "thaw", **fields):
    request = pb.ThawLotsRequest(request_id=request_id, **(WHO | fields))
    return ledger.lots.ThawLots(request, timeout=DEADLINE)


async def balance(ledger: LedgerStubs, **moment) -> tuple[int, ...]:
    """Posted, available, pending and frozen."""
    request = GetBalanceRequest(**WHO, **moment)
    found = (await ledger.balances.GetBalance(request, timeout=DEADLINE)).balance
    return found.posted, found.available, found.pending, found.frozen


async def states(ledger: LedgerStubs) -> dict[str, str]:
    found = await ledger.lots.ListLots(pb.ListLotsRequest(**WHO), timeout=DEADLINE)
    return {each.lot_id: pb.LotState.Name(each.state)[10:] for each in found.lots}


def pending(request_id: str, amount: int, **fields) -> transactions_pb2.TransactionDraft:
    """An earning of beans that are not active at once."""
    draft = earn(request_id, amount)
    for name, value in fields.items():
        if name == "active_time":
            draft.earn.active_time.CopyFrom(value)
        else:
            setattr(draft.earn, name, value)
    return draft


async def post_all(ledger: LedgerStubs) -> None:
    await ledger.post(earn("plain", 50))
    await ledger.post(pending("trial", 30, activation_key="trial-1"))
    await ledger.post(pending("later", 20, active_time=instant(NOON + HOUR)))


async def test_activate_lots_lets_points_be_spent(ledger: LedgerStubs, clock) -> None:
    await post_all(ledger)
    assert await balance(ledger) == (100, 50, 50, 0)
    assert await states(ledger) == {"1": "ACTIVE", "2": "PENDING", "3": "PENDING"}
    assert (await refusal_of(ledger.post(spend("s-1", 51)))).reason == "INSUFFICIENT_POINTS"
    answer = await activate(ledger, activation_key="trial-1", reason="bought")
    assert answer.transaction.type == transactions_pb2.TRANSACTION_TYPE_ACTIVATION
    (changed,) = answer.transaction.lot_change.lots
    assert (changed.lot_id, changed.amount) == ("2", 30)
    assert await balance(ledger) == (100, 80, 20, 0)
    clock.set(NOON + HOUR)
    assert await balance(ledger) == (100, 100, 0, 0)
    await ledger.post(spend("s-2", 100))


async def test_activate_lots_repeated_answers_the_first_outcome(ledger: LedgerStubs) -> None:
    await post_all(ledger)
    first = await activate(ledger, activation_key="trial-1")
    again = await activate(ledger, activation_key="trial-1")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.transaction == first.transaction
    reused = await refusal_of(activate(ledger, lot_ids=["3"]))
    assert reused.reason == "REQUEST_ID_REUSED"
    assert reused.metadata["mismatched_fields"] == "lot_ids,activation_key"


async def test_activate_lots_at_once_activates_once(ledger: LedgerStubs) -> None:
    await post_all(ledger)
    calls = (activate(ledger, f"a-{number}", activation_key="trial-1") for number in range(8))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert len(refused) == 7
    assert {each.code() for each in refused} == {grpc.StatusCode.NOT_FOUND}
    assert await balance(ledger) == (100, 80, 20, 0)


async def test_an_earning_that_waits_comes_back_as_it_was(ledger: LedgerStubs) -> None:
    await post_all(ledger)
    await activate(ledger, activation_key="trial-1")
    again = await ledger.post(pending("trial", 30, activation_key="trial-1"))
    assert again.replayed
    assert again.transaction.activation_key == "trial-1"
    again = await ledger.post(pending("later", 20, active_time=instant(NOON + HOUR)))
    assert again.transaction.active_time == instant(NOON + HOUR)
    reused = await refusal_of(ledger.post(pending("later", 20)))
    assert (reused.reason, reused.metadata["mismatched_fields"]) == (
        "REQUEST_ID_REUSED",
        "active_time",
    )


async def test_void_lots_takes_points_to_breakage(ledger: LedgerStubs) -> None:
    """F14: a trial that nobody bought is cleared."""
    await post_all(ledger)
    gone = (await void(ledger, activation_key="trial-1")).transaction
    assert [(each.account_id, each.amount) for each in gone.entries] == [
        ("m-1", -30),
        ("breakage", 30),
    ]
    assert await balance(ledger) == (70, 50, 20, 0)
    assert (await void(ledger, activation_key="trial-1")).replayed
    assert (await refusal_of(void(ledger, "v-2", lot_ids=["2"]))).reason == "LOTS_NOT_FOUND"


async def test_freeze_lots_keeps_points_from_being_spent_and_from_expiring(
    ledger: LedgerStubs, clock
) -> None:
    await ledger.post(earn("short", 40, expire_time=instant(NOON + HOUR)))
    await ledger.post(earn("long", 10))
    frozen = await freeze(ledger, lot_ids=["1"])
    assert frozen.transaction.lot_change.freeze_key == "case-1"
    assert await balance(ledger) == (50, 10, 0, 40)
    assert await states(ledger) == {"1": "FROZEN", "2": "ACTIVE"}
    many = BatchGetBalancesRequest(program_id="jd", asset_id="bean", member_ids=["m-1"])
    (found,) = (await ledger.balances.BatchGetBalances(many, timeout=DEADLINE)).balances
    assert (found.posted, found.available) == (50, 10)
    advance = AdvanceClockRequest()
    advance.duration.FromTimedelta(2 * HOUR)
    await ClockServiceStub(ledger.channel).AdvanceClock(advance, timeout=DEADLINE)
    assert await balance(ledger) == (50, 10, 0, 40)
    assert (await freeze(ledger, lot_ids=["1"])).replayed
    await thaw(ledger, freeze_key="case-1")
    assert await balance(ledger) == (10, 10, 0, 0)


async def test_thaw_lots_brings_points_back(ledger: LedgerStubs) -> None:
    await post_all(ledger)
    await freeze(ledger)
    assert await balance(ledger) == (100, 0, 0, 100)
    thawed = await thaw(ledger, freeze_key="case-1")
    assert thawed.transaction.amount == 100
    assert await balance(ledger) == (100, 50, 50, 0)
    assert (await thaw(ledger, freeze_key="case-1")).replayed
    refused = await refusal_of(thaw(ledger, "t-2", freeze_key="case-1"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "LOTS_NOT_FOUND")


async def test_get_balance_of_an_earlier_moment_knows_what_was_frozen_then(
    ledger: LedgerStubs, clock
) -> None:
    await post_all(ledger)
    await freeze(ledger, lot_ids=["1"])
    clock.set(NOON + timedelta(minutes=10))
    between = instant(clock.now())
    clock.set(NOON + timedelta(minutes=20))
    await thaw(ledger, freeze_key="case-1")
    await activate(ledger, activation_key="trial-1")
    assert await balance(ledger) == (100, 80, 20, 0)
    assert await balance(ledger, commit_time=between) == (100, 0, 50, 50)
    assert await balance(ledger, version=3) == (100, 50, 50, 0)
    assert await balance(ledger, version=4) == (100, 0, 50, 50)
    assert await balance(ledger, version=5) == (100, 50, 50, 0)


@pytest.mark.parametrize(
    ("call", "fields", "reason"),
    [
        (activate, {}, "REQUEST_INVALID"),
        (thaw, {}, "REQUEST_INVALID"),
        (void, {}, "REQUEST_INVALID"),
        (freeze, {"freeze_key": ""}, "REQUEST_INVALID"),
        (freeze, {"lot_ids": ["1", "1"]}, "REQUEST_INVALID"),
        (freeze, {"lot_ids": ["7"]}, "LOT_NOT_FOUND"),
        (freeze, {"asset_id": "none"}, "ASSET_NOT_FOUND"),
        (freeze, {"program_id": "none"}, "PROGRAM_NOT_FOUND"),
        (freeze, {"member_id": "nobody"}, "LOTS_NOT_FOUND"),
    ],
)
async def test_freeze_lots_refused_changes_nothing(
    ledger: LedgerStubs, call, fields: dict, reason: str
) -> None:
    await post_all(ledger)
    assert (await refusal_of(call(ledger, **fields))).reason == reason
    assert await balance(ledger) == (100, 50, 50, 0)


def extend(ledger: LedgerStubs, request_id: str = "extend", **fields):
    names = WHO | {"expire_time": instant(NOON + 9 * HOUR)} | fields
    return ledger.lots.ExtendLots(
        pb.ExtendLotsRequest(request_id=request_id, **names), timeout=DEADLINE
    )


async def test_extend_lots_lets_points_last_longer(ledger: LedgerStubs, clock) -> None:
    await ledger.post(earn("short", 40, expire_time=instant(NOON + HOUR)))
    await ledger.post(pending("trial", 30, activation_key="trial-1"))
    clock.set(NOON + timedelta(minutes=10))
    extended = (await extend(ledger, lot_ids=["1"], reason="an outage")).transaction
    assert extended.type == transactions_pb2.TRANSACTION_TYPE_LOT_EXTENSION
    assert [(each.lot_id, each.amount) for each in extended.lot_change.lots] == [("3", 40)]
    moved = [(each.lot_id, each.amount) for each in extended.lot_movements]
    assert (moved, extended.amount) == ([("1", -40), ("3", 40)], 40)
    assert [(each.account_id, each.amount) for each in extended.entries] == [("m-1", 0)]
    clock.set(NOON + 2 * HOUR)
    assert await balance(ledger) == (70, 40, 30, 0)
    assert await balance(ledger, version=2) == (70, 40, 30, 0)
    await ledger.post(spend("s-1", 10))
    trace = await ledger.lots.TraceLot(pb.TraceLotRequest(**WHO, lot_id="3"), timeout=DEADLINE)
    assert [each.brought_by.request_id for each in trace.stretches] == ["extend", "extend"]
    clock.set(NOON + 9 * HOUR)
    assert await balance(ledger) == (30, 0, 30, 0)


async def test_extend_lots_repeated_answers_the_first_outcome(ledger: LedgerStubs) -> None:
    await ledger.post(earn("short", 40, expire_time=instant(NOON + HOUR)))
    first, again = await extend(ledger, lot_ids=["1"]), await extend(ledger, lot_ids=["1"])
    assert (first.replayed, again.replayed) == (False, True)
    assert again.transaction == first.transaction
    later = {"expire_time": instant(NOON + 10 * HOUR)}
    reused = await refusal_of(extend(ledger, lot_ids=["1"], **later))
    assert (reused.reason, reused.metadata["mismatched_fields"]) == (
        "REQUEST_ID_REUSED",
        "expire_time",
    )


async def test_extend_lots_at_once_extends_once(ledger: LedgerStubs) -> None:
    await ledger.post(earn("short", 40, expire_time=instant(NOON + HOUR)))
    calls = (extend(ledger, f"x-{number}", lot_ids=["1"]) for number in range(8))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert (len(refused), {each.code() for each in refused}) == (7, {grpc.StatusCode.NOT_FOUND})
    assert await balance(ledger) == (40, 40, 0, 0)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "REQUEST_INVALID"),
        ({"lot_ids": ["1"], "expire_time": None}, "REQUEST_INVALID"),
        ({"lot_ids": ["1"], "expire_time": instant(NOON)}, "EXPIRY_NOT_AFTER_ACTIVE"),
        ({"lot_ids": ["1"], "expire_time": instant(NOON + HOUR)}, "LOTS_NOT_FOUND"),
        ({"lot_ids": ["2"]}, "LOT_NOT_FOUND"),
        ({"activation_key": "none"}, "LOTS_NOT_FOUND"),
        ({"lot_ids": ["1"], "asset_id": "none"}, "ASSET_NOT_FOUND"),
    ],
)
async def test_extend_lots_refused_changes_nothing(
    ledger: LedgerStubs, fields: dict, reason: str
) -> None:
    await ledger.post(earn("short", 40, expire_time=instant(NOON + HOUR)))
    assert (await refusal_of(extend(ledger, **fields))).reason == reason
    assert await balance(ledger) == (40, 40, 0, 0)
