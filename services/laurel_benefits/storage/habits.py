"""What members of a whole program do again and again, where a reminder brings them back (J7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from laurel_kit.database import Connection
from sqlalchemy import String, cast, exists, select, tuple_

from laurel_benefits.domain.ids import MemberId, ProgramId
from laurel_benefits.domain.reminders import Ending, ReminderKind, Span
from laurel_benefits.storage.endings import After, within
from laurel_benefits.storage.tables import CHECK_IN
from laurel_benefits.storage.tree_tables import TREE

DAY = timedelta(days=1)


async def streaks_ending(
    connection: Connection,
    program_id: ProgramId,
    last_day: date,
    span: Span,
    *,
    after: MemberId | None,
    limit: int,
) -> Sequence[Ending]:
    """Days in a row that are over with a day: who signed in the day before, and not on it.

    They end with the day, the last instant of the span.
    """
    again = CHECK_IN.alias("again")
    signed_in = exists().where(
        again.c.program_id == CHECK_IN.c.program_id,
        again.c.member_id == CHECK_IN.c.member_id,
        again.c.day == last_day,
    )
    query = select(CHECK_IN.c.member_id, CHECK_IN.c.streak_days).where(
        CHECK_IN.c.program_id == program_id, CHECK_IN.c.day == last_day - DAY, ~signed_in
    )
    if after is not None:
        query = query.where(CHECK_IN.c.member_id > after)
    rows = await connection.execute(query.order_by(CHECK_IN.c.member_id).limit(limit))
    return [
        Ending(
            kind=ReminderKind.STREAK_END,
            member_id=MemberId(row.member_id),
            end_time=span.last_time,
            reference=(last_day - DAY).isoformat(),
            streak_days=row.streak_days,
        )
        for row in rows
    ]


async def trees_ripe(
    connection: Connection, program_id: ProgramId, span: Span, *, after: After, limit: int
) -> Sequence[Ending]:
    """Trees that became ripe then and are not harvested."""
    number = cast(TREE.c.tree_no, String)
    query = select(TREE.c.member_id, TREE.c.tree_no, TREE.c.ripe_time).where(
        TREE.c.program_id == program_id, within(TREE.c.ripe_time, span)
    )
    if after is not None:
        query = query.where(tuple_(TREE.c.member_id, number) > after)
    rows = await connection.execute(query.order_by(TREE.c.member_id).limit(limit))
    return [
        Ending(
            kind=ReminderKind.TREE_RIPE,
            member_id=MemberId(row.member_id),
            end_time=row.ripe_time,
            reference=str(row.tree_no),
        )
        for row in rows
    ]
