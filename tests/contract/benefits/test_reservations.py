"""Orders that hold points until they are paid, through the door: what is held, spent and let go."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import checkouts_pb2 as pb
from laurel.benefits.v1 import orders_pb2
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    World,
    benefits_world,
    checkout_draft,
    checkout_line,
    money,
    number,
    of_order,
    order_request,
    refusal_of,
    reserve_request,
)
from tests.support.databases import DatabaseOf

LIFETIME = timedelta(minutes=30)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        world.ledger.give(MEMBER, 8000)
        yield world


async def refused(call: Any) -> tuple[str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    _, reason, metadata = refusal_of(error.value)
    return reason, metadata


def purse(world: World) -> tuple[int, int]:
    """What the member has, and what is held of it."""
    found = world.ledger.points.of(MEMBER)
    return found.posted, sum(found.holds.values())


async def known(world: World, order_id: str) -> orders_pb2.GetOrderResponse:
    content = of_order(order_id)
    del content["request_id"]
    request = orders_pb2.GetOrderRequest(**content)
    return await world.orders.GetOrder(request, timeout=PATIENCE)


async def test_reserve_order_holds_the_points_and_splits_them_over_the_lines(world: World) -> None:
    draft = checkout_draft(checkout_line("60.00", line_id="a"), checkout_line("40.00", line_id="b"))
    answer = await world.reserve(draft, 4000)
    assert answer.decision.allowed
    checkout = answer.checkout
    assert checkout.state == pb.CHECKOUT_STATE_RESERVED
    assert [(each.points, each.paid) for each in checkout.lines] == [
        (2400, money("36.00")),
        (1600, money("24.00")),
    ]
    assert (checkout.points, checkout.due, checkout.promised_points) == (4000, money("60.00"), 60)
    assert checkout.expire_time.ToDatetime() - checkout.create_time.ToDatetime() == LIFETIME
    assert purse(world) == (8000, 4000)
    assert (await known(world, draft.order_id)).checkout == checkout


async def test_reserve_order_without_points_asks_nothing_of_the_ledger_but_the_balance(
    world: World,
) -> None:
    answer = await world.reserve(checkout_draft())
    assert answer.checkout.state == pb.CHECKOUT_STATE_RESERVED
    assert not answer.checkout.hold_id
    assert purse(world) == (8000, 0)


async def test_reserve_order_says_no_and_holds_nothing(world: World) -> None:
    request = reserve_request(checkout_draft(), 6000)
    answer = await world.orders.ReserveOrder(request, timeout=PATIENCE)
    assert not answer.decision.allowed
    assert not answer.HasField("checkout")
    again = await world.orders.ReserveOrder(request, timeout=PATIENCE)
    assert again.replayed
    assert again.decision == answer.decision
    assert purse(world) == (8000, 0)


async def test_reserve_order_keeps_what_was_said_or_says_what_changed(world: World) -> None:
    draft = checkout_draft()
    said = await world.evaluate(draft, 4000)
    changed = checkout_draft(*draft.lines, order_id=draft.order_id, freight=money("6.00"))
    reason, metadata = await refused(world.reserve(changed, 4000, fingerprint=said.fingerprint))
    assert reason == "EVALUATION_CHANGED"
    assert metadata["changes"] == "order,due_fen"
    assert metadata["evaluated"].endswith(",6000")
    assert metadata["current"].endswith(",6600")
    fewer = await refused(world.reserve(draft, 3000, fingerprint=said.fingerprint))
    assert fewer[1]["changes"] == "points,due_fen,BASE"
    await world.buy()
    reason, metadata = await refused(world.reserve(draft, 4000, fingerprint=said.fingerprint))
    assert metadata["changes"] == "BASE,REBATE"
    assert purse(world) == (8000, 0)
    now = await world.evaluate(draft, 4000)
    answer = await world.reserve(draft, 4000, fingerprint=now.fingerprint)
    assert answer.checkout.state == pb.CHECKOUT_STATE_RESERVED


async def test_a_fingerprint_of_nothing_is_no_request(world: World) -> None:
    reason, _ = await refused(world.reserve(checkout_draft(), fingerprint="bm8="))
    assert reason == "FINGERPRINT_INVALID"


async def test_an_order_is_reserved_once(world: World) -> None:
    draft = checkout_draft()
    request = reserve_request(draft, 1000)
    answers = await asyncio.gather(
        *(world.orders.ReserveOrder(request, timeout=PATIENCE) for _ in range(8))
    )
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: 7}
    assert purse(world) == (8000, 1000)
    assert (await refused(world.reserve(draft, 1000)))[0] == "ORDER_RESERVED"
    whole = order_request(order_time=world.clock.now(), order_id=draft.order_id)
    assert (await refused(world.complete(whole)))[0] == "ORDER_RESERVED"


async def test_commit_order_spends_what_is_held(world: World) -> None:
    draft = checkout_draft()
    await world.reserve(draft, 4000)
    answer = await world.commit(draft.order_id, request_id="paid")
    assert answer.checkout.state == pb.CHECKOUT_STATE_COMMITTED
    assert answer.checkout.commit_time == answer.checkout.create_time
    assert purse(world) == (4000, 0)
    again = await world.commit(draft.order_id, request_id="paid")
    assert again.replayed
    assert again.checkout == answer.checkout
    reason, metadata = await refused(world.commit(draft.order_id))
    assert (reason, metadata["state"]) == ("ORDER_NOT_RESERVED", "COMMITTED")
    assert (await refused(world.commit("no-such-order")))[0] == "ORDER_NOT_FOUND"


async def test_commit_order_of_a_member_blocked_since_spends_nothing_b11_o55(world: World) -> None:
    paid_in_part, unpaid = checkout_draft(), checkout_draft()
    await world.reserve(paid_in_part, 4000)
    await world.reserve(unpaid, 0)
    await world.judge("BLOCKED")
    reason, metadata = await refused(world.commit(paid_in_part.order_id))
    assert (reason, metadata) == ("MEMBER_BLOCKED", {"member_id": MEMBER})
    assert purse(world) == (8000, 4000)
    money_only = await world.commit(unpaid.order_id)
    assert money_only.checkout.state == pb.CHECKOUT_STATE_COMMITTED
    await world.cancel(paid_in_part.order_id)
    assert purse(world) == (8000, 0)


async def test_a_committed_order_is_completed_by_its_id_and_earns_on_the_money_only(
    world: World,
) -> None:
    draft = checkout_draft()
    await world.reserve(draft, 4000)
    reason, _ = await refused(world.deliver(draft.order_id))
    assert reason == "ORDER_NOT_COMMITTED"
    await world.commit(draft.order_id)
    answer = await world.deliver(draft.order_id)
    assert [each.points for each in answer.order.grants] == [60]
    assert world.scoring.orders == [draft.order_id]
    found = await known(world, draft.order_id)
    assert found.order == answer.order
    assert found.checkout.state == pb.CHECKOUT_STATE_COMPLETED
    assert (await refused(world.deliver("no-such-order")))[0] == "ORDER_NOT_FOUND"


async def test_cancel_order_releases_what_is_held(world: World) -> None:
    draft = checkout_draft()
    await world.reserve(draft, 4000)
    answer = await world.cancel(draft.order_id, request_id="off", reason="too late")
    assert answer.checkout.state == pb.CHECKOUT_STATE_CANCELLED
    assert purse(world) == (8000, 0)
    assert (await world.cancel(draft.order_id, request_id="off", reason="too late")).replayed
    assert (await refused(world.cancel(draft.order_id)))[0] == "ORDER_NOT_CANCELLABLE"
    assert (await refused(world.commit(draft.order_id)))[0] == "ORDER_NOT_RESERVED"


async def test_cancel_order_gives_spent_points_back_but_what_is_void_e14_e15(world: World) -> None:
    draft = checkout_draft()
    await world.reserve(draft, 4000)
    await world.commit(draft.order_id)
    world.ledger.points.of(MEMBER).void = 500
    answer = await world.cancel(draft.order_id)
    assert answer.checkout.state == pb.CHECKOUT_STATE_CANCELLED
    assert (answer.checkout.returned_points, answer.checkout.forfeited_points) == (3500, 500)
    assert purse(world) == (7500, 0)


async def test_an_order_lapses_when_it_is_not_paid_in_time(world: World) -> None:
    draft = checkout_draft()
    late = checkout_draft()
    await world.reserve(draft, 4000)
    end = world.clock.now() + LIFETIME
    scheduler = world.served.running.scheduler
    await scheduler.advance(end - timedelta(seconds=1))
    assert purse(world) == (8000, 4000)
    await world.reserve(late, 1000)
    world.clock.set(end)
    reason, metadata = await refused(world.commit(draft.order_id))
    assert (reason, metadata["order_id"]) == ("RESERVATION_LAPSED", draft.order_id)
    await scheduler.advance(end)
    assert purse(world) == (8000, 1000)
    found = await known(world, draft.order_id)
    assert found.checkout.state == pb.CHECKOUT_STATE_LAPSED
    assert found.checkout.end_time == found.checkout.expire_time


async def test_a_reservation_holds_its_part_of_a_campaign_and_gives_it_back(world: World) -> None:
    member_day = world.clock.now() + timedelta(days=18)
    world.clock.set(member_day)
    lines = [checkout_line("400.00")]
    first, second, third = (checkout_draft(*lines) for _ in range(3))
    assert (await world.reserve(first)).checkout.promised_points == 800
    assert (await world.reserve(second)).checkout.promised_points == 500
    await world.cancel(first.order_id)
    assert (await world.reserve(third)).checkout.promised_points == 800
    await world.commit(third.order_id)
    delivered = await world.deliver(third.order_id)
    assert sum(each.points for each in delivered.order.grants) == 800


async def test_clients_that_spend_the_same_balance_at_once_spend_what_is_there(
    world: World,
) -> None:
    drafts = [checkout_draft() for _ in range(20)]
    answers = await asyncio.gather(*(world.reserve(draft, 1000) for draft in drafts))
    held = [each for each in answers if each.decision.allowed]
    assert len(held) == 8
    assert {each.checkout.state for each in held} == {pb.CHECKOUT_STATE_RESERVED}
    assert purse(world) == (8000, 8000)
    states = {each.checkout.state for each in answers if not each.decision.allowed}
    assert states <= {pb.CHECKOUT_STATE_REFUSED, pb.CHECKOUT_STATE_UNSPECIFIED}
    await asyncio.gather(*(world.commit(each.checkout.order_id) for each in held))
    assert purse(world) == (0, 0)


async def test_a_reservation_is_finished_by_a_repeat_when_the_ledger_is_back(world: World) -> None:
    draft = checkout_draft()
    await world.reserve(draft, 1000)
    world.ledger.away = True
    assert (await refused(world.commit(draft.order_id, request_id="paid")))[0] == "DEPENDENCY_DOWN"
    assert (await known(world, draft.order_id)).checkout.state == pb.CHECKOUT_STATE_COMMITTING
    world.ledger.away = False
    answer = await world.commit(draft.order_id, request_id="paid")
    assert answer.checkout.state == pb.CHECKOUT_STATE_COMMITTED
    assert purse(world) == (7000, 0)


async def test_members_have_orders_of_the_same_id_each_their_own(world: World) -> None:
    other = number("m")
    world.ledger.give(other, 1000)
    draft = checkout_draft()
    await world.reserve(draft, 1000)
    await world.reserve(draft, 1000, member_id=other)
    assert sum(world.ledger.points.of(other).holds.values()) == 1000
