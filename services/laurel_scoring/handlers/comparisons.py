"""CompareModels: the same facts valued by two revisions, a long-running job over all members."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from laurel_kit import requests
from laurel_kit.database import Connection
from laurel_kit.operation_table import Operation
from laurel_kit.operations import Progress
from pydantic import TypeAdapter

from laurel_scoring.domain.comparisons import Compared, Tally, tally_with
from laurel_scoring.domain.scores import worth
from laurel_scoring.domain.windows import Basis, Moment
from laurel_scoring.handlers.outlooks import Program, read_draft
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import model_of
from laurel_scoring.storage.activities import MemberFacts, count_members, read_next_members

METHOD = "CompareModels"
COMPARISON = "model_comparison"
TALLY: TypeAdapter[Tally] = TypeAdapter(Tally)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareModels:
    """Compare the revision that holds with a draft, or with the one of another time."""

    request_id: str
    fingerprint: bytes
    program_id: str
    model_id: str
    as_of: datetime | None
    draft_source: str
    other_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonJob:
    """What a long-running operation compares; one of the last two is given."""

    program_id: str
    model_id: str
    as_of: datetime
    draft_source: str
    other_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a comparison ended in."""

    program_id: str
    model_id: str
    as_of: datetime
    revision_id: str
    other_revision_id: str
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedComparison:
    """The answer to a request, kept for its repeats."""

    operation_name: str


async def compare_models(command: CompareModels, *, resources: Resources) -> Operation:
    """Start a comparison; a repeat gets the operation it started.

    Raises ProgramNotFound, ProgramInvalid, ModelNotFound, RequestIdReused.
    """
    job = ComparisonJob(
        program_id=command.program_id,
        model_id=command.model_id,
        as_of=command.as_of or resources.clock.now(),
        draft_source=command.draft_source,
        other_time=command.other_time,
    )

    async def work(connection: Connection) -> Operation | StartedComparison:
        earlier = await requests.earlier(
            connection,
            program_id=command.program_id,
            member_id="",
            request_id=command.request_id,
            method=METHOD,
            fingerprint=command.fingerprint,
            answer=StartedComparison,
        )
        if earlier:
            return earlier
        await read_both(connection, job, resources)
        operation = await resources.operations.start(
            connection,
            kind=COMPARISON,
            program_id=command.program_id,
            request=job,
            request_id=command.request_id,
            fingerprint=command.fingerprint,
        )
        await requests.remember(
            connection,
            program_id=command.program_id,
            member_id="",
            request_id=command.request_id,
            method=METHOD,
            fingerprint=command.fingerprint,
            answer=StartedComparison(operation_name=operation.name),
        )
        return operation

    started = await resources.database.transact(work)
    if isinstance(started, StartedComparison):
        return await resources.operations.get(started.operation_name)
    return started


async def compare(job: ComparisonJob, progress: Progress, *, resources: Resources) -> Comparison:
    """Compare all members, step by step; goes on where an earlier attempt stopped."""
    tally = TALLY.validate_python(progress.checkpoint) if progress.checkpoint else Tally()
    async with resources.database.read() as connection:
        base, other = await read_both(connection, job, resources)
        total = await count_members(connection, job.program_id)
    while True:
        before = tally.members
        tally = await compare_next(job, tally, (base, other), total, progress, resources=resources)
        if tally.members == before:
            break
    return Comparison(
        program_id=job.program_id,
        model_id=job.model_id,
        as_of=job.as_of,
        revision_id=base.revision_id,
        other_revision_id=other.revision_id,
        tally=tally,
    )


async def compare_next(
    job: ComparisonJob,
    tally: Tally,
    programs: tuple[Program, Program],
    total: int,
    progress: Progress,
    *,
    resources: Resources,
) -> Tally:
    """Compare the next members, in one transaction with the place to go on from."""

    async def work(connection: Connection) -> Tally:
        members = await read_next_members(
            connection,
            job.program_id,
            after_member_id=tally.last_member_id,
            limit=resources.settlement_chunk,
        )
        found = tally_with(tally, [compare_member(each, job, programs) for each in members])
        await progress.record(
            connection,
            done=found.members,
            total=max(total, found.members),
            checkpoint=asdict(found),
        )
        return found

    return await resources.database.transact(work)


def compare_member(
    known: MemberFacts, job: ComparisonJob, programs: tuple[Program, Program]
) -> Compared:
    """One member valued by both revisions."""
    before, after = (
        worth(
            known.facts,
            model_of(program, job.model_id),
            Moment(basis=Basis.LIVE, instant=job.as_of, zone=program.time_zone),
        )
        for program in programs
    )
    return Compared(member_id=known.member_id, before=before, after=after)


async def read_both(
    connection: Connection, job: ComparisonJob, resources: Resources
) -> tuple[Program, Program]:
    """The revision that holds and the other one, which both have the model.

    Raises ProgramNotFound, ProgramInvalid, ModelNotFound.
    """
    base = await resources.programs.at(connection, job.program_id, job.as_of)
    if job.other_time is not None:
        other = await resources.programs.at(connection, job.program_id, job.other_time)
    else:
        other = await read_draft(job.draft_source, job.program_id, job.as_of, resources)
    for program in (base, other):
        model_of(program, job.model_id)
    return base, other
