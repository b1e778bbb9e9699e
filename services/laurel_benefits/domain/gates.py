"""Gates and windows: every reason why a member may not pass, in a fixed order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from laurel_kit.calendar import add_months, business_day, day_start, month_start

from laurel_benefits.domain.decisions import Reason, ReasonCode
from laurel_benefits.domain.gate_terms import (
    Birthday,
    Gate,
    LevelGate,
    MonthDays,
    Window,
    YearDays,
)
from laurel_benefits.domain.ids import PlanId
from laurel_benefits.domain.risks import MemberRisk, RiskState
from laurel_benefits.domain.standings import Standing

BIRTH_DATE = "birth_date"
"""The subject of a reason that asks for a date of birth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BirthDate:
    """Month and day of birth; the year does not matter."""

    month: int
    day: int

    def in_year(self, year: int) -> date:
        """The birthday in a year: 29 February is kept on the 28th where there is none."""
        leap = date(year, 3, 1) - timedelta(days=1)
        if (self.month, self.day) == (2, 29):
            return leap
        return date(year, self.month, self.day)


def judge_gate(
    gate: Gate, standing: Standing | None, running_plans: Collection[PlanId]
) -> tuple[Reason, ...]:
    """Everything in the gate that does not hold. Asks nothing of an unknown standing.

    Whether an unknown standing is enough is for the caller to say: it is not where the gate
    `asks_scoring`.
    """
    reasons = list(judge_standing(gate, standing)) if standing else []
    reasons += judge_memberships(gate, running_plans)
    return tuple(reasons)


def judge_standing(gate: Gate, standing: Standing) -> Iterator[Reason]:
    """What speaks against a member by score, level, credit and profile."""
    if gate.score_min is not None and standing.score_value < gate.score_min:
        yield short_of(ReasonCode.SCORE_TOO_LOW, "score", gate.score_min, standing.score_value)
    if gate.level_min is not None:
        yield from judge_level(gate.level_min, standing)
    yield from judge_credit("credit_score", gate.credit_score_min, standing.credit_score)
    yield from judge_credit("credit_stars", gate.credit_stars_min, standing.credit_stars)
    for attribute in gate.required_attributes:
        if attribute not in standing.attributes:
            yield Reason(code=ReasonCode.ATTRIBUTE_MISSING, subject=attribute)
    for attribute in gate.forbidden_attributes:
        if attribute in standing.attributes:
            yield Reason(code=ReasonCode.ATTRIBUTE_EXCLUDED, subject=attribute)


def judge_level(level: LevelGate, standing: Standing) -> Iterator[Reason]:
    """Whether the level is reached; the reason counts in positions.

    One by invitation asks for the score first, and for the invitation whatever the score is (I17).
    """
    actual = standing.level_position
    if actual >= level.position:
        return
    if level.invited_from is None:
        yield short_of(ReasonCode.TIER_TOO_LOW, level.level_id, level.position, actual)
        return
    if standing.score_value < level.invited_from:
        score = standing.score_value
        yield short_of(ReasonCode.SCORE_TOO_LOW, "score", level.invited_from, score)
    yield short_of(ReasonCode.INVITATION_REQUIRED, level.level_id, level.position, actual)


def judge_credit(subject: str, required: int | None, actual: int | None) -> Iterator[Reason]:
    """Whether the credit suffices; one that is not known does not (B8)."""
    if required is not None and (actual is None or actual < required):
        yield short_of(ReasonCode.CREDIT_TOO_LOW, subject, required, actual or 0)


def judge_memberships(gate: Gate, running_plans: Collection[PlanId]) -> Iterator[Reason]:
    """Whether one of the plans is running."""
    if gate.membership_plans and not set(gate.membership_plans) & set(running_plans):
        yield Reason(code=ReasonCode.NOT_MEMBER, subject=gate.membership_plans[0])


def short_of(code: ReasonCode, subject: str, required: int, actual: int) -> Reason:
    """A reason with its numbers."""
    return Reason(code=code, subject=subject, required=required, actual=actual)


def judge_risk(risk: MemberRisk | None, now: datetime) -> Iterator[Reason]:
    """Whether the member is blocked: then nothing else helps (B10)."""
    if risk and risk.state_at(now) is RiskState.BLOCKED:
        yield Reason(
            code=ReasonCode.RISK_BLOCKED, subject="member", available_from=risk.expire_time
        )


def judge_window(
    window: Window | None, *, birth_date: BirthDate | None, now: datetime, zone: ZoneInfo
) -> tuple[Reason, ...]:
    """Whether now lies in the window, by business days; and if not, when it opens next."""
    today = business_day(now, zone)
    match window:
        case MonthDays() if not window.first_day <= today.day <= window.last_day:
            return (outside(next_of_month(window.first_day, today), zone),)
        case YearDays() if not window.first_day <= (today.month, today.day) <= window.last_day:
            return (outside(next_of_year(*window.first_day, today), zone),)
        case Birthday() if birth_date is None:
            return (Reason(code=ReasonCode.ATTRIBUTE_MISSING, subject=BIRTH_DATE),)
        case Birthday() if birth_date and birth_date.in_year(today.year) != today:
            return (outside(next_birthday(birth_date, today), zone),)
    return ()


def outside(opens: date, zone: ZoneInfo) -> Reason:
    """The window is closed until that day begins."""
    return Reason(
        code=ReasonCode.OUTSIDE_WINDOW, subject="window", available_from=day_start(opens, zone)
    )


def next_of_month(day: int, today: date) -> date:
    """The next such day of a month after today."""
    this_month = month_start(today).replace(day=day)
    return this_month if today < this_month else add_months(this_month, 1)


def next_of_year(month: int, day: int, today: date) -> date:
    """The next such day of a year after today."""
    this_year = date(today.year, month, day)
    return this_year if today < this_year else this_year.replace(year=today.year + 1)


def next_birthday(birth_date: BirthDate, today: date) -> date:
    """The next birthday after today."""
    this_year = birth_date.in_year(today.year)
    return this_year if today < this_year else birth_date.in_year(today.year + 1)
