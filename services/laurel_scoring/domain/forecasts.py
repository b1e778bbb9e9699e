"""How a live score goes on when nothing else happens: the function of scores, asked ahead (C13)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from laurel_kit.calendar import ONE_DAY, business_day, day_start, next_month_start

from laurel_scoring.domain.facts import CreditReport, Fact
from laurel_scoring.domain.history import refreshed
from laurel_scoring.domain.models import (
    FromCredit,
    Level,
    PerActivePeriod,
    Rule,
    ScoreModel,
    Window,
)
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

    On all other days the same facts are in the same windows and no term ends, so that the score
    stays.
    """
    last = moment.today + timedelta(days=days)
    before = score(facts, model, moment)
    ahead = days_of_change(facts, model, moment, last=last)
    while ahead := later_days(ahead, before.term_end, moment.today, last):
        day = ahead.pop(0)
        moment = replace(moment, instant=day_start(day, moment.zone))
        after = score(facts, model, moment)
        if (after.value, after.level) != (before.value, before.level):
            yield ForecastStep(
                day=day,
                value=after.value,
                level=after.level,
                rolled_off=rolled_off(before, day),
            )
        before = after


def later_days(days: Sequence[date], term_end: date | None, today: date, last: date) -> list[date]:
    """Days still to come, that on which the running term ends among them."""
    known = {*days, term_end} if term_end else set(days)
    return sorted(day for day in known if today < day <= last)


def days_of_change(
    facts: Sequence[Fact], model: ScoreModel, moment: Moment, *, last: date
) -> list[date]:
    """The days ahead on which a fact begins to count by the model or ceases to."""
    postings, refreshes = postings_of(model), refreshes_of(model)
    changes: set[date] = set(month_starts(moment.today, last)) if has_runs(model) else set()
    behaved = {business_day(fact.activity_time, moment.zone) for fact in facts}
    for day in behaved:
        # What happened today counts from tomorrow on; what is dated ahead at its own time.
        changes.update((day, day + ONE_DAY))
        for window in windows_of(model):
            leaves = roll_off_date(day, window, moment, model.settlement_day)
            if leaves is not None:
                changes.add(leaves)
        changes.update(next_month_start(day).replace(day=posting) for posting in postings)
    for fact in facts:
        if isinstance(fact, CreditReport):
            starts = [refreshed(fact.activity_time, day, moment.zone) for day in refreshes]
            changes.update(business_day(start, moment.zone) for start in starts)
    return sorted(day for day in changes if moment.today < day <= last)


def rules_of(model: ScoreModel) -> list[Rule]:
    """Every rule of a model."""
    return [rule for dimension in model.dimensions for rule in dimension.rules]


def postings_of(model: ScoreModel) -> set[int]:
    """The days of a month on which points of the month before are posted."""
    awards = [rule.award for rule in rules_of(model)]
    found = {each.posting_day for each in awards if isinstance(each, PerActivePeriod)}
    return found - {0}


def has_runs(model: ScoreModel) -> bool:
    """Whether months count only in an unbroken run, so that the end of a month can break it."""
    awards = [rule.award for rule in rules_of(model)]
    return any(isinstance(each, PerActivePeriod) and each.consecutive for each in awards)


def month_starts(today: date, last: date) -> Iterator[date]:
    """The first days of the months after a day, up to another one."""
    month = next_month_start(today)
    while month <= last:
        # Where a live window ends with yesterday, the month is over a day later.
        yield from (month, month + ONE_DAY)
        month = next_month_start(month)


def refreshes_of(model: ScoreModel) -> set[int]:
    """The days of a month on which credit is refreshed."""
    sources = [rule.source for rule in rules_of(model)]
    found = {each.refresh_day for each in sources if isinstance(each, FromCredit)}
    return found - {0}


def windows_of(model: ScoreModel) -> set[Window]:
    """Every window that a rule of the model has."""
    return {rule.window or model.window for rule in rules_of(model)}


def rolled_off(before: Valuation, day: date) -> tuple[Contribution, ...]:
    """What counted before and no longer counts on a day."""
    return tuple(
        each
        for each in before.contributions
        if each.roll_off_date is not None and each.roll_off_date <= day and each.counted
    )
