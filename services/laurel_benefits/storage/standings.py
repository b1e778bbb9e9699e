"""What scoring said last, kept for the time it does not answer."""

from __future__ import annotations

from datetime import timedelta

from laurel_kit.database import Connection
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.gate_terms import ScoreSource
from laurel_benefits.domain.ids import MemberKey, ScoreModelId
from laurel_benefits.domain.standings import Standing
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.tables import SEEN_STANDING

STANDINGS = Documents[Standing](Standing)


async def keep_standing(
    connection: Connection,
    member: MemberKey,
    model_id: ScoreModelId,
    source: ScoreSource,
    standing: Standing,
    *,
    refresh_interval: timedelta,
) -> None:
    """Keep a standing. One seen less than `refresh_interval` after the kept one writes nothing."""
    new = insert(SEEN_STANDING).values(
        **key_values(member),
        model_id=model_id,
        source=source,
        standing=STANDINGS.write(standing),
        seen_time=standing.seen_time,
    )
    stale = SEEN_STANDING.c.seen_time <= standing.seen_time - refresh_interval
    await connection.execute(
        new.on_conflict_do_update(
            constraint=SEEN_STANDING.primary_key,
            set_={"standing": new.excluded.standing, "seen_time": new.excluded.seen_time},
            where=stale,
        )
    )


async def kept_standing(
    connection: Connection, member: MemberKey, model_id: ScoreModelId, source: ScoreSource
) -> Standing | None:
    """What was seen last; None when nothing was."""
    chosen = select(SEEN_STANDING.c.standing).where(
        of_member(SEEN_STANDING, member),
        SEEN_STANDING.c.model_id == model_id,
        SEEN_STANDING.c.source == source,
    )
    document = (await connection.execute(chosen)).scalar_one_or_none()
    return STANDINGS.read(document) if document is not None else None
