"""Benefits used and given back through the door: quotas are counted, and repeats count nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.type.date_pb2 import Date
from laurel.benefits.v1 import decisions_pb2
from laurel.benefits.v1 import eligibility_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    Standing,
    World,
    benefits_world,
    checkout_draft,
    checkout_line,
    instant,
    line,
    money,
    number,
    order_request,
    refusal_of,
)
from tests.support.databases import DatabaseOf
from tests.support.programs import program_text

RETURN = "double-free-return"
UNKNOWN_USE = "019aa000-0000-7000-8000-00000000dead"


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        world.scoring.standings[MEMBER] = Standing(score=20000, published=20000)
        yield world


def use_request(benefit_id: str = RETURN, **options: Any) -> pb.UseBenefitRequest:
    content = {"program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r")}
    return pb.UseBenefitRequest(benefit_id=benefit_id, **(content | options))


async def use(world: World, benefit_id: str = RETURN, **options: Any) -> pb.UseBenefitResponse:
    request = use_request(benefit_id, **options)
    return await world.eligibility.UseBenefit(request, timeout=PATIENCE)


def reversal_request(use_id: str, **options: Any) -> pb.ReverseUseRequest:
    content = {
        "program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r"), "reason": "returned",
    }  # fmt: skip
    return pb.ReverseUseRequest(use_id=use_id, **(content | options))


async def reverse(world: World, use_id: str, **options: Any) -> pb.ReverseUseResponse:
    request = reversal_request(use_id, **options)
    return await world.eligibility.ReverseUse(request, timeout=PATIENCE)


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)


def code_of(answer: pb.UseBenefitResponse) -> int:
    (reason,) = answer.decision.reasons
    return reason.code


async def test_use_benefit_counts_until_the_quota_is_used_and_begins_again(world: World) -> None:
    for used in (1, 2, 3):
        answer = await use(world, reference=f"parcel-{used}")
        assert answer.decision.allowed
        assert (answer.decision.quota.used, answer.decision.quota.remaining) == (used, 3 - used)
        assert answer.use.state == pb.BENEFIT_USE_STATE_USED
        assert answer.use.reference == f"parcel-{used}"
    refused = await use(world)
    assert not refused.decision.allowed
    assert not refused.HasField("use")
    assert code_of(refused) == decisions_pb2.DECISION_REASON_QUOTA_USED
    april = datetime(2026, 3, 31, 16, tzinfo=UTC)
    assert refused.decision.reasons[0].available_from == instant(april)
    world.clock.set(april - timedelta(microseconds=1))
    assert not (await use(world)).decision.allowed
    world.clock.set(april)
    assert (await use(world)).decision.quota.used == 1
    assert (await world.rows())["benefit_use"] == 4


async def test_use_benefit_of_a_freight_coupon_can_be_redeemed_for_thirty_days_f22(
    world: World,
) -> None:
    await world.buy()
    for _ in range(5):
        used = (await use(world, "plus-freight-coupon")).use
        end = used.use_time.ToDatetime(tzinfo=UTC) + timedelta(days=30)
        assert (used.expire_time, used.value.amount_off) == (instant(end), money("6.00"))
    assert code_of(await use(world, "plus-freight-coupon")) == (
        decisions_pb2.DECISION_REASON_QUOTA_USED
    )
    assert not (await use(world)).use.HasField("expire_time")


async def test_use_benefit_of_one_member_leaves_the_quota_of_another(world: World) -> None:
    world.scoring.standings["m-2"] = Standing(score=20000)
    for _ in range(3):
        await use(world)
    assert (await use(world, member_id="m-2")).decision.quota.used == 1


async def test_use_benefit_without_a_quota_is_kept_and_never_used_up(world: World) -> None:
    for _ in range(3):
        answer = await use(world, "vip-line")
        assert answer.decision.allowed
        assert not answer.decision.HasField("quota")
    rows = await world.rows()
    assert (rows["benefit_use"], rows["benefit_counter"]) == (3, 0)


@pytest.mark.parametrize(("day", "allowed"), [(4, False), (5, True), (20, True), (21, False)])
async def test_use_benefit_claims_the_gift_pack_from_the_5th_to_the_20th_o33(
    world: World, day: int, allowed: bool
) -> None:
    world.clock.set(datetime(2026, 4, day, 4, tzinfo=UTC))
    assert (await use(world, "gift-pack")).decision.allowed is allowed


async def test_use_benefit_gives_one_gift_pack_a_month_c16(world: World) -> None:
    assert (await use(world, "gift-pack")).decision.allowed
    assert not (await use(world, "gift-pack")).decision.allowed
    world.clock.set(datetime(2026, 4, 5, 4, tzinfo=UTC))
    assert (await use(world, "gift-pack")).decision.allowed


async def test_use_benefit_gives_one_birthday_coupon_a_year_c15(world: World) -> None:
    born = Date(year=1990, month=3, day=10)
    assert (await use(world, "birthday-coupon", birth_date=born)).decision.allowed
    again = await use(world, "birthday-coupon", birth_date=born)
    assert code_of(again) == decisions_pb2.DECISION_REASON_QUOTA_USED
    world.clock.set(datetime(2027, 3, 10, 4, tzinfo=UTC))
    assert (await use(world, "birthday-coupon", birth_date=born)).decision.allowed


async def test_use_benefit_gives_plus_five_freight_coupons_a_month_f22(world: World) -> None:
    refused = await use(world, "plus-freight-coupon")
    assert code_of(refused) == decisions_pb2.DECISION_REASON_NOT_MEMBER
    await world.buy()
    values = [(await use(world, "plus-freight-coupon")).use.value for _ in range(5)]
    assert {str(value.amount_off) for value in values} == {str(money("6.00"))}
    sixth = await use(world, "plus-freight-coupon")
    assert code_of(sixth) == decisions_pb2.DECISION_REASON_QUOTA_USED


async def test_use_benefit_again_answers_the_same_and_counts_nothing(world: World) -> None:
    request = use_request(reference="parcel-1")
    first = await world.eligibility.UseBenefit(request, timeout=PATIENCE)
    world.scoring.standings[MEMBER] = Standing(score=0)
    world.clock.set(world.clock.now() + timedelta(days=40))
    again = await world.eligibility.UseBenefit(request, timeout=PATIENCE)
    assert again.replayed
    assert (again.use, again.decision) == (first.use, first.decision)
    assert (await world.rows())["benefit_use"] == 1


async def test_use_benefit_again_answers_the_same_refusal(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=0)
    request = use_request()
    first = await world.eligibility.UseBenefit(request, timeout=PATIENCE)
    world.scoring.standings[MEMBER] = Standing(score=20000)
    again = await world.eligibility.UseBenefit(request, timeout=PATIENCE)
    assert again.replayed
    assert again.decision == first.decision
    assert not again.decision.allowed


async def test_use_benefit_with_validate_only_stores_nothing(world: World) -> None:
    await use(world)
    before = await world.rows()
    answer = await use(world, validate_only=True)
    assert (answer.decision.quota.used, answer.decision.quota.remaining) == (2, 1)
    assert not answer.HasField("use")
    assert await world.rows() == before


async def test_use_benefit_without_scoring_decides_on_what_was_seen_last(world: World) -> None:
    await use(world)
    world.scoring.away = True
    answer = await use(world)
    assert answer.decision.allowed
    assert answer.decision.degraded
    assert (answer.decision.quota.used, answer.use.benefit_id) == (2, RETURN)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"benefit_id": "free-lunch"}, "BENEFIT_NOT_FOUND"),
        ({"program_id": "unknown"}, "PROGRAM_NOT_FOUND"),
        ({"request_id": ""}, "REQUEST_INVALID"),
        ({"member_id": "no spaces"}, "REQUEST_INVALID"),
        ({"reference": "x" * 201}, "REQUEST_INVALID"),
        ({"birth_date": Date(month=2, day=30)}, "REQUEST_INVALID"),
    ],
)
async def test_use_benefit_that_can_never_be_right_leaves_no_row(
    world: World, options: dict[str, Any], reason: str
) -> None:
    before = await world.rows()
    request = use_request(**({"benefit_id": RETURN} | options))
    assert (await refusal(world.eligibility.UseBenefit(request, timeout=PATIENCE)))[1] == reason
    assert await world.rows() == before


async def test_use_benefit_with_other_content_under_its_request_id_is_refused(
    world: World,
) -> None:
    request = use_request(reference="parcel-1")
    await world.eligibility.UseBenefit(request, timeout=PATIENCE)
    request.reference = "parcel-2"
    _, reason, metadata = await refusal(world.eligibility.UseBenefit(request, timeout=PATIENCE))
    assert reason == "REQUEST_ID_REUSED"
    assert "reference" in metadata["mismatched_fields"]


async def test_reverse_use_gives_the_use_back_to_its_period(world: World) -> None:
    uses = [(await use(world)).use.use_id for _ in range(3)]
    answer = await reverse(world, uses[0], reason="parcel lost")
    assert answer.use.state == pb.BENEFIT_USE_STATE_REVERSED
    assert answer.use.reverse_reason == "parcel lost"
    assert answer.use.reverse_time == instant(world.clock.now())
    assert (await use(world)).decision.quota.used == 3
    assert not (await use(world)).decision.allowed


async def test_reverse_use_of_an_earlier_period_leaves_this_one(world: World) -> None:
    earlier = (await use(world)).use.use_id
    world.clock.set(datetime(2026, 4, 2, 4, tzinfo=UTC))
    await use(world)
    await reverse(world, earlier)
    assert (await use(world, validate_only=True)).decision.quota.used == 2


async def test_reverse_use_again_answers_the_same(world: World) -> None:
    request = reversal_request((await use(world)).use.use_id)
    first = await world.eligibility.ReverseUse(request, timeout=PATIENCE)
    again = await world.eligibility.ReverseUse(request, timeout=PATIENCE)
    assert again.replayed
    assert again.use == first.use
    assert (await use(world)).decision.quota.used == 1


async def test_reverse_use_of_what_was_given_back_is_refused(world: World) -> None:
    use_id = (await use(world)).use.use_id
    await reverse(world, use_id)
    code, reason, metadata = await refusal(reverse(world, use_id))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BENEFIT_USE_REVERSED")
    assert metadata["use_id"] == use_id
    assert (await use(world)).decision.quota.used == 1


async def test_reverse_use_of_an_unlimited_benefit_only_marks_it(world: World) -> None:
    use_id = (await use(world, "vip-line")).use.use_id
    assert (await reverse(world, use_id)).use.state == pb.BENEFIT_USE_STATE_REVERSED
    assert (await world.rows())["benefit_counter"] == 0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"use_id": UNKNOWN_USE}, "BENEFIT_USE_NOT_FOUND"),
        ({"member_id": "m-2"}, "BENEFIT_USE_NOT_FOUND"),
        ({"use_id": "no-uuid"}, "REQUEST_INVALID"),
        ({"reason": ""}, "REQUEST_INVALID"),
        ({"request_id": ""}, "REQUEST_INVALID"),
    ],
)
async def test_reverse_use_that_can_never_be_right_leaves_no_row(
    world: World, options: dict[str, Any], reason: str
) -> None:
    use_id = (await use(world)).use.use_id
    before = await world.rows()
    request = reversal_request(**({"use_id": use_id} | options))
    assert (await refusal(world.eligibility.ReverseUse(request, timeout=PATIENCE)))[1] == reason
    assert await world.rows() == before


FEW_PACKS = ("stock: {limit: 100000, period: month}", "stock: {limit: 2, period: month}")


async def test_use_benefit_gives_gift_packs_to_who_comes_first_c16(world: World) -> None:
    await world.apply(program_text().replace(*FEW_PACKS))
    for member_id in ("m-2", "m-3"):
        world.scoring.standings[member_id] = Standing(score=10000, published=10000)
    first = await use(world, "gift-pack")
    assert (await use(world, "gift-pack", member_id="m-2")).decision.allowed
    late = await use(world, "gift-pack", member_id="m-3")
    assert code_of(late) == decisions_pb2.DECISION_REASON_STOCK_EXHAUSTED
    assert late.decision.reasons[0].available_from == instant(datetime(2026, 3, 31, 16, tzinfo=UTC))
    await reverse(world, first.use.use_id)
    assert (await use(world, "gift-pack", member_id="m-3")).decision.allowed
    assert not (await use(world, "gift-pack")).decision.allowed
    world.clock.set(datetime(2026, 4, 5, 4, tzinfo=UTC))
    assert (await use(world, "gift-pack")).decision.allowed


async def used_in(world: World, order_id: str) -> str:
    answer = await use(world, order_id=order_id)
    assert answer.use.order_id == order_id
    return answer.use.use_id


async def left(world: World) -> int:
    return (await use(world, validate_only=True)).decision.quota.remaining + 1


async def test_a_use_comes_back_with_its_order_when_that_is_cancelled(world: World) -> None:
    world.ledger.give(MEMBER, 5000)
    order_id = number("o")
    draft = checkout_draft(checkout_line("100.00"), order_id=order_id)
    assert (await world.reserve(draft, points=1000)).decision.allowed
    use_id = await used_in(world, order_id)
    assert await left(world) == 2
    await world.cancel(order_id)
    assert await left(world) == 3
    assert (await refusal(reverse(world, use_id)))[1] == "BENEFIT_USE_REVERSED"


async def test_a_use_comes_back_with_its_order_when_that_lapses(world: World) -> None:
    order_id = number("o")
    await world.reserve(checkout_draft(order_id=order_id))
    await used_in(world, order_id)
    await world.served.running.scheduler.advance(world.clock.now() + timedelta(hours=1))
    assert await left(world) == 3


async def test_a_use_comes_back_when_all_goods_of_its_order_went_back(world: World) -> None:
    goods = line("100.00", line_id="a"), line("50.00", line_id="b")
    request = order_request(*goods, order_time=world.clock.now())
    order_id = (await world.complete(request)).order.draft.order_id
    await used_in(world, order_id)
    await use(world, reference=order_id)
    await world.give_back(order_id, {"a": 1})
    assert await left(world) == 1
    await world.give_back(order_id, {"b": 1})
    assert await left(world) == 2
