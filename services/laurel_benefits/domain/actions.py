"""Actions that are paid by their kind alone: logins, answers, shares, birthdays."""

from __future__ import annotations

from collections.abc import Iterator

from laurel_benefits.domain.activities import Action, ActivityDraft, Claim, Scene
from laurel_benefits.domain.activity_errors import ActivityKindUnknown
from laurel_benefits.domain.activity_rules import ActionRule, ActivityRules
from laurel_benefits.domain.decisions import Reason, ReasonCode
from laurel_benefits.domain.gate_terms import Birthday
from laurel_benefits.domain.gates import judge_window


def find_action(rules: ActivityRules, kind: str) -> ActionRule:
    """What an action of a kind pays. Raises ActivityKindUnknown."""
    if rule := rules.actions.get(kind):
        return rule
    raise ActivityKindUnknown(kind=kind)


def claim_action(
    scene: Scene, draft: ActivityDraft, action: Action, *, subject_known: bool
) -> Claim:
    """What an action asks for. `subject_known` says whether its subject was paid for before.

    Raises ActivityKindUnknown.
    """
    rule = find_action(scene.rules, action.action_kind)
    return Claim(
        kind=rule.kind,
        points=rule.points,
        limits=rule.limits,
        reasons=tuple(judge_action(scene, draft, action, rule, subject_known=subject_known)),
    )


def judge_action(
    scene: Scene,
    draft: ActivityDraft,
    action: Action,
    rule: ActionRule,
    *,
    subject_known: bool,
) -> Iterator[Reason]:
    """Whether it is the day for it, and its subject is a new one."""
    if rule.birthday:
        yield from judge_window(
            Birthday(), birth_date=action.birth_date, now=draft.activity_time, zone=scene.zone
        )
    if rule.once_per_subject and subject_known:
        yield Reason(code=ReasonCode.REPEATED, subject=rule.kind)
