"""88VIP through the door: priced by the published score, with the day of a lower price (I15)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from laurel_kit.clock import SettableClock

from tests.support.benefits import Standing, World, benefits_world, money, number
from tests.support.benefits_cases import VIP_PRICES
from tests.support.databases import DatabaseOf
from tests.support.programs import shipped_text

VIP = {"program_id": "taobao", "plan_id": "88vip"}


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        await world.apply(shipped_text("taobao"))
        yield world


async def test_quote_membership_of_88vip_goes_by_the_published_score_i15_o40(world: World) -> None:
    for published, yuan in VIP_PRICES:
        member_id = number("m")
        world.scoring.standings[member_id] = Standing(score=5, published=published)
        quoted = await world.quote(member_id=member_id, **VIP)
        assert quoted.quote.price == money(f"{yuan}.00"), published
        assert not quoted.decision.evidence.score.live


async def test_quote_membership_says_when_a_lower_price_is_published(world: World) -> None:
    world.scoring.standings["m-8"] = Standing(score=1000, published=960)
    quoted = await world.quote(member_id="m-8", **VIP)
    near = quoted.decision.near_miss
    assert quoted.quote.price == money("888.00")
    assert (near.value.price, near.missing) == (money("88.00"), 40)
    assert near.available_from.ToDatetime(tzinfo=UTC) == datetime(2026, 4, 7, 16, tzinfo=UTC)
