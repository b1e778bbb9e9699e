"""Activities of members, and what scoring is still to be told of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from laurel_kit.database import Connection
from sqlalchemy import ColumnElement, Row, and_, exists, insert, or_, select, text, tuple_, update

from laurel_benefits.domain.activities import Activity, ActivityDraft, ActivityTelling, Taken
from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.ids import (
    ActivityId,
    MemberId,
    MemberKey,
    OrderId,
    ProgramId,
    RevisionId,
)
from laurel_benefits.domain.orders import TellingOutcome
from laurel_benefits.domain.reviews import PaidReview
from laurel_benefits.domain.rooms import CounterKey
from laurel_benefits.storage.activity_tables import ACTIVITY
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.orders import BACKOFF_DOUBLINGS_MAX
from laurel_benefits.storage.posting_tables import MEMBER_COUNTER

DRAFTS = Documents[ActivityDraft](ActivityDraft)
TAKEN = Documents[tuple[Taken, ...]](tuple[Taken, ...])
DECISIONS = Documents[Decision](Decision)

CLAIM = text("""
    -- Materialized: run again for each row, the inner part would claim others than it locked.
    with claimed as materialized (
        select program_id, member_id, activity_id
        from activity
        where attempt_time <= :now
        order by attempt_time
        limit :limit
        for update skip locked
    )
    update activity
    set attempts = attempts + 1,
        attempt_time = cast(:now as timestamptz)
            + cast(:pause as interval) * power(2, least(attempts, cast(:doublings as integer)))
    from claimed
    where activity.program_id = claimed.program_id
        and activity.member_id = claimed.member_id
        and activity.activity_id = claimed.activity_id
    returning activity.program_id, activity.member_id, activity.fact_position
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What activities are found by later; empty where it does not apply."""

    subject_id: str = ""
    approver_id: str = ""
    order_id: str = ""
    line_id: str = ""
    sku_id: str = ""
    order_time: datetime | None = None
    bad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """A member, and the last of its facts that scoring is to be told now."""

    member: MemberKey
    up_to_position: int


async def insert_activity(
    connection: Connection,
    activity: Activity,
    traits: Traits,
    *,
    counted: tuple[Taken, ...] = (),
    record_time: datetime,
    attempt_time: datetime,
) -> None:
    """Store an activity with its decision; the relay looks at it from then on."""
    told = activity.telling is ActivityTelling.PENDING
    await connection.execute(
        insert(ACTIVITY).values(
            **key_values(activity.member),
            activity_id=activity.draft.activity_id,
            kind=activity.kind,
            digest=activity.draft.digest,
            activity_time=activity.draft.activity_time,
            record_time=record_time,
            draft=DRAFTS.write(activity.draft),
            decision=DECISIONS.write(activity.decision),
            points=activity.points,
            program_revision=activity.program_revision,
            subject_id=traits.subject_id,
            approver_id=traits.approver_id,
            order_id=traits.order_id,
            line_id=traits.line_id,
            sku_id=traits.sku_id,
            order_time=traits.order_time,
            bad=traits.bad,
            fact_state=activity.telling,
            fact_position=activity.position,
            attempt_time=attempt_time if told else None,
            counted=TAKEN.write(counted),
        )
    )


async def find_activity(
    connection: Connection, member: MemberKey, activity_id: ActivityId
) -> Activity | None:
    """The member's activity of that name."""
    row = (
        await connection.execute(select(ACTIVITY).where(of_activity(member, activity_id)))
    ).one_or_none()
    return to_activity(row) if row else None


async def give_up_reward(
    connection: Connection, member: MemberKey, activity_id: ActivityId
) -> tuple[Taken, ...]:
    """Say that an activity was not paid after all; what it had taken of limits and caps."""
    chosen = of_activity(member, activity_id)
    held = (await connection.execute(select(ACTIVITY.c.counted).where(chosen))).scalar_one()
    await connection.execute(
        update(ACTIVITY).where(chosen).values(points=0, counted=TAKEN.write(()))
    )
    return TAKEN.read(held)


async def deleted_review(
    connection: Connection, member: MemberKey, activity_id: ActivityId
) -> bool:
    """Whether a review was deleted before."""
    chosen = select(ACTIVITY.c.deleted).where(of_activity(member, activity_id))
    return bool((await connection.execute(chosen)).scalar_one())


async def mark_deleted(connection: Connection, member: MemberKey, activity_id: ActivityId) -> None:
    """Say that a review was deleted."""
    await connection.execute(
        update(ACTIVITY).where(of_activity(member, activity_id)).values(deleted=True)
    )


async def subject_paid(
    connection: Connection, member: MemberKey, kind: str, subject_id: str
) -> bool:
    """Whether an activity of a kind was paid for a subject before."""
    chosen = select(
        exists().where(
            of_member(ACTIVITY, member),
            ACTIVITY.c.kind == kind,
            ACTIVITY.c.subject_id == subject_id,
            ACTIVITY.c.points > 0,
        )
    )
    return bool((await connection.execute(chosen)).scalar_one())


async def subject_known(
    connection: Connection, member: MemberKey, kind: str, subject_id: str
) -> bool:
    """Whether an activity of a kind is recorded for a subject."""
    chosen = select(
        exists().where(
            of_member(ACTIVITY, member),
            ACTIVITY.c.kind == kind,
            ACTIVITY.c.subject_id == subject_id,
        )
    )
    return bool((await connection.execute(chosen)).scalar_one())


async def paid_reviews(
    connection: Connection, member: MemberKey, kind: str, wanted: Traits
) -> Sequence[PaidReview]:
    """Reviews of a kind that were paid and not deleted: of the same line or of the same article."""
    table = ACTIVITY.c
    same_line = and_(table.order_id == wanted.order_id, table.line_id == wanted.line_id)
    same_item = and_(table.sku_id == wanted.sku_id, table.sku_id != "")
    chosen = select(table.order_id, table.line_id, table.order_time).where(
        of_member(ACTIVITY, member),
        table.kind == kind,
        table.order_id != "",
        table.points > 0,
        ~table.deleted,
        or_(same_line, same_item),
    )
    return [
        PaidReview(order_id=OrderId(row.order_id), line_id=row.line_id, order_time=row.order_time)
        for row in await connection.execute(chosen)
    ]


async def bad_review_times(connection: Connection, member: MemberKey) -> Sequence[datetime]:
    """When the member wrote unqualified reviews."""
    chosen = select(ACTIVITY.c.activity_time).where(of_member(ACTIVITY, member), ACTIVITY.c.bad)
    return list((await connection.execute(chosen)).scalars())


async def approvers_of(
    connection: Connection, member: MemberKey, review_id: ActivityId
) -> frozenset[MemberId]:
    """Who has approved of a review."""
    chosen = select(ACTIVITY.c.approver_id).where(
        of_member(ACTIVITY, member),
        ACTIVITY.c.subject_id == review_id,
        ACTIVITY.c.approver_id != "",
    )
    return frozenset(MemberId(each) for each in (await connection.execute(chosen)).scalars())


async def used_of(
    connection: Connection, member: MemberKey, keys: Iterable[CounterKey]
) -> dict[CounterKey, int]:
    """What a member has used by each counter; those without any are left out."""
    wanted = list(keys)
    if not wanted:
        return {}
    table = MEMBER_COUNTER.c
    chosen = select(table.counter_id, table.period_key, table.used).where(
        of_member(MEMBER_COUNTER, member), tuple_(table.counter_id, table.period_key).in_(wanted)
    )
    rows = await connection.execute(chosen)
    return {(row.counter_id, row.period_key): row.used for row in rows}


async def untold_activities(
    connection: Connection, untold: Untold, *, limit: int
) -> Sequence[Activity]:
    """The member's activities scoring has not been told of yet, the earliest first."""
    chosen = (
        select(ACTIVITY)
        .where(
            of_member(ACTIVITY, untold.member),
            ACTIVITY.c.fact_state == ActivityTelling.PENDING,
            ACTIVITY.c.fact_position <= untold.up_to_position,
        )
        .order_by(ACTIVITY.c.fact_position)
        .limit(limit)
    )
    return [to_activity(row) for row in await connection.execute(chosen)]


async def settle_telling(
    connection: Connection, activity: Activity, outcome: TellingOutcome
) -> None:
    """Record that scoring knows of an activity, or refuses it for good."""
    await connection.execute(
        update(ACTIVITY)
        .where(
            of_activity(activity.member, activity.draft.activity_id),
            ACTIVITY.c.fact_state == ActivityTelling.PENDING,
        )
        .values(
            fact_state=ActivityTelling(outcome.state.value),
            fact_refusal=outcome.refusal,
            attempt_time=None,
        )
    )


async def claim_untold(
    connection: Connection, *, now: datetime, pause: timedelta, limit: int
) -> Sequence[Untold]:
    """Members with activities whose attempt is due, for this process alone until the next one."""
    arguments = {"now": now, "pause": pause, "doublings": BACKOFF_DOUBLINGS_MAX, "limit": limit}
    last: dict[MemberKey, int] = {}
    for row in await connection.execute(CLAIM, arguments):
        member = to_member(row)
        last[member] = max(last.get(member, 0), row.fact_position)
    return [Untold(member=member, up_to_position=position) for member, position in last.items()]


def of_activity(member: MemberKey, activity_id: ActivityId) -> ColumnElement[bool]:
    """The row of one activity."""
    return and_(of_member(ACTIVITY, member), ACTIVITY.c.activity_id == activity_id)


def to_member(row: Row[Any]) -> MemberKey:
    """The member in a row."""
    return MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id))


def to_activity(row: Row[Any]) -> Activity:
    """The activity in a row."""
    return Activity(
        member=to_member(row),
        draft=DRAFTS.read(row.draft),
        kind=row.kind,
        subject_id=row.sku_id or row.subject_id,
        decision=DECISIONS.read(row.decision),
        points=row.points,
        position=row.fact_position,
        telling=ActivityTelling(row.fact_state),
        telling_refusal=row.fact_refusal,
        program_revision=RevisionId(row.program_revision),
    )
