"""Gates of a program: whom something is for, from the message to the model."""

from __future__ import annotations

from laurel.program.v1 import gates_pb2 as pb
from laurel.program.v1.program_pb2 import Program

from laurel_benefits.domain.gate_terms import Gate, LevelGate, ScoreSource
from laurel_benefits.domain.ids import PlanId

LevelPositions = dict[tuple[str, str], LevelGate]
"""Each level of each score model as a gate: places count from 1 for the lowest, as in scoring."""


def level_positions(program: Program) -> LevelPositions:
    """The place of every level the program declares."""
    return {
        (model.model_id, level.level_id): LevelGate(
            level_id=level.level_id,
            position=position,
            invited_from=level.from_score if level.HasField("invitation") else None,
        )
        for model in program.scoring.models
        for position, level in enumerate(model.levels, start=1)
    }


def read_source(source: pb.ScoreSource.ValueType) -> ScoreSource:
    """Which score counts; a program that says nothing means the live one."""
    if source == pb.ScoreSource.SCORE_SOURCE_UNSPECIFIED:
        return ScoreSource.LIVE
    return ScoreSource(pb.ScoreSource.Name(source).removeprefix("SCORE_SOURCE_"))


def read_gate(message: pb.Gate, model_id: str, levels: LevelPositions) -> Gate:
    """What a member must be or have. An unset message asks for nothing."""
    level = message.level_min
    return Gate(
        score_min=message.score_min if message.HasField("score_min") else None,
        level_min=levels[model_id, level] if level else None,
        credit_score_min=(
            message.credit_score_min if message.HasField("credit_score_min") else None
        ),
        credit_stars_min=(
            message.credit_stars_min if message.HasField("credit_stars_min") else None
        ),
        required_attributes=tuple(message.required_attributes),
        forbidden_attributes=tuple(message.forbidden_attributes),
        membership_plans=tuple(PlanId(plan) for plan in message.membership_plans),
    )
