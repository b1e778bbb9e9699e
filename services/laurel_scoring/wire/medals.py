"""GetMedals: a wall of medals to a message."""

from __future__ import annotations

from laurel.scoring.v1 import insight_pb2 as pb
from laurel_kit.money import write_money

from laurel_scoring.domain.medal_rules import MedalKind
from laurel_scoring.handlers.medals import MedalView, MedalWall
from laurel_scoring.wire.segments import optional_date
from laurel_scoring.wire.times import write_time

KINDS = {
    MedalKind.CATEGORY: pb.MEDAL_KIND_CATEGORY,
    MedalKind.ACHIEVEMENT: pb.MEDAL_KIND_ACHIEVEMENT,
    MedalKind.TASK: pb.MEDAL_KIND_TASK,
}


def write_get_medals(wall: MedalWall) -> pb.GetMedalsResponse:
    """Every medal, in the order of the program."""
    return pb.GetMedalsResponse(
        medals=[write_medal(view) for view in wall.medals],
        as_of_date=optional_date(wall.day),
        as_of_time=write_time(wall.as_of),
        program_revision=wall.revision_id,
    )


def write_medal(view: MedalView) -> pb.MemberMedal:
    """One medal of a member."""
    progress, held, wanted = view.progress, view.held, view.progress.next_level
    missing_paid = max(0, wanted.paid_min - progress.paid) if wanted else 0
    return pb.MemberMedal(
        medal_id=progress.medal.medal_id,
        display_name=progress.medal.display_name,
        kind=KINDS[progress.medal.kind],
        level=held.level if held else 0,
        since_time=write_time(held.since_time) if held else None,
        levels=len(progress.medal.levels),
        count=progress.count,
        paid=write_money(progress.paid),
        level_now=progress.level,
        count_missing=max(0, wanted.count_min - progress.count) if wanted else 0,
        paid_missing=write_money(missing_paid),
    )
