"""Benefits through the door: a yes or a no with its reasons, also while scoring is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
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
    instant,
    money,
    refusal_of,
)
from tests.support.databases import DatabaseOf

BORN = Date(year=1990, month=3, day=10)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def check(world: World, benefit_id: str, **options: Any) -> decisions_pb2.Decision:
    content = {"program_id": PROGRAM, "member_id": MEMBER, "benefit_id": benefit_id}
    request = pb.CheckBenefitRequest(**(content | options))
    return (await world.eligibility.CheckBenefit(request, timeout=PATIENCE)).decision


def codes(decision: decisions_pb2.Decision) -> list[str]:
    return [
        decisions_pb2.DecisionReason.Name(reason.code).removeprefix("DECISION_REASON_")
        for reason in decision.reasons
    ]


async def test_check_benefit_allows_from_its_score_on(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=500)
    decision = await check(world, "birthday-coupon", birth_date=BORN)
    assert decision.allowed
    assert codes(decision) == []
    assert decision.evidence.score.value == 500
    assert decision.evidence.decide_time == instant(world.clock.now())


async def test_check_benefit_refuses_with_what_is_missing(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=499)
    decision = await check(world, "birthday-coupon", birth_date=BORN)
    assert not decision.allowed
    assert codes(decision) == ["SCORE_TOO_LOW"]
    assert (decision.reasons[0].required, decision.reasons[0].missing) == (500, 1)
    assert decision.near_miss.missing == 1


async def test_check_benefit_says_when_its_window_opens(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(published=10000)
    world.clock.set(datetime(2026, 3, 21, 4, tzinfo=UTC))
    decision = await check(world, "gift-pack")
    assert codes(decision) == ["OUTSIDE_WINDOW"]
    opens = instant(datetime(2026, 4, 4, 16, tzinfo=UTC))
    assert decision.reasons[0].available_from == decision.near_miss.available_from == opens


async def test_check_benefit_looks_at_the_published_score_where_the_program_says_so(
    world: World,
) -> None:
    world.scoring.standings[MEMBER] = Standing(score=99999, published=9999)
    assert codes(await check(world, "gift-pack")) == ["SCORE_TOO_LOW"]
    world.scoring.standings[MEMBER] = Standing(score=0, published=10000)
    decision = await check(world, "gift-pack")
    assert decision.allowed
    assert not decision.evidence.score.live


async def test_check_benefit_takes_a_score_that_was_never_published_as_none(
    world: World,
) -> None:
    world.scoring.standings[MEMBER] = Standing(score=99999, published=None)
    decision = await check(world, "gift-pack")
    assert codes(decision) == ["SCORE_TOO_LOW"]
    assert not decision.evidence.HasField("score")
    assert list(decision.evidence.attributes) == ["real_name"]


async def test_check_benefit_says_what_it_takes_off(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=5000)
    decision = await check(world, "plus-fee-reduction")
    assert decision.value.amount_off == money("50.00")


async def test_check_benefit_of_members_does_not_need_scoring(world: World) -> None:
    assert codes(await check(world, "plus-member-price")) == ["NOT_MEMBER"]
    bought = await world.buy()
    world.scoring.away = True
    decision = await check(world, "plus-member-price")
    assert decision.allowed
    assert not decision.degraded
    assert decision.evidence.membership_id == bought.membership_id


async def test_check_benefit_without_scoring_uses_what_was_seen_last_with_its_age(
    world: World,
) -> None:
    world.scoring.standings[MEMBER] = Standing(score=500)
    await check(world, "single-free-return")
    world.scoring.away = True
    world.clock.set(world.clock.now() + timedelta(days=2))
    decision = await check(world, "single-free-return")
    assert decision.allowed
    assert decision.degraded
    assert codes(decision) == ["DEGRADED_DATA"]
    assert decision.evidence.score.age.ToTimedelta() == timedelta(days=2)


async def test_check_benefit_without_scoring_decides_nothing_on_what_is_too_old(
    world: World,
) -> None:
    world.scoring.standings[MEMBER] = Standing(score=500)
    await check(world, "single-free-return")
    world.scoring.away = True
    world.clock.set(world.clock.now() + timedelta(days=7, seconds=1))
    decision = await check(world, "single-free-return")
    assert not decision.allowed
    assert decision.degraded
    assert codes(decision) == ["DEGRADED_DATA"]


async def test_check_benefit_is_degraded_where_scoring_does_not_know_the_program(
    world: World,
) -> None:
    world.scoring.refusal = (grpc.StatusCode.NOT_FOUND, "PROGRAM_NOT_FOUND")
    decision = await check(world, "single-free-return")
    assert not decision.allowed
    assert decision.degraded


@pytest.mark.parametrize(
    ("benefit_id", "options", "reason"),
    [
        ("free-lunch", {}, "BENEFIT_NOT_FOUND"),
        ("vip-line", {"program_id": "unknown"}, "PROGRAM_NOT_FOUND"),
        ("vip-line", {"member_id": "no spaces"}, "REQUEST_INVALID"),
        ("vip-line", {"birth_date": Date(month=2, day=30)}, "REQUEST_INVALID"),
    ],
)
async def test_check_benefit_that_can_never_be_right_leaves_no_row(
    world: World, benefit_id: str, options: dict[str, Any], reason: str
) -> None:
    before = await world.rows()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await check(world, benefit_id, **options)
    assert refusal_of(error.value)[1] == reason
    assert await world.rows() == before


async def test_check_benefit_shows_the_quota_and_uses_none_of_it(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=20000)
    for _ in range(2):
        decision = await check(world, "double-free-return")
        assert (decision.quota.limit, decision.quota.used, decision.quota.remaining) == (3, 0, 3)
    assert decision.quota.reset_time == instant(datetime(2026, 3, 31, 16, tzinfo=UTC))
    assert not (await check(world, "vip-line")).HasField("quota")


def batch(*checks: tuple[str, str], **options: Any) -> pb.BatchCheckBenefitsRequest:
    return pb.BatchCheckBenefitsRequest(
        checks=[
            pb.BenefitCheck(member_id=member_id, benefit_id=benefit_id)
            for member_id, benefit_id in checks
        ],
        **({"program_id": PROGRAM} | options),
    )


async def test_batch_check_benefits_decides_on_each_by_itself_in_order(world: World) -> None:
    world.scoring.standings["high"] = Standing(score=20000)
    request = batch(
        ("high", "vip-line"), ("low", "vip-line"), ("high", "free-lunch"), ("low", "vip-line")
    )
    answer = await world.eligibility.BatchCheckBenefits(request, timeout=PATIENCE)
    assert [each.offer.decision.allowed for each in answer.results] == [True, False, False, False]
    assert [each.WhichOneof("outcome") for each in answer.results] == [
        "offer", "offer", "error", "offer",
    ]  # fmt: skip
    info = error_details_pb2.ErrorInfo()
    assert answer.results[2].error.details[0].Unpack(info)
    assert (info.reason, info.metadata["benefit_id"]) == ("BENEFIT_NOT_FOUND", "free-lunch")
    assert answer.results[0].offer.display_name == "专属客服"


async def test_batch_check_benefits_asks_scoring_once_for_a_standing(world: World) -> None:
    calls = [(MEMBER, name) for name in ("vip-line", "double-free-return", "internal-coupons")]
    before = world.scoring.questions
    await world.eligibility.BatchCheckBenefits(batch(*calls, *calls), timeout=PATIENCE)
    assert world.scoring.questions == before + 1


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (batch(), "REQUEST_INVALID"),
        (batch(*[(MEMBER, "vip-line")] * 101), "REQUEST_INVALID"),
        (batch((MEMBER, "vip-line"), program_id="unknown"), "PROGRAM_NOT_FOUND"),
    ],
)
async def test_batch_check_benefits_that_can_never_be_right_leaves_no_row(
    world: World, request_: pb.BatchCheckBenefitsRequest, reason: str
) -> None:
    before = await world.rows()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await world.eligibility.BatchCheckBenefits(request_, timeout=PATIENCE)
    assert refusal_of(error.value)[1] == reason
    assert await world.rows() == before


async def list_benefits(world: World, **options: Any) -> pb.ListBenefitsResponse:
    content = {"program_id": PROGRAM, "member_id": MEMBER, "birth_date": BORN}
    request = pb.ListBenefitsRequest(**(content | options))
    return await world.eligibility.ListBenefits(request, timeout=PATIENCE)


async def test_list_benefits_says_what_is_had_and_what_is_one_step_away(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=4999, published=10000)
    offers = {each.benefit_id: each.decision for each in (await list_benefits(world)).offers}
    assert list(offers) == sorted(offers)
    assert {name for name, decision in offers.items() if decision.allowed} == {
        "birthday-coupon", "gift-pack", "single-free-return", "welfare-coupon",
    }  # fmt: skip
    shipping = offers["free-shipping"].near_miss
    assert (shipping.code, shipping.missing) == (
        decisions_pb2.DECISION_REASON_ORDER_TOO_SMALL,
        9900,
    )
    assert offers["plus-fee-reduction"].near_miss.missing == 1
    assert offers["plus-fee-reduction"].near_miss.value.amount_off == money("50.00")
    near = decisions_pb2.DECISION_REASON_NOT_MEMBER
    assert offers["plus-member-price"].near_miss.code == near
    assert offers["welfare-coupon"].near_miss.value.amount_off == money("20.00")


async def test_list_benefits_gives_every_benefit_once_over_its_pages(world: World) -> None:
    whole = [each.benefit_id for each in (await list_benefits(world)).offers]
    found, token = [], ""
    while True:
        page = await list_benefits(world, page_size=5, page_token=token)
        assert 0 < len(page.offers) <= 5
        found += [each.benefit_id for each in page.offers]
        if not (token := page.next_page_token):
            break
    assert found == whole
    assert len(found) == len(set(found))
    assert {"free-shipping", "gift-pack", "vip-line"} <= set(found)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"page_token": "damaged"}, "PAGE_TOKEN_INVALID"),
        ({"program_id": "unknown"}, "PROGRAM_NOT_FOUND"),
        ({"member_id": ""}, "REQUEST_INVALID"),
        ({"page_size": -1}, "REQUEST_INVALID"),
    ],
)
async def test_list_benefits_that_can_never_be_right_leaves_no_row(
    world: World, options: dict[str, Any], reason: str
) -> None:
    before = await world.rows()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await list_benefits(world, **options)
    assert refusal_of(error.value)[1] == reason
    assert await world.rows() == before


async def test_list_benefits_refuses_the_page_of_another_member(world: World) -> None:
    token = (await list_benefits(world, page_size=1)).next_page_token
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await list_benefits(world, member_id="m-2", page_size=1, page_token=token)
    assert refusal_of(error.value)[1] == "PAGE_TOKEN_INVALID"


async def test_list_benefits_without_scoring_offers_what_needs_none(world: World) -> None:
    await world.buy()
    world.scoring.away = True
    world.clock.set(world.clock.now() + timedelta(days=8))
    offers = {each.benefit_id: each.decision for each in (await list_benefits(world)).offers}
    allowed = {name for name, decision in offers.items() if decision.allowed}
    assert {"plus-freight-coupon", "plus-member-price"} <= allowed
    assert all(name.startswith("plus-") for name in allowed)
    assert offers["vip-line"].degraded


async def test_check_benefit_asks_what_the_order_comes_to_a21(world: World) -> None:
    for yuan, allowed in (("98.99", False), ("99.00", True)):
        decision = await check(world, "free-shipping", order_amount=money(yuan))
        assert decision.allowed is allowed
    world.scoring.standings[MEMBER] = Standing(growth=10000)
    assert (await check(world, "gold-free-shipping", order_amount=money("79.00"))).allowed
    world.scoring.standings[MEMBER] = Standing(growth=9999)
    assert not (await check(world, "gold-free-shipping", order_amount=money("79.00"))).allowed
