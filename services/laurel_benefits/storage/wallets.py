"""What was paid out of wallets, and what a day has paid into them."""

from __future__ import annotations

from datetime import date

from laurel_kit.database import Connection
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.ids import MemberKey, PayOutId, ProgramId
from laurel_benefits.domain.sign_in_cash import STRIPES_MAX
from laurel_benefits.domain.wallets import PayOut
from laurel_benefits.storage.counters import count_program
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.posting_tables import PROGRAM_COUNTER
from laurel_benefits.storage.wallet_tables import PAY_OUT

PAY_OUTS = Documents[PayOut](PayOut)

STRIPES = {f"sign-in-cash/{stripe}": stripe for stripe in range(STRIPES_MAX)}
"""The counters of a day's budget."""


async def record_pay_out(connection: Connection, pay_out: PayOut) -> None:
    """Store a pay-out as it now is; the member is locked."""
    row = insert(PAY_OUT).values(
        **key_values(pay_out.member),
        pay_out_id=pay_out.pay_out_id,
        pay_out=PAY_OUTS.write(pay_out),
        amount_fen=pay_out.amount_fen,
        state=pay_out.state,
        ledger_request_id=pay_out.ledger_request_id,
    )
    changed = {"pay_out": row.excluded.pay_out, "state": row.excluded.state}
    await connection.execute(
        row.on_conflict_do_update(constraint=PAY_OUT.primary_key, set_=changed)
    )


async def find_pay_out(
    connection: Connection, member: MemberKey, pay_out_id: PayOutId
) -> PayOut | None:
    """The member's pay-out of that name."""
    chosen = select(PAY_OUT.c.pay_out).where(
        of_member(PAY_OUT, member), PAY_OUT.c.pay_out_id == pay_out_id
    )
    found = (await connection.execute(chosen)).scalar_one_or_none()
    return PAY_OUTS.read(found) if found is not None else None


async def cash_paid(connection: Connection, program_id: ProgramId, day: date) -> dict[int, int]:
    """What each stripe of a day's budget has paid, in fen."""
    chosen = select(PROGRAM_COUNTER.c.counter_id, PROGRAM_COUNTER.c.used).where(
        PROGRAM_COUNTER.c.program_id == program_id,
        PROGRAM_COUNTER.c.counter_id.in_(STRIPES),
        PROGRAM_COUNTER.c.period_key == day.isoformat(),
    )
    return {STRIPES[row.counter_id]: row.used for row in await connection.execute(chosen)}


async def count_cash(
    connection: Connection,
    program_id: ProgramId,
    day: date,
    *,
    stripe: int,
    fen: int,
    limit: int | None = None,
) -> bool:
    """Count cash in a stripe of a day's budget. False, and nothing counted, beyond the limit."""
    counter = f"sign-in-cash/{stripe}"
    return await count_program(
        connection, program_id, counter, day.isoformat(), amount=fen, limit=limit
    )
