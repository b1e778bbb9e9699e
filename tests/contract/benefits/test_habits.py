"""Reminders of what members do again and again: signing in, and trees that are ripe (J7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from google.type.date_pb2 import Date
from laurel.benefits.v1 import reminders_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.contract.benefits.test_trees import MORNING, collect
from tests.support.benefits import MEMBER, PATIENCE, World, benefits_world
from tests.support.benefits_games import GAMES, games_text, play, sign_in
from tests.support.databases import DatabaseOf

TODAY = date(2026, 3, 10)
DAY = timedelta(days=1)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        clock.set(MORNING)
        much = ("drops: 50, daily_max: 2", "drops: 100000, daily_max: 2")
        await world.apply(games_text(much), effective_time=clock.now())
        yield world


async def reminders(world: World, day: date, token: str = "", **options: Any) -> list[pb.Reminder]:
    request = pb.StreamRemindersRequest(
        program_id=GAMES,
        day=Date(year=day.year, month=day.month, day=day.day),
        resume_token=token,
        **options,
    )
    stream = world.reminders.StreamReminders(request, timeout=PATIENCE)
    return [reminder async for message in stream for reminder in message.reminders]


async def test_stream_reminders_names_who_has_not_signed_in_yet_j7(world: World) -> None:
    for member_id in (MEMBER, "m-2"):
        await sign_in(world, member_id=member_id)
    assert await reminders(world, TODAY) == []
    world.clock.set(MORNING + DAY)
    await sign_in(world, member_id="m-2")
    (reminder,) = await reminders(world, TODAY + DAY)
    assert (reminder.kind, reminder.member_id) == (pb.REMINDER_KIND_STREAK_END, MEMBER)
    assert (reminder.streak_days, reminder.reference) == (1, "2026-03-10")
    assert reminder.last_day == Date(year=2026, month=3, day=11)
    assert reminder.end_time.ToDatetime().isoformat() == "2026-03-11T16:00:00"
    await sign_in(world)
    assert await reminders(world, TODAY + DAY) == []
    world.clock.set(MORNING + 2 * DAY)
    streaks = {each.member_id: each.streak_days for each in await reminders(world, TODAY + 2 * DAY)}
    assert streaks == {MEMBER: 2, "m-2": 2}
    assert await reminders(world, TODAY + 3 * DAY) == []


async def test_stream_reminders_goes_over_every_page_of_streaks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laurel_benefits.handlers.reminders.PAGE", 2)
    names = [f"m-{number}" for number in range(5)]
    for member_id in names:
        await sign_in(world, member_id=member_id)
    assert [each.member_id for each in await reminders(world, TODAY + DAY)] == names


async def test_stream_reminders_names_a_tree_that_became_ripe_until_it_is_harvested_j7(
    world: World,
) -> None:
    await collect(world, "group-buy", subject="o-1")
    await play(world, "WaterTree", pours=1)
    assert await reminders(world, TODAY) == []
    assert (await play(world, "WaterTree", pours=1000)).tree.ripe
    (reminder,) = await reminders(world, TODAY)
    assert (reminder.kind, reminder.member_id) == (pb.REMINDER_KIND_TREE_RIPE, MEMBER)
    assert (reminder.reference, reminder.last_day.day) == ("1", TODAY.day)
    for other in (TODAY - DAY, TODAY + DAY):
        assert await reminders(world, other) == []
    assert await reminders(world, TODAY, kinds=[pb.REMINDER_KIND_STREAK_END]) == []
    await play(world, "HarvestTree", fruit_id="apple", address="home")
    assert await reminders(world, TODAY) == []
