"""Parts of paid orders that are off, through the door: each gives back its part, and no more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest
from laurel.benefits.v1 import campaigns_pb2, checkouts_pb2, coupons_pb2, merchants_pb2, orders_pb2
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    World,
    benefits_world,
    checkout_draft,
    checkout_line,
    money,
    refusal_of,
)
from tests.support.benefits_shop import OPEN_GATE, changed, of_member, of_program, refused
from tests.support.databases import DatabaseOf

SHOP = "xinhua-books"
"""The shop whose goods earn five times as much, and the account that pays for it."""
AVAILABLE, REDEEMED = coupons_pb2.COUPON_STATE_AVAILABLE, coupons_pb2.COUPON_STATE_REDEEMED
FUNDED = 100_000


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        await world.apply(changed(OPEN_GATE))
        world.ledger.give(MEMBER, 20_000)
        yield world


def off(**pieces: int) -> list[orders_pb2.CancelLine]:
    return [
        orders_pb2.CancelLine(line_id=line_id, quantity=quantity)
        for line_id, quantity in pieces.items()
    ]


def purse(world: World) -> tuple[int, int]:
    """What the member has, and what is held of it."""
    found = world.ledger.points.of(MEMBER)
    return found.posted, sum(found.holds.values())


class Everything:
    """An order with a coupon, points and a merchant's campaign."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def pay(self) -> str:
        """Reserve and commit it; its name."""
        await self.merchant()
        claim = of_member(coupons_pb2.ClaimCouponRequest, coupon_type_id="dong-20-of-199")
        answer = await self.world.coupons.ClaimCoupon(claim, timeout=PATIENCE)
        self.coupon_id = answer.coupon.coupon_id
        draft = checkout_draft(
            checkout_line("120.00", line_id="a", category_id="books", shop_id=SHOP, quantity=3),
            checkout_line("100.00", line_id="b"),
            coupon_ids=[self.coupon_id],
            freight=money("6.00"),
        )
        reserved = await self.world.reserve(draft, 5000)
        assert reserved.decision.allowed
        await self.world.commit(draft.order_id)
        return draft.order_id

    async def merchant(self) -> None:
        names = {"merchant_id": "books"}
        create = of_program(
            merchants_pb2.CreateMerchantRequest,
            **names,
            display_name="新华书店",
            funding_account_id=SHOP,
        )
        await self.world.merchants.CreateMerchant(create, timeout=PATIENCE)
        fund = of_program(
            merchants_pb2.FundMerchantRequest,
            **names,
            amount=money(f"{FUNDED // 100}.00"),
            payment_reference="p-1",
        )
        await self.world.merchants.FundMerchant(fund, timeout=PATIENCE)

    async def coupon(self) -> int:
        request = of_member(coupons_pb2.GetCouponRequest, coupon_id=self.coupon_id)
        answer = await self.world.coupons.GetCoupon(request, timeout=PATIENCE)
        return int(answer.coupon.state)

    async def funds(self) -> tuple[int, int]:
        """What the merchant has left, and what is kept of that."""
        request = merchants_pb2.GetMerchantRequest(program_id="jd", merchant_id="books")
        found = (await self.world.merchants.GetMerchant(request, timeout=PATIENCE)).merchant
        return found.balance_points, found.reserved_points


async def test_a_part_of_a_paid_order_gives_back_its_part_m10_e12(world: World) -> None:
    everything = Everything(world)
    order_id = await everything.pay()
    assert purse(world) == (15_000, 0)
    # 220 yuan less 20 of the coupon less 50 in points: 81.82 for the books, 68.18 for the rest.
    reserved = (await everything.funds())[1]
    assert reserved == 4 * 81
    first = await world.cancel(order_id, lines=off(a=1), request_id="part", reason="sold out")
    part = first.cancellation
    assert first.checkout.state == checkouts_pb2.CHECKOUT_STATE_COMMITTED
    assert [(each.line_id, each.quantity) for each in part.lines] == [("a", 1)]
    assert (part.restored_points, part.freight, part.reason) == (909, money("0"), "sold out")
    assert part.refund == part.lines[0].paid == money("27.27")
    assert purse(world) == (15_909, 0)
    assert await everything.funds() == (FUNDED, reserved - reserved // 3)
    assert await everything.coupon() == REDEEMED
    again = await world.cancel(order_id, lines=off(a=1), request_id="part", reason="sold out")
    assert again.replayed
    assert (again.checkout, again.cancellation) == (first.checkout, part)
    last = await world.cancel(order_id)
    assert last.checkout.state == checkouts_pb2.CHECKOUT_STATE_CANCELLED
    assert last.cancellation.freight == money("6.00")
    assert last.cancellation.refund == money("128.73")
    assert (last.checkout.returned_points, purse(world)) == (5000, (20_000, 0))
    assert (await everything.funds(), await everything.coupon()) == ((FUNDED, 0), AVAILABLE)
    assert (await refused(world.cancel(order_id, lines=off(b=1))))[1] == "ORDER_NOT_CANCELLABLE"


async def test_what_is_left_of_an_order_is_delivered_and_goes_back_e12(world: World) -> None:
    everything = Everything(world)
    order_id = await everything.pay()
    cancelled = (await world.cancel(order_id, lines=off(a=2, b=1))).cancellation
    assert [each.points for each in cancelled.lines] == [1818, 2273]
    order = (await world.deliver(order_id)).order
    (line,) = order.draft.lines
    assert (line.line_id, line.quantity, line.paid) == ("a", 1, money("27.28"))
    assert order.draft.payments[0].amount == money("33.28")
    assert sorted(each.points for each in order.grants) == [27, 108]
    assert await everything.funds() == (FUNDED - 108, 0)
    back = (await world.give_back(order_id)).order_return
    assert back.restored_points + cancelled.restored_points == 5000
    assert (back.paid, cancelled.refund) == (money("27.28"), money("122.72"))
    assert purse(world) == (20_000, 0)
    assert await everything.funds() == (FUNDED, 0)
    assert await everything.coupon() == REDEEMED


async def test_parts_that_are_called_off_at_once_are_called_off_once_o53(world: World) -> None:
    order_id = await Everything(world).pay()

    async def cancel(request_id: str) -> str:
        try:
            answer = await world.cancel(order_id, lines=off(a=2), request_id=request_id)
        except grpc.aio.AioRpcError as error:
            return refusal_of(error)[1]
        return "replayed" if answer.replayed else "done"

    same = await asyncio.gather(*(cancel("same") for _ in range(6)))
    assert Counter(same) == {"done": 1, "replayed": 5}
    others = await asyncio.gather(*(cancel(f"other-{number}") for number in range(4)))
    assert set(others) == {"ORDER_LINE_CANCELLED"}
    assert purse(world) == (15_000 + 1818, 0)


async def test_an_order_that_is_not_paid_is_called_off_whole(world: World) -> None:
    draft = checkout_draft(checkout_line("60.00", line_id="a"), checkout_line("40.00", line_id="b"))
    await world.reserve(draft, 4000)
    _, reason, metadata = await refused(world.cancel(draft.order_id, lines=off(a=1)))
    assert (reason, metadata["state"]) == ("ORDER_NOT_CANCELLABLE", "RESERVED")
    _, reason, metadata = await refused(world.cancel(draft.order_id, lines=off(z=1)))
    assert (reason, metadata["line_id"]) == ("ORDER_LINE_NOT_FOUND", "z")
    answer = await world.cancel(draft.order_id, lines=off(a=1, b=1))
    assert answer.checkout.state == checkouts_pb2.CHECKOUT_STATE_CANCELLED
    assert not answer.HasField("cancellation")
    assert purse(world) == (20_000, 0)


async def test_the_room_of_a_campaign_is_free_for_the_next_order(world: World) -> None:
    world.clock.set(world.clock.now() + timedelta(days=18))
    first = checkout_draft(checkout_line("400.00", line_id="a", quantity=2))
    assert (await world.reserve(first)).checkout.promised_points == 800
    await world.commit(first.order_id)
    assert await budget(world) == 400
    await world.cancel(first.order_id, lines=off(a=1))
    assert await budget(world) == 200
    second = checkout_draft(checkout_line("400.00"))
    assert (await world.reserve(second)).checkout.promised_points == 700
    await world.cancel(second.order_id)
    delivered = await world.deliver(first.order_id)
    assert sum(each.points for each in delivered.order.grants) == 400
    assert await budget(world) == 200


async def budget(world: World) -> int:
    """What the campaign of the day has given or keeps for orders."""
    request = campaigns_pb2.GetBudgetRequest(program_id="jd", campaign_id="member-day")
    return int((await world.campaigns.GetBudget(request, timeout=PATIENCE)).budget.used_points)
