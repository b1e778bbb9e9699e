"""RunSettlement, GetSettlement, ListSettlements, and the steps of a settlement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from laurel_kit import requests
from laurel_kit.calendar import add_months, day_start
from laurel_kit.database import Connection
from laurel_kit.operation_table import Operation
from laurel_kit.operations import Progress
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.errors import SettlementNotFound
from laurel_scoring.domain.models import ScoreModel, ScoringProgram
from laurel_scoring.domain.settlements import (
    FIRST_RUN,
    Settlement,
    SettlementKey,
    SettlementState,
    date_of,
    decide_run,
    due_time,
    month_name,
)
from laurel_scoring.domain.windows import Span, span_of
from laurel_scoring.handlers.courses import publish_next, settled_key
from laurel_scoring.handlers.insight import conclude
from laurel_scoring.handlers.publications import move_tiers
from laurel_scoring.handlers.rankings import is_ranked, publish_ranked
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import model_of
from laurel_scoring.handlers.valuing import corrections, published_moment, value_member
from laurel_scoring.storage.activities import count_members, read_next_members
from laurel_scoring.storage.courses import Published, mark_course_day
from laurel_scoring.storage.settlements import (
    begin_settlement,
    find_latest_run,
    find_settlement,
    publish_scores,
    record_progress,
)
from laurel_scoring.storage.settlements import list_settlements as read_settlements

METHOD = "RunSettlement"
JOB = "settlement"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettlement:
    """Settle a month of a model, or correct it with a reason."""

    request_id: str
    fingerprint: bytes
    program_id: str
    model_id: str
    month: date
    correction_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementJob:
    """What a long-running operation settles."""

    key: SettlementKey
    correction_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementView:
    """A settlement with the days it looks at."""

    settlement: Settlement
    span: Span
    due_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedSettlement:
    """The answer to a request, kept for its repeats."""

    operation_name: str


async def run_settlement(command: RunSettlement, *, resources: Resources) -> Operation:
    """Start a settlement; a repeat gets the operation it started.

    Raises ProgramNotFound, ModelNotFound, ModelNotSettled, SettlementNotDue,
    SettlementNotPublished, RequestIdReused.
    """

    async def work(connection: Connection) -> Operation | StartedSettlement:
        earlier = await requests.earlier(
            connection,
            program_id=command.program_id,
            member_id="",
            request_id=command.request_id,
            method=METHOD,
            fingerprint=command.fingerprint,
            answer=StartedSettlement,
        )
        if earlier:
            return earlier
        operation = await start_operation(connection, command, resources)
        await requests.remember(
            connection,
            program_id=command.program_id,
            member_id="",
            request_id=command.request_id,
            method=METHOD,
            fingerprint=command.fingerprint,
            answer=StartedSettlement(operation_name=operation.name),
        )
        return operation

    started = await resources.database.transact(work)
    if isinstance(started, StartedSettlement):
        return await resources.operations.get(started.operation_name)
    return started


async def start_operation(
    connection: Connection, command: RunSettlement, resources: Resources
) -> Operation:
    """Decide which run of the month is wanted, and have it done."""
    now = resources.clock.now()
    key = SettlementKey(
        program_id=command.program_id, model_id=command.model_id, month=command.month
    )
    latest = await find_latest_run(connection, key)
    due = await due_of(connection, key, now, resources)
    run = decide_run(latest, key=key, due=due, now=now, correction_reason=command.correction_reason)
    job = SettlementJob(
        key=replace(key, run=run or (latest.key.run if latest else FIRST_RUN)),
        correction_reason=command.correction_reason,
    )
    return await resources.operations.start(
        connection,
        kind=JOB,
        program_id=command.program_id,
        request=job,
        request_id=command.request_id,
        fingerprint=command.fingerprint,
    )


async def get_settlement(
    program_id: str, model_id: str, month: date, run: int, *, resources: Resources
) -> SettlementView:
    """A settlement; run 0 means the latest of the month. Raises SettlementNotFound."""
    key = SettlementKey(program_id=program_id, model_id=model_id, month=month, run=run)
    async with resources.database.read() as connection:
        if run:
            found = await find_settlement(connection, key)
        else:
            found = await find_latest_run(connection, key)
        if found is None:
            raise SettlementNotFound(settlement_month=month_name(month), run=run)
        return await view_of(connection, found, resources)


async def list_settlements(
    program_id: str,
    model_id: str,
    *,
    before: tuple[date, int] | None,
    limit: int,
    resources: Resources,
) -> list[SettlementView]:
    """Settlements of a model, the latest month and in it the latest run first."""
    async with resources.database.read() as connection:
        found = await read_settlements(connection, program_id, model_id, before=before, limit=limit)
        return [await view_of(connection, each, resources) for each in found]


async def settle(job: SettlementJob, progress: Progress, *, resources: Resources) -> SettlementView:
    """Settle a month to its end, step by step; goes on where an earlier attempt stopped."""
    settlement = await begin(job.key, job.correction_reason, resources=resources)
    # At least one step, also of what others have published meanwhile: it records how far this is.
    while settlement.state is SettlementState.RUNNING or progress.done < settlement.members_done:
        settlement = await settle_next(settlement.key, resources=resources, progress=progress)
    async with resources.database.read() as connection:
        return await view_of(connection, settlement, resources)


async def begin(key: SettlementKey, reason: str, *, resources: Resources) -> Settlement:
    """The settlement of that key, begun now if nobody has; repeated, it is the same one."""

    async def work(connection: Connection) -> Settlement:
        known = await find_settlement(connection, key)
        if known:
            return known
        now = resources.clock.now()
        due = await due_of(connection, key, now, resources)
        revision = await resources.programs.at(connection, key.program_id, due)
        settlement = Settlement(
            key=key,
            state=SettlementState.RUNNING,
            due_time=due,
            revision_id=revision.revision_id,
            revision_time=revision.effective_time,
            start_time=now,
            end_time=None,
            last_member_id="",
            members_done=0,
            members_total=await count_members(connection, key.program_id),
            scores_published=0,
            correction_reason=reason,
        )
        await begin_settlement(connection, settlement)
        begun = await find_settlement(connection, key)
        assert begun is not None, "it was just recorded, by us or by another process"
        return begun

    return await resources.database.transact(work)


async def settle_next(
    key: SettlementKey, *, resources: Resources, progress: Progress | None = None
) -> Settlement:
    """Publish the scores of the next members, all or none of them.

    The row of the settlement is locked meanwhile, so that no member is settled twice, whoever else
    works on it; each member is published in the same transaction as the place to go on from.
    """

    async def work(connection: Connection) -> Settlement:
        settlement = await find_settlement(connection, key, lock=True)
        assert settlement is not None, "a settlement is begun before it goes on"
        if settlement.state is SettlementState.RUNNING:
            settlement = await settle_chunk(connection, settlement, resources)
            await record_progress(connection, settlement)
        if progress is not None:
            await progress.record(
                connection, done=settlement.members_done, total=settlement.members_total
            )
        return settlement

    return await resources.database.transact(work)


async def settle_chunk(
    connection: Connection, settlement: Settlement, resources: Resources
) -> Settlement:
    """Score and publish the next members; without any left the settlement is finished."""
    key = settlement.key
    revision = await resources.programs.at(connection, key.program_id, settlement.revision_time)
    course_key = settled_key(revision, settlement, resources)
    model = model_of(revision, key.model_id)
    if model.by_rank:
        if not await is_ranked(connection, settlement, revision, course_key, resources):
            return settlement
        published = await publish_ranked(connection, settlement, revision, resources)
    elif course_key is None:
        published = await publish_evaluated(connection, settlement, revision, resources)
    else:
        published = await publish_next(connection, settlement, course_key, model.levels, resources)
    if published is None:
        await conclude(connection, settlement, revision, resources)
        if course_key is not None and course_key.months is not None:
            await mark_course_day(connection, key.program_id)
        return settlement.finished(resources.clock.now())
    await move_tiers(
        connection,
        settlement,
        revision,
        after_member_id=settlement.last_member_id,
        last_member_id=published.last_member_id,
    )
    return settlement.advanced(
        last_member_id=published.last_member_id,
        members=published.members,
        published=published.scores,
    )


async def publish_evaluated(
    connection: Connection,
    settlement: Settlement,
    revision: Revision[ScoringProgram],
    resources: Resources,
) -> Published | None:
    """Value the next members one by one and publish their scores; None without any left."""
    key = settlement.key
    members = await read_next_members(
        connection,
        key.program_id,
        after_member_id=settlement.last_member_id,
        limit=resources.settlement_chunk,
    )
    if not members:
        return None
    scores = [value_member(member, settlement, revision) for member in members]
    if key.run > FIRST_RUN:
        scores = await corrections(connection, key, scores)
    await publish_scores(connection, scores)
    return Published(last_member_id=members[-1].member_id, members=len(members), scores=len(scores))


async def due_of(
    connection: Connection, key: SettlementKey, now: datetime, resources: Resources
) -> datetime:
    """When a month of a model is due, by the revision that holds in it. Raises ModelNotSettled."""
    revision = await resources.programs.at(connection, key.program_id, now)
    month_end = day_start(add_months(key.month, 1), revision.time_zone)
    revision = await resources.programs.at(connection, key.program_id, min(now, month_end))
    return due_time(model_of(revision, key.model_id), key.month, revision.time_zone)


async def view_of(
    connection: Connection, settlement: Settlement, resources: Resources
) -> SettlementView:
    """A settlement with the days it looks at."""
    key = settlement.key
    revision = await resources.programs.at(connection, key.program_id, settlement.revision_time)
    model: ScoreModel = model_of(revision, key.model_id)
    span = span_of(model.window, published_moment(settlement, revision))
    return SettlementView(settlement=settlement, span=span, due_date=date_of(model, span))
