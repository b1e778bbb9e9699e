"""CompareModels: a message to a command, a comparison to a message."""

from __future__ import annotations

from laurel.scoring.v1 import models_pb2 as pb
from laurel_kit.fingerprint import fingerprint

from laurel_scoring.handlers.comparisons import CompareModels, Comparison
from laurel_scoring.wire.times import optional_time, write_time


def read_compare_models(request: pb.CompareModelsRequest) -> CompareModels:
    """What to compare the revision that holds with."""
    return CompareModels(
        request_id=request.request_id,
        fingerprint=fingerprint(request).encoded,
        program_id=request.program_id,
        model_id=request.model_id,
        as_of=optional_time(request, "as_of_time"),
        draft_source=request.draft_source,
        other_time=optional_time(request, "other_time"),
    )


def write_compare_models(comparison: Comparison) -> pb.CompareModelsResponse:
    """What a comparison ended in."""
    tally = comparison.tally
    return pb.CompareModelsResponse(
        comparison=pb.ModelComparison(
            program_id=comparison.program_id,
            model_id=comparison.model_id,
            as_of_time=write_time(comparison.as_of),
            program_revision=comparison.revision_id,
            other_revision=comparison.other_revision_id,
            members=tally.members,
            members_changed=tally.members_changed,
            value_total=tally.value_total,
            other_value_total=tally.other_value_total,
            level_moves=[
                pb.LevelMove(
                    level_id=move.level_id,
                    other_level_id=move.other_level_id,
                    members=move.members,
                )
                for move in tally.moves
            ],
            largest=[
                pb.ScoreDifference(
                    member_id=each.member_id, value=each.value, other_value=each.other_value
                )
                for each in tally.largest
            ],
        )
    )
