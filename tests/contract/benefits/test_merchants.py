"""Merchants through the door: made, funded, giving, accounted for; and memberships of shops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import decisions_pb2
from laurel.benefits.v1 import merchants_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import PATIENCE, World, benefits_world, line, money, order_request
from tests.support.benefits_shop import of_member, of_program, refused
from tests.support.databases import DatabaseOf

MERCHANT = "books"


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def create(world: World, **options: Any) -> Any:
    content = {
        "merchant_id": MERCHANT,
        "display_name": "新华书店",
        "funding_account_id": "xinhua-books",
    }
    request = of_program(pb.CreateMerchantRequest, **(content | options))
    return await world.merchants.CreateMerchant(request, timeout=PATIENCE)


async def fund(world: World, yuan: str = "500", **options: Any) -> Any:
    content = {"merchant_id": MERCHANT, "amount": money(yuan), "payment_reference": "p-1"}
    request = of_program(pb.FundMerchantRequest, **(content | options))
    return await world.merchants.FundMerchant(request, timeout=PATIENCE)


async def grant(world: World, points: int = 200, **options: Any) -> Any:
    content = {"merchant_id": MERCHANT, "points": points, "reason": "thanks"}
    request = of_member(pb.GrantPointsRequest, **(content | options))
    return await world.merchants.GrantPoints(request, timeout=PATIENCE)


async def balance(world: World, merchant_id: str = MERCHANT) -> int:
    request = pb.GetMerchantRequest(program_id="jd", merchant_id=merchant_id)
    found = await world.merchants.GetMerchant(request, timeout=PATIENCE)
    return found.merchant.balance_points


async def statement(world: World, month: int = 3, **options: Any) -> Any:
    request = pb.GetSettlementStatementRequest(
        program_id="jd", merchant_id=MERCHANT, year=2026, month=month, **options
    )
    return await world.merchants.GetSettlementStatement(request, timeout=PATIENCE)


async def join(world: World, shop_id: str, **options: Any) -> Any:
    request = of_member(pb.JoinShopRequest, shop_id=shop_id, **options)
    return await world.merchants.JoinShop(request, timeout=PATIENCE)


async def membership(world: World, shop_id: str) -> pb.ShopMembership:
    request = of_member(pb.GetShopMembershipRequest, shop_id=shop_id)
    found = await world.merchants.GetShopMembership(request, timeout=PATIENCE)
    return found.membership


async def test_create_merchant_has_nothing_and_is_made_once(world: World) -> None:
    first = await create(world, request_id="again")
    assert (first.merchant.balance_points, first.merchant.funding_account_id) == (
        0,
        "xinhua-books",
    )
    again = await create(world, request_id="again")
    assert again.replayed
    assert again.merchant == first.merchant
    assert (await refused(create(world)))[1] == "MERCHANT_EXISTS"
    call = create(world, merchant_id="m", funding_account_id="nobody")
    assert (await refused(call))[:2] == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "FUNDING_ACCOUNT_UNKNOWN",
    )


async def test_get_merchant_that_is_not_there_is_refused(world: World) -> None:
    assert (await refused(balance(world, "nobody")))[1] == "MERCHANT_NOT_FOUND"
    assert (await refused(fund(world, merchant_id="nobody")))[1] == "MERCHANT_NOT_FOUND"


async def test_fund_merchant_buys_a_hundred_beans_a_yuan_once_h1(world: World) -> None:
    await create(world)
    first = await fund(world, "500.05", request_id="again")
    assert (first.points, first.merchant.balance_points) == (50005, 50005)
    assert (await fund(world, "500.05", request_id="again")).replayed
    assert await balance(world) == 50005
    assert (await refused(fund(world, "1", request_id="again")))[1] == "REQUEST_ID_REUSED"


async def test_grant_points_is_paid_by_the_merchants_own_account_h5(world: World) -> None:
    await create(world)
    await fund(world)
    answer = await grant(world, request_id="again")
    assert (answer.decision.allowed, answer.entry.points) == (True, -200)
    (draft,) = world.ledger.posted.values()
    assert (draft.earn.amount, draft.earn.funding_account_id) == (200, "xinhua-books")
    again = await grant(world, request_id="again")
    assert again.replayed
    assert again.entry == answer.entry
    assert await balance(world) == 49800


async def test_grant_points_beyond_the_balance_is_refused_whole_o44_p60(world: World) -> None:
    await create(world)
    await fund(world, "2")
    assert (await grant(world)).decision.allowed
    answer = await grant(world, 1)
    (reason,) = answer.decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_FUNDS_EXHAUSTED
    assert (reason.required, reason.actual) == (1, 0)
    assert world.ledger.amounts == {"gift": 200}


async def test_grant_points_the_ledger_refuses_goes_back_to_the_merchant(world: World) -> None:
    await create(world)
    await fund(world, "2")
    world.ledger.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "BALANCE_LIMIT_EXCEEDED")
    assert (await grant(world, request_id="again")).returned
    assert await balance(world) == 200
    assert (await grant(world, request_id="again")).returned
    assert [each.points for each in (await statement(world)).entries] == [200, -200, 200]


async def test_grant_points_is_finished_by_a_repeat_when_the_ledger_was_away(
    world: World,
) -> None:
    await create(world)
    await fund(world)
    world.ledger.away = True
    assert (await refused(grant(world, request_id="again")))[1] == "DEPENDENCY_DOWN"
    assert await balance(world) == 49800
    world.ledger.away = False
    assert (await grant(world, request_id="again")).replayed
    assert world.ledger.amounts == {"gift": 200}


async def test_a_gift_for_goods_goes_back_with_them_h6_p60(world: World) -> None:
    await create(world)
    await fund(world)
    order = await bought(world, quantity=2)
    answer = await grant(world, order_id=order, line_id="l-1", request_id="again")
    assert answer.decision.allowed
    assert await balance(world) == 49800
    first = (await world.give_back(order, {"l-1": 1})).order_return
    assert (first.taken_points, await balance(world)) == (50 + 100, 49900)
    last = (await world.give_back(order)).order_return
    assert (last.taken_points, await balance(world)) == (50 + 100, 50000)
    _, reason, _ = await refused(grant(world, order_id=order, line_id="l-1"))
    assert reason == "ALREADY_RETURNED"
    assert [each.points for each in (await statement(world)).entries] == [50000, -200, 100, 100]
    again = await grant(world, order_id=order, line_id="l-1", request_id="again")
    assert (again.replayed, again.entry) == (True, answer.entry)


async def test_a_gift_for_goods_keeps_to_their_cap_d4_o5(world: World) -> None:
    await create(world)
    await fund(world)
    order = await bought(world)
    answer = await grant(world, 901, order_id=order, line_id="l-1")
    (reason,) = answer.decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_ITEM_CAP
    assert (reason.required, reason.actual) == (901, 900)
    assert (await grant(world, 900, order_id=order, line_id="l-1")).decision.allowed
    answer = await grant(world, 1, order_id=order, line_id="l-1")
    assert answer.decision.near_miss.missing == 1
    _, reason, metadata = await refused(grant(world, order_id=order, line_id="l-2"))
    assert (reason, metadata["line_id"]) == ("ORDER_LINE_NOT_FOUND", "l-2")
    assert (await refused(grant(world, order_id="none", line_id="l-1")))[1] == "ORDER_NOT_FOUND"
    assert (await refused(grant(world, order_id=order)))[1] == "REQUEST_INVALID"


async def test_a_gift_for_goods_that_is_not_paid_yet_is_paid_before_it_is_taken(
    world: World,
) -> None:
    await create(world)
    await fund(world)
    order = await bought(world)
    world.ledger.away = True
    _, reason, _ = await refused(grant(world, order_id=order, line_id="l-1"))
    assert reason == "DEPENDENCY_DOWN"
    world.ledger.away = False
    assert (await world.give_back(order)).order_return.taken_points == 100 + 200
    assert await balance(world) == 50000


async def bought(world: World, **options: Any) -> str:
    """A delivered order of 100 yuan on one line; its name."""
    goods = line("100.00", line_id="l-1", **options)
    request = order_request(goods, order_time=world.clock.now())
    return str((await world.complete(request)).order.draft.order_id)


async def test_grant_points_to_a_blocked_member_is_refused_o55(world: World) -> None:
    await create(world)
    await fund(world)
    await world.judge("BLOCKED")
    (reason,) = (await grant(world)).decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_RISK_BLOCKED


async def test_get_settlement_statement_adds_up_line_by_line(world: World) -> None:
    await create(world)
    await fund(world)
    for _ in range(3):
        await grant(world)
    first = await statement(world, page_size=2)
    rest = await statement(world, page_size=2, page_token=first.next_page_token)
    entries = [*first.entries, *rest.entries]
    assert (first.opening_points, first.closing_points) == (0, 49400)
    assert [each.balance_points for each in entries] == [50000, 49800, 49600, 49400]
    assert first.opening_points + sum(each.points for each in entries) == first.closing_points
    assert entries[0].amount == money("500")
    world.clock.set(datetime(2026, 4, 2, tzinfo=UTC))
    await grant(world)
    april = await statement(world, 4)
    assert (april.opening_points, april.closing_points) == (49400, 49200)
    assert (await statement(world)).closing_points == 49400


async def test_join_shop_counts_in_every_shop_of_the_membership_h8(world: World) -> None:
    first = await join(world, "run-shop", request_id="again")
    assert first.membership.kind == pb.SHOP_MEMBERSHIP_KIND_JOINT
    assert (await join(world, "run-shop", request_id="again")).replayed
    assert await membership(world, "ball-shop") == first.membership
    later = await join(world, "ball-shop")
    assert later.membership.joined_shop_id == "run-shop"
    assert (await join(world, "xinhua-books")).membership.kind == (
        pb.SHOP_MEMBERSHIP_KIND_SINGLE_SHOP
    )
    _, reason, metadata = await refused(join(world, "maotai"))
    assert (reason, metadata["shop_id"]) == ("EXTERNAL_ID_MISSING", "maotai")
    brand = await join(world, "maotai", external_id="brand-7")
    assert brand.membership.kind == pb.SHOP_MEMBERSHIP_KIND_BRAND_EXTERNAL
    assert brand.membership.external_id == "brand-7"


async def test_get_shop_membership_of_no_member_is_refused(world: World) -> None:
    assert (await refused(membership(world, "maotai")))[1] == "SHOP_MEMBERSHIP_NOT_FOUND"
    assert (await refused(membership(world, "nowhere")))[1] == "SHOP_PROGRAM_NOT_FOUND"
    assert (await refused(join(world, "nowhere")))[1] == "SHOP_PROGRAM_NOT_FOUND"
