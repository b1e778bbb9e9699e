"""How fast a member does things: counted in windows that follow one another without gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from laurel_benefits.domain.decisions import Reason, ReasonCode
from laurel_benefits.domain.risk_rules import VelocityAction, VelocityRule
from laurel_benefits.domain.risks import RiskState
from laurel_benefits.domain.rooms import Counted, CounterKey, RoomKind

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""When the first window of every rule began."""


def window_key(rule: VelocityRule, now: datetime) -> CounterKey:
    """Where activities of the present window are counted."""
    return f"velocity/{rule.rule_id}", str((now - EPOCH) // rule.window)


def next_window(rule: VelocityRule, now: datetime) -> datetime:
    """When the window after the present one begins."""
    return EPOCH + ((now - EPOCH) // rule.window + 1) * rule.window


def counted_speed(rules: Iterable[VelocityRule], now: datetime) -> Iterator[Counted]:
    """What one more completed order counts in the present windows."""
    for rule in rules:
        counter_id, period_key = window_key(rule, now)
        yield Counted(
            rule=rule.rule_id,
            kind=RoomKind.PERIOD_CAP,
            counter_id=counter_id,
            period_key=period_key,
            points=1,
        )


def rules_of(rules: Iterable[VelocityRule], kind: str) -> tuple[VelocityRule, ...]:
    """The rules in which a kind of activity counts; completed orders are counted by others."""
    return tuple(rule for rule in rules if rule.covers(kind))


def exceeded(
    rules: Iterable[VelocityRule],
    used: Mapping[CounterKey, int],
    state: RiskState,
    now: datetime,
) -> Iterator[VelocityRule]:
    """Rules whose window has no room for one more."""
    for rule in rules:
        watched = state is RiskState.WATCH
        most = rule.watched_times_max if watched else rule.times_max
        if used.get(window_key(rule, now), 0) >= most:
            yield rule


def judge_speed(
    rules: Iterable[VelocityRule],
    used: Mapping[CounterKey, int],
    state: RiskState,
    now: datetime,
) -> tuple[VelocityRule, Reason] | None:
    """The rule that guards one more activity, and the reason; a refusal before a review."""
    found = list(exceeded(rules, used, state, now))
    if not found:
        return None
    rule = min(found, key=lambda each: each.action is not VelocityAction.REFUSE)
    refuses = rule.action is VelocityAction.REFUSE
    reason = Reason(
        code=ReasonCode.TOO_FAST if refuses else ReasonCode.RISK_REVIEW,
        subject=rule.rule_id,
        required=used.get(window_key(rule, now), 0) + 1,
        actual=rule.watched_times_max if state is RiskState.WATCH else rule.times_max,
        available_from=next_window(rule, now),
    )
    return rule, reason
