"""GetScore of a kept score: never another one than a fresh server would answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from laurel_kit.clock import SettableClock

from tests.support.databases import DatabaseOf
from tests.support.programs import program_text
from tests.support.scoring import (
    MEMBER,
    Scoring,
    engagement,
    instant,
    line,
    profile,
    purchase,
    scoring,
    stamp,
)


@pytest.fixture
async def whole(database_of: DatabaseOf, clock: SettableClock) -> Any:
    async with scoring(database_of, clock) as served:
        yield served


async def worth(whole: Scoring, **fields: Any) -> int:
    """The score, asked twice: the second answer is kept."""
    first, second = await whole.score(**fields), await whole.score(**fields)
    assert (first.score.value, first.profile) == (second.score.value, second.profile)
    assert first.score.window_end_date == second.score.window_end_date
    return int(second.score.value)


async def test_get_score_sees_what_was_recorded_and_taken_back_since(whole: Scoring) -> None:
    assert await worth(whole) == 0
    review = engagement("2026-03-01T10:00", "answer")
    await whole.recorded(review)
    assert await worth(whole) == 2
    await whole.recorded(purchase("2026-03-01T10:00", line(100_00)))
    assert await worth(whole) == 2 + 100 + 20
    await whole.retract(review.activity_id)
    assert await worth(whole) == 100 + 20


async def test_get_score_sees_the_day_and_the_instant_pass(
    whole: Scoring, clock: SettableClock
) -> None:
    await whole.recorded(
        engagement("2026-03-10T10:00", "answer"), profile("2026-03-10T12:04", "wechat")
    )
    times = {
        "2026-03-10T12:03": 0,
        "2026-03-10T12:04": 20,
        "2026-03-10T12:05": 20,
        "2026-03-10T23:59": 20,
        "2026-03-11T00:00": 22,
    }
    for time, value in [*times.items(), *reversed(times.items())]:
        assert await worth(whole, as_of_time=stamp(instant(time))) == value, time
    clock.set(instant("2026-03-11T00:00"))
    assert await worth(whole) == 22


async def test_get_score_sees_a_new_revision_at_once(whole: Scoring, clock: SettableClock) -> None:
    await whole.recorded(engagement("2026-03-01T10:00", "answer"))
    assert await worth(whole) == 2
    clock.set(instant("2026-03-10T13:00"))
    before = (await whole.score()).score.program_revision
    await whole.apply(program_text() + "\n# Another file.\n")
    assert (await whole.score()).score.program_revision != before


async def test_get_score_at_the_same_time_sees_what_was_recorded_before_each(
    whole: Scoring,
) -> None:
    """Versions are read for many callers at once, yet never from before a caller asked."""

    async def live(number: int) -> None:
        member = f"{MEMBER}-{number}"
        for done in range(1, 6):
            answer = engagement(f"2026-03-01T10:0{done}", "answer", member_id=member)
            await whole.recorded(answer)
            assert (await whole.score(member_id=member)).score.value == 2 * done

    await asyncio.gather(*(live(number) for number in range(8)))


async def test_get_score_of_many_at_the_same_time_answers_each_its_own(whole: Scoring) -> None:
    members = [f"{MEMBER}-{number}" for number in range(40)]
    await whole.recorded(
        *(
            engagement("2026-03-01T10:00", "answer", member_id=each)
            for number, each in enumerate(members)
            for _ in range(number % 4)
        )
    )
    for _ in range(3):
        answers = await asyncio.gather(*(whole.score(member_id=each) for each in members))
        assert [each.score.member_id for each in answers] == members
        assert [each.score.value for each in answers] == [2 * (n % 4) for n in range(40)]


async def test_get_score_keeps_no_more_than_it_may(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock, live_scores_kept=2) as whole:
        for member in ("a", "b", "c", "a"):
            await whole.recorded(engagement("2026-03-01T10:00", "answer", member_id=member))
            assert (await whole.score(member_id=member)).score.value > 0
