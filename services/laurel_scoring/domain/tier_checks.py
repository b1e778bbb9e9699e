"""What can be wrong with tier policies: every fault at once, with its path."""

from __future__ import annotations

from collections.abc import Iterator

from laurel_scoring.domain.balance_checks import Fault
from laurel_scoring.domain.model_checks import repeated
from laurel_scoring.domain.models import ScoreModel, ScoringProgram
from laurel_scoring.domain.tier_policies import Fall, TierPolicy


def check_tiers(program: ScoringProgram) -> Iterator[Fault]:
    """Every fault of a program's tier policies."""
    names = [policy.model_id for policy in program.tier_policies]
    yield from repeated(names, "tier_policies[{}].model_id", "tier policy")
    for number, policy in enumerate(program.tier_policies):
        path = f"tier_policies[{number}]"
        model = program.model(policy.model_id)
        if model is None:
            yield f"{path}.model_id", f"there is no model {policy.model_id!r}"
        else:
            yield from check_policy(policy, model, path)


def check_policy(policy: TierPolicy, model: ScoreModel, path: str) -> Iterator[Fault]:
    """A policy that could never move anybody, or that names levels which are not there."""
    if model.at_term_end is not None:
        plain = policy.fall is Fall.REASSESS and not (policy.grace_days or policy.falls_within_term)
        if policy.terms or not plain:
            yield path, "the levels of a running balance have terms of their own: nothing else may"
        return
    if model.settlement_day is None:
        yield f"{path}.model_id", "the model has no settlement: its levels are never published"
    levels = {level.level_id for level in model.levels}
    named = [term.level_id for term in policy.terms]
    yield from repeated(named, path + ".terms[{}].level_id", "level")
    for number, level_id in enumerate(named):
        where = f"{path}.terms[{number}].level_id"
        if level_id not in levels:
            yield where, f"the model has no level {level_id!r}"
        elif level_id == model.levels[0].level_id:
            yield where, "is the lowest level, which nobody falls from: it has no term"
    if policy.falls_within_term and not policy.terms:
        yield f"{path}.falls_within_term", "no level has a term to end early"
