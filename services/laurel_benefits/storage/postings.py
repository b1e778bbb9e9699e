"""Postings that were decided, and what is still to be told to the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from laurel_kit.database import Connection
from sqlalchemy import ColumnElement, Row, and_, insert, select, text, update

from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId, RequestId, RevisionId
from laurel_benefits.domain.orders import GrantOutcome, GrantState
from laurel_benefits.domain.postings import Posting, PostingEffect, PostingSource
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.orders import BACKOFF_DOUBLINGS_MAX
from laurel_benefits.storage.posting_tables import POSTING

CLAIM = text("""
    -- Materialized: run again for each row, the inner part would claim others than it locked.
    with claimed as materialized (
        select program_id, member_id, ledger_request_id
        from posting
        where attempt_time <= :now
        order by attempt_time
        limit :limit
        for update skip locked
    )
    update posting
    set attempts = attempts + 1,
        attempt_time = cast(:now as timestamptz)
            + cast(:pause as interval) * power(2, least(attempts, cast(:doublings as integer)))
    from claimed
    where posting.program_id = claimed.program_id
        and posting.member_id = claimed.member_id
        and posting.ledger_request_id = claimed.ledger_request_id
    returning posting.*
""")


async def insert_posting(
    connection: Connection, posting: Posting, *, attempt_time: datetime
) -> None:
    """Store a posting before the ledger is called; the relay looks at it from then on."""
    await connection.execute(
        insert(POSTING).values(
            **key_values(posting.member),
            ledger_request_id=posting.ledger_request_id,
            source=posting.source,
            source_id=posting.source_id,
            effect=posting.effect,
            asset_id=posting.asset_id,
            amount=posting.amount,
            account_id=posting.account_id,
            effective_time=posting.effective_time,
            reason=posting.reason,
            program_revision=posting.program_revision,
            reversed_request_id=posting.reversed_request_id,
            activation_key=posting.activation_key,
            attempt_time=attempt_time,
        )
    )


async def next_pending(connection: Connection, member: MemberKey, source_id: str) -> Posting | None:
    """A posting of one thing that the ledger has not answered; None when there is none."""
    chosen = (
        select(POSTING)
        .where(
            of_member(POSTING, member),
            POSTING.c.source_id == source_id,
            POSTING.c.state == GrantState.PENDING,
        )
        .order_by(POSTING.c.effective_time, POSTING.c.ledger_request_id)
        .limit(1)
    )
    row = (await connection.execute(chosen)).one_or_none()
    return to_posting(row) if row else None


async def postings_of(
    connection: Connection, member: MemberKey, source_id: str
) -> Sequence[Posting]:
    """Every posting of one thing, the earliest first."""
    chosen = (
        select(POSTING)
        .where(of_member(POSTING, member), POSTING.c.source_id == source_id)
        .order_by(POSTING.c.effective_time, POSTING.c.ledger_request_id)
    )
    return [to_posting(row) for row in await connection.execute(chosen)]


async def settle_posting(connection: Connection, posting: Posting, outcome: GrantOutcome) -> bool:
    """Record what the ledger answered; False when another one has recorded it before."""
    settled = (
        update(POSTING)
        .where(of_posting(posting), POSTING.c.state == GrantState.PENDING)
        .values(
            state=outcome.state,
            refusal=outcome.refusal,
            commit_token=outcome.commit_token,
            attempt_time=None,
        )
        .returning(POSTING.c.ledger_request_id)
    )
    return (await connection.execute(settled)).one_or_none() is not None


async def claim_unposted(
    connection: Connection, *, now: datetime, pause: timedelta, limit: int
) -> Sequence[Posting]:
    """Postings whose attempt is due, for this process alone until the next attempt."""
    arguments = {"now": now, "pause": pause, "doublings": BACKOFF_DOUBLINGS_MAX, "limit": limit}
    return [to_posting(row) for row in await connection.execute(CLAIM, arguments)]


def of_posting(posting: Posting) -> ColumnElement[bool]:
    """The row of one posting."""
    return and_(
        of_member(POSTING, posting.member),
        POSTING.c.ledger_request_id == posting.ledger_request_id,
    )


def to_posting(row: Row[Any]) -> Posting:
    """The posting in a row."""
    return Posting(
        member=MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id)),
        ledger_request_id=RequestId(row.ledger_request_id),
        source=PostingSource(row.source),
        source_id=row.source_id,
        effect=PostingEffect(row.effect),
        asset_id=row.asset_id,
        amount=row.amount,
        account_id=row.account_id,
        effective_time=row.effective_time,
        reason=row.reason,
        program_revision=RevisionId(row.program_revision),
        reversed_request_id=row.reversed_request_id,
        activation_key=row.activation_key,
        state=GrantState(row.state),
        refusal=row.refusal,
        commit_token=row.commit_token,
    )
