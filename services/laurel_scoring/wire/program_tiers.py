"""Tier policies of a program file as values."""

from __future__ import annotations

from collections.abc import Iterator

from laurel.program.v1 import scoring_section_pb2, tiers_section_pb2

from laurel_scoring.domain.tier_policies import Fall, TierPolicy, TierTerm


def read_tier_policies(section: scoring_section_pb2.ScoringSection) -> Iterator[TierPolicy]:
    """How the levels of models are held."""
    for policy in section.tier_policies:
        yield read_tier_policy(policy)


def read_tier_policy(policy: tiers_section_pb2.TierPolicy) -> TierPolicy:
    """One policy; a tier falls to the level of the score unless it says otherwise."""
    one_down = policy.fall == tiers_section_pb2.TIER_FALL_ONE_LEVEL_DOWN
    return TierPolicy(
        model_id=policy.model_id,
        terms=tuple(TierTerm(level_id=term.level_id, months=term.months) for term in policy.terms),
        fall=Fall.ONE_LEVEL_DOWN if one_down else Fall.REASSESS,
        grace_days=policy.grace_days,
        falls_within_term=policy.falls_within_term,
    )
