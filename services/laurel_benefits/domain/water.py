"""Water for trees: what tasks and helpers bring, and how often (L6, L9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day, day_end

from laurel_benefits.domain.decisions import (
    Decision,
    PointsGiven,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
)
from laurel_benefits.domain.game_errors import WaterTaskNotFound
from laurel_benefits.domain.gates import judge_risk
from laurel_benefits.domain.ids import MemberId, MemberKey, RevisionId, WaterTaskId
from laurel_benefits.domain.orchard_rules import HelpRules, Orchard, WaterTask
from laurel_benefits.domain.risks import MemberRisk, RiskState, risk_at
from laurel_benefits.domain.standings import NOT_ASKED

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPeriod:
    """What times of a task are counted in: the window that is open, or the day."""

    key: str
    limit: int
    """How often it gives water in it; none while no window is open."""
    next_time: datetime
    """When the next one begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCase:
    """A task that was done, what is known of the member, and the moment."""

    task: WaterTask
    period: TaskPeriod
    used: int
    subject: str
    subject_used: bool
    duration: timedelta | None
    risk: MemberRisk | None
    now: datetime
    day_end: datetime
    program_revision: RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpCase:
    """A friend who helps, what the day has seen, and the moment."""

    rules: HelpRules | None
    member: MemberKey
    helper_id: MemberId
    helped: bool
    helpers_today: int
    device_helps: int
    risk: MemberRisk | None
    helper_risk: MemberRisk | None
    now: datetime
    day_end: datetime
    program_revision: RevisionId

    @property
    def bonus(self) -> bool:
        """Whether this help is the one that brings the bonus."""
        return self.rules is not None and self.helpers_today + 1 == self.rules.bonus_helpers

    @property
    def drops(self) -> int:
        """What this help brings."""
        if self.rules is None:
            return 0
        return self.rules.drops + (self.rules.bonus_drops if self.bonus else 0)


def find_task(orchard: Orchard, task_id: WaterTaskId) -> WaterTask:
    """The task of that name. Raises WaterTaskNotFound."""
    if found := orchard.tasks.get(task_id):
        return found
    raise WaterTaskNotFound(task_id=task_id)


def period_of(task: WaterTask, now: datetime, zone: ZoneInfo) -> TaskPeriod:
    """What a time of the task counts in now; a window gives water once."""
    today = business_day(now, zone)
    if not task.windows:
        return TaskPeriod(
            key=today.isoformat(), limit=task.daily_max, next_time=day_end(today, zone)
        )
    hour = now.astimezone(zone).hour
    open_ = next((each for each in task.windows if each.from_hour <= hour < each.to_hour), None)
    later = next((each for each in task.windows if each.from_hour > hour), None)
    begins = later or task.windows[0]
    return TaskPeriod(
        key=f"{today}/{open_.from_hour}" if open_ else "",
        limit=1 if open_ else 0,
        next_time=hour_of(today if later else today + ONE_DAY, begins.from_hour, zone),
    )


def hour_of(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """The instant at which an hour of a business day begins."""
    return datetime.combine(day, time(hour), zone)


def decide_task(case: TaskCase) -> Decision:
    """Whether a task that was done gives water."""
    reasons = (
        *judge_risk(case.risk, case.now),
        *judge_period(case),
        *judge_subject(case),
        *judge_duration(case),
    )
    return water_decision(case, reasons, case.task.drops)


def judge_period(case: TaskCase) -> Iterator[Reason]:
    """Whether the window is open, and has a time left."""
    if not case.period.limit:
        yield Reason(
            code=ReasonCode.OUTSIDE_WINDOW,
            subject="window",
            available_from=case.period.next_time,
        )
    elif case.used >= case.period.limit:
        yield Reason(
            code=ReasonCode.QUOTA_USED,
            subject="task",
            required=1,
            available_from=case.period.next_time,
        )


def judge_subject(case: TaskCase) -> Iterator[Reason]:
    """Whether it is about something, and something else than before."""
    if not case.task.distinct_subjects:
        return
    if not case.subject:
        yield Reason(code=ReasonCode.ATTRIBUTE_MISSING, subject="subject")
    elif case.subject_used:
        yield Reason(code=ReasonCode.COOLDOWN, subject="subject", available_from=case.day_end)


def judge_duration(case: TaskCase) -> Iterator[Reason]:
    """Whether it took as long as it has to."""
    least = case.task.least_duration
    took = case.duration or timedelta(0)
    if least is not None and took < least:
        yield Reason(
            code=ReasonCode.AMOUNT_TOO_SMALL,
            subject="duration",
            required=least // timedelta(seconds=1),
            actual=took // timedelta(seconds=1),
        )


def decide_help(case: HelpCase) -> Decision:
    """Whether a help counts: a helper once a day for a tree, nobody for their own (L9)."""
    reasons = (
        *judge_risk(case.risk, case.now),
        *judge_helper(case),
        *judge_helps(case),
    )
    return water_decision(case, reasons, case.drops)


def judge_helper(case: HelpCase) -> Iterator[Reason]:
    """What speaks against this helper."""
    if case.helper_id == case.member.member_id:
        yield Reason(code=ReasonCode.SELF_HELP, subject="helper")
    if risk_at(case.helper_risk, case.now) is RiskState.BLOCKED:
        yield Reason(code=ReasonCode.RISK_BLOCKED, subject="helper")
    if case.helped:
        yield Reason(code=ReasonCode.COOLDOWN, subject="helper", available_from=case.day_end)


def judge_helps(case: HelpCase) -> Iterator[Reason]:
    """Whether the day has a help left, for the tree and for the device."""
    helpers_max = case.rules.helpers_daily_max if case.rules else 0
    device_max = case.rules.device_daily_max if case.rules else 0
    for subject, used, most in (
        ("helpers", case.helpers_today, helpers_max),
        ("device", case.device_helps, device_max),
    ):
        if used >= most:
            yield Reason(
                code=ReasonCode.QUOTA_USED,
                subject=subject,
                required=1,
                available_from=case.day_end,
            )


def water_decision(case: TaskCase | HelpCase, reasons: tuple[Reason, ...], drops: int) -> Decision:
    """The decision about water; its value is the drops."""
    return Decision(
        allowed=not reasons,
        reasons=reasons,
        value=None if reasons else PointsGiven(points=drops),
        evidence=evidence_of(NOT_ASKED, None, case.now, risk_state=risk_at(case.risk, case.now)),
        near_miss=near_miss_of(reasons, PointsGiven(points=drops)),
        degraded=False,
        program_revision=case.program_revision,
    )
