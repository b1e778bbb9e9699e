"""Wallets through the door: cash for signing in within a budget, paid out from 10 yuan on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import decisions_pb2, engagement_pb2
from laurel.benefits.v1 import games_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import MEMBER, PATIENCE, PROGRAM, World, benefits_world, money
from tests.support.benefits_games import GAMES, games_text, of_player, play, sign_in
from tests.support.benefits_shop import refused
from tests.support.databases import DatabaseOf
from tests.support.programs import shipped_text

DAY = timedelta(days=1)
MORNING = datetime(2026, 3, 10, 2, tzinfo=UTC)
CODE = decisions_pb2.DecisionReason


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        await world.apply(shipped_text(GAMES))
        yield world


async def third_day(world: World, **options: Any) -> engagement_pb2.CheckInResponse:
    """Check in on three days in a row; the answer of the third."""
    for day in range(2):
        world.clock.set(MORNING + day * DAY)
        await sign_in(world, member_id=options.get("member_id", MEMBER))
    world.clock.set(MORNING + 2 * DAY)
    return await sign_in(world, **options)


async def test_signing_in_pays_beans_and_cash_on_the_third_and_seventh_day_l3(world: World) -> None:
    cash = []
    for day in range(7):
        world.clock.set(MORNING + day * DAY)
        answer = await sign_in(world)
        cash.append(answer.check_in.cash.amount if answer.check_in.HasField("cash") else None)
    assert cash == [None, None, money("0.10"), None, None, None, money("0.50")]
    assert world.ledger.amounts == {"check_in": 90, "sign_in": 60}
    assert answer.check_in.cash.state == engagement_pb2.CASH_STATE_POSTED
    draft = world.ledger.posted[answer.check_in.cash.ledger_request_id]
    assert (draft.earn.asset_id, draft.earn.amount) == ("red-packet", 50)


async def test_a_streak_and_a_preview_say_what_cash_comes_next(world: World) -> None:
    await third_day(world)
    streak = await world.engagement.GetStreak(
        of_player(engagement_pb2.GetStreakRequest), timeout=PATIENCE
    )
    assert not streak.streak.HasField("next_cash")
    preview = of_player(engagement_pb2.PreviewRewardRequest, member_id="m-2", check_in=True)
    for day, cash in ((3, None), (4, None), (5, money("0.10"))):
        world.clock.set(MORNING + day * DAY)
        seen = await world.engagement.PreviewReward(preview, timeout=PATIENCE)
        assert (seen.cash if seen.HasField("cash") else None) == cash
        await sign_in(world, member_id="m-2")


async def test_without_budget_there_are_only_beans_l4(world: World) -> None:
    text = games_text(("daily_budget_fen: 10000000", "daily_budget_fen: 15"))
    await world.apply(text, effective_time=world.clock.now())
    first = await third_day(world, member_id="m-1")
    for day in range(2):
        world.clock.set(MORNING + day * DAY)
    second = await third_day(world, member_id="m-2")
    assert first.check_in.cash.state == engagement_pb2.CASH_STATE_POSTED
    assert second.check_in.cash.state == engagement_pb2.CASH_STATE_BUDGET_EXHAUSTED
    assert second.check_in.state == engagement_pb2.REWARD_STATE_POSTED
    assert not second.check_in.cash.ledger_request_id
    assert world.ledger.amounts == {"check_in": 40, "sign_in": 10}


async def test_cash_the_ledger_refuses_goes_back_to_the_budget(world: World) -> None:
    text = games_text(("daily_budget_fen: 10000000", "daily_budget_fen: 10"))
    await world.apply(text, effective_time=world.clock.now())
    for day in range(2):
        world.clock.set(MORNING + day * DAY)
        await sign_in(world)
        await sign_in(world, member_id="m-2")
    world.clock.set(MORNING + 2 * DAY)
    world.ledger.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "BALANCE_LIMIT_EXCEEDED")
    refused_cash = (await sign_in(world)).check_in.cash
    assert refused_cash.state == engagement_pb2.CASH_STATE_REFUSED
    assert refused_cash.refusal == "BALANCE_LIMIT_EXCEEDED"
    world.ledger.refusal = None
    answer = await sign_in(world, member_id="m-2")
    assert answer.check_in.cash.state == engagement_pb2.CASH_STATE_POSTED


@pytest.mark.parametrize("trouble", ["away", "loses_answers"])
async def test_cash_is_paid_once_by_a_repeat_when_the_ledger_was_away(
    world: World, trouble: str
) -> None:
    for day in range(2):
        world.clock.set(MORNING + day * DAY)
        await sign_in(world)
    world.clock.set(MORNING + 2 * DAY)
    setattr(world.ledger, trouble, True)
    assert (await refused(sign_in(world, request_id="again")))[1] == "DEPENDENCY_DOWN"
    setattr(world.ledger, trouble, False)
    for _ in range(2):
        answer = await sign_in(world, request_id="again")
        assert answer.replayed
        assert answer.check_in.cash.state == engagement_pb2.CASH_STATE_POSTED
    assert world.ledger.amounts == {"check_in": 20, "sign_in": 10}


async def test_get_wallet_says_what_is_in_it_and_whether_it_can_be_had_l4(world: World) -> None:
    for fen, balance, allowed in ((999, "9.99", False), (1000, "10.00", True)):
        world.ledger.give(MEMBER, fen)
        answer = await play(world, "GetWallet")
        assert answer.wallet.balance == money(balance)
        assert answer.wallet.pay_out_min == money("10.00")
        assert answer.wallet.asset_id == "red-packet"
        assert answer.decision.allowed is allowed
    world.ledger.away = True
    assert (await refused(play(world, "GetWallet")))[1] == "DEPENDENCY_DOWN"


async def pay_out(world: World, yuan: str = "10.00", **options: Any) -> pb.PayOutWalletResponse:
    content = {"amount": money(yuan), "payee": "bank account 1"} | options
    return await play(world, "PayOutWallet", **content)


async def test_pay_out_wallet_takes_the_cash_once(world: World) -> None:
    first = await pay_out(world, "12.34", request_id="again")
    assert first.pay_out.state == pb.PAY_OUT_STATE_PAID
    assert first.decision.value.price == first.pay_out.amount == money("12.34")
    again = await pay_out(world, "12.34", request_id="again")
    assert again.replayed
    assert again.pay_out == first.pay_out
    assert world.ledger.amounts == {"pay_out": -1234}
    draft = world.ledger.posted[first.pay_out.ledger_request_id]
    assert draft.spend.redemption_account_id == "cash-pay-out"
    changed = pay_out(world, "12.35", request_id="again")
    assert (await refused(changed))[1] == "REQUEST_ID_REUSED"


async def test_pay_out_wallet_below_the_least_amount_is_refused_l4(world: World) -> None:
    answer = await pay_out(world, "9.99", request_id="again")
    assert not answer.HasField("pay_out")
    (reason,) = answer.decision.reasons
    assert (reason.code, reason.missing) == (CODE.DECISION_REASON_AMOUNT_TOO_SMALL, 1)
    assert (await pay_out(world, "9.99", request_id="again")).replayed
    assert world.ledger.posted == {}


async def test_pay_out_wallet_of_more_than_there_is_is_refused(world: World) -> None:
    world.ledger.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_POINTS")
    answer = await pay_out(world)
    assert answer.pay_out.state == pb.PAY_OUT_STATE_REFUSED
    (reason,) = answer.decision.reasons
    assert (reason.code, reason.required) == (CODE.DECISION_REASON_BALANCE_TOO_LOW, 1000)


async def test_pay_out_wallet_of_a_blocked_member_is_refused_l9_o55(world: World) -> None:
    await world.judge("BLOCKED", program_id=GAMES)
    (reason,) = (await pay_out(world)).decision.reasons
    assert reason.code == CODE.DECISION_REASON_RISK_BLOCKED
    (reason,) = (await sign_in(world)).decision.reasons
    assert reason.code == CODE.DECISION_REASON_RISK_BLOCKED
    assert world.ledger.posted == {}


async def test_a_program_without_a_wallet_is_refused(world: World) -> None:
    before = await world.rows()
    for call in (play(world, "GetWallet", program_id=PROGRAM), pay_out(world, program_id=PROGRAM)):
        code, reason, metadata = await refused(call)
        assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "WALLET_NOT_FOUND")
        assert metadata == {"program_id": PROGRAM}
    assert await world.rows() == before


@pytest.mark.parametrize(
    "options", [{"amount": money("0.00")}, {"amount": money("1.005")}, {"payee": ""}]
)
async def test_pay_out_wallet_that_can_never_be_right_leaves_no_row(
    world: World, options: dict[str, Any]
) -> None:
    before = await world.rows()
    assert (await refused(pay_out(world, **options)))[1] == "REQUEST_INVALID"
    assert await world.rows() == before
