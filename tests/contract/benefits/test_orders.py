"""Orders through the door: what is paid and told, and what is left when a neighbour is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import grpc
import pytest
from google.rpc import error_details_pb2
from laurel.benefits.v1 import decisions_pb2, earnings_pb2, memberships_pb2
from laurel.benefits.v1 import orders_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PLAN,
    PROGRAM,
    World,
    benefits_world,
    detail,
    instant,
    line,
    money,
    order_request,
    refusal_of,
)
from tests.support.databases import DatabaseOf
from tests.support.programs import program_text

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


@pytest.fixture
async def relayed(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    """A world whose relay looks at an order at once."""
    async with benefits_world(database_of, clock, relay_delay=timedelta(milliseconds=1)) as world:
        yield world


async def get_order(world: World, order_id: str, member_id: str = MEMBER) -> pb.Order:
    request = pb.GetOrderRequest(program_id=PROGRAM, member_id=member_id, order_id=order_id)
    return (await world.orders.GetOrder(request, timeout=PATIENCE)).order


async def refused(world: World, request: pb.CompleteOrderRequest) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await world.complete(request)
    return error.value


async def test_complete_order_pays_base_points_and_tells_scoring(world: World) -> None:
    request = order_request(line("128.50"), order_time=world.clock.now())
    answer = await world.complete(request)
    order = answer.order
    assert not answer.replayed
    assert order.state == pb.ORDER_STATE_COMPLETED
    assert [(each.kind, each.points, each.state) for each in order.grants] == [
        (pb.GRANT_KIND_BASE, 128, pb.GRANT_STATE_POSTED)
    ]
    assert order.grants[0].commit_token
    assert order.scoring_told
    assert order.draft.lines[0].sale_type == "retail"
    assert world.ledger.amounts == {"base": 128}
    assert world.scoring.orders == [request.order.order_id]


async def test_complete_order_says_the_ledger_when_and_for_what(world: World) -> None:
    request = order_request(order_time=world.clock.now() - 2 * MINUTE)
    request.order.complete_time.CopyFrom(instant(world.clock.now() - MINUTE))
    answer = await world.complete(request)
    (draft,) = world.ledger.posted.values()
    assert draft.request_id == answer.order.grants[0].transaction_request_id
    assert draft.effective_time == request.order.complete_time
    assert dict(draft.labels) == {"order_id": request.order.order_id, "kind": "base"}
    assert draft.program_revision == answer.order.program_revision
    (fact,) = world.scoring.facts.values()
    assert fact.activity_time == request.order.complete_time
    assert [each.paid for each in fact.purchase.lines] == [money("100.00")]


async def test_complete_order_pays_the_rebate_of_a_running_membership(world: World) -> None:
    bought = await world.buy()
    paid = [line("100.00"), line("2000.00", "phones")]
    answer = await world.complete(order_request(*paid, order_time=world.clock.now()))
    assert [(each.kind, each.points) for each in answer.order.grants] == [
        (pb.GRANT_KIND_REBATE, 4500)
    ]
    assert answer.order.membership_id == bought.membership_id
    assert (await membership_rebate(world)).granted_points == 4500


async def membership_rebate(world: World) -> memberships_pb2.TermRebate:
    request = memberships_pb2.GetMembershipRequest(
        program_id=PROGRAM, member_id=MEMBER, plan_id=PLAN
    )
    found = await world.memberships.GetMembership(request, timeout=PATIENCE)
    return found.membership.rebate


@pytest.mark.parametrize(
    ("offset", "kind"),
    [
        (timedelta(0), pb.GRANT_KIND_REBATE),
        (-timedelta(microseconds=1), pb.GRANT_KIND_BASE),
    ],
)
async def test_complete_order_counts_the_membership_of_when_it_was_placed_f15(
    world: World, offset: timedelta, kind: pb.GrantKind.ValueType
) -> None:
    start = (await world.buy()).term.start_time.ToDatetime(tzinfo=world.clock.now().tzinfo)
    answer = await world.complete(order_request(order_time=start + offset))
    assert [each.kind for each in answer.order.grants] == [kind]


async def test_complete_order_explains_every_line(world: World) -> None:
    request = order_request(line("1500.00", "food"), order_time=world.clock.now())
    (earning,) = (await world.complete(request)).order.line_earnings
    assert [each.stage for each in earning.trace] == [
        earnings_pb2.EARNING_STAGE_BASE,
        earnings_pb2.EARNING_STAGE_ITEM_CAP,
        earnings_pb2.EARNING_STAGE_ROUNDING,
    ]
    cap = earning.trace[1]
    assert (cap.before_ten_thousandths, cap.after_ten_thousandths) == (15_000_000, 10_000_000)
    assert cap.reason == decisions_pb2.DECISION_REASON_ITEM_CAP


async def test_complete_order_again_answers_the_same_and_posts_nothing(world: World) -> None:
    request = order_request(order_time=world.clock.now())
    first = await world.complete(request)
    rows, calls = await world.rows(), world.ledger.calls
    again = await world.complete(request)
    assert again.replayed
    assert again.order == first.order
    assert (await world.rows(), world.ledger.calls) == (rows, calls)


async def test_complete_order_with_other_content_under_its_request_id_is_refused(
    world: World,
) -> None:
    request = order_request(order_time=world.clock.now())
    await world.complete(request)
    rows = await world.rows()
    request.order.lines[0].quantity = 2
    code, reason, metadata = refusal_of(await refused(world, request))
    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert "lines" in metadata["mismatched_fields"]
    assert await world.rows() == rows


async def test_complete_order_under_another_request_id_is_refused(world: World) -> None:
    request = order_request(order_time=world.clock.now())
    await world.complete(request)
    request.request_id = "another"
    code, reason, metadata = refusal_of(await refused(world, request))
    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "ORDER_COMPLETED")
    assert metadata == {"order_id": request.order.order_id}


async def test_complete_order_validate_only_stores_and_tells_nothing(world: World) -> None:
    before = await world.rows()
    request = order_request(order_time=world.clock.now(), validate_only=True)
    answer = await world.complete(request)
    assert [(each.points, each.state) for each in answer.order.grants] == [
        (100, pb.GRANT_STATE_PENDING)
    ]
    assert await world.rows() == before
    assert not world.ledger.posted
    assert not world.scoring.facts


async def test_complete_order_without_the_ledger_promises_nothing_and_a_repeat_finishes(
    world: World,
) -> None:
    world.ledger.away = True
    request = order_request(order_time=world.clock.now())
    error = await refused(world, request)
    assert refusal_of(error) == (
        grpc.StatusCode.UNAVAILABLE,
        "DEPENDENCY_DOWN",
        {"dependency": "ledger"},
    )
    assert detail(error, error_details_pb2.RetryInfo())
    assert (await get_order(world, request.order.order_id)).state == pb.ORDER_STATE_COMPLETING
    world.ledger.away = False
    again = await world.complete(request)
    assert again.replayed
    assert again.order.state == pb.ORDER_STATE_COMPLETED
    assert world.ledger.amounts == {"base": 100}


async def test_complete_order_is_not_paid_twice_when_the_answer_of_the_ledger_is_lost(
    world: World,
) -> None:
    world.ledger.loses_answers = True
    request = order_request(order_time=world.clock.now())
    await refused(world, request)
    world.ledger.loses_answers = False
    await world.complete(request)
    assert world.ledger.amounts == {"base": 100}


async def test_complete_order_without_scoring_pays_and_tells_later_in_order(
    relayed: World,
) -> None:
    world = relayed
    world.scoring.away = True
    requests = [order_request(order_time=world.clock.now()) for _ in range(4)]
    for request in requests:
        answer = await world.complete(request)
        assert answer.order.state == pb.ORDER_STATE_COMPLETED
        assert not answer.order.scoring_told
    assert world.ledger.amounts == {"base": 400}
    world.scoring.away = False
    await world.scoring.told(len(requests))
    assert world.scoring.orders == [request.order.order_id for request in requests]


async def test_complete_order_tells_earlier_purchases_first(world: World) -> None:
    world.scoring.away = True
    first = order_request(order_time=world.clock.now())
    await world.complete(first)
    world.scoring.away = False
    second = order_request(order_time=world.clock.now())
    assert (await world.complete(second)).order.scoring_told
    assert world.scoring.orders == [first.order.order_id, second.order.order_id]


async def test_complete_order_is_finished_by_the_relay_when_nobody_repeats(
    relayed: World,
) -> None:
    relayed.ledger.away = True
    request = order_request(order_time=relayed.clock.now())
    await refused(relayed, request)
    relayed.ledger.away = False
    await relayed.scoring.told(1)
    assert relayed.ledger.amounts == {"base": 100}
    async with asyncio.timeout(PATIENCE):
        while True:
            order = await get_order(relayed, request.order.order_id)
            if order.state == pb.ORDER_STATE_COMPLETED:
                return


async def test_complete_order_keeps_a_refusal_of_the_ledger_and_gives_the_room_back(
    world: World,
) -> None:
    await world.buy()
    world.ledger.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "BALANCE_LIMIT_EXCEEDED")
    answer = await world.complete(order_request(order_time=world.clock.now()))
    assert answer.order.state == pb.ORDER_STATE_COMPLETED
    assert [(each.state, each.refusal) for each in answer.order.grants] == [
        (pb.GRANT_STATE_REFUSED, "BALANCE_LIMIT_EXCEEDED")
    ]
    assert answer.order.scoring_told
    assert (await membership_rebate(world)).granted_points == 0


async def test_complete_order_waits_where_the_ledger_may_still_take_it(world: World) -> None:
    world.ledger.refusal = (grpc.StatusCode.NOT_FOUND, "PROGRAM_NOT_FOUND")
    request = order_request(order_time=world.clock.now())
    assert refusal_of(await refused(world, request))[1] == "DEPENDENCY_DOWN"
    world.ledger.refusal = None
    assert (await world.complete(request)).order.state == pb.ORDER_STATE_COMPLETED


async def test_complete_order_does_not_let_a_fact_scoring_refuses_stop_the_next(
    world: World,
) -> None:
    world.scoring.item_refusal = "NOT_IN_VOCABULARY"
    refused_one = await world.complete(order_request(order_time=world.clock.now()))
    assert not refused_one.order.scoring_told
    world.scoring.item_refusal = ""
    told = await world.complete(order_request(order_time=world.clock.now()))
    assert told.order.scoring_told
    assert world.scoring.orders == [told.order.draft.order_id]


async def test_complete_order_uses_the_revision_of_when_it_was_delivered(world: World) -> None:
    change = world.clock.now() - timedelta(hours=1)
    later = program_text().replace("default_rate_bps: 100\n", "default_rate_bps: 200\n", 1)
    revision = await world.apply(later, effective_time=change)
    for complete_time, points in ((change - MINUTE, 100), (change, 200)):
        request = order_request(order_time=change - timedelta(days=1))
        request.order.complete_time.CopyFrom(instant(complete_time))
        order = (await world.complete(request)).order
        assert order.grants[0].points == points
        assert (order.program_revision == revision) is (points == 200)


def mismatched(request: pb.CompleteOrderRequest) -> None:
    request.order.payments[0].amount.units += 1


def unknown_word(request: pb.CompleteOrderRequest) -> None:
    request.order.lines[0].goods_class = "gadget"
    request.order.payments[0].payment_method = "barter"


def reversed_times(request: pb.CompleteOrderRequest) -> None:
    request.order.complete_time.seconds = request.order.order_time.seconds - 1


def in_future(request: pb.CompleteOrderRequest) -> None:
    request.order.complete_time.seconds = request.order.order_time.seconds + 301


def other_program(request: pb.CompleteOrderRequest) -> None:
    request.program_id = "unknown"


def broken_contract(request: pb.CompleteOrderRequest) -> None:
    request.member_id = ""
    request.order.lines[0].quantity = 0
    request.order.payments[0].amount.nanos = 1


@pytest.mark.parametrize(
    ("spoil", "code", "reason"),
    [
        (mismatched, grpc.StatusCode.INVALID_ARGUMENT, "ORDER_PAYMENTS_MISMATCH"),
        (unknown_word, grpc.StatusCode.INVALID_ARGUMENT, "ORDER_WORD_UNKNOWN"),
        (reversed_times, grpc.StatusCode.INVALID_ARGUMENT, "ORDER_TIMES_REVERSED"),
        (in_future, grpc.StatusCode.INVALID_ARGUMENT, "TIME_IN_FUTURE"),
        (other_program, grpc.StatusCode.NOT_FOUND, "PROGRAM_NOT_FOUND"),
        (broken_contract, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"),
    ],
)
async def test_complete_order_that_can_never_be_right_leaves_no_row(
    world: World,
    spoil: Callable[[pb.CompleteOrderRequest], None],
    code: grpc.StatusCode,
    reason: str,
) -> None:
    before = await world.rows()
    request = order_request(order_time=world.clock.now())
    spoil(request)
    assert refusal_of(await refused(world, request))[:2] == (code, reason)
    assert await world.rows() == before
    assert not world.ledger.posted
    assert not world.scoring.facts


@pytest.mark.parametrize(
    ("spoil", "paths"),
    [
        (unknown_word, ["order.lines[0].goods_class", "order.payments[0].payment_method"]),
        (broken_contract, ["member_id", "order.lines[0].quantity", "order.payments[0].amount"]),
    ],
)
async def test_complete_order_names_every_fault_of_a_request(
    world: World, spoil: Callable[[pb.CompleteOrderRequest], None], paths: list[str]
) -> None:
    request = order_request(order_time=world.clock.now())
    spoil(request)
    found = error_details_pb2.BadRequest()
    assert detail(await refused(world, request), found)
    assert sorted(each.field for each in found.field_violations) == paths


async def test_get_order_answers_what_was_completed(world: World) -> None:
    request = order_request(order_time=world.clock.now())
    completed = await world.complete(request)
    assert await get_order(world, request.order.order_id) == completed.order


async def test_get_order_of_another_member_is_not_found(world: World) -> None:
    request = order_request(order_time=world.clock.now())
    await world.complete(request)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await get_order(world, request.order.order_id, "m-2")
    assert refusal_of(error.value) == (
        grpc.StatusCode.NOT_FOUND,
        "ORDER_NOT_FOUND",
        {"order_id": request.order.order_id},
    )
