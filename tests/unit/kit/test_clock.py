"""Clocks run, are set and stand still; ids follow the order in which they were made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from threading import Thread
from uuid import UUID

import pytest
from laurel_kit import ids
from laurel_kit.clock import SettableClock, SystemClock
from laurel_kit.ids import IdMaker, new_id

START = datetime(2026, 3, 10, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Ticking:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self) -> None:
        self._instant = START

    def now(self) -> datetime:
        self._instant += SECOND
        return self._instant


def test_the_machine_tells_aware_utc_instants() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_a_clock_that_was_never_set_shows_the_time_of_its_base() -> None:
    assert SettableClock(Ticking()).now() == START + SECOND


@pytest.mark.parametrize("days", [-1000, 0, 1000])
def test_a_clock_runs_on_from_where_it_was_set(days: int) -> None:
    clock = SettableClock(Ticking())
    target = START + timedelta(days=days)
    clock.set(target)
    assert clock.now() == target + SECOND
    assert clock.now() == target + 2 * SECOND


def test_a_clock_that_is_held_moves_by_hand_alone() -> None:
    clock = SettableClock(Ticking())
    with clock.held():
        assert clock.now() == clock.now()
        clock.set(START + timedelta(days=1))
        assert clock.now() == START + timedelta(days=1)
    assert clock.now() == START + timedelta(days=1) + SECOND


def test_an_instant_of_another_zone_is_shown_in_utc() -> None:
    clock = SettableClock(Ticking())
    with clock.held():
        clock.set(START.astimezone(timezone(timedelta(hours=8))))
        assert clock.now().tzinfo is UTC


def test_ids_are_uuids_of_version_seven() -> None:
    made = UUID(new_id())
    assert (made.version, made.variant) == (7, "specified in RFC 4122")


def test_ids_increase_also_when_the_machine_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([2_000_000_000_000, 1_000_000_000_000, 1_000_000_000_000, 3_000_000_000_000])
    monkeypatch.setattr(ids, "machine_nanoseconds", lambda: next(times))
    maker = IdMaker()
    made = [str(maker.make()) for _ in range(4)]
    assert made == sorted(set(made))


def test_ids_of_many_threads_differ_and_increase_in_each() -> None:
    maker = IdMaker()
    made: list[list[UUID]] = [[] for _ in range(4)]

    def make(own: list[UUID]) -> None:
        own.extend(maker.make() for _ in range(2000))

    threads = [Thread(target=make, args=(own,)) for own in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each for own in made for each in own}) == 8000
    assert all(own == sorted(own) for own in made)
