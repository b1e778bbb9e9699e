"""A running balance: points come and go as facts happen, and terms of levels take theirs (A15-A20).

It is a pure function of what facts gave and took, in their order, and of the model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum

from laurel_kit.calendar import add_months, day_start

from laurel_scoring.domain.models import Level, ScoreModel, TermEnd
from laurel_scoring.domain.windows import Span


class AdjustmentKind(Enum):
    """Why a sum is changed."""

    CEILING = "ceiling"
    TERM_END = "term_end"
    FORGIVEN = "forgiven"
    """More was taken back than was left, and a balance is never below zero (A20)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What changes a finished sum, or a balance on its way."""

    kind: AdjustmentKind
    points: int
    ceiling_id: str = ""
    day: date | None = None
    """When a balance was changed."""
    level_id: str = ""
    """The level whose term ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Points that a fact gave to a balance or, below zero, took from it."""

    time: datetime
    points: int


@dataclass(slots=True, kw_only=True)
class Balance:
    """A balance and its level as they go on; changed only by what is below."""

    model: ScoreModel
    span: Span
    first_purchase_time: datetime | None
    value: int = 0
    level: Level
    kept: Level
    """The level that the running term began with: under RESTART the lowest one until its end."""
    term_end: date | None = None
    """The day at whose beginning the term is over."""
    adjustments: list[Adjustment] = field(default_factory=list)


def run(
    steps: Iterable[Step], model: ScoreModel, span: Span, *, first_purchase_time: datetime | None
) -> Balance:
    """The balance after all steps, which are in order and before the end of the span."""
    balance = Balance(
        model=model,
        span=span,
        first_purchase_time=first_purchase_time,
        level=model.levels[0],
        kept=model.levels[0],
    )
    for step in steps:
        end_terms(balance, step.time)
        take_step(balance, step)
    end_terms(balance, span.until, last=True)
    balance.level = standing_level(balance, span.until)
    return balance


def take_step(balance: Balance, step: Step) -> None:
    """Add the points of a fact, never below zero (A20), and follow to the level they lead to."""
    balance.value += step.points
    if balance.value < 0:
        forgive(balance, step)
    before, balance.level = balance.level, standing_level(balance, step.time)
    day = balance.span.day_of(step.time)
    if balance.level.position > before.position:
        balance.term_end = end_of_term(balance.level, day)  # A19: a new term from that day on.
    elif not balance.level.term_months:
        balance.term_end = None
    elif balance.term_end is None:
        balance.term_end = end_of_term(balance.level, day)


def forgive(balance: Balance, step: Step) -> None:
    """Let what is missing go: there is no debt (A20, K9)."""
    balance.adjustments.append(
        Adjustment(
            kind=AdjustmentKind.FORGIVEN,
            points=-balance.value,
            day=balance.span.day_of(step.time),
        )
    )
    balance.value = 0


def standing_level(balance: Balance, time: datetime) -> Level:
    """The level of the points at a time; under RESTART at least the one the term began with."""
    first = balance.first_purchase_time
    reached = balance.model.level_of(balance.value, bought=first is not None and first <= time)
    if balance.model.at_term_end is TermEnd.RESTART and balance.kept.position > reached.position:
        return balance.kept
    return reached


def end_of_term(level: Level, day: date) -> date | None:
    """When a term that begins on a day is over (A16); None for a level without a term."""
    return add_months(day, level.term_months) if level.term_months else None


def end_terms(balance: Balance, time: datetime, *, last: bool = False) -> None:
    """End every term that is over by a time, or before it where nothing `last`ing comes after."""
    while balance.term_end is not None:
        over = day_start(balance.term_end, balance.span.zone)
        if over > time or (last and over == time):
            return
        end_term(balance, balance.term_end)


def end_term(balance: Balance, day: date) -> None:
    """Take what the end of a term takes, and begin the next one with what is left (A17, K7)."""
    level = balance.level
    if balance.model.at_term_end is TermEnd.RESTART:
        taken, decides = balance.value, balance.value
    else:
        taken = min(balance.value, level.term_deduction)
        decides = balance.value - taken
    if taken:
        balance.adjustments.append(
            Adjustment(
                kind=AdjustmentKind.TERM_END, points=-taken, day=day, level_id=level.level_id
            )
        )
    balance.value -= taken
    first = balance.first_purchase_time
    bought = first is not None and first < day_start(day, balance.span.zone)
    balance.level = balance.kept = balance.model.level_of(decides, bought=bought)
    balance.term_end = end_of_term(balance.level, day)
