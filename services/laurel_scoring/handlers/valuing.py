"""What a settlement makes of a member's facts, and what of it a correction publishes."""

from __future__ import annotations

from collections.abc import Sequence

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.models import Level, ScoringProgram
from laurel_scoring.domain.scores import worth
from laurel_scoring.domain.settlements import (
    PublishedScore,
    Settlement,
    SettlementKey,
    supersedes,
)
from laurel_scoring.domain.windows import Basis, Moment
from laurel_scoring.handlers.scores import model_of
from laurel_scoring.storage.activities import MemberFacts
from laurel_scoring.storage.settlements import read_latest_scores


def value_member(
    member: MemberFacts, settlement: Settlement, revision: Revision[ScoringProgram]
) -> PublishedScore:
    """The score of one member as a settlement publishes it."""
    key = settlement.key
    moment = published_moment(settlement, revision)
    found = worth(member.facts, model_of(revision, key.model_id), moment)
    return score_of(settlement, member.member_id, member.version, found.value, found.level)


def score_of(
    settlement: Settlement, member_id: str, member_version: int, value: int, level: Level
) -> PublishedScore:
    """A score as a settlement publishes it."""
    key = settlement.key
    return PublishedScore(
        program_id=key.program_id,
        member_id=member_id,
        model_id=key.model_id,
        month=key.month,
        run=key.run,
        value=value,
        level_id=level.level_id,
        due_time=settlement.due_time,
        publish_time=settlement.start_time,
        revision_id=settlement.revision_id,
        revision_time=settlement.revision_time,
        member_version=member_version,
        correction_reason=settlement.correction_reason,
    )


async def corrections(
    connection: Connection, key: SettlementKey, scores: Sequence[PublishedScore]
) -> list[PublishedScore]:
    """The scores that differ from what the month's earlier runs published."""
    published = await read_latest_scores(connection, key, [each.member_id for each in scores])
    return [each for each in scores if supersedes(each, published.get(each.member_id))]


def published_moment(settlement: Settlement, revision: Revision[ScoringProgram]) -> Moment:
    """The time of the scores of a settlement."""
    return Moment(basis=Basis.PUBLISHED, instant=settlement.due_time, zone=revision.time_zone)
