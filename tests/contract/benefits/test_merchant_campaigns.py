"""Campaigns that merchants pay: never more than a merchant has, and back with the goods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import checkouts_pb2, decisions_pb2, orders_pb2
from laurel.benefits.v1 import merchants_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    World,
    benefits_world,
    checkout_draft,
    checkout_line,
    line,
    money,
    number,
    order_request,
)
from tests.support.benefits_shop import of_member, of_program, refused
from tests.support.databases import DatabaseOf

SHOP = "xinhua-books"
"""The shop whose goods earn five times as much, and the account that pays for it."""


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def create(world: World, merchant_id: str = "books") -> Any:
    request = of_program(
        pb.CreateMerchantRequest,
        merchant_id=merchant_id,
        display_name="新华书店",
        funding_account_id=SHOP,
    )
    return await world.merchants.CreateMerchant(request, timeout=PATIENCE)


async def merchant(world: World, points: int) -> None:
    """A merchant that has bought so many points."""
    await create(world)
    request = of_program(
        pb.FundMerchantRequest,
        merchant_id="books",
        amount=money(f"{points // 100}.{points % 100:02}"),
        payment_reference="p-1",
    )
    await world.merchants.FundMerchant(request, timeout=PATIENCE)


async def account(world: World) -> tuple[int, int]:
    """What the merchant has left, and what is kept of that."""
    request = pb.GetMerchantRequest(program_id="jd", merchant_id="books")
    found = (await world.merchants.GetMerchant(request, timeout=PATIENCE)).merchant
    return found.balance_points, found.reserved_points


async def entries(world: World) -> list[tuple[int, int]]:
    """Kind and points of every change of the merchant's account this month."""
    request = pb.GetSettlementStatementRequest(
        program_id="jd", merchant_id="books", year=2026, month=3
    )
    found = await world.merchants.GetSettlementStatement(request, timeout=PATIENCE)
    return [(each.kind, each.points) for each in found.entries]


def draft_of(yuan: str, **options: Any) -> checkouts_pb2.CheckoutDraft:
    """An order of goods of the shop."""
    return checkout_draft(checkout_line(yuan, shop_id=SHOP, category_id="books"), **options)


async def delivered(world: World, yuan: str, **options: Any) -> orders_pb2.Order:
    """An order of goods of the shop that is told whole."""
    lines = (line(yuan, shop_id=SHOP, **options.pop("line", {})),)
    request = order_request(*lines, order_time=world.clock.now(), **options)
    return (await world.complete(request)).order


def given(order: orders_pb2.Order) -> int:
    """What the merchant gives to an order."""
    return sum(each.points for each in order.grants if each.campaign_id)


async def test_a_merchant_gives_no_more_than_it_has_o44(world: World) -> None:
    await merchant(world, 500)
    order = await delivered(world, "100.00")
    assert given(order) == 400
    assert await account(world) == (100, 0)
    short = await delivered(world, "100.00")
    assert given(short) == 100
    (cut,) = [each for each in short.line_earnings[0].trace if each.rule == "books"]
    assert cut.reason == decisions_pb2.DECISION_REASON_FUNDS_EXHAUSTED
    assert given(await delivered(world, "100.00")) == 0
    assert await account(world) == (0, 0)
    assert world.ledger.amounts["merchant"] == 500


async def test_members_at_once_are_given_what_there_is_o44(world: World) -> None:
    await merchant(world, 1000)
    orders = await asyncio.gather(
        *(delivered(world, "100.00", member_id=number("m")) for _ in range(8))
    )
    assert sorted(given(order) for order in orders) == [0, 0, 0, 0, 0, 200, 400, 400]
    assert await account(world) == (0, 0)


async def test_a_reserved_order_keeps_its_part_until_it_is_delivered_or_off(world: World) -> None:
    await merchant(world, 1000)
    off, paid = draft_of("100.00"), draft_of("100.00")
    await world.reserve(off)
    await world.reserve(paid)
    assert await account(world) == (1000, 800)
    gift = of_member(pb.GrantPointsRequest, merchant_id="books", points=201, reason="thanks")
    answer = await world.merchants.GrantPoints(gift, timeout=PATIENCE)
    (reason,) = answer.decision.reasons
    assert (reason.code, reason.actual) == (decisions_pb2.DECISION_REASON_FUNDS_EXHAUSTED, 200)
    await world.cancel(off.order_id)
    assert await account(world) == (1000, 400)
    await world.commit(paid.order_id)
    await world.deliver(paid.order_id)
    assert await account(world) == (600, 0)


async def test_what_goes_back_goes_back_to_the_merchant_h6_p60(world: World) -> None:
    await merchant(world, 1000)
    order = await delivered(world, "90.00", line={"line_id": "a", "quantity": 3})
    order_id = order.draft.order_id
    assert given(order) == 360
    await world.give_back(order_id, {"a": 1})
    assert await account(world) == (760, 0)
    await world.give_back(order_id, {"a": 2}, request_id="rest")
    assert await account(world) == (1000, 0)
    assert (await world.give_back(order_id, {"a": 2}, request_id="rest")).replayed
    assert await account(world) == (1000, 0)
    grant, back = pb.MERCHANT_ENTRY_KIND_GRANT, pb.MERCHANT_ENTRY_KIND_RETURN
    assert (await entries(world))[1:] == [(grant, -360), (back, 120), (back, 240)]


async def test_what_is_cut_from_the_money_stays_with_the_shop(world: World) -> None:
    await merchant(world, 1000)
    order = await delivered(world, "90.00")
    world.ledger.points.of(MEMBER).posted -= 300
    back = (await world.give_back(order.draft.order_id)).order_return
    assert back.cut == money("3.00")
    assert back.taken_points == 90 * 5 - 300
    left, _ = await account(world)
    assert 1000 - 360 <= left < 1000


async def test_what_the_ledger_refuses_goes_back_to_the_merchant(world: World) -> None:
    await merchant(world, 1000)
    world.ledger.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "ACCOUNT_CLOSED")
    order = await delivered(world, "90.00")
    assert {each.state for each in order.grants} == {orders_pb2.GRANT_STATE_REFUSED}
    assert await account(world) == (1000, 0)


async def test_a_merchant_has_an_account_of_its_own(world: World) -> None:
    await create(world)
    assert (await refused(create(world, "other")))[1] == "MERCHANT_EXISTS"
