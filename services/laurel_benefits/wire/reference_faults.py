"""Faults of what sections refer to: assets, accounts, score models and gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laurel.program.v1.gates_pb2 import Gate, ScoreSource
from laurel.program.v1.ledger_section_pb2 import AccountPurpose
from laurel.program.v1.program_pb2 import Program

from laurel_benefits.domain.program_checks import Fault, not_one_of, undeclared


def funding_faults(program: Program, path: str, account_id: str) -> Iterator[Fault]:
    """Who pays must be a funding account."""
    funding = accounts_of(program, AccountPurpose.ACCOUNT_PURPOSE_FUNDING)
    yield from not_one_of(path, account_id, funding, what="funding account of the ledger")


def redemption_faults(program: Program, path: str, account_id: str) -> Iterator[Fault]:
    """Where points go that are spent must be a redemption account."""
    redemption = accounts_of(program, AccountPurpose.ACCOUNT_PURPOSE_REDEMPTION)
    yield from not_one_of(path, account_id, redemption, what="redemption account of the ledger")


def accounts_of(program: Program, purpose: AccountPurpose.ValueType) -> list[str]:
    """The program's own accounts for a purpose."""
    return [each.account_id for each in program.ledger.accounts if each.purpose == purpose]


def asset_faults(program: Program, path: str, asset_id: str) -> Iterator[Fault]:
    """What is earned or spent must be an asset."""
    assets = [asset.asset_id for asset in program.ledger.assets]
    yield from not_one_of(path, asset_id, assets, what="asset of the ledger")


LIVE: ScoreSource.ValueType = ScoreSource.SCORE_SOURCE_LIVE
TIER: ScoreSource.ValueType = ScoreSource.SCORE_SOURCE_TIER


def model_faults(
    program: Program, model_id: str, path: str, *, source: ScoreSource.ValueType = LIVE
) -> Iterator[Fault]:
    """The score model must exist, and have tiers where they are looked at."""
    models = [model.model_id for model in program.scoring.models]
    yield from not_one_of(f"{path}.score_model_id", model_id, models, what="score model")
    if source == TIER and model_id in models:
        tiered = [policy.model_id for policy in program.scoring.tier_policies]
        what = "model with a tier policy"
        yield from not_one_of(f"{path}.score_source", model_id, tiered, what=what)


def gate_faults(
    program: Program,
    gate: Gate,
    model_id: str,
    path: str,
    *,
    source: ScoreSource.ValueType = LIVE,
) -> Iterator[Fault]:
    """Levels, attributes and plans a gate names must exist; who is invited has a tier (I17)."""
    levels = [
        level.level_id
        for model in program.scoring.models
        if model.model_id == model_id
        for level in model.levels
    ]
    if gate.level_min:
        what = f"level of {model_id}"
        yield from not_one_of(f"{path}.level_min", gate.level_min, levels, what=what)
    if source != TIER and gate.level_min in invited_levels(program, model_id):
        yield f"{path}.level_min", "a level by invitation is held as a tier only"
    known = program.scoring.vocabulary.profile_attributes
    for name in ("required_attributes", "forbidden_attributes"):
        words: Sequence[str] = getattr(gate, name)
        what = "profile attribute of scoring.vocabulary"
        yield from undeclared(f"{path}.{name}", words, known, what=what)
    plans = [plan.plan_id for plan in program.benefits.membership_plans]
    yield from undeclared(
        f"{path}.membership_plans", gate.membership_plans, plans, what="membership plan"
    )


def invited_levels(program: Program, model_id: str) -> list[str]:
    """The levels of a model that are reached by invitation."""
    return [
        level.level_id
        for model in program.scoring.models
        if model.model_id == model_id
        for level in model.levels
        if level.HasField("invitation")
    ]
