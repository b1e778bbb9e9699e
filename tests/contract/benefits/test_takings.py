"""What is taken back of members or costs them: deleted reviews, returned goods, penalties."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from laurel.benefits.v1 import activities_pb2 as facts
from laurel.benefits.v1 import engagement_pb2 as pb
from laurel.ledger.v1 import transactions_pb2
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    Standing,
    World,
    benefits_world,
)
from tests.support.benefits_engagement import (
    act,
    approval,
    codes,
    ordered,
    recorded,
    review,
)
from tests.support.databases import DatabaseOf

DAY = timedelta(days=1)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def test_record_activities_takes_back_what_a_deleted_review_was_paid_d11(
    world: World,
) -> None:
    world.scoring.standings["u"] = Standing(score=201)
    shown = review(world, await ordered(world), photos=True)
    await recorded(world, shown, approval(world, shown, "u"))
    before = world.ledger.points.of(MEMBER).posted
    deletion = facts.ReviewDeletion(review_id=shown.activity_id, reason="mistake")
    first, again = await recorded(
        world, act(world, deletion=deletion), act(world, deletion=deletion)
    )
    assert (first.points, first.state) == (-12, pb.REWARD_STATE_POSTED)
    assert world.ledger.points.of(MEMBER).posted == before - 12
    assert codes(again.decision) == ["REPEATED"]
    assert again.fact_state == pb.FACT_STATE_WITHHELD
    (told,) = world.scoring.retracted.values()
    assert (told.activity_id, told.reason) == (shown.activity_id, "mistake")


async def test_record_activities_pays_nothing_for_a_returned_line(world: World) -> None:
    order = await ordered(world, quantity=2)
    await world.give_back(order.draft.order_id, {order.draft.lines[0].line_id: 1})
    assert (await recorded(world, review(world, order)))[0].points == 20
    other = await ordered(world)
    await world.give_back(other.draft.order_id)
    assert codes((await recorded(world, review(world, other)))[0].decision) == ["NOT_PURCHASED"]


async def test_return_order_lines_takes_back_what_reviews_of_them_were_paid_p20(
    world: World,
) -> None:
    world.scoring.standings["u"] = Standing(score=201)
    order = await ordered(world, quantity=2)
    line_id = order.draft.lines[0].line_id
    shown = review(world, order, photos=True)
    await recorded(world, review(world, order), shown, approval(world, shown, "u"))
    assert world.ledger.points.of(MEMBER).posted == 100 + 20 + 10 + 2
    await world.give_back(order.draft.order_id, {line_id: 1})
    assert world.ledger.points.of(MEMBER).posted == 50 + 10 + 5 + 1
    deletion = facts.ReviewDeletion(review_id=shown.activity_id)
    (deleted,) = await recorded(world, act(world, deletion=deletion))
    assert deleted.points == -6
    await world.give_back(order.draft.order_id)
    assert world.ledger.points.of(MEMBER).posted == 0


def refused(world: World, order_id: str) -> facts.Activity:
    return act(world, penalty=facts.Penalty(kind="refused_parcel", order_id=order_id))


async def test_record_activities_takes_points_for_refused_parcels_o46(world: World) -> None:
    world.ledger.give(MEMBER, 10_000)
    costs = await recorded(world, *(refused(world, f"o-{place}") for place in (1, 2, 2)))
    assert [each.points for each in costs] == [0, -500, 0]
    assert [each.decision.allowed for each in costs] == [True, False, True]
    assert [codes(each.decision) for each in costs] == [[], ["QUOTA_USED"], ["REPEATED"]]
    assert (costs[1].state, costs[0].state) == (
        pb.REWARD_STATE_POSTED,
        pb.REWARD_STATE_UNSPECIFIED,
    )
    (draft,) = world.ledger.posted.values()
    assert (draft.spend.amount, draft.spend.redemption_account_id) == (500, "refused-parcels")
    assert draft.spend.shortfall == transactions_pb2.SPEND_SHORTFALL_DEBT
    told = [fact.engagement for fact in world.scoring.facts.values()]
    assert [(each.kind, each.subject_id) for each in told] == [
        ("refused_parcel", "o-1"),
        ("refused_parcel", "o-2"),
    ]
    world.clock.set(world.clock.now() + 31 * DAY)
    assert (await recorded(world, refused(world, "o-3")))[0].points == 0


async def test_record_activities_leaves_plus_members_five_refused_parcels_o46(
    world: World,
) -> None:
    world.ledger.give(MEMBER, 10_000)
    await world.buy()
    costs = await recorded(world, *(refused(world, f"o-{place}") for place in range(6)))
    assert [each.points for each in costs] == [0] * 5 + [-500]
