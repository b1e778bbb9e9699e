"""Courses: which have to be worked out anew, and publishing scores from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from laurel_kit.calendar import MONTHS_OF_YEAR, ONE_DAY, business_day
from pydantic_core import to_json
from sqlalchemy import TextClause, not_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_scoring.domain.courses import CoursePlan
from laurel_scoring.domain.models import Level
from laurel_scoring.domain.settlements import FIRST_RUN, Settlement
from laurel_scoring.storage.course_statements import FOR_EVER, KEEP_COURSES
from laurel_scoring.storage.course_tables import COURSE_DAY

DIGEST_SIZE = 16

STATEMENTS_KEPT = 100
"""Statements kept read: the models of some dozens of revisions."""

PLAN_FOR_NUMBERS = text("""
    select set_config('plan_cache_mode', 'force_custom_plan', true),
        set_config('work_mem', '64MB', true)
""")
"""For this transaction: how many members are asked for decides how the facts are best joined."""

NEXT_STALE = text("""
    with next_member as (
        select member_id, version, row_number() over (order by member_id) as place
        from member
        where program_id = :program_id and member_id > :after_member_id
        order by member_id
        limit :limit
    )
    select next_member.member_id, next_member.place, course.member_version is null as stale
    from next_member
    -- One look into the index for each, whatever the statistics of a growing table say.
    left join lateral (
        select score_course.member_version
        from score_course
        where score_course.program_id = :program_id
            and score_course.member_id = next_member.member_id
            and score_course.model_id = :model_id
            and score_course.member_version = next_member.version
            and score_course.plan = :digest
        offset 0
    ) as course on true
    where course.member_version is null
        or next_member.member_id = (select max(member_id) from next_member)
    order by next_member.member_id
    limit :stale_limit
""")

STALE = text("""
    select member.member_id
    from member
    left join score_course as course
        on course.program_id = member.program_id and course.member_id = member.member_id
        and course.model_id = :model_id
    where member.program_id = :program_id and member.member_id > :after_member_id
        and (course.member_version is distinct from member.version or course.plan <> :digest)
    order by member.member_id
    limit :limit
""")

COUNT = text("""
    select count(*)
    from score_course
    where program_id = :program_id and model_id = :model_id and plan = :digest
        and member_id > :after_member_id and member_id <= :last_member_id
""")

PUBLISH = text("""
    insert into published_score (
        program_id, member_id, model_id, month, run, value, level_id, due_time, publish_time,
        revision_id, revision_time, member_version, correction_reason
    )
    select :program_id, score.member_id, :model_id, :month, :run, score.value,
        (cast(:level_ids as text[]))[width_bucket(score.value, cast(:level_scores as bigint[]))],
        :due_time, :publish_time, :revision_id, :revision_time, score.member_version,
        :correction_reason
    from (
        select member_id, member_version,
            coalesce(scores[width_bucket(:month_number, months)], 0) as value
        from score_course
        where program_id = :program_id and model_id = :model_id and plan = :digest
            and member_id > :after_member_id and member_id <= :last_member_id
    ) as score
    where :run = 1 or not exists (
        select
        from (
            select earlier.value, earlier.level_id
            from published_score as earlier
            where earlier.program_id = :program_id and earlier.member_id = score.member_id
                and earlier.model_id = :model_id and earlier.month = :month
            order by earlier.run desc
            limit 1
        ) as latest
        where latest.value = score.value and latest.level_id =
            (cast(:level_ids as text[]))[width_bucket(score.value, cast(:level_scores as bigint[]))]
    )
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseKey:
    """Courses of a model of a program in a zone, by a plan."""

    program_id: str
    model_id: str
    zone: str
    plan: str
    """As the statement reads it, or the statement itself where there are `months`."""
    digest: bytes
    """What tells courses by other rules apart."""
    months: tuple[int, ...] | None = None
    """The settlements whose scores are worked out; None means all there will ever be."""

    def settled(self, *months: int) -> CourseKey:
        """The same for the settlements of some months, where not all are worked out at once."""
        if self.months is None:
            return self
        told = f"{self.plan} {months}".encode()
        return replace(self, months=months, digest=digest_of(told, self.zone))


def month_key_of(program_id: str, model_id: str, zone: str, statement: str) -> CourseKey:
    """The key of courses that a statement of their own works out, for no month yet."""
    return CourseKey(
        program_id=program_id, model_id=model_id, zone=zone, plan=statement, digest=b"", months=()
    )


def digest_of(told: bytes, zone: str) -> bytes:
    """What tells rules, or the same in another zone, apart."""
    return blake2b(told, digest_size=DIGEST_SIZE, key=zone.encode()).digest()


def key_of(program_id: str, model_id: str, zone: str, plan: CoursePlan) -> CourseKey:
    """The key of courses by a plan."""
    told = to_json(plan)
    return CourseKey(
        program_id=program_id,
        model_id=model_id,
        zone=zone,
        plan=told.decode(),
        digest=digest_of(told, zone),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The next members to publish: up to which one, and of whom the course is out of date."""

    last_member_id: str
    members: int
    stale: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The members up to which one were settled, how many, and with how many scores."""

    last_member_id: str
    members: int
    scores: int


def month_number(month: date) -> int:
    """A month as courses count them."""
    return month.year * MONTHS_OF_YEAR + month.month - 1


async def read_stretch(
    connection: AsyncConnection,
    key: CourseKey,
    *,
    after_member_id: str,
    limit: int,
    stale_limit: int,
) -> Stretch | None:
    """The next `limit` members, or fewer: so few that `stale_limit` courses at most are out of
    date. None when there are no more members.
    """
    asked = {
        "program_id": key.program_id,
        "model_id": key.model_id,
        "digest": key.digest,
        "after_member_id": after_member_id,
        "limit": limit,
        "stale_limit": stale_limit,
    }
    rows = (await connection.execute(NEXT_STALE, asked)).all()
    if not rows:
        return None
    return Stretch(
        last_member_id=rows[-1].member_id,
        members=rows[-1].place,
        stale=tuple(row.member_id for row in rows if row.stale),
    )


async def read_stale(
    connection: AsyncConnection, key: CourseKey, *, after_member_id: str, limit: int
) -> list[str]:
    """Members after one whose courses are missing, of other facts or by other rules."""
    asked = {
        "program_id": key.program_id,
        "model_id": key.model_id,
        "digest": key.digest,
        "after_member_id": after_member_id,
        "limit": limit,
    }
    return list((await connection.execute(STALE, asked)).scalars())


async def keep_courses(
    connection: AsyncConnection, key: CourseKey, member_ids: Sequence[str]
) -> None:
    """Work out the courses of members by all their facts of now."""
    if not member_ids:
        return
    await connection.execute(PLAN_FOR_NUMBERS)
    values: dict[str, Any] = {
        "program_id": key.program_id,
        "model_id": key.model_id,
        "zone": key.zone,
        "digest": key.digest,
        "member_ids": list(member_ids),
    }
    if key.months is None:
        values |= {"plan": key.plan, "for_ever": FOR_EVER}
        await connection.execute(KEEP_COURSES, values)
    else:
        values["months"] = list(key.months)
        await connection.execute(statement_in(key.plan), values)


@lru_cache(maxsize=STATEMENTS_KEPT)
def statement_in(told: str) -> TextClause:
    """A statement, read once."""
    return text(told)


async def publish_courses(
    connection: AsyncConnection,
    settlement: Settlement,
    key: CourseKey,
    levels: Sequence[Level],
    *,
    last_member_id: str,
) -> Published:
    """Publish what the courses of the next members say of the month, for good.

    A correction publishes only what differs from the latest run of the month.
    """
    values = {
        "program_id": key.program_id,
        "model_id": key.model_id,
        "digest": key.digest,
        "after_member_id": settlement.last_member_id,
        "last_member_id": last_member_id,
        "month_number": month_number(business_day(settlement.due_time, ZoneInfo(key.zone))),
        "month": settlement.key.month,
        "run": settlement.key.run,
        "level_ids": [level.level_id for level in levels],
        "level_scores": [level.from_score for level in levels],
        "due_time": settlement.due_time,
        "publish_time": settlement.start_time,
        "revision_id": settlement.revision_id,
        "revision_time": settlement.revision_time,
        "correction_reason": settlement.correction_reason,
    }
    scores = (await connection.execute(PUBLISH, values)).rowcount
    if settlement.key.run == FIRST_RUN:
        return Published(last_member_id=last_member_id, members=scores, scores=scores)
    asked = {name: values[name] for name in COUNT.compile().params}
    members = (await connection.execute(COUNT, asked)).scalar_one()
    return Published(last_member_id=last_member_id, members=members, scores=scores)


async def read_day_due(connection: AsyncConnection, program_id: str, today: date) -> date | None:
    """The day on which courses of a program are to be brought up to date: at once where they never
    were, else the day after the last one. None when no facts have come since.
    """
    query = select(COURSE_DAY).where(COURSE_DAY.c.program_id == program_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return today
    return row.day + ONE_DAY if row.pending else None


async def mark_course_day(connection: AsyncConnection, program_id: str) -> None:
    """Record that the courses of a program have to be looked at again."""
    await connection.execute(
        update(COURSE_DAY)
        .where(COURSE_DAY.c.program_id == program_id, not_(COURSE_DAY.c.pending))
        .values(pending=True)
    )


async def record_course_day(connection: AsyncConnection, program_id: str, day: date) -> None:
    """Record that all courses of a program are up to date on a day."""
    row = insert(COURSE_DAY).values(program_id=program_id, day=day, pending=False)
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=["program_id"], set_={"day": day, "pending": False}
        )
    )
