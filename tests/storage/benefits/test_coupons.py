"""Coupons at once: never more than there are, never more than a member may have."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from laurel.benefits.v1 import coupons_pb2 as pb
from laurel_benefits.domain.ids import CouponId, MemberId, MemberKey, OrderId, ProgramId
from laurel_benefits.domain.mall_errors import CouponNotAvailable
from laurel_benefits.handlers.coupon_orders import (
    redeem_coupons,
    release_coupons,
    reserve_coupons,
)
from laurel_benefits.handlers.coupons import claim_coupon
from laurel_benefits.service import resources_of
from laurel_benefits.storage.members import lock_member
from laurel_benefits.wire.coupons import read_claim_coupon
from laurel_kit.clock import SettableClock
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.support.benefits import MEMBER, PATIENCE, PROGRAM, World, benefits_world
from tests.support.benefits_shop import OPEN_GATE, changed, of_member, of_program
from tests.support.databases import DatabaseOf

STOCK, CLAIMS = 100, 500
OWNER = MemberKey(program_id=ProgramId(PROGRAM), member_id=MemberId(MEMBER))


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        text = changed(OPEN_GATE, ("stock: 10000\n", f"stock: {STOCK}\n"))
        coded = text.replace("coded: true", "coded: true\n        claimable: true")
        await world.apply(coded, effective_time=clock.now())
        yield world


async def claim(world: World, coupon_type_id: str = "jing-5", **options: Any) -> Any:
    request = of_member(pb.ClaimCouponRequest, coupon_type_id=coupon_type_id, **options)
    resources = resources_of(world.served.running.foundation)
    return await claim_coupon(read_claim_coupon(request), resources=resources)


async def counted(world: World, statement: str) -> Any:
    async with world.served.running.foundation.database.read() as connection:
        return (await connection.exec_driver_sql(statement)).scalar_one()


async def test_a_hundred_coupons_against_five_hundred_claims_give_exactly_a_hundred(
    world: World,
) -> None:
    answers = await asyncio.gather(*(claim(world, member_id=f"m-{n}") for n in range(CLAIMS)))
    assert Counter(answer.coupon is not None for answer in answers) == {
        True: STOCK,
        False: CLAIMS - STOCK,
    }
    refusals = {
        reason.code for answer in answers if not answer.coupon for reason in answer.decision.reasons
    }
    assert refusals == {"STOCK_EXHAUSTED"}
    assert await counted(world, "select issued from coupon_stock") == STOCK
    assert await counted(world, "select count(*) from coupon") == STOCK


async def test_claims_of_a_member_at_once_keep_his_limit(world: World) -> None:
    answers = await asyncio.gather(*(claim(world, "dong-20-of-199") for _ in range(12)))
    assert sum(answer.coupon is not None for answer in answers) == 3


async def test_the_same_claim_at_once_is_one(world: World) -> None:
    answers = await asyncio.gather(*(claim(world, request_id="same") for _ in range(12)))
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: 11}
    assert await counted(world, "select count(*) from coupon") == 1


async def test_claims_at_once_never_share_a_code(world: World) -> None:
    codes = [f"code-{n}" for n in range(5)]
    request = of_program(pb.ImportCodesRequest, coupon_type_id="reading-50", codes=codes)
    operation = await world.coupons.ImportCodes(request, timeout=PATIENCE)
    await world.finished(operation, pb.ImportCodesResponse())
    answers = await asyncio.gather(
        *(claim(world, "reading-50", member_id=f"m-{n}") for n in range(20))
    )
    given = [answer.coupon.code for answer in answers if answer.coupon]
    assert sorted(given) == codes


async def test_a_coupon_reserved_by_two_orders_at_once_is_reserved_by_one(world: World) -> None:
    coupon = (await claim(world)).coupon
    database = world.served.running.foundation.database

    async def reserve(order: str) -> bool:
        async def work(connection: Any) -> None:
            await lock_member(connection, OWNER, now=world.clock.now())
            await reserve_coupons(
                connection,
                OWNER,
                [CouponId(coupon.coupon_id)],
                order_id=OrderId(order),
                now=world.clock.now(),
            )

        try:
            await database.transact(work)
        except CouponNotAvailable:
            return False
        return True

    outcomes = await asyncio.gather(*(reserve(f"o-{n}") for n in range(8)))
    assert Counter(outcomes) == {True: 1, False: 7}


async def test_a_coupon_used_in_an_order_comes_back_when_the_order_is_cancelled(
    world: World,
) -> None:
    wanted = [CouponId((await claim(world)).coupon.coupon_id)]
    now, order = world.clock.now(), OrderId("o-1")
    async with world.served.running.foundation.database.begin() as connection:
        await reserve_coupons(connection, OWNER, wanted, order_id=order, now=now)
        (used,) = await redeem_coupons(connection, OWNER, wanted, order_id=order, now=now)
        assert used.state == "REDEEMED"
        (back,) = await release_coupons(connection, OWNER, order_id=order)
        assert back.state == "AVAILABLE"
        assert await release_coupons(connection, OWNER, order_id=order) == []


COUPON = """
    insert into coupon values ('jd', 'm-1', '019aa000-0000-7000-8000-000000000001', 'jing', '{}',
        '', 'claim', '', '2026-03-10Z', '2026-04-10Z', 'p')
"""


@pytest.mark.parametrize(
    "change",
    [
        "update coupon set state = 'REDEEMED'",
        "update coupon set order_id = 'o-1'",
        "update coupon set state = 'VOIDED'",
        "update coupon set expire_time = issue_time",
        "insert into coupon_counter values ('jd', 'm-1', 'jing', 0)",
        "insert into coupon_stock values ('jd', 'jing', 1, -1, 0)",
    ],
)
async def test_the_database_refuses_a_coupon_that_cannot_be(
    database_of: DatabaseOf, change: str
) -> None:
    database = await database_of("benefits")
    async with database.begin() as connection:
        await connection.execute(text(COUPON))
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(text(change))
