"""How members were judged by those who look for abuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from laurel_kit.database import Connection
from laurel_kit.hot_statements import HotStatement
from sqlalchemy import Row, bindparam, insert, select

from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId
from laurel_benefits.domain.risks import MemberRisk, RiskState
from laurel_benefits.storage.members import key_values, member_arguments, of_named_member
from laurel_benefits.storage.tables import MEMBER_RISK

LATEST = HotStatement(
    select(MEMBER_RISK)
    .where(of_named_member(MEMBER_RISK))
    .order_by(MEMBER_RISK.c.position.desc())
    .limit(bindparam("rows_max"))
)


async def latest_risk(connection: Connection, member: MemberKey) -> MemberRisk | None:
    """The latest judgement of a member; None when there never was one."""
    found = await latest_risks(connection, member, limit=1)
    return found[0] if found else None


async def latest_risks(
    connection: Connection, member: MemberKey, *, limit: int
) -> Sequence[MemberRisk]:
    """The latest judgements of a member, the latest first."""
    arguments = {**member_arguments(member), "rows_max": limit}
    return [to_risk(row) for row in await LATEST.rows(connection, arguments)]


async def insert_risk(connection: Connection, risk: MemberRisk) -> None:
    """Add a judgement; the member is locked."""
    await connection.execute(
        insert(MEMBER_RISK).values(
            **key_values(risk.member),
            position=risk.position,
            state=risk.state,
            reason=risk.reason,
            maker=risk.maker,
            create_time=risk.create_time,
            expire_time=risk.expire_time,
        )
    )


def to_risk(row: Row[Any]) -> MemberRisk:
    """The judgement in a row."""
    return MemberRisk(
        member=MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id)),
        position=row.position,
        state=RiskState(row.state),
        reason=row.reason,
        maker=row.maker,
        create_time=row.create_time,
        expire_time=row.expire_time,
    )
