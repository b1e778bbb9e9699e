"""Draws of lotteries, and the secrets of their days."""

from __future__ import annotations

from datetime import datetime

from laurel_kit.database import Connection
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.ids import DrawId, MemberKey, ProgramId
from laurel_benefits.domain.lotteries import Draw, Seed
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.mall_tables import DRAW, LOTTERY_SEED
from laurel_benefits.storage.members import key_values, of_member

DRAWS = Documents[Draw](Draw)


async def keep_seed(
    connection: Connection, program_id: ProgramId, fresh: Seed, *, now: datetime
) -> Seed:
    """The seed of a day: the one there is, or else the fresh one."""
    key = {"program_id": program_id, "lottery_id": fresh.lottery_id, "day": fresh.day}
    row = insert(LOTTERY_SEED).values(**key, seed=fresh.value, create_time=now)
    await connection.execute(row.on_conflict_do_nothing())
    chosen = select(LOTTERY_SEED.c.seed).where(
        *(LOTTERY_SEED.c[column] == value for column, value in key.items())
    )
    value: str = (await connection.execute(chosen)).scalar_one()
    return Seed(lottery_id=fresh.lottery_id, day=fresh.day, value=value)


async def seed_of(connection: Connection, draw: Draw) -> Seed:
    """The seed of a draw's day, which is there since the draw was decided."""
    chosen = select(LOTTERY_SEED.c.seed).where(
        LOTTERY_SEED.c.program_id == draw.member.program_id,
        LOTTERY_SEED.c.lottery_id == draw.lottery.lottery_id,
        LOTTERY_SEED.c.day == draw.seed_day,
    )
    value: str = (await connection.execute(chosen)).scalar_one()
    return Seed(lottery_id=draw.lottery.lottery_id, day=draw.seed_day, value=value)


async def record_draw(connection: Connection, draw: Draw) -> None:
    """Store a draw as it now is; the member is locked."""
    row = insert(DRAW).values(
        **key_values(draw.member),
        draw_id=draw.draw_id,
        lottery_id=draw.lottery.lottery_id,
        draw=DRAWS.write(draw),
        state=draw.state,
        ledger_request_id=draw.ledger_request_id,
    )
    changed = {"draw": row.excluded.draw, "state": row.excluded.state}
    await connection.execute(row.on_conflict_do_update(constraint=DRAW.primary_key, set_=changed))


async def find_draw(connection: Connection, member: MemberKey, draw_id: DrawId) -> Draw | None:
    """The member's draw of that name."""
    chosen = select(DRAW.c.draw).where(of_member(DRAW, member), DRAW.c.draw_id == draw_id)
    found = (await connection.execute(chosen)).scalar_one_or_none()
    return DRAWS.read(found) if found is not None else None
