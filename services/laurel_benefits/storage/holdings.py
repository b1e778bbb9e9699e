"""What is known of a member when benefits are decided on: memberships, rulings, uses and risk."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from laurel_kit.database import Connection
from sqlalchemy import Row, insert, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from laurel_benefits.domain.holdings import Holdings, UseCounts
from laurel_benefits.domain.ids import BenefitId, MemberId, MemberKey, ProgramId
from laurel_benefits.domain.rulings import Ruling, RulingKind
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.memberships import running_memberships
from laurel_benefits.storage.risks import latest_risk
from laurel_benefits.storage.tables import BENEFIT_COUNTER, BENEFIT_RULING


async def read_holdings(connection: Connection, member: MemberKey, now: datetime) -> Holdings:
    """Everything of a member that decides on benefits, as of an instant."""
    return Holdings(
        running=tuple(await running_memberships(connection, member, now)),
        rulings=await latest_rulings(connection, member),
        used=await counted_uses(connection, member, now),
        risk=await latest_risk(connection, member),
    )


async def counted_uses(connection: Connection, member: MemberKey, now: datetime) -> UseCounts:
    """The counters of the periods that are not over."""
    reset_time = BENEFIT_COUNTER.c.reset_time
    chosen = select(
        BENEFIT_COUNTER.c.benefit_id, BENEFIT_COUNTER.c.period_key, BENEFIT_COUNTER.c.used
    ).where(of_member(BENEFIT_COUNTER, member), or_(reset_time.is_(None), reset_time > now))
    rows = await connection.execute(chosen)
    return {(BenefitId(row.benefit_id), row.period_key): row.used for row in rows}


async def latest_rulings(connection: Connection, member: MemberKey) -> dict[BenefitId, Ruling]:
    """The latest ruling on each benefit of a member."""
    chosen = (
        select(BENEFIT_RULING)
        .where(of_member(BENEFIT_RULING, member))
        .ext(distinct_on(BENEFIT_RULING.c.benefit_id))
        .order_by(BENEFIT_RULING.c.benefit_id, BENEFIT_RULING.c.position.desc())
    )
    rulings = [to_ruling(row) for row in await connection.execute(chosen)]
    return {ruling.benefit_id: ruling for ruling in rulings}


async def insert_ruling(connection: Connection, ruling: Ruling) -> None:
    """Add what was decided by hand; the member is locked."""
    await connection.execute(
        insert(BENEFIT_RULING).values(
            **key_values(ruling.member),
            benefit_id=ruling.benefit_id,
            position=ruling.position,
            kind=ruling.kind,
            reason=ruling.reason,
            maker=ruling.maker,
            create_time=ruling.create_time,
            expire_time=ruling.expire_time,
        )
    )


def to_ruling(row: Row[Any]) -> Ruling:
    """The ruling in a row."""
    return Ruling(
        member=MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id)),
        benefit_id=BenefitId(row.benefit_id),
        position=row.position,
        kind=RulingKind(row.kind),
        reason=row.reason,
        maker=row.maker,
        create_time=row.create_time,
        expire_time=row.expire_time,
    )
