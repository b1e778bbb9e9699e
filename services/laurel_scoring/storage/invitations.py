"""Levels by invitation: seats counted under a lock, candidates placed by set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_scoring.domain.invitations import (
    SEATED,
    STANDING,
    Candidate,
    Invitation,
    InvitationState,
    LevelKey,
)
from laurel_scoring.domain.models import Level
from laurel_scoring.domain.settlements import SettlementKey
from laurel_scoring.storage.invitation_tables import INVITATION, INVITED_LEVEL

COUNT_MEMBERS = text("""
    insert into invited_level (program_id, model_id, level_id, members)
    values (:program_id, :model_id, :level_id, :members)
    on conflict (program_id, model_id, level_id) do update
    set members = excluded.members
""")

# The row is there for whoever comes first, so that there is one to lock.
LOCK_SEATS = text("""
    insert into invited_level (program_id, model_id, level_id, members)
    values (:program_id, :model_id, :level_id, 0)
    on conflict (program_id, model_id, level_id) do update
    set members = invited_level.members
    returning members
""")

FORGET_CANDIDATES = text("""
    delete from candidate
    where program_id = :program_id and model_id = :model_id and level_id = :level_id
""")

PLACE_CANDIDATES = text("""
    with score as (
        select distinct on (member_id) member_id, value
        from published_score
        where program_id = :program_id and model_id = :model_id
            and month = cast(:month as date) and run <= cast(:run as integer)
        order by member_id, run desc
    ),
    placed as (
        select score.member_id, score.value, reached.month as reach_month,
            row_number() over (
                order by score.value desc, reached.month, score.member_id
            ) as place
        from score
        cross join lateral (
            select min(earlier.month) as month
            from published_score as earlier
            where earlier.program_id = :program_id
                and earlier.member_id = score.member_id
                and earlier.model_id = :model_id
                and earlier.month <= cast(:month as date)
                and earlier.value >= score.value
        ) as reached
        where score.value >= :from_score
    )
    insert into candidate (program_id, model_id, level_id, place, member_id, value, reach_month)
    select :program_id, :model_id, :level_id, place, member_id, value, reach_month
    from placed
""")

CANDIDATES = text("""
    select candidate.*, invitation.state
    from candidate
    left join invitation
        on invitation.program_id = candidate.program_id
        and invitation.model_id = candidate.model_id
        and invitation.level_id = candidate.level_id
        and invitation.member_id = candidate.member_id
        and invitation.state in ('waiting', 'offered', 'accepted')
    where candidate.program_id = :program_id
        and candidate.model_id = :model_id
        and candidate.level_id = :level_id
        and candidate.place > :after
    order by candidate.place
    limit :limit
""")

# Who waits and still has the score, in the order of the candidates.
NEXT_WAITING = text("""
    select invitation.*
    from candidate
    join invitation
        on invitation.program_id = candidate.program_id
        and invitation.model_id = candidate.model_id
        and invitation.level_id = candidate.level_id
        and invitation.member_id = candidate.member_id
        and invitation.state = 'waiting'
    where candidate.program_id = :program_id
        and candidate.model_id = :model_id
        and candidate.level_id = :level_id
    order by candidate.place
    limit :limit
""")

HELD_BY = text("""
    select invitation.*
    from unnest(cast(:member_ids as text[])) as asked (member_id)
    join invitation
        on invitation.program_id = :program_id
        and invitation.model_id = :model_id
        and invitation.member_id = asked.member_id
        and invitation.state in ('waiting', 'offered', 'accepted')
    order by invitation.create_time, invitation.invitation_id
""")


async def lock_seats(connection: AsyncConnection, key: LevelKey) -> int:
    """Let nobody else offer or free a seat meanwhile; how many members were counted last."""
    return int((await connection.execute(LOCK_SEATS, key.values())).scalar_one())


async def find_members(connection: AsyncConnection, key: LevelKey) -> int:
    """How many members were counted last; 0 before the first publication."""
    counted = select(INVITED_LEVEL.c.members).where(
        *(INVITED_LEVEL.c[name] == value for name, value in key.values().items())
    )
    return int((await connection.execute(counted)).scalar_one_or_none() or 0)


async def count_members(connection: AsyncConnection, key: LevelKey, members: int) -> None:
    """Keep how many members a publication counted; locks the seats."""
    await connection.execute(COUNT_MEMBERS, {**key.values(), "members": members})


async def count_seated(connection: AsyncConnection, key: LevelKey) -> int:
    """How many seats are taken or kept for an answer."""
    counted = (
        select(func.count())
        .select_from(INVITATION)
        .where(
            *(INVITATION.c[name] == value for name, value in key.values().items()),
            INVITATION.c.state.in_([state.value for state in SEATED]),
        )
    )
    return int((await connection.execute(counted)).scalar_one())


async def place_candidates(
    connection: AsyncConnection, settlement: SettlementKey, level: Level
) -> None:
    """Place the members whose score in a settlement reaches a level, instead of those before."""
    key = LevelKey(
        program_id=settlement.program_id, model_id=settlement.model_id, level_id=level.level_id
    )
    await connection.execute(FORGET_CANDIDATES, key.values())
    asked = {"month": settlement.month, "run": settlement.run, "from_score": level.from_score}
    await connection.execute(PLACE_CANDIDATES, {**key.values(), **asked})


async def list_candidates(
    connection: AsyncConnection, key: LevelKey, *, after: int, limit: int
) -> list[Candidate]:
    """Candidates after a place, with the state of their invitations."""
    rows = await connection.execute(CANDIDATES, {**key.values(), "after": after, "limit": limit})
    return [
        Candidate(
            place=row.place,
            member_id=row.member_id,
            value=row.value,
            reach_month=row.reach_month,
            state=InvitationState(row.state) if row.state else None,
        )
        for row in rows
    ]


async def next_waiting(
    connection: AsyncConnection, key: LevelKey, *, limit: int
) -> list[tuple[str, Invitation]]:
    """The next members that wait and still have the score, each with its invitation."""
    rows = await connection.execute(NEXT_WAITING, {**key.values(), "limit": limit})
    return [(row.member_id, invitation_in(row)) for row in rows]


async def find_standing(
    connection: AsyncConnection, key: LevelKey, member_id: str
) -> Invitation | None:
    """The invitation of a member that waits, is offered or accepted."""
    query = select(INVITATION).where(
        *(INVITATION.c[name] == value for name, value in key.values().items()),
        INVITATION.c.member_id == member_id,
        INVITATION.c.state.in_([state.value for state in STANDING]),
    )
    row = (await connection.execute(query)).one_or_none()
    return invitation_in(row) if row else None


async def read_invitations(
    connection: AsyncConnection, program_id: str, model_id: str, member_ids: Iterable[str]
) -> dict[str, Sequence[Invitation]]:
    """The invitations of members that stand."""
    values = {"program_id": program_id, "model_id": model_id, "member_ids": list(member_ids)}
    found: dict[str, list[Invitation]] = {}
    for row in await connection.execute(HELD_BY, values):
        found.setdefault(row.member_id, []).append(invitation_in(row))
    return dict(found)


async def insert_invitation(
    connection: AsyncConnection, key: LevelKey, member_id: str, invitation: Invitation
) -> None:
    """Keep a new invitation; one of the level stands for a member at a time."""
    await connection.execute(
        insert(INVITATION).values(
            program_id=key.program_id,
            member_id=member_id,
            model_id=key.model_id,
            invitation_id=UUID(invitation.invitation_id),
            level_id=key.level_id,
            **changing(invitation),
        )
    )


async def update_invitation(
    connection: AsyncConnection, key: LevelKey, member_id: str, invitation: Invitation
) -> None:
    """Keep what has become of an invitation."""
    await connection.execute(
        update(INVITATION)
        .where(
            INVITATION.c.program_id == key.program_id,
            INVITATION.c.member_id == member_id,
            INVITATION.c.model_id == key.model_id,
            INVITATION.c.invitation_id == UUID(invitation.invitation_id),
        )
        .values(**changing(invitation))
    )


def changing(invitation: Invitation) -> dict[str, Any]:
    """The columns that tell how far an invitation is."""
    times: dict[str, datetime | None] = {
        "create_time": invitation.create_time,
        "answer_until_time": invitation.answer_until_time,
        "accept_time": invitation.accept_time,
        "until_time": invitation.until_time,
    }
    return {"state": invitation.state.value, **times}


def invitation_in(row: Row[Any]) -> Invitation:
    """The invitation in a row."""
    return Invitation(
        invitation_id=str(row.invitation_id),
        level_id=row.level_id,
        state=InvitationState(row.state),
        create_time=row.create_time,
        answer_until_time=row.answer_until_time,
        accept_time=row.accept_time,
        until_time=row.until_time,
    )
