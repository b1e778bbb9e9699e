"""Reminders through the door: each on its day, and only while it still stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.type.date_pb2 import Date
from laurel.benefits.v1 import memberships_pb2
from laurel.benefits.v1 import reminders_pb2 as pb
from laurel.ledger.v1 import lots_pb2
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    World,
    benefits_world,
    instant,
    line,
    number,
    order_request,
    refusal_of,
)
from tests.support.databases import DatabaseOf

DAY = timedelta(days=1)


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def reminders(world: World, day: date | None = None, **options: Any) -> list[pb.Reminder]:
    """The reminders of a day, of all messages."""
    chosen = {"day": Date(year=day.year, month=day.month, day=day.day)} if day else {}
    request = pb.StreamRemindersRequest(**({"program_id": PROGRAM} | chosen | options))
    stream = world.reminders.StreamReminders(request, timeout=PATIENCE)
    return [reminder async for message in stream for reminder in message.reminders]


def day_of(timestamp: Any, days: int = 0) -> date:
    """The business day of an end, which is the midnight after it, and so many days before."""
    end = timestamp.ToDatetime(tzinfo=UTC) + timedelta(hours=8)
    return end.date() - (days + 1) * DAY


async def test_stream_reminders_comes_on_the_day_before_a_trial_ends(world: World) -> None:
    trial = (await world.try_plus()).membership
    await world.complete(order_request(line("100.00"), order_time=world.clock.now()))
    day = day_of(trial.term.expire_time, 3)
    (reminder,) = await reminders(world, day)
    assert reminder.kind == pb.REMINDER_KIND_TRIAL_END
    assert (reminder.member_id, reminder.plan_id) == (MEMBER, "plus-trial")
    assert (reminder.reference, reminder.points) == (trial.membership_id, 500)
    assert reminder.end_time == trial.term.expire_time
    assert await reminders(world, day) == [reminder]
    for other in (day - DAY, day + DAY):
        assert await reminders(world, other) == []
    (lost,) = await reminders(world, day_of(trial.frozen_rebate.release_expire_time, 7))
    assert (lost.kind, lost.points) == (pb.REMINDER_KIND_RELEASE_END, 500)
    await world.buy()
    assert await reminders(world, day) == []


async def test_stream_reminders_of_a_term_stops_when_it_is_renewed_or_cancelled(
    world: World,
) -> None:
    bought = await world.buy()
    other = await world.buy("m-2")
    day = day_of(bought.term.expire_time, 30)
    found = await reminders(world, day)
    assert [(each.kind, each.member_id) for each in found] == [
        (pb.REMINDER_KIND_TERM_END, MEMBER),
        (pb.REMINDER_KIND_TERM_END, "m-2"),
    ]
    quoted = await world.quote()
    renew = memberships_pb2.RenewMembershipRequest(
        program_id=PROGRAM,
        member_id=MEMBER,
        request_id=number("r"),
        quote_id=quoted.quote.quote_id,
    )
    await world.memberships.RenewMembership(renew, timeout=PATIENCE)
    assert [each.member_id for each in await reminders(world, day)] == ["m-2"]
    cancel = memberships_pb2.CancelMembershipRequest(
        program_id=PROGRAM,
        member_id="m-2",
        request_id=number("r"),
        membership_id=other.membership_id,
        reason="wished",
    )
    await world.memberships.CancelMembership(cancel, timeout=PATIENCE)
    today = day_of(instant(world.clock.now()), -1)
    for each in (day, today - 30 * DAY, today):
        assert await reminders(world, each) == []


async def test_stream_reminders_names_points_fifteen_days_before_they_are_void(
    world: World,
) -> None:
    void = datetime(2026, 12, 31, 16, tzinfo=UTC)
    world.ledger.lots = [
        lots_pb2.ExpiringLot(
            member_id=MEMBER, lot_id="lot-1", expire_time=instant(void), remaining=800
        )
    ]
    (reminder,) = await reminders(world, date(2026, 12, 16))
    assert (reminder.kind, reminder.points) == (pb.REMINDER_KIND_EXPIRING_POINTS, 800)
    assert reminder.last_day == Date(year=2026, month=12, day=31)
    assert reminder.reference == "lot-1"
    assert await reminders(world, date(2026, 12, 15)) == []
    assert await reminders(world, date(2026, 12, 17)) == []
    kinds = [pb.REMINDER_KIND_TRIAL_END]
    assert await reminders(world, date(2026, 12, 16), kinds=kinds) == []
    # Without a day it is today's.
    assert await reminders(world) == []
    world.clock.set(datetime(2026, 12, 16, 4, tzinfo=UTC))
    assert await reminders(world) == [reminder]


async def test_stream_reminders_goes_over_every_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laurel_benefits.handlers.reminders.PAGE", 2)
    bought = [await world.buy(f"m-{position}") for position in range(5)]
    found = await reminders(world, day_of(bought[0].term.expire_time, 30))
    assert [each.member_id for each in found] == [each.member_id for each in bought]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"program_id": "unknown"}, "PROGRAM_NOT_FOUND"),
        ({"day": Date(year=2026, month=2, day=29)}, "REQUEST_INVALID"),
        ({"kinds": [0]}, "REQUEST_INVALID"),
    ],
)
async def test_stream_reminders_that_can_never_be_right_is_refused(
    world: World, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await reminders(world, **options)
    assert refusal_of(error.value)[1] == reason


async def test_stream_reminders_without_the_ledger_says_so(world: World) -> None:
    world.ledger.away = True
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await reminders(world)
    assert refusal_of(error.value)[1] == "DEPENDENCY_DOWN"
    memberships = [pb.REMINDER_KIND_TRIAL_END, pb.REMINDER_KIND_TERM_END]
    assert await reminders(world, kinds=memberships) == []


async def test_stream_reminders_names_tiers_whose_term_ends_a16(world: World) -> None:
    await world.buy()
    world.scoring.insight.ends = {MEMBER: datetime(2026, 8, 31, 16, tzinfo=UTC)}
    kinds = [pb.REMINDER_KIND_TIER_END]
    (reminder,) = await reminders(world, date(2026, 8, 1), kinds=kinds)
    assert (reminder.kind, reminder.member_id) == (pb.REMINDER_KIND_TIER_END, MEMBER)
    assert (reminder.reference, reminder.level_id) == ("chengzhang", "silver")
    assert reminder.missing_points == 500
    assert reminder.last_day == Date(year=2026, month=8, day=31)
    for day in (date(2026, 7, 31), date(2026, 8, 2)):
        assert await reminders(world, day, kinds=kinds) == []
    world.scoring.insight.away = True
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await reminders(world, date(2026, 8, 1), kinds=kinds)
    assert refusal_of(error.value)[1] == "DEPENDENCY_DOWN"


async def messages(world: World, day: date, token: str = "") -> list[pb.StreamRemindersResponse]:
    request = pb.StreamRemindersRequest(
        program_id=PROGRAM,
        day=Date(year=day.year, month=day.month, day=day.day),
        resume_token=token,
    )
    stream = world.reminders.StreamReminders(request, timeout=PATIENCE)
    return [message async for message in stream]


async def test_stream_reminders_goes_on_behind_what_came(world: World) -> None:
    bought = await world.buy()
    for member_id in ("m-2", "m-3"):
        await world.buy(member_id)
    day = day_of(bought.term.expire_time, 30)
    void = datetime.combine(day + 16 * DAY, datetime.min.time(), UTC) - timedelta(hours=8)
    lots = [
        lots_pb2.ExpiringLot(
            member_id=MEMBER, lot_id=f"lot-{place}", expire_time=instant(void), remaining=8
        )
        for place in range(3)
    ]
    world.ledger.lots = list(lots)
    world.scoring.insight.ends = {"m-2": bought.term.expire_time.ToDatetime(tzinfo=UTC)}
    whole = await messages(world, day)
    ids = [[each.reminder_id for each in message.reminders] for message in whole]
    assert [len(each) for each in ids] == [0, 3, 3, 1]
    for place, message in enumerate(whole):
        rest = await messages(world, day, message.resume_token)
        found = [each.reminder_id for message in rest for each in message.reminders]
        assert found == [each for page in ids[place + 1 :] for each in page]
        assert {(each.day.year, each.day.month, each.day.day) for each in rest} == {
            (day.year, day.month, day.day)
        }


async def test_stream_reminders_tells_all_points_again_where_the_last_are_gone(
    world: World,
) -> None:
    void = datetime(2026, 12, 31, 16, tzinfo=UTC)
    lots = [
        lots_pb2.ExpiringLot(
            member_id=MEMBER, lot_id=f"lot-{place}", expire_time=instant(void), remaining=8
        )
        for place in range(2)
    ]
    world.ledger.lots = list(lots)
    token = (await messages(world, date(2026, 12, 16)))[-1].resume_token
    assert len(await messages(world, date(2026, 12, 16), token)) == 1
    world.ledger.lots = lots[:1]
    (_, again) = await messages(world, date(2026, 12, 16), token)
    assert [each.reference for each in again.reminders] == ["lot-0"]
    other = pb.StreamRemindersRequest(program_id=PROGRAM, resume_token=token)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await anext(aiter(world.reminders.StreamReminders(other, timeout=PATIENCE)))
    assert refusal_of(error.value)[1] == "PAGE_TOKEN_INVALID"
