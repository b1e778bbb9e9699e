"""Settlements, and the scores they publish."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as insert_or_leave
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_scoring.domain.settlements import (
    FIRST_RUN,
    PublishedScore,
    Settlement,
    SettlementKey,
    SettlementState,
)
from laurel_scoring.storage.tables import PUBLISHED_SCORE, REVISION, SETTLEMENT

LATEST_SCORES = text("""
    select distinct on (published_score.member_id) published_score.*
    from published_score
    where program_id = :program_id and model_id = :model_id and month = :month
        and member_id = any(cast(:member_ids as text[]))
    order by published_score.member_id, run desc
""")


SCORES_BY = text("""
    select distinct on (published_score.member_id) published_score.*
    from published_score
    where program_id = :program_id and model_id = :model_id and publish_time <= :by
        and member_id = any(cast(:member_ids as text[]))
    order by published_score.member_id, month desc, run desc
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """When a program was applied here for the first time: its settlements begin after that."""

    program_id: str
    apply_time: datetime


async def read_beginnings(connection: AsyncConnection) -> list[Beginning]:
    """Every program with its beginning."""
    first = func.min(REVISION.c.apply_time).label("apply_time")
    query = select(REVISION.c.program_id, first).group_by(REVISION.c.program_id)
    rows = await connection.execute(query.order_by(REVISION.c.program_id))
    return [Beginning(program_id=row.program_id, apply_time=row.apply_time) for row in rows]


async def read_published_months(
    connection: AsyncConnection, program_id: str, model_id: str
) -> set[date]:
    """The months of a model that are settled."""
    query = select(SETTLEMENT.c.month).where(
        SETTLEMENT.c.program_id == program_id,
        SETTLEMENT.c.model_id == model_id,
        SETTLEMENT.c.run == FIRST_RUN,
        SETTLEMENT.c.state == SettlementState.PUBLISHED.value,
    )
    return set((await connection.execute(query)).scalars())


async def begin_settlement(connection: AsyncConnection, settlement: Settlement) -> None:
    """Record a new settlement, unless another process has."""
    await connection.execute(
        insert_or_leave(SETTLEMENT).values(settlement_row(settlement)).on_conflict_do_nothing()
    )


async def find_settlement(
    connection: AsyncConnection, key: SettlementKey, *, lock: bool = False
) -> Settlement | None:
    """A settlement; with `lock` nobody else goes on with it before the transaction ends."""
    query = of_month(key).where(SETTLEMENT.c.run == key.run)
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    return settlement_in(row) if row else None


async def find_latest_run(connection: AsyncConnection, key: SettlementKey) -> Settlement | None:
    """The last settlement of a month: its latest correction, or itself."""
    query = of_month(key).order_by(SETTLEMENT.c.run.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return settlement_in(row) if row else None


async def find_published_settlement(
    connection: AsyncConnection,
    program_id: str,
    model_id: str,
    *,
    month: date | None,
    run: int | None,
) -> Settlement | None:
    """A settlement that is done; of the latest month and run where none is named."""
    query = select(SETTLEMENT).where(
        SETTLEMENT.c.program_id == program_id,
        SETTLEMENT.c.model_id == model_id,
        SETTLEMENT.c.state == SettlementState.PUBLISHED.value,
    )
    if month is not None:
        query = query.where(SETTLEMENT.c.month == month)
    if run is not None:
        query = query.where(SETTLEMENT.c.run == run)
    query = query.order_by(SETTLEMENT.c.month.desc(), SETTLEMENT.c.run.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return settlement_in(row) if row else None


async def record_progress(connection: AsyncConnection, settlement: Settlement) -> None:
    """Record how far a locked settlement is."""
    key = settlement.key
    await connection.execute(
        update(SETTLEMENT)
        .where(
            SETTLEMENT.c.program_id == key.program_id,
            SETTLEMENT.c.model_id == key.model_id,
            SETTLEMENT.c.month == key.month,
            SETTLEMENT.c.run == key.run,
        )
        .values(
            state=settlement.state.value,
            end_time=settlement.end_time,
            last_member_id=settlement.last_member_id,
            members_done=settlement.members_done,
            members_total=settlement.members_total,
            scores_published=settlement.scores_published,
        )
    )


async def list_settlements(
    connection: AsyncConnection,
    program_id: str,
    model_id: str,
    *,
    before: tuple[date, int] | None,
    limit: int,
) -> list[Settlement]:
    """Settlements of a model, the latest month and in it the latest run first."""
    query = select(SETTLEMENT).where(
        SETTLEMENT.c.program_id == program_id, SETTLEMENT.c.model_id == model_id
    )
    if before is not None:
        query = query.where(tuple_(SETTLEMENT.c.month, SETTLEMENT.c.run) < before)
    query = query.order_by(SETTLEMENT.c.month.desc(), SETTLEMENT.c.run.desc()).limit(limit)
    return [settlement_in(row) for row in await connection.execute(query)]


async def publish_scores(connection: AsyncConnection, scores: Sequence[PublishedScore]) -> None:
    """Publish scores, for good."""
    if scores:
        await connection.execute(insert(PUBLISHED_SCORE), [score_row(score) for score in scores])


async def find_score(
    connection: AsyncConnection, program_id: str, member_id: str, model_id: str, *, by: datetime
) -> PublishedScore | None:
    """The latest score of a member that was published by an instant."""
    query = of_member(program_id, member_id, model_id).where(PUBLISHED_SCORE.c.publish_time <= by)
    query = query.order_by(PUBLISHED_SCORE.c.month.desc(), PUBLISHED_SCORE.c.run.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return score_in(row) if row else None


async def find_score_of(
    connection: AsyncConnection, member_id: str, key: SettlementKey
) -> PublishedScore | None:
    """The score of a member that one settlement published."""
    query = of_member(key.program_id, member_id, key.model_id).where(
        PUBLISHED_SCORE.c.month == key.month, PUBLISHED_SCORE.c.run == key.run
    )
    row = (await connection.execute(query)).one_or_none()
    return score_in(row) if row else None


async def find_scores(
    connection: AsyncConnection,
    program_id: str,
    member_ids: Iterable[str],
    model_id: str,
    *,
    by: datetime,
) -> dict[str, PublishedScore]:
    """The latest score of each member that has one published by an instant."""
    values = {
        "program_id": program_id,
        "model_id": model_id,
        "member_ids": list(member_ids),
        "by": by,
    }
    rows = await connection.execute(SCORES_BY, values)
    return {row.member_id: score_in(row) for row in rows}


async def list_scores(
    connection: AsyncConnection,
    program_id: str,
    member_id: str,
    model_id: str,
    *,
    before: tuple[date, int] | None,
    limit: int,
) -> list[PublishedScore]:
    """Published scores of a member, the latest month and in it the latest run first."""
    query = of_member(program_id, member_id, model_id)
    if before is not None:
        query = query.where(tuple_(PUBLISHED_SCORE.c.month, PUBLISHED_SCORE.c.run) < before)
    query = query.order_by(PUBLISHED_SCORE.c.month.desc(), PUBLISHED_SCORE.c.run.desc())
    return [score_in(row) for row in await connection.execute(query.limit(limit))]


async def read_latest_scores(
    connection: AsyncConnection, key: SettlementKey, member_ids: Iterable[str]
) -> dict[str, PublishedScore]:
    """The scores of some members as the last run of the month published them."""
    values = {
        "program_id": key.program_id,
        "model_id": key.model_id,
        "month": key.month,
        "member_ids": list(member_ids),
    }
    rows = await connection.execute(LATEST_SCORES, values)
    return {row.member_id: score_in(row) for row in rows}


def of_month(key: SettlementKey) -> Select[Any]:
    """The settlements of a model for a month."""
    return select(SETTLEMENT).where(
        SETTLEMENT.c.program_id == key.program_id,
        SETTLEMENT.c.model_id == key.model_id,
        SETTLEMENT.c.month == key.month,
    )


def of_member(program_id: str, member_id: str, model_id: str) -> Select[Any]:
    """The published scores of a member by a model."""
    return select(PUBLISHED_SCORE).where(
        PUBLISHED_SCORE.c.program_id == program_id,
        PUBLISHED_SCORE.c.member_id == member_id,
        PUBLISHED_SCORE.c.model_id == model_id,
    )


def settlement_row(settlement: Settlement) -> dict[str, Any]:
    """A settlement as a row."""
    return {
        "program_id": settlement.key.program_id,
        "model_id": settlement.key.model_id,
        "month": settlement.key.month,
        "run": settlement.key.run,
        "state": settlement.state.value,
        "due_time": settlement.due_time,
        "revision_id": settlement.revision_id,
        "revision_time": settlement.revision_time,
        "start_time": settlement.start_time,
        "end_time": settlement.end_time,
        "last_member_id": settlement.last_member_id,
        "members_done": settlement.members_done,
        "members_total": settlement.members_total,
        "scores_published": settlement.scores_published,
        "correction_reason": settlement.correction_reason,
    }


def settlement_in(row: Row[Any]) -> Settlement:
    """The settlement in a row."""
    return Settlement(
        key=SettlementKey(
            program_id=row.program_id, model_id=row.model_id, month=row.month, run=row.run
        ),
        state=SettlementState(row.state),
        due_time=row.due_time,
        revision_id=row.revision_id,
        revision_time=row.revision_time,
        start_time=row.start_time,
        end_time=row.end_time,
        last_member_id=row.last_member_id,
        members_done=row.members_done,
        members_total=row.members_total,
        scores_published=row.scores_published,
        correction_reason=row.correction_reason,
    )


def score_row(score: PublishedScore) -> dict[str, Any]:
    """A published score as a row."""
    return {column.name: getattr(score, column.name) for column in PUBLISHED_SCORE.c}


def score_in(row: Row[Any]) -> PublishedScore:
    """The published score in a row."""
    return PublishedScore(
        **{column.name: getattr(row, column.name) for column in PUBLISHED_SCORE.c}
    )
