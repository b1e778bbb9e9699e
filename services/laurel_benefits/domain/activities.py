"""What members do beside buying, and the decision on what it pays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day, day_start, next_month_start, next_year_start

from laurel_benefits.domain.activity_errors import ActivitiesNotServed
from laurel_benefits.domain.activity_rules import ActivityRules, TimesLimit
from laurel_benefits.domain.bonuses import CapPeriod
from laurel_benefits.domain.decisions import (
    Decision,
    PointsGiven,
    Quota,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
)
from laurel_benefits.domain.errors import TimeInFuture
from laurel_benefits.domain.gates import BirthDate, judge_risk
from laurel_benefits.domain.ids import (
    ActivityId,
    LineId,
    MemberId,
    MemberKey,
    OrderId,
    ProgramId,
    RevisionId,
)
from laurel_benefits.domain.orders import TellingState
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.risk_rules import VelocityAction, VelocityRule
from laurel_benefits.domain.risks import MemberRisk, RiskState, risk_at
from laurel_benefits.domain.rooms import CounterKey
from laurel_benefits.domain.standings import NOT_ASKED
from laurel_benefits.domain.velocities import judge_speed

POINTS_COUNTER = "activities"
"""Under which name the points of all activities are counted against the caps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What its kind alone says."""

    action_kind: str
    subject_id: str
    birth_date: BirthDate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review of a line of an order, and what is known of its quality."""

    order_id: OrderId
    line_id: LineId
    photos: bool
    characters: int
    copied_bps: int = 0
    overlap_bps: int = 0
    punctuation_stuffed: bool = False
    report_count: int = 0
    poster_place: int = 0
    """Its place among all reviews of the article; 0 when not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """That another member approves of a review with photos."""

    review_id: ActivityId
    approver_id: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """That a review was deleted."""

    deleted_id: ActivityId
    deletion_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """That the member has brought another one."""

    referred_id: MemberId
    referrer_marks: tuple[str, ...]
    referred_marks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """That the member has broken the rules about an order."""

    penalty_kind: str
    order_id: OrderId


Fact = Action | Review | Approval | Deletion | Referral | Penalty


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityDraft:
    """An activity as the caller reports it."""

    activity_id: ActivityId
    activity_time: datetime
    fact: Fact
    digest: str
    """Of its whole content: the same name with another one is refused."""


class ActivityTelling(StrEnum):
    """Whether scoring knows of an activity."""

    PENDING = TellingState.PENDING.value
    TOLD = TellingState.TOLD.value
    REFUSED = TellingState.REFUSED.value
    WITHHELD = "WITHHELD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """An activity that is recorded, with what was decided on it."""

    member: MemberKey
    draft: ActivityDraft
    kind: str
    """The word under which scoring is told of it, and its limits are counted."""
    decision: Decision
    subject_id: str
    """What scoring is told it was about."""
    points: int
    """What it pays; below zero what it takes back or costs."""
    position: int
    """Its place among the facts of the member; 0 where scoring is not told."""
    telling: ActivityTelling
    telling_refusal: str
    program_revision: RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What decisions on activities of one member and one moment have in common."""

    rules: ActivityRules
    member: MemberKey
    risk: MemberRisk | None
    now: datetime
    zone: ZoneInfo
    program_revision: RevisionId
    used: Mapping[CounterKey, int]
    """What the member has used of limits and caps."""
    item_cap_points: int | None
    """Most points of one line of an order (D4)."""
    velocity: tuple[VelocityRule, ...] = ()
    """The limits of speed in which the activity counts."""

    @property
    def risk_state(self) -> RiskState:
        """How the member is judged."""
        return risk_at(self.risk, self.now)

    def day_of(self, draft: ActivityDraft) -> date:
        """The business day of an activity."""
        return business_day(draft.activity_time, self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """Points that something may still pay. `available_from` says when it may pay more."""

    code: ReasonCode
    subject: str
    left_points: int
    available_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an activity asks for: points for its kind, and what speaks against them."""

    kind: str
    points: int
    reasons: Sequence[Reason] = ()
    limits: Sequence[TimesLimit] = ()
    ceilings: Sequence[Ceiling] = ()
    """Beside the caps of all activities together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a reward has taken of a limit or a cap."""

    counter_id: str
    period_key: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was decided on an activity, and what it takes of limits and caps."""

    kind: str
    decision: Decision
    points: int
    counted: Mapping[CounterKey, int]
    known: bool = False
    """Whether scoring was told the same before."""
    review_rule: str = ""
    """The rule by which somebody has to look at the reward; empty when nobody has to."""

    @property
    def told(self) -> bool:
        """Whether it is a fact: what nobody bought, or did to himself, is none."""
        nothing = NO_FACT & {reason.code for reason in self.decision.reasons}
        return not nothing and not self.known


NO_FACT = frozenset({ReasonCode.NOT_PURCHASED, ReasonCode.SELF_DEALING})
"""Reasons for which scoring is told nothing."""


def find_activities(program: BenefitsProgram, program_id: ProgramId) -> ActivityRules:
    """What members are paid for beside buying. Raises ActivitiesNotServed."""
    if program.activities is None:
        raise ActivitiesNotServed(program_id=program_id)
    return program.activities


def check_time(draft: ActivityDraft, *, now: datetime, skew_max: timedelta) -> None:
    """Refuse what is still to come. Raises TimeInFuture."""
    if draft.activity_time > now + skew_max:
        raise TimeInFuture(field="activity_time", time=draft.activity_time, current_time=now)


def decide_claim(scene: Scene, draft: ActivityDraft, claim: Claim) -> Verdict:
    """Whether a claim is paid, and how much of it: cut by what caps leave, the narrowest last.

    What is refused takes nothing of limits and caps. What comes too fast is refused, or paid and
    looked at, as the rule says.
    """
    day = scene.day_of(draft)
    reasons = [
        *judge_risk(scene.risk, scene.now),
        *claim.reasons,
        *judge_limits(scene, claim, day),
    ]
    guarded = judge_speed(scene.velocity, scene.used, scene.risk_state, scene.now)
    if guarded and guarded[0].action is VelocityAction.REFUSE:
        reasons.append(guarded[1])
    refused = bool(reasons)
    points = 0 if refused else claim.points
    if not refused:
        for ceiling in (*claim.ceilings, *caps_of(scene, day)):
            if points > ceiling.left_points:
                reasons.append(cut_by(ceiling, points))
                points = ceiling.left_points
    allowed = not refused and (points > 0 or claim.points == 0)
    reviewed = guarded if allowed and points else None
    reasons += [reviewed[1]] if reviewed else []
    return Verdict(
        kind=claim.kind,
        decision=decision_of(scene, reasons, points, claim, allowed=allowed, day=day),
        points=points,
        counted=dict(counted_of(claim, points, scene, day)) if allowed else {},
        review_rule=reviewed[0].rule_id if reviewed else "",
    )


def decision_of(
    scene: Scene,
    reasons: Sequence[Reason],
    points: int,
    claim: Claim,
    *,
    allowed: bool,
    day: date,
) -> Decision:
    """The decision with its numbers."""
    return Decision(
        allowed=allowed,
        reasons=tuple(reasons),
        value=PointsGiven(points=points) if allowed else None,
        evidence=evidence_of(NOT_ASKED, None, scene.now, risk_state=scene.risk_state),
        near_miss=near_miss_of(reasons, PointsGiven(points=claim.points)),
        degraded=False,
        program_revision=scene.program_revision,
        quota=quota_of(scene, claim, day),
    )


def judge_limits(scene: Scene, claim: Claim, day: date) -> Iterator[Reason]:
    """Whether the kind has paid as often as it may."""
    for limit in claim.limits:
        used = scene.used.get(times_key(claim.kind, limit.period, day), 0)
        if used >= limit.times_max:
            yield Reason(
                code=ReasonCode.QUOTA_USED,
                subject=claim.kind,
                required=used + 1,
                actual=limit.times_max,
                available_from=next_start(limit.period, day, scene.zone),
            )


def quota_of(scene: Scene, claim: Claim, day: date) -> Quota | None:
    """How often the kind pays in the first of its periods."""
    if not claim.limits:
        return None
    limit = claim.limits[0]
    return Quota(
        limit=limit.times_max,
        used=scene.used.get(times_key(claim.kind, limit.period, day), 0),
        reset_time=next_start(limit.period, day, scene.zone),
    )


def caps_of(scene: Scene, day: date) -> Iterator[Ceiling]:
    """What the caps of all activities together leave."""
    for cap in scene.rules.caps:
        used = scene.used.get((POINTS_COUNTER, cap.period.key_of(day)), 0)
        yield Ceiling(
            code=ReasonCode.PERIOD_CAP,
            subject=POINTS_COUNTER,
            left_points=max(cap.cap_points - used, 0),
            available_from=next_start(cap.period, day, scene.zone),
        )


def cut_by(ceiling: Ceiling, points: int) -> Reason:
    """Why less is paid."""
    return Reason(
        code=ceiling.code,
        subject=ceiling.subject,
        required=points,
        actual=ceiling.left_points,
        available_from=ceiling.available_from,
    )


def counted_of(
    claim: Claim, points: int, scene: Scene, day: date
) -> Iterator[tuple[CounterKey, int]]:
    """What a paid claim takes of limits and caps."""
    for limit in claim.limits:
        yield times_key(claim.kind, limit.period, day), 1
    if points:
        for cap in scene.rules.caps:
            yield (POINTS_COUNTER, cap.period.key_of(day)), points


def counters_of(
    rules: ActivityRules, kind: str, limits: Iterable[TimesLimit], day: date
) -> Iterator[CounterKey]:
    """The counters that a decision on a kind looks at."""
    for limit in limits:
        yield times_key(kind, limit.period, day)
    for cap in rules.caps:
        yield POINTS_COUNTER, cap.period.key_of(day)


def times_key(kind: str, period: CapPeriod, day: date) -> CounterKey:
    """Where it is counted how often a kind was paid."""
    return f"activity/{kind}", period.key_of(day)


def next_start(period: CapPeriod, day: date, zone: ZoneInfo) -> datetime | None:
    """When the period after that of a business day begins; None when it never does."""
    match period:
        case CapPeriod.DAY:
            return day_start(day + timedelta(days=1), zone)
        case CapPeriod.MONTH:
            return day_start(next_month_start(day), zone)
        case CapPeriod.YEAR:
            return day_start(next_year_start(day), zone)
    return None
