"""Coupons through the door: claimed, given, imported, read and taken away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import coupons_pb2 as pb
from laurel.benefits.v1 import decisions_pb2
from laurel_kit.clock import SettableClock

from tests.support.benefits import MEMBER, PATIENCE, World, benefits_world
from tests.support.benefits_shop import of_member, of_program, refused, score
from tests.support.databases import DatabaseOf

UNKNOWN = "019aa000-0000-7000-8000-000000000001"


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        score(world, 201)
        yield world


async def claim(world: World, coupon_type_id: str = "jing-5", **options: Any) -> Any:
    request = of_member(pb.ClaimCouponRequest, coupon_type_id=coupon_type_id, **options)
    return await world.coupons.ClaimCoupon(request, timeout=PATIENCE)


async def get(world: World, coupon_id: str, **options: Any) -> pb.Coupon:
    request = of_member(pb.GetCouponRequest, coupon_id=coupon_id, **options)
    return (await world.coupons.GetCoupon(request, timeout=PATIENCE)).coupon


async def void(world: World, coupon_id: str, **options: Any) -> Any:
    request = of_member(
        pb.VoidCouponRequest, coupon_id=coupon_id, **({"reason": "abuse"} | options)
    )
    return await world.coupons.VoidCoupon(request, timeout=PATIENCE)


async def issue(world: World, *member_ids: str, **options: Any) -> Any:
    content = {"coupon_type_id": "jing-5", "member_ids": member_ids, "reason": "sorry"}
    request = of_program(pb.IssueCouponsRequest, **(content | options))
    return await world.coupons.IssueCoupons(request, timeout=PATIENCE)


async def import_codes(world: World, *codes: str, **options: Any) -> Any:
    content = {"coupon_type_id": "reading-50", "codes": codes}
    request = of_program(pb.ImportCodesRequest, **(content | options))
    return await world.coupons.ImportCodes(request, timeout=PATIENCE)


async def test_claim_coupon_gives_a_coupon_with_its_terms(world: World) -> None:
    answer = await claim(world)
    assert answer.decision.allowed
    assert (answer.decision.quota.limit, answer.decision.quota.used) == (1, 1)
    coupon = answer.coupon
    assert coupon.state == pb.COUPON_STATE_AVAILABLE
    assert (coupon.amount_off.units, coupon.source, coupon.class_id) == (5, "claim", "jing")
    days = coupon.expire_time.ToDatetime() - coupon.issue_time.ToDatetime()
    assert days == timedelta(days=30)
    assert await get(world, coupon.coupon_id) == coupon


async def test_claim_coupon_below_bronze_is_refused_o1_p64(world: World) -> None:
    score(world, 200)
    answer = await claim(world)
    assert not answer.decision.allowed
    assert not answer.HasField("coupon")
    (reason,) = answer.decision.reasons
    assert (reason.code, reason.missing) == (decisions_pb2.DECISION_REASON_SCORE_TOO_LOW, 1)


async def test_claim_coupon_again_answers_the_same_coupon(world: World) -> None:
    first = await claim(world, request_id="again")
    again = await claim(world, request_id="again")
    assert again.replayed
    assert (again.coupon, again.decision) == (first.coupon, first.decision)
    assert (await refused(claim(world, "dong-20-of-199", request_id="again")))[1] == (
        "REQUEST_ID_REUSED"
    )
    assert (await world.rows())["coupon"] == 1


async def test_claim_coupon_keeps_the_limit_of_the_member(world: World) -> None:
    await claim(world)
    (reason,) = (await claim(world)).decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_QUOTA_USED


async def test_claim_coupon_that_is_only_validated_stores_nothing(world: World) -> None:
    before = await world.rows()
    answer = await claim(world, validate_only=True)
    assert answer.decision.allowed
    assert not answer.HasField("coupon")
    after = await world.rows()
    assert {**after, "seen_standing": 0} == {**before, "seen_standing": 0}


async def test_claim_coupon_of_a_blocked_member_is_refused_o55(world: World) -> None:
    await world.judge("BLOCKED")
    (reason,) = (await claim(world)).decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_RISK_BLOCKED


async def test_claim_coupon_that_nobody_may_claim_is_refused(world: World) -> None:
    reasons = (await claim(world, "reading-50")).decision.reasons
    assert [reason.code for reason in reasons] == [
        decisions_pb2.DECISION_REASON_NOT_CLAIMABLE,
        decisions_pb2.DECISION_REASON_STOCK_EXHAUSTED,
    ]


async def test_claim_coupon_the_program_does_not_have_is_refused(world: World) -> None:
    code, reason, metadata = await refused(claim(world, "nothing"))
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "COUPON_TYPE_NOT_FOUND")
    assert metadata == {"coupon_type_id": "nothing"}


async def test_get_coupon_says_when_its_time_is_over(world: World) -> None:
    coupon = (await claim(world)).coupon
    world.clock.set(world.clock.now() + timedelta(days=30))
    assert (await get(world, coupon.coupon_id)).state == pb.COUPON_STATE_EXPIRED
    code, reason, metadata = await refused(void(world, coupon.coupon_id))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "COUPON_NOT_AVAILABLE")
    assert metadata == {"coupon_id": coupon.coupon_id, "state": "EXPIRED"}


async def test_get_coupon_of_another_member_is_not_found(world: World) -> None:
    coupon_id = (await claim(world)).coupon.coupon_id
    assert (await refused(get(world, coupon_id, member_id="m-2")))[1] == "COUPON_NOT_FOUND"
    assert (await refused(get(world, UNKNOWN)))[1] == "COUPON_NOT_FOUND"


async def test_list_coupons_goes_through_pages_and_states(world: World) -> None:
    given = [(await claim(world, "dong-20-of-199")).coupon.coupon_id for _ in range(3)]
    await void(world, given[0])

    async def page(**options: Any) -> Any:
        request = of_member(pb.ListCouponsRequest, **options)
        return await world.coupons.ListCoupons(request, timeout=PATIENCE)

    first = await page(page_size=2)
    rest = await page(page_size=2, page_token=first.next_page_token)
    assert [each.coupon_id for each in (*first.coupons, *rest.coupons)] == given[::-1]
    assert not rest.next_page_token
    voided = await page(state=pb.COUPON_STATE_VOIDED)
    assert [each.coupon_id for each in voided.coupons] == given[:1]
    assert len((await page(state=pb.COUPON_STATE_AVAILABLE)).coupons) == 2
    world.clock.set(world.clock.now() + timedelta(days=15))
    assert len((await page(state=pb.COUPON_STATE_EXPIRED)).coupons) == 2


async def test_void_coupon_takes_it_away_once(world: World) -> None:
    coupon_id = (await claim(world)).coupon.coupon_id
    first = await void(world, coupon_id, request_id="again")
    assert (first.coupon.state, first.coupon.void_reason) == (pb.COUPON_STATE_VOIDED, "abuse")
    again = await void(world, coupon_id, request_id="again")
    assert again.replayed
    assert again.coupon == first.coupon
    assert (await refused(void(world, coupon_id)))[1] == "COUPON_NOT_AVAILABLE"
    assert (await refused(void(world, UNKNOWN)))[1] == "COUPON_NOT_FOUND"


async def test_issue_coupons_gives_one_to_each_and_says_who_got_none(world: World) -> None:
    await world.judge("BLOCKED", member_id="m-2")
    await claim(world)
    operation = await issue(world, MEMBER, "m-2", "m-3", request_id="again")
    given = await world.finished(operation, pb.IssueCouponsResponse())
    assert given.issued == 1
    assert [(each.member_id, each.reason) for each in given.skipped] == [
        (MEMBER, decisions_pb2.DECISION_REASON_QUOTA_USED),
        ("m-2", decisions_pb2.DECISION_REASON_RISK_BLOCKED),
    ]
    again = await issue(world, MEMBER, "m-2", "m-3", request_id="again")
    assert again.name == operation.name
    assert (await refused(issue(world, "m-4", request_id="again")))[1] == "REQUEST_ID_REUSED"
    assert (await refused(issue(world, "m-4", coupon_type_id="x")))[1] == "COUPON_TYPE_NOT_FOUND"
    assert (await refused(issue(world, "m-4", "m-4")))[1] == "REQUEST_INVALID"


async def test_import_codes_takes_each_code_in_once_and_gives_them_in_order(world: World) -> None:
    taken = await world.finished(await import_codes(world, "a", "b"), pb.ImportCodesResponse())
    assert (taken.imported, taken.duplicates) == (2, 0)
    again = await world.finished(await import_codes(world, "b", "c"), pb.ImportCodesResponse())
    assert (again.imported, again.duplicates) == (1, 1)
    operation = await issue(world, "m-1", "m-2", "m-3", "m-4", coupon_type_id="reading-50")
    given = await world.finished(operation, pb.IssueCouponsResponse())
    assert (given.issued, [each.member_id for each in given.skipped]) == (3, ["m-4"])
    codes = []
    for member_id in ("m-1", "m-2", "m-3"):
        request = of_member(pb.ListCouponsRequest, member_id=member_id)
        listed = await world.coupons.ListCoupons(request, timeout=PATIENCE)
        codes += [each.code for each in listed.coupons]
    assert codes == ["a", "b", "c"]


async def test_import_codes_for_a_coupon_without_codes_is_refused(world: World) -> None:
    call = import_codes(world, "a", coupon_type_id="jing-5")
    code, reason, _ = await refused(call)
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "COUPON_WITHOUT_CODES")
