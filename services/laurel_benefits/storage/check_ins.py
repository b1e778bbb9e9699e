"""Days members have checked in, and what is still to be paid for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from laurel_kit.database import Connection
from sqlalchemy import ColumnElement, Row, and_, insert, select, text, update

from laurel_benefits.domain.check_ins import CheckInKey, DailyCheckIn
from laurel_benefits.domain.ids import (
    MemberId,
    MemberKey,
    ProgramId,
    RequestId,
    ReviewCaseId,
    RevisionId,
)
from laurel_benefits.domain.orders import GrantOutcome, GrantState
from laurel_benefits.domain.sign_in_cash import Cash
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.orders import BACKOFF_DOUBLINGS_MAX
from laurel_benefits.storage.tables import CHECK_IN

CASH = Documents[Cash](Cash)

CLAIM = text("""
    -- Materialized: run again for each row, the inner part would claim others than it locked.
    with claimed as materialized (
        select program_id, member_id, day
        from check_in
        where attempt_time <= :now
        order by attempt_time
        limit :limit
        for update skip locked
    )
    update check_in
    set attempts = attempts + 1,
        attempt_time = cast(:now as timestamptz)
            + cast(:pause as interval) * power(2, least(attempts, cast(:doublings as integer)))
    from claimed
    where check_in.program_id = claimed.program_id
        and check_in.member_id = claimed.member_id
        and check_in.day = claimed.day
    returning check_in.program_id, check_in.member_id, check_in.day
""")


async def insert_check_in(
    connection: Connection, check_in: DailyCheckIn, *, attempt_time: datetime | None
) -> None:
    """Store the decision before anything is paid; the relay looks at it from then on.

    Of a day that a card made up for nothing is to be paid, and there is no `attempt_time`.
    """
    await connection.execute(
        insert(CHECK_IN).values(
            **key_values(check_in.key.member),
            day=check_in.key.day,
            streak_days=check_in.streak_days,
            points=check_in.points,
            asset_id=check_in.asset_id,
            funding_account_id=check_in.funding_account_id,
            ledger_request_id=check_in.ledger_request_id,
            check_in_time=check_in.check_in_time,
            program_revision=check_in.program_revision,
            attempt_time=attempt_time,
            cash=CASH.write(check_in.cash) if check_in.cash else None,
            review_case_id=check_in.review_case_id,
            state=check_in.state,
            made_up=check_in.made_up,
            card_earned=check_in.card_earned,
        )
    )


async def find_check_in(connection: Connection, key: CheckInKey) -> DailyCheckIn | None:
    """The check-in of a day."""
    row = (await connection.execute(select(CHECK_IN).where(of_day(key)))).one_or_none()
    return to_check_in(row) if row else None


async def find_reviewed(
    connection: Connection, member: MemberKey, case_id: ReviewCaseId
) -> DailyCheckIn | None:
    """The check-in whose points wait for a case; None of a case about something else."""
    chosen = select(CHECK_IN).where(
        of_member(CHECK_IN, member), CHECK_IN.c.review_case_id == case_id
    )
    row = (await connection.execute(chosen)).one_or_none()
    return to_check_in(row) if row else None


async def latest_check_in(connection: Connection, member: MemberKey) -> DailyCheckIn | None:
    """The member's last day; None when there never was one."""
    chosen = (
        select(CHECK_IN).where(of_member(CHECK_IN, member)).order_by(CHECK_IN.c.day.desc()).limit(1)
    )
    row = (await connection.execute(chosen)).one_or_none()
    return to_check_in(row) if row else None


async def settle_check_in(connection: Connection, key: CheckInKey, outcome: GrantOutcome) -> None:
    """Record what the ledger answered, unless another one has recorded it before."""
    await connection.execute(
        update(CHECK_IN)
        .where(of_day(key), CHECK_IN.c.state == "PENDING")
        .values(
            state=outcome.state,
            refusal=outcome.refusal,
            commit_token=outcome.commit_token,
            attempt_time=None,
        )
    )


async def record_cash(connection: Connection, key: CheckInKey, cash: Cash) -> None:
    """Store the cash of a check-in as it now is; the member is locked."""
    await connection.execute(update(CHECK_IN).where(of_day(key)).values(cash=CASH.write(cash)))


async def claim_unpaid(
    connection: Connection, *, now: datetime, pause: timedelta, limit: int
) -> Sequence[CheckInKey]:
    """Check-ins whose attempt is due, for this process alone until the next attempt."""
    arguments = {"now": now, "pause": pause, "doublings": BACKOFF_DOUBLINGS_MAX, "limit": limit}
    return [to_key(row) for row in await connection.execute(CLAIM, arguments)]


def of_day(key: CheckInKey) -> ColumnElement[bool]:
    """The row of one day."""
    return and_(of_member(CHECK_IN, key.member), CHECK_IN.c.day == key.day)


def to_key(row: Row[Any]) -> CheckInKey:
    """The day in a row."""
    member = MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id))
    return CheckInKey(member=member, day=row.day)


def to_check_in(row: Row[Any]) -> DailyCheckIn:
    """The check-in in a row."""
    return DailyCheckIn(
        key=to_key(row),
        streak_days=row.streak_days,
        points=row.points,
        asset_id=row.asset_id,
        funding_account_id=row.funding_account_id,
        ledger_request_id=RequestId(row.ledger_request_id),
        check_in_time=row.check_in_time,
        program_revision=RevisionId(row.program_revision),
        state=GrantState(row.state),
        refusal=row.refusal,
        commit_token=row.commit_token,
        cash=CASH.read(row.cash) if row.cash is not None else None,
        review_case_id=row.review_case_id,
        made_up=row.made_up,
        card_earned=row.card_earned,
    )
