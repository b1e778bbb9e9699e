"""Rewards that wait for somebody to look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from laurel_kit.database import Connection
from sqlalchemy import ColumnElement, Row, and_, insert, select, update

from laurel_benefits.domain.ids import (
    ActivityId,
    MemberId,
    MemberKey,
    ProgramId,
    RequestId,
    ReviewCaseId,
    RevisionId,
)
from laurel_benefits.domain.review_cases import ReviewCase, ReviewCaseState
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.review_case_tables import REVIEW_CASE


async def insert_case(connection: Connection, case: ReviewCase) -> None:
    """Store a case with the posting it is about."""
    values = asdict(case)
    del values["member"]
    await connection.execute(insert(REVIEW_CASE).values(**key_values(case.member), **values))


async def update_case(connection: Connection, case: ReviewCase) -> None:
    """Store what was decided; the member is locked."""
    await connection.execute(
        update(REVIEW_CASE)
        .where(of_case(case.member, case.case_id))
        .values(
            state=case.state,
            resolver=case.resolver,
            resolve_reason=case.resolve_reason,
            resolve_time=case.resolve_time,
        )
    )


async def find_case(
    connection: Connection, member: MemberKey, case_id: ReviewCaseId
) -> ReviewCase | None:
    """The member's case of that name."""
    chosen = select(REVIEW_CASE).where(of_case(member, case_id))
    row = (await connection.execute(chosen)).one_or_none()
    return to_case(row) if row else None


async def chosen_cases(
    connection: Connection,
    program_id: ProgramId,
    *,
    member_id: MemberId | None,
    state: ReviewCaseState | None,
    after: ReviewCaseId | None,
    limit: int,
) -> Sequence[ReviewCase]:
    """Cases of a program, the earliest first: their names rise with time."""
    table = REVIEW_CASE.c
    conditions = [table.program_id == program_id]
    conditions += [table.member_id == member_id] if member_id else []
    conditions += [table.state == state] if state else []
    conditions += [table.case_id > after] if after else []
    chosen = select(REVIEW_CASE).where(*conditions).order_by(table.case_id).limit(limit)
    return [to_case(row) for row in await connection.execute(chosen)]


def of_case(member: MemberKey, case_id: ReviewCaseId) -> ColumnElement[bool]:
    """The row of one case."""
    return and_(of_member(REVIEW_CASE, member), REVIEW_CASE.c.case_id == case_id)


def to_case(row: Row[Any]) -> ReviewCase:
    """The case in a row."""
    return ReviewCase(
        member=MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id)),
        case_id=ReviewCaseId(row.case_id),
        activity_id=ActivityId(row.activity_id),
        kind=row.kind,
        rule_id=row.rule_id,
        points=row.points,
        asset_id=row.asset_id,
        ledger_request_id=RequestId(row.ledger_request_id),
        raised_by=row.raised_by,
        raise_time=row.raise_time,
        program_revision=RevisionId(row.program_revision),
        state=ReviewCaseState(row.state),
        resolver=row.resolver,
        resolve_reason=row.resolve_reason,
        resolve_time=row.resolve_time,
    )
