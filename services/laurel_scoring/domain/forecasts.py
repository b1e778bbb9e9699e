"""How a live score goes on when nothing else happens: the function of scores, asked ahead (C13)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from laurel_kit.calendar import ONE_DAY, business_day, day_start

from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.models import Level, ScoreModel, Window
from laurel_scoring.domain.scores import Contribution, Valuation, score
from laurel_scoring.domain.windows import Moment, roll_off_date


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastStep:
    """A day on which the score changes, and what left the window since the step before."""

    day: date
    value: int
    level: Level
    rolled_off: tuple[Contribution, ...]


def forecast(
    facts: Sequence[Fact], model: ScoreModel, moment: Moment, *, days: int
) -> Iterator[ForecastStep]:
    """The changes of a live score on the days after a moment, each worth an evaluation.

    On all other days the same facts are in the same windows, so that the score stays.
    """
    before = score(facts, model, moment)
    for day in days_of_change(facts, model, moment, days=days):
        after = score(facts, model, replace(moment, instant=day_start(day, moment.zone)))
        if after.value != before.value:
            yield ForecastStep(
                day=day,
                value=after.value,
                level=after.level,
                rolled_off=rolled_off(before, day),
            )
        before = after


def days_of_change(
    facts: Sequence[Fact], model: ScoreModel, moment: Moment, *, days: int
) -> list[date]:
    """The days ahead on which a fact enters a window of the model or leaves it."""
    last = moment.today + timedelta(days=days)
    changes: set[date] = set()
    behaved = {business_day(fact.activity_time, moment.zone) for fact in facts}
    for day in behaved:
        # What happened today counts from tomorrow on; what is dated ahead at its own time.
        changes.update((day, day + ONE_DAY))
        for window in windows_of(model):
            leaves = roll_off_date(day, window, moment, model.settlement_day)
            if leaves is not None:
                changes.add(leaves)
    return sorted(day for day in changes if moment.today < day <= last)


def windows_of(model: ScoreModel) -> set[Window]:
    """Every window that a rule of the model has."""
    return {
        rule.window or model.window for dimension in model.dimensions for rule in dimension.rules
    }


def rolled_off(before: Valuation, day: date) -> tuple[Contribution, ...]:
    """What counted before and no longer counts on a day."""
    return tuple(
        each
        for each in before.contributions
        if each.roll_off_date is not None and each.roll_off_date <= day and each.counted
    )
