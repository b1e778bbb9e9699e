"""The orchard through the door: watered, helped, harvested, and begun anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from laurel.benefits.v1 import decisions_pb2
from laurel.benefits.v1 import games_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import MEMBER, PROGRAM, Standing, World, benefits_world
from tests.support.benefits_games import COINS, GAMES, games_text, play
from tests.support.benefits_shop import refused
from tests.support.databases import DatabaseOf

MORNING = datetime(2026, 3, 10, 0, tzinfo=UTC)
"""Eight o'clock in Shanghai: the first window of logging in is open."""
CODE = decisions_pb2.DecisionReason


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        clock.set(MORNING)
        await world.apply(
            games_text(COINS, ("drops: 50, daily_max: 2", "drops: 100000, daily_max: 2")),
            effective_time=clock.now(),
        )
        yield world


def reasons(answer: Any) -> list[str]:
    return [
        CODE.Name(each.code).removeprefix("DECISION_REASON_") for each in answer.decision.reasons
    ]


async def collect(world: World, task_id: str, **options: Any) -> pb.CollectWaterResponse:
    return await play(world, "CollectWater", task_id=task_id, **options)


async def fill(world: World, **options: Any) -> None:
    """Give the player more water than a tree needs."""
    answer = await collect(world, "group-buy", subject="o-1", **options)
    assert answer.decision.allowed


async def ripen(world: World, **options: Any) -> None:
    await fill(world, **options)
    assert (await play(world, "WaterTree", pours=1000, **options)).tree.ripe


async def test_get_tree_of_who_never_played_is_a_new_one(world: World) -> None:
    before = await world.rows()
    answer = await play(world, "GetTree")
    assert (answer.tree.tree_no, answer.tree.units, answer.tree.drops) == (1, 0, 0)
    assert (answer.tree.stage_name, answer.tree.next_units) == ("小芽", 100)
    assert {task.task_id: task.left for task in answer.tasks} == {
        "login": 1, "share": 3, "browse": 3, "group-buy": 2,
    }  # fmt: skip
    rows = await world.rows()
    assert rows | {"seen_standing": 0, "member": 0} == before | {"seen_standing": 0, "member": 0}


async def test_collect_water_gives_drops_within_windows_and_limits_l6(world: World) -> None:
    assert (await collect(world, "login")).tree.drops == 20
    assert reasons(await collect(world, "login")) == ["QUOTA_USED"]
    for friend in ("a", "b", "c"):
        assert (await collect(world, "share", subject=friend)).drops == 10
    assert reasons(await collect(world, "share", subject="a")) == ["QUOTA_USED", "COOLDOWN"]
    assert reasons(await collect(world, "browse")) == ["AMOUNT_TOO_SMALL"]
    assert (await collect(world, "browse", duration=Duration(seconds=60))).drops == 10
    world.clock.set(MORNING + timedelta(hours=2))
    closed = await collect(world, "login")
    assert reasons(closed) == ["OUTSIDE_WINDOW"]
    assert closed.decision.near_miss.available_from.ToDatetime(tzinfo=UTC) == datetime(
        2026, 3, 10, 4, tzinfo=UTC
    )
    tasks = {task.task_id: task for task in (await play(world, "GetTree")).tasks}
    assert (tasks["share"].left, tasks["browse"].left, tasks["login"].left) == (0, 2, 0)
    assert tasks["login"].available_from == closed.decision.near_miss.available_from


async def test_collect_water_again_gives_it_once(world: World) -> None:
    first = await collect(world, "login", request_id="again")
    again = await collect(world, "login", request_id="again")
    assert again.replayed
    assert (again.drops, again.tree) == (first.drops, first.tree)
    assert (await play(world, "GetTree")).tree.drops == 20
    other = collect(world, "browse", request_id="again")
    assert (await refused(other))[1] == "REQUEST_ID_REUSED"


async def test_water_tree_grows_it_as_fast_as_the_level_says_l7(world: World) -> None:
    await fill(world)
    world.scoring.standings[MEMBER] = Standing(score=300)
    grown = [(await play(world, "WaterTree", pours=1)).units for _ in range(4)]
    assert grown == [10, 11, 10, 11]
    answer = await play(world, "WaterTree", pours=1, request_id="again")
    assert (answer.speed_percent, answer.tree.units, answer.tree.carried_hundredths) == (
        105,
        52,
        50,
    )
    assert (await play(world, "WaterTree", pours=1, request_id="again")).replayed
    seen = await play(world, "GetTree")
    assert (seen.tree, seen.speed_percent) == (answer.tree, 105)


async def test_water_tree_goes_on_while_scoring_is_away(world: World) -> None:
    await fill(world)
    world.scoring.away = True
    answer = await play(world, "WaterTree", pours=1)
    assert (answer.decision.allowed, answer.units, answer.speed_percent) == (True, 10, 100)
    assert reasons(answer) == ["DEGRADED_DATA"]
    assert (await play(world, "GetTree")).degraded


async def test_water_tree_without_water_is_refused(world: World) -> None:
    answer = await play(world, "WaterTree", pours=2)
    assert reasons(answer) == ["BALANCE_TOO_LOW"]
    assert answer.decision.near_miss.missing == 20


async def test_help_tree_counts_a_friend_once_a_day_l9(world: World) -> None:
    async def help_(helper: str, device: str = "", **options: Any) -> pb.HelpTreeResponse:
        content = {"helper_id": helper, "device_id": device or f"phone-of-{helper}"}
        return await play(world, "HelpTree", **(content | options))

    assert reasons(await help_(MEMBER)) == ["SELF_HELP"]
    first = await help_("f-1", request_id="again")
    assert (first.drops, first.tree.helpers_today) == (5, 1)
    assert (await help_("f-1", request_id="again")).replayed
    assert reasons(await help_("f-1")) == ["COOLDOWN"]
    drops = [(await help_(f"f-{n}")).drops for n in range(2, 8)]
    assert drops == [5, 5, 5, 5, 35, 5]
    assert (await play(world, "GetTree")).tree.drops == 65
    for n in range(3):
        assert (await help_(f"g-{n}", "shared", member_id=f"m-{n + 2}")).decision.allowed
    assert reasons(await help_("g-4", "shared", member_id="m-9")) == ["QUOTA_USED"]
    world.clock.set(MORNING + timedelta(days=1))
    assert (await help_("f-1")).tree.helpers_today == 1


async def test_blocked_members_get_nothing_of_the_orchard_l9_o55(world: World) -> None:
    await fill(world)
    await world.judge("BLOCKED", program_id=GAMES)
    for answer in (
        await collect(world, "login"),
        await play(world, "WaterTree", pours=1),
        await play(world, "HelpTree", helper_id="f-1", device_id="d"),
        await play(world, "HelpTree", member_id="m-2", helper_id=MEMBER, device_id="d"),
    ):
        assert reasons(answer) == ["RISK_BLOCKED"]
    assert reasons(await play(world, "HarvestTree", fruit_id="orange", address="home")) == [
        "RISK_BLOCKED",
        "TREE_NOT_RIPE",
    ]


async def test_harvest_tree_sends_one_parcel_and_begins_anew_l8(world: World) -> None:
    await ripen(world)
    assert reasons(await play(world, "WaterTree", pours=1)) == ["TREE_RIPE"]
    assert reasons(await play(world, "HarvestTree", fruit_id="orange")) == ["ATTRIBUTE_MISSING"]
    wish = {"fruit_id": "orange", "address": "home", "request_id": "again"}
    first = await play(world, "HarvestTree", **wish)
    assert first.harvest.state == pb.HARVEST_STATE_TAKEN
    assert (first.harvest.tree_no, first.harvest.grams) == (1, 2500)
    assert (first.tree.tree_no, first.tree.units, first.tree.drops) == (2, 0, 98000)
    again = await play(world, "HarvestTree", **wish)
    assert again.replayed
    assert again.harvest == first.harvest
    assert reasons(await play(world, "HarvestTree", **(wish | {"request_id": "r"}))) == [
        "TREE_NOT_RIPE"
    ]
    assert world.ledger.posted == {}


@pytest.mark.parametrize("trouble", ["away", "loses_answers"])
async def test_harvest_tree_of_points_is_paid_once_whatever_is_interrupted(
    world: World, trouble: str
) -> None:
    await ripen(world)
    wish = {"fruit_id": "coins", "request_id": "again"}
    setattr(world.ledger, trouble, True)
    assert (await refused(play(world, "HarvestTree", **wish)))[1] == "DEPENDENCY_DOWN"
    setattr(world.ledger, trouble, False)
    answer = await play(world, "HarvestTree", **wish)
    assert answer.replayed
    assert answer.harvest.state == pb.HARVEST_STATE_TAKEN
    assert world.ledger.amounts == {"harvest": 100}


async def test_points_of_a_harvest_the_ledger_refuses_say_why(world: World) -> None:
    await ripen(world)
    world.ledger.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "BALANCE_LIMIT_EXCEEDED")
    harvest = (await play(world, "HarvestTree", fruit_id="coins")).harvest
    assert (harvest.state, harvest.refusal) == (
        pb.HARVEST_STATE_REFUSED,
        "BALANCE_LIMIT_EXCEEDED",
    )


CALLS = [
    ("GetTree", {}),
    ("CollectWater", {"task_id": "login"}),
    ("WaterTree", {"pours": 1}),
    ("HelpTree", {"helper_id": "f", "device_id": "d"}),
    ("HarvestTree", {"fruit_id": "orange"}),
]


async def test_what_a_program_does_not_have_is_refused_and_leaves_no_row(world: World) -> None:
    before = await world.rows()
    for rpc, options in CALLS:
        call = play(world, rpc, **options, program_id=PROGRAM)
        code, reason, metadata = await refused(call)
        assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "ORCHARD_NOT_FOUND")
        assert metadata == {"program_id": PROGRAM}
    assert (await refused(collect(world, "dance")))[1] == "WATER_TASK_NOT_FOUND"
    unknown = play(world, "HarvestTree", fruit_id="durian")
    assert (await refused(unknown))[1] == "FRUIT_NOT_FOUND"
    assert await world.rows() == before


@pytest.mark.parametrize("pours", [0, 1001])
async def test_water_tree_of_no_number_is_refused(world: World, pours: int) -> None:
    assert (await refused(play(world, "WaterTree", pours=pours)))[1] == "REQUEST_INVALID"
