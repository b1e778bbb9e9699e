"""Checking in: once a business day, more for days in a row, from the start after a miss (D12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day, day_end, day_start

from laurel_benefits.domain.decisions import (
    Decision,
    PointsGiven,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
)
from laurel_benefits.domain.game_errors import CheckInNotFound
from laurel_benefits.domain.gates import judge_risk
from laurel_benefits.domain.ids import (
    MemberKey,
    ProgramId,
    RequestId,
    ReviewCaseId,
    RevisionId,
)
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.programs import BenefitsProgram, CheckInRules
from laurel_benefits.domain.risk_rules import VelocityAction, VelocityRule
from laurel_benefits.domain.risks import MemberRisk, risk_at
from laurel_benefits.domain.rooms import CounterKey
from laurel_benefits.domain.sign_in_cash import Cash
from laurel_benefits.domain.standings import NOT_ASKED
from laurel_benefits.domain.velocities import judge_speed

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInKey:
    """A business day of a member."""

    member: MemberKey
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyCheckIn:
    """A day a member has checked in, and how far that is paid."""

    key: CheckInKey
    streak_days: int
    """Which day in a row it is, from 1."""
    points: int
    asset_id: str
    funding_account_id: str
    ledger_request_id: RequestId
    check_in_time: datetime
    program_revision: RevisionId
    state: GrantState = GrantState.PENDING
    refusal: str = ""
    commit_token: str = ""
    cash: Cash | None = None
    review_case_id: ReviewCaseId | None = None
    """The case somebody has to look at before its points can be spent."""
    made_up: bool = False
    """Whether a card made up for it; then it pays nothing."""
    card_earned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """Days in a row as of an instant."""

    days: int
    last_day: date | None
    next_points: int
    next_time: datetime
    break_time: datetime | None
    next_cash_fen: int = 0
    make_up_cards: int = 0
    missed_days: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInCase:
    """The rules, what is known of the member, and the moment."""

    rules: CheckInRules
    latest: DailyCheckIn | None
    risk: MemberRisk | None
    now: datetime
    zone: ZoneInfo
    program_revision: RevisionId
    velocity: tuple[VelocityRule, ...] = ()
    """The limits of speed in which a check-in counts."""
    used: Mapping[CounterKey, int] = field(default_factory=dict)
    """What the member has done in their windows."""

    @property
    def guard(self) -> tuple[VelocityRule, Reason] | None:
        """The limit that one more check-in exceeds, and what that means for it."""
        return judge_speed(self.velocity, self.used, risk_at(self.risk, self.now), self.now)

    @property
    def review_rule(self) -> str:
        """The rule by which somebody has to look at what it pays; empty when nobody has to."""
        guard = self.guard
        return guard[0].rule_id if guard and guard[0].action is VelocityAction.REVIEW else ""

    @property
    def today(self) -> date:
        """The present business day."""
        return business_day(self.now, self.zone)

    @property
    def done(self) -> bool:
        """Whether the member has checked in for today, or for a later day by an earlier clock."""
        return self.latest is not None and self.latest.key.day >= self.today

    @property
    def streak_days(self) -> int:
        """Days in a row up to today, or up to yesterday while today is open."""
        if self.latest is None or self.latest.key.day < self.today - ONE_DAY:
            return 0
        return self.latest.streak_days

    @property
    def next_cash_fen(self) -> int:
        """Cash of the next day in a row, as far as the budget then goes (L3)."""
        cash = self.rules.cash
        return cash.fen_of(self.streak_days + 1) if cash else 0

    @property
    def next_day(self) -> date:
        """The day of the next check-in: today, or the day after the latest."""
        return self.latest.key.day + ONE_DAY if self.latest and self.done else self.today


def find_check_in(program: BenefitsProgram, program_id: ProgramId) -> CheckInRules:
    """What checking in gives. Raises CheckInNotFound."""
    if program.check_in is None:
        raise CheckInNotFound(program_id=program_id)
    return program.check_in


def decide_check_in(case: CheckInCase) -> Decision:
    """Whether a member may check in now, and what that pays."""
    guard, reviewed = case.guard, bool(case.review_rule)
    speed = (guard[1],) if guard else ()
    refused = (*judge_risk(case.risk, case.now), *judge_day(case), *(() if reviewed else speed))
    reasons = refused or speed
    value = PointsGiven(points=case.rules.points_of(case.streak_days + 1))
    return Decision(
        allowed=not refused,
        reasons=reasons,
        value=None if refused else value,
        evidence=evidence_of(NOT_ASKED, None, case.now, risk_state=risk_at(case.risk, case.now)),
        near_miss=near_miss_of(reasons, value),
        degraded=False,
        program_revision=case.program_revision,
    )


def judge_day(case: CheckInCase) -> Iterator[Reason]:
    """One check-in a business day."""
    if case.done:
        opens = day_start(case.next_day, case.zone)
        yield Reason(code=ReasonCode.COOLDOWN, subject="check_in", available_from=opens)


def make_check_in(
    case: CheckInCase,
    *,
    member: MemberKey,
    ledger_request_id: RequestId,
    review_case_id: ReviewCaseId | None = None,
    card_earned: bool = False,
) -> DailyCheckIn:
    """The check-in that a yes allows, before it is paid."""
    streak_days = case.streak_days + 1
    return DailyCheckIn(
        key=CheckInKey(member=member, day=case.today),
        streak_days=streak_days,
        points=case.rules.points_of(streak_days),
        asset_id=case.rules.asset_id,
        funding_account_id=case.rules.funding_account_id,
        ledger_request_id=ledger_request_id,
        check_in_time=case.now,
        program_revision=case.program_revision,
        review_case_id=review_case_id,
        card_earned=card_earned,
    )


def streak_of(case: CheckInCase) -> Streak:
    """The member's streak as of now."""
    days = case.streak_days
    last_day = case.latest.key.day if case.latest else None
    return Streak(
        days=days,
        last_day=last_day,
        next_points=case.rules.points_of(days + 1),
        next_time=day_start(case.next_day, case.zone),
        break_time=day_end(last_day + ONE_DAY, case.zone) if days and last_day else None,
        next_cash_fen=case.next_cash_fen,
    )
