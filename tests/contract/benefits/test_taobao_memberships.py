"""88VIP and APASS through the door: prices, gates and what members are reminded of (I11 to I18)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from google.type.date_pb2 import Date
from laurel.benefits.v1 import decisions_pb2, memberships_pb2, reminders_pb2
from laurel.benefits.v1 import eligibility_pb2 as pb
from laurel.ledger.v1 import lots_pb2
from laurel.scoring.v1 import scores_pb2, tiers_pb2
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    Standing,
    World,
    benefits_world,
    instant,
    money,
    number,
)
from tests.support.benefits_cases import APASS, VIP_PRICES
from tests.support.databases import DatabaseOf
from tests.support.programs import shipped_text

LEVELS = ("ordinary", "super", "apass")

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


def hold_tier(world: World, member_id: str, score: int, level_id: str) -> None:
    """Let scoring answer a tier and the score it was published with."""
    world.scoring.standings[member_id] = Standing(score=5, published=score)
    world.scoring.insight.tiers[member_id] = tiers_pb2.Tier(
        level=scores_pb2.Level(level_id=level_id, position=LEVELS.index(level_id) + 1),
        published_value=score,
    )


async def check(world: World, benefit_id: str, member_id: str = MEMBER) -> decisions_pb2.Decision:
    request = pb.CheckBenefitRequest(
        program_id="taobao", member_id=member_id, benefit_id=benefit_id
    )
    return (await world.eligibility.CheckBenefit(request, timeout=PATIENCE)).decision


def codes_of(decision: decisions_pb2.Decision) -> list[str]:
    """What speaks against it, without the prefix of the contract."""
    name = decisions_pb2.DecisionReason.Name
    return [name(each.code).removeprefix("DECISION_REASON_") for each in decision.reasons]


async def test_check_benefit_of_apass_asks_for_the_invitation_p55_i17_o41(world: World) -> None:
    for score, level_id, codes in APASS:
        member_id = number("m")
        hold_tier(world, member_id, score, level_id)
        decision = await check(world, "apass-service", member_id)
        assert (decision.allowed, codes_of(decision)) == (not codes, codes)
        evidence = decision.evidence.score
        assert (evidence.value, evidence.level_id, evidence.live) == (score, level_id, False)


async def test_a_tier_seen_before_counts_while_scoring_is_away(world: World) -> None:
    hold_tier(world, MEMBER, 2600, "apass")
    assert (await check(world, "apass-service")).allowed
    world.scoring.away = world.scoring.insight.away = True
    decision = await check(world, "apass-service")
    assert (decision.allowed, decision.degraded) == (True, True)
    assert codes_of(decision) == ["DEGRADED_DATA"]
    unseen = await check(world, "apass-service", "m-9")
    assert not unseen.allowed
    world.scoring.away = False
    assert not (await check(world, "apass-service", "m-9")).allowed


async def test_a_member_without_a_publication_is_judged_by_the_live_score(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=2600)
    decision = await check(world, "apass-service")
    assert codes_of(decision) == ["INVITATION_REQUIRED"]
    assert decision.evidence.score.live


async def buy_vip(world: World) -> memberships_pb2.Membership:
    world.scoring.standings[MEMBER] = Standing(score=5, published=1000)
    quoted = await world.quote(**VIP)
    bought = await world.purchase(quoted.quote.quote_id, program_id="taobao")
    membership: memberships_pb2.Membership = bought.membership
    return membership


async def use(world: World, benefit_id: str, **options: Any) -> pb.UseBenefitResponse:
    content = {"program_id": "taobao", "member_id": MEMBER, "request_id": number("r")}
    request = pb.UseBenefitRequest(benefit_id=benefit_id, **content, **options)
    return await world.eligibility.UseBenefit(request, timeout=PATIENCE)


async def test_use_benefit_takes_five_percent_off_for_88vip_i16(world: World) -> None:
    options = {"order_amount": money("100.19"), "shop_id": "tmall-supermarket"}
    refused = await use(world, "88vip-discount", **options)
    assert codes_of(refused.decision) == ["NOT_MEMBER"]
    membership = await buy_vip(world)
    used = await use(world, "88vip-discount", **options)
    assert used.use.value.rate_off == decisions_pb2.RateOff(rate_bps=500, amount_off=money("5.00"))
    elsewhere = await use(world, "88vip-discount", order_amount=money("100.00"))
    assert codes_of(elsewhere.decision) == ["ITEM_EXCLUDED"]
    assert not elsewhere.HasField("use")
    request = memberships_pb2.GetSavingsRequest(
        program_id="taobao", member_id=MEMBER, membership_id=membership.membership_id
    )
    savings = await world.memberships.GetSavings(request, timeout=PATIENCE)
    assert [(each.benefit_id, each.times) for each in savings.lines] == [("88vip-discount", 1)]
    assert savings.saved == money("5.00")


async def test_use_benefit_gives_video_and_music_once_a_term_i16(world: World) -> None:
    await buy_vip(world)
    for benefit_id in ("88vip-video", "88vip-music"):
        assert (await use(world, benefit_id)).decision.allowed
        assert codes_of((await use(world, benefit_id)).decision) == ["QUOTA_USED"]


async def reminded(world: World, token: str = "") -> list[reminders_pb2.StreamRemindersResponse]:
    request = reminders_pb2.StreamRemindersRequest(
        program_id="taobao", day=Date(year=2026, month=12, day=16), resume_token=token
    )
    stream = world.reminders.StreamReminders(request, timeout=PATIENCE)
    return [message async for message in stream]


async def test_stream_reminders_names_the_points_of_every_asset_j4_j8(world: World) -> None:
    void = datetime(2026, 12, 31, 16, tzinfo=UTC)
    for asset_id in ("tmall-point", "coin"):
        world.ledger.lots_of[asset_id] = [
            lots_pb2.ExpiringLot(
                member_id=MEMBER,
                lot_id=f"{asset_id}-lot",
                expire_time=instant(void),
                remaining=len(asset_id),
            )
        ]
    whole = await reminded(world)
    found = [(each.asset_id, each.points) for page in whole for each in page.reminders]
    assert found == [("coin", 4), ("tmall-point", 11)]
    # What was cut off behind the coins goes on with the points, and with them behind nothing.
    rests = [await reminded(world, message.resume_token) for message in whole]
    assert [[each.asset_id for page in rest for each in page.reminders] for rest in rests] == [
        ["coin", "tmall-point"],
        ["tmall-point"],
        [],
    ]
