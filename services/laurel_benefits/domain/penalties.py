"""Penalties: some breaches of the rules are free, the others cost points (E23, E25)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from laurel_benefits.domain.activities import (
    ActivityDraft,
    Claim,
    Penalty,
    Scene,
    Verdict,
    decision_of,
    judge_limits,
    times_key,
)
from laurel_benefits.domain.activity_errors import ActivityKindUnknown
from laurel_benefits.domain.activity_rules import ActivityRules, PenaltyRule, TimesLimit
from laurel_benefits.domain.decisions import Reason, ReasonCode
from laurel_benefits.domain.ids import PlanId
from laurel_benefits.domain.rooms import CounterKey


def find_penalty(rules: ActivityRules, kind: str) -> PenaltyRule:
    """What a breach of a kind costs. Raises ActivityKindUnknown."""
    if rule := rules.penalties.get(kind):
        return rule
    raise ActivityKindUnknown(kind=kind)


def decide_penalty(
    scene: Scene,
    draft: ActivityDraft,
    penalty: Penalty,
    *,
    plans: Collection[PlanId],
    repeated: bool,
) -> Verdict:
    """What a breach costs: nothing while some of the periods are free, and once an order.

    `plans` are those of running memberships. Raises ActivityKindUnknown.
    """
    rule = find_penalty(scene.rules, penalty.penalty_kind)
    day = scene.day_of(draft)
    claim = Claim(kind=rule.kind, points=0, limits=free_of(rule, plans))
    known = Reason(code=ReasonCode.REPEATED, subject=penalty.order_id)
    reasons = (known,) if repeated else tuple(judge_limits(scene, claim, day))
    costs = not repeated and (bool(reasons) or not claim.limits)
    return Verdict(
        kind=rule.kind,
        decision=decision_of(scene, reasons, 0, claim, allowed=not costs, day=day),
        points=-rule.points if costs else 0,
        counted={} if repeated else dict(counted_of(rule, day)),
        known=repeated,
    )


def free_of(rule: PenaltyRule, plans: Collection[PlanId]) -> tuple[TimesLimit, ...]:
    """How many are free for a member."""
    return rule.member_free if rule.membership_plans & set(plans) else rule.free


def counted_of(rule: PenaltyRule, day: date) -> Iterator[tuple[CounterKey, int]]:
    """Each counts in every period, free or not: also for those with another membership later."""
    for limit in (*rule.free, *rule.member_free):
        yield times_key(rule.kind, limit.period, day), 1
