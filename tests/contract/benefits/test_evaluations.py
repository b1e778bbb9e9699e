"""What orders would cost and earn, asked through the door; the cases P01 to P09 over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from laurel.benefits.v1 import checkouts_pb2 as pb
from laurel.benefits.v1 import decisions_pb2
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    World,
    benefits_world,
    checkout_draft,
    checkout_line,
    money,
    number,
    refusal_of,
)
from tests.support.benefits_cases import SPENDING
from tests.support.databases import DatabaseOf
from tests.support.programs import program_text


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def refused(world: World, draft: pb.CheckoutDraft) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await world.evaluate(draft)
    return refusal_of(error.value)[1]


async def test_evaluate_order_says_what_the_cases_say(world: World) -> None:
    for case in SPENDING:
        member_id = number("m")
        world.ledger.give(member_id, case.balance)
        lines = [checkout_line(yuan, goods_class=word) for yuan, word in case.lines]
        draft = checkout_draft(*lines, others=case.others)
        found = await world.evaluate(draft, case.requested, member_id)
        assert found.usable_points == case.usable, case.name
        assert found.decision.allowed is not bool(case.refused), case.name
        codes = {decisions_pb2.DecisionReason.Name(each.code) for each in found.decision.reasons}
        assert not case.refused or f"DECISION_REASON_{case.refused}" in codes, case.name


async def test_evaluate_order_splits_points_and_money_over_the_lines_p14(world: World) -> None:
    world.ledger.give(MEMBER, 4000)
    draft = checkout_draft(
        checkout_line("60.00", line_id="a"),
        checkout_line("40.00", line_id="b"),
        freight=money("6.00"),
    )
    found = await world.evaluate(draft, 4000)
    assert [(each.line_id, each.points, each.paid) for each in found.lines] == [
        ("a", 2400, money("36.00")),
        ("b", 1600, money("24.00")),
    ]
    assert found.due == money("66.00")


async def test_evaluate_order_says_what_would_be_earned_of_the_money_and_how(world: World) -> None:
    await world.buy()
    world.ledger.give(MEMBER, 4000)
    draft = checkout_draft(checkout_line("100.00", category_id="books"))
    found = await world.evaluate(draft, 4000)
    (earning,) = found.line_earnings
    assert (earning.rebate_points, found.earned_points) == (300, 300)
    assert earning.trace
    assert (await world.rows())["shop_order"] == 0
    assert not world.ledger.posted


async def test_equal_evaluations_have_one_fingerprint_and_others_another(world: World) -> None:
    world.ledger.give(MEMBER, 4000)
    draft = checkout_draft()
    first = await world.evaluate(draft, 1000)
    world.ledger.give(MEMBER, 9000)
    assert (await world.evaluate(draft, 1000)).fingerprint == first.fingerprint
    assert (await world.evaluate(draft, 2000)).fingerprint != first.fingerprint
    await world.buy()
    assert (await world.evaluate(draft, 1000)).fingerprint != first.fingerprint


async def test_evaluate_order_refuses_words_and_payments_that_cannot_be(world: World) -> None:
    unknown = checkout_draft(checkout_line("1.00", goods_class="gadget"))
    assert await refused(world, unknown) == "ORDER_WORD_UNKNOWN"
    assert await refused(world, checkout_draft(payment_method="barter")) == "ORDER_WORD_UNKNOWN"
    too_much = checkout_draft(checkout_line("10.00"), others={"gift_card": "10.01"})
    assert await refused(world, too_much) == "ORDER_PAYMENTS_MISMATCH"


async def test_evaluate_order_promises_nothing_without_the_ledger(world: World) -> None:
    world.ledger.away = True
    assert await refused(world, checkout_draft()) == "DEPENDENCY_DOWN"


async def test_a_program_may_let_points_pay_nothing(world: World) -> None:
    text = program_text()
    await world.apply(text[: text.index("\n  # E1: 100 beans pay one yuan")] + "\n")
    assert await refused(world, checkout_draft()) == "POINTS_NOT_SPENDABLE"
