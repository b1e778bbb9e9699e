"""The orchard at once and after a crash: water, helps and fruits are counted exactly."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from laurel.benefits.v1 import games_pb2 as pb
from laurel_benefits.handlers.harvests import harvest_tree
from laurel_benefits.handlers.trees import collect_water, help_tree, water_tree
from laurel_benefits.service import resources_of
from laurel_benefits.wire import trees as wire
from laurel_kit.clock import SettableClock
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.support.benefits import World, benefits_world, number
from tests.support.benefits_games import COINS, games_text, of_player
from tests.support.crashes import Crash, Tripwire, tripping
from tests.support.databases import DatabaseOf

CALLERS, STEPS_MAX = 12, 20
GROWN = """
    insert into tree values ('pinduoduo', :member, 1, 1000, 200000)
    on conflict (program_id, member_id) do update set growth_hundredths = 200000
"""
FRUITS = (("grams: 2500, stock: 100000", "grams: 2500, stock: 1"), COINS)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        await world.apply(games_text(*FRUITS), effective_time=clock.now())
        yield world


async def act(world: World, rpc: str, resources: Any = None, **options: Any) -> Any:
    handle, read = {
        "CollectWater": (collect_water, wire.read_collect_water),
        "WaterTree": (water_tree, wire.read_water_tree),
        "HelpTree": (help_tree, wire.read_help_tree),
        "HarvestTree": (harvest_tree, wire.read_harvest_tree),
    }[rpc]
    request = of_player(getattr(pb, f"{rpc}Request"), **options)
    resources = resources or resources_of(world.served.running.foundation)
    return await handle(read(request), resources=resources)


async def grown(world: World, member_id: str) -> None:
    """Let a member have a ripe tree and 1,000 drops."""
    resources = resources_of(world.served.running.foundation)
    async with resources.database.begin() as connection:
        await connection.execute(text(GROWN), {"member": member_id})


def allowed(answers: list[Any]) -> Counter[bool]:
    return Counter(answer.decision.allowed for answer in answers)


async def test_a_task_at_once_gives_water_as_often_as_it_may(world: World) -> None:
    calls = (act(world, "CollectWater", task_id="share", subject=f"f-{n}") for n in range(CALLERS))
    answers = await asyncio.gather(*calls)
    assert allowed(answers) == {True: 3, False: CALLERS - 3}
    assert max(answer.view.tree.drops for answer in answers) == 30


async def test_a_friend_at_once_is_one_a_day(world: World) -> None:
    calls = (act(world, "CollectWater", task_id="share", subject="f") for _ in range(CALLERS))
    assert allowed(await asyncio.gather(*calls)) == {True: 1, False: CALLERS - 1}


async def test_pours_at_once_take_no_more_water_than_there_is(world: World) -> None:
    for n in range(3):
        await act(world, "CollectWater", task_id="share", subject=f"f-{n}")
    answers = await asyncio.gather(*(act(world, "WaterTree", pours=1) for _ in range(CALLERS)))
    assert allowed(answers) == {True: 3, False: CALLERS - 3}
    assert sum(answer.units for answer in answers) == 30


async def test_the_same_water_at_once_is_poured_once(world: World) -> None:
    await act(world, "CollectWater", task_id="share", subject="f")
    calls = (act(world, "WaterTree", pours=1, request_id="same") for _ in range(CALLERS))
    answers = await asyncio.gather(*calls)
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: CALLERS - 1}
    assert {answer.view.tree.units for answer in answers} == {10}


async def test_a_helper_at_once_counts_once_l9(world: World) -> None:
    calls = (act(world, "HelpTree", helper_id="f", device_id="d") for _ in range(CALLERS))
    assert allowed(await asyncio.gather(*calls)) == {True: 1, False: CALLERS - 1}


async def test_helpers_at_once_bring_the_bonus_once_l6(world: World) -> None:
    calls = (act(world, "HelpTree", helper_id=f"f-{n}", device_id=f"d-{n}") for n in range(CALLERS))
    answers = await asyncio.gather(*calls)
    assert Counter(answer.bonus for answer in answers) == {True: 1, False: CALLERS - 1}
    assert sum(answer.drops for answer in answers) == 5 * CALLERS + 30


async def test_a_device_at_once_helps_no_more_trees_than_it_may_l9(world: World) -> None:
    calls = (
        act(world, "HelpTree", member_id=f"m-{n}", helper_id=f"f-{n}", device_id="shared")
        for n in range(CALLERS)
    )
    answers = await asyncio.gather(*calls)
    assert allowed(answers) == {True: 3, False: CALLERS - 3}


async def test_the_last_fruit_goes_to_one_of_two(world: World) -> None:
    members = ["m-1", "m-2"]
    for member_id in members:
        await grown(world, member_id)
    wish = {"fruit_id": "orange", "address": "home"}
    calls = (act(world, "HarvestTree", member_id=each, **wish) for each in members)
    answers = await asyncio.gather(*calls)
    assert allowed(answers) == {True: 1, False: 1}
    assert sorted(answer.view.ripe for answer in answers) == [False, True]


async def test_a_tree_at_once_is_harvested_once(world: World) -> None:
    await grown(world, "m-1")
    calls = (act(world, "HarvestTree", fruit_id="coins") for _ in range(CALLERS))
    assert allowed(await asyncio.gather(*calls)) == {True: 1, False: CALLERS - 1}
    assert world.ledger.amounts == {"harvest": 100}


async def test_a_harvest_repeated_after_a_crash_anywhere_is_paid_once(world: World) -> None:
    resources = resources_of(world.served.running.foundation)
    for steps in range(STEPS_MAX):
        options = {"member_id": number("m"), "request_id": number("r"), "fruit_id": "coins"}
        await grown(world, options["member_id"])
        try:
            await act(world, "HarvestTree", tripping(resources, Tripwire(steps)), **options)
        except Crash:
            answer = await act(world, "HarvestTree", resources, **options)
            assert answer.harvest.state == "TAKEN", f"after {steps} steps"
            assert world.ledger.amounts["harvest"] == 100 * (steps + 1)
        else:
            assert steps >= 4, "a harvest has more steps than that"
            return
    pytest.fail("a harvest never came to its end")


ROWS = """
    insert into tree values ('p', 'm-1', 1, 10, 0);
    insert into tree_help values ('p', 'm-1', '2026-03-10', 'm-2', 'd', 5, '2026-03-10Z');
    insert into harvest select 'p', 'm-1', gen_random_uuid(), 1, '{}', 'TAKEN'
"""


@pytest.mark.parametrize(
    "change",
    [
        "update tree set drops = -1",
        "update tree set growth_hundredths = -1",
        "update tree_help set helper_id = 'm-1'",
        "update tree_help set drops = 0",
        "insert into tree_help values ('p', 'm-1', '2026-03-10', 'm-2', 'e', 5, '2026-03-10Z')",
        "insert into harvest select 'p', 'm-1', gen_random_uuid(), 1, '{}', 'TAKEN'",
        "update harvest set state = 'LOST'",
    ],
)
async def test_the_database_refuses_a_game_that_cannot_be(
    database_of: DatabaseOf, change: str
) -> None:
    database = await database_of("benefits")
    async with database.begin() as connection:
        for row in ROWS.split(";"):
            await connection.execute(text(row))
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(text(change))
