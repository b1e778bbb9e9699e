"""Memberships of a whole program that end in a span of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from laurel_kit.database import Connection
from sqlalchemy import ColumnElement, Row, exists, select, tuple_

from laurel_benefits.domain.ids import MemberId, PlanId, ProgramId
from laurel_benefits.domain.reminders import Ending, ReminderKind, Span
from laurel_benefits.storage.tables import MEMBERSHIP

After = tuple[str, str] | None
"""The member and membership behind which a page begins; None for the first one."""


class Reader(Protocol):
    """Reads a page of what ends."""

    async def __call__(
        self,
        connection: Connection,
        program_id: ProgramId,
        span: Span,
        *,
        after: After,
        limit: int,
    ) -> Sequence[Ending]:
        """The page behind `after`."""
        ...


async def trials_ending(
    connection: Connection, program_id: ProgramId, span: Span, *, after: After, limit: int
) -> Sequence[Ending]:
    """Trials whose time is over then; those for which something was bought have ended."""
    open_book = MEMBERSHIP.c.frozen_state == "FROZEN"
    rows = await read(
        connection, program_id, within(MEMBERSHIP.c.expire_time, span) & open_book, after, limit
    )
    return [ending(row, ReminderKind.TRIAL_END, points=row.frozen_points) for row in rows]


async def releases_ending(
    connection: Connection, program_id: ProgramId, span: Span, *, after: After, limit: int
) -> Sequence[Ending]:
    """Trials whose frozen rebate is lost then."""
    frozen = (MEMBERSHIP.c.frozen_state == "FROZEN") & (MEMBERSHIP.c.frozen_points > 0)
    time = MEMBERSHIP.c.release_expire_time
    rows = await read(connection, program_id, within(time, span) & frozen, after, limit)
    return [ending(row, ReminderKind.RELEASE_END, points=row.frozen_points) for row in rows]


async def terms_ending(
    connection: Connection, program_id: ProgramId, span: Span, *, after: After, limit: int
) -> Sequence[Ending]:
    """Bought terms that are over then, were not cancelled, and are followed by none."""
    later = MEMBERSHIP.alias("later")
    followed = exists().where(
        later.c.program_id == MEMBERSHIP.c.program_id,
        later.c.member_id == MEMBERSHIP.c.member_id,
        later.c.start_time == MEMBERSHIP.c.expire_time,
        later.c.expire_time > later.c.start_time,
        later.c.terms["family_id"] == MEMBERSHIP.c.terms["family_id"],
    )
    bought = MEMBERSHIP.c.frozen_state.is_(None) & ~followed
    stands = MEMBERSHIP.c.changes["cancellation"]["cancel_time"].is_(None)
    chosen = within(MEMBERSHIP.c.expire_time, span) & bought & stands
    rows = await read(connection, program_id, chosen, after, limit)
    return [ending(row, ReminderKind.TERM_END) for row in rows]


async def read(
    connection: Connection,
    program_id: ProgramId,
    chosen: ColumnElement[bool],
    after: After,
    limit: int,
) -> Sequence[Row[Any]]:
    """A page of memberships by member."""
    key = tuple_(MEMBERSHIP.c.member_id, MEMBERSHIP.c.membership_id)
    query = select(MEMBERSHIP).where(MEMBERSHIP.c.program_id == program_id, chosen)
    if after is not None:
        query = query.where(key > after)
    ordered = query.order_by(MEMBERSHIP.c.member_id, MEMBERSHIP.c.membership_id).limit(limit)
    return (await connection.execute(ordered)).all()


def within(time: ColumnElement[Any], span: Span) -> ColumnElement[bool]:
    """Whether it lies in the span."""
    return time.between(span.first_time, span.last_time)


def ending(row: Row[Any], kind: ReminderKind, *, points: int = 0) -> Ending:
    """What ends."""
    released = kind is ReminderKind.RELEASE_END
    return Ending(
        kind=kind,
        member_id=MemberId(row.member_id),
        end_time=row.release_expire_time if released else row.expire_time,
        reference=row.membership_id,
        points=points,
        plan_id=PlanId(row.plan_id),
    )
