"""Coupons on orders, through the door: what they take off, and what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from laurel.benefits.v1 import checkouts_pb2, coupons_pb2, decisions_pb2, orders_pb2
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    World,
    benefits_world,
    checkout_draft,
    checkout_line,
    money,
    reserve_request,
)
from tests.support.benefits_shop import OPEN_GATE, changed, of_member, refused
from tests.support.databases import DatabaseOf

UNKNOWN = "019aa000-0000-7000-8000-000000000001"
AVAILABLE, RESERVED, REDEEMED, EXPIRED = (
    coupons_pb2.COUPON_STATE_AVAILABLE,
    coupons_pb2.COUPON_STATE_RESERVED,
    coupons_pb2.COUPON_STATE_REDEEMED,
    coupons_pb2.COUPON_STATE_EXPIRED,
)
LIFETIME = timedelta(minutes=30)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        await world.apply(changed(OPEN_GATE))
        world.ledger.give(MEMBER, 20000)
        yield world


async def claim(world: World, coupon_type_id: str) -> str:
    request = of_member(coupons_pb2.ClaimCouponRequest, coupon_type_id=coupon_type_id)
    answer = await world.coupons.ClaimCoupon(request, timeout=PATIENCE)
    return str(answer.coupon.coupon_id)


async def coupon(world: World, coupon_id: str) -> tuple[int, str]:
    """State of a coupon, and the order it is kept for or was used in."""
    request = of_member(coupons_pb2.GetCouponRequest, coupon_id=coupon_id)
    found = (await world.coupons.GetCoupon(request, timeout=PATIENCE)).coupon
    return found.state, found.order_id


def draft_with(*coupon_ids: str, **options: Any) -> checkouts_pb2.CheckoutDraft:
    """An order of 240 yuan, 60 of it books."""
    lines = (
        checkout_line("60.00", line_id="a", category_id="books"),
        checkout_line("180.00", line_id="b"),
    )
    return checkout_draft(*lines, coupon_ids=coupon_ids, **options)


async def test_evaluate_order_takes_coupons_off_and_points_off_the_rest_p09(world: World) -> None:
    dong, books = await claim(world, "dong-20-of-199"), await claim(world, "books-5-percent")
    found = await world.evaluate(draft_with(books, dong), 11000)
    assert [(each.coupon_id, each.off) for each in found.coupons] == [
        (dong, money("20.00")),
        (books, money("2.75")),
    ]
    assert [each.coupon_off for each in found.lines] == [money("7.75"), money("15.00")]
    assert found.groups[0].amount == money("217.25")
    assert found.usable_points == 10000
    assert [each.code for each in found.decision.reasons] == [
        decisions_pb2.DECISION_REASON_SHARE_EXCEEDED
    ]
    used = await world.evaluate(draft_with(books, dong), 10000)
    assert used.decision.allowed
    assert used.due == money("117.25")
    assert used.earned_points == sum(each.base_points for each in used.line_earnings) == 117
    assert await coupon(world, dong) == (AVAILABLE, "")


async def test_coupons_that_never_go_together_are_a_no_m9(world: World) -> None:
    jing, dong = await claim(world, "jing-5"), await claim(world, "dong-20-of-199")
    draft = draft_with(dong, jing)
    found = await world.evaluate(draft)
    assert [each.coupon_id for each in found.coupons] == [jing, dong]
    assert found.coupons[0].off == money("5.00")
    assert found.coupons[1].off == money("0")
    assert found.coupons[1].refusal.code == decisions_pb2.DECISION_REASON_EXCLUSIVE_GROUP
    answer = await world.reserve(draft)
    assert not answer.decision.allowed
    assert not answer.HasField("checkout")
    assert await coupon(world, jing) == (AVAILABLE, "")


async def test_a_coupon_the_order_is_too_small_for_is_a_no(world: World) -> None:
    dong = await claim(world, "dong-20-of-199")
    found = await world.evaluate(checkout_draft(checkout_line("198.99"), coupon_ids=[dong]))
    (reason,) = found.decision.reasons
    assert (reason.code, reason.required, reason.actual) == (
        decisions_pb2.DECISION_REASON_ORDER_TOO_SMALL,
        19900,
        19899,
    )
    assert found.decision.near_miss.missing == 1


async def test_a_coupon_the_member_does_not_have_is_no_request(world: World) -> None:
    assert (await refused(world.evaluate(draft_with(UNKNOWN))))[1] == "COUPON_NOT_FOUND"


async def test_a_coupon_is_kept_used_and_not_given_back_with_the_goods(world: World) -> None:
    jing = await claim(world, "jing-5")
    draft = draft_with(jing)
    reserved = await world.reserve(draft, 4000)
    assert reserved.checkout.coupons[0].off == money("5.00")
    assert [each.coupon_off for each in reserved.checkout.lines] == [money("1.25"), money("3.75")]
    assert reserved.checkout.due == money("195.00")
    assert await coupon(world, jing) == (RESERVED, draft.order_id)
    (reason,) = (await world.evaluate(draft_with(jing))).decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_COUPON_NOT_AVAILABLE
    await world.commit(draft.order_id)
    assert await coupon(world, jing) == (REDEEMED, draft.order_id)
    await world.deliver(draft.order_id)
    back = (await world.give_back(draft.order_id)).order_return
    assert back.paid == money("195.00")
    assert back.restored_points == 4000
    assert await coupon(world, jing) == (REDEEMED, draft.order_id)


async def test_cancel_order_gives_coupons_back_paid_or_not_m10(world: World) -> None:
    jing = await claim(world, "jing-5")
    for paid in (False, True):
        draft = draft_with(jing)
        await world.reserve(draft, 4000)
        if paid:
            await world.commit(draft.order_id)
        await world.cancel(draft.order_id)
        assert await coupon(world, jing) == (AVAILABLE, "")


async def test_a_lapse_gives_coupons_back_with_the_points(world: World) -> None:
    jing = await claim(world, "jing-5")
    draft = draft_with(jing)
    await world.reserve(draft, 4000)
    await world.served.running.scheduler.advance(world.clock.now() + LIFETIME)
    assert await coupon(world, jing) == (AVAILABLE, "")
    assert not world.ledger.points.of(MEMBER).holds


async def test_a_coupon_whose_time_ends_while_it_is_kept_is_used_or_expires(world: World) -> None:
    jing, dong = await claim(world, "jing-5"), await claim(world, "dong-20-of-199")
    world.clock.set(world.clock.now() + timedelta(days=15) - timedelta(minutes=10))
    used, off = draft_with(dong), draft_with(jing)
    await world.reserve(used)
    world.clock.set(world.clock.now() + timedelta(minutes=20))
    await world.commit(used.order_id)
    assert await coupon(world, dong) == (REDEEMED, used.order_id)
    world.clock.set(world.clock.now() + timedelta(days=15) - timedelta(minutes=20))
    await world.reserve(off)
    world.clock.set(world.clock.now() + timedelta(minutes=20))
    await world.cancel(off.order_id)
    assert await coupon(world, jing) == (EXPIRED, "")


async def test_a_hold_the_ledger_refuses_leaves_no_coupon_kept(world: World) -> None:
    jing = await claim(world, "jing-5")
    drafts = [draft_with(jing) for _ in range(3)]
    answers = await asyncio.gather(*(world.reserve(each, 4000) for each in drafts))
    assert sum(answer.decision.allowed for answer in answers) == 1
    (kept,) = [each.checkout.order_id for each in answers if each.decision.allowed]
    assert await coupon(world, jing) == (RESERVED, kept)


async def test_an_order_that_came_to_nothing_may_be_reserved_again(world: World) -> None:
    jing = await claim(world, "jing-5")
    draft = draft_with(jing)
    first = reserve_request(draft, 4000)
    await world.orders.ReserveOrder(first, timeout=PATIENCE)
    assert (await refused(world.reserve(draft, 4000)))[1] == "ORDER_RESERVED"
    await world.cancel(draft.order_id, request_id="off")
    again = await world.reserve(draft, 3000)
    assert again.checkout.reservation_number == 2
    assert again.checkout.state == checkouts_pb2.CHECKOUT_STATE_RESERVED
    assert world.ledger.points.of(MEMBER).holds == {again.checkout.hold_id: 3000}
    replayed = await world.orders.ReserveOrder(first, timeout=PATIENCE)
    assert replayed.replayed
    assert replayed.checkout.reservation_number == 1
    assert replayed.checkout.state == checkouts_pb2.CHECKOUT_STATE_CANCELLED
    off = await world.cancel(draft.order_id, request_id="off")
    assert (off.replayed, off.checkout.reservation_number) == (True, 1)
    assert await coupon(world, jing) == (RESERVED, draft.order_id)
    await world.commit(draft.order_id)
    await world.deliver(draft.order_id)
    assert (await refused(world.reserve(draft, 1000)))[1] == "ORDER_RESERVED"
    assert (await world.give_back(draft.order_id)).order_return.restored_points == 3000


async def test_an_order_that_was_cancelled_may_be_told_whole(world: World) -> None:
    draft = draft_with()
    await world.reserve(draft, 4000)
    await world.cancel(draft.order_id)
    assert (await refused(world.deliver(draft.order_id)))[1] == "ORDER_NOT_COMMITTED"
    request = orders_pb2.CompleteOrderRequest(
        program_id="jd",
        member_id=MEMBER,
        request_id="whole",
        order=orders_pb2.OrderDraft(
            order_id=draft.order_id,
            order_time=world.clock.now(),
            lines=[
                orders_pb2.OrderLine(
                    line_id="a",
                    sku_id="sku",
                    category_id="food",
                    goods_class="physical",
                    quantity=1,
                    paid=money("0"),
                )
            ],
        ),
    )
    await world.complete(request)
    back = (await world.give_back(draft.order_id)).order_return
    assert (back.restored_points, back.paid) == (0, money("0"))
