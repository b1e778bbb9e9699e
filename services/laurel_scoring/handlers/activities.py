"""RecordActivities and StreamActivities: facts are judged one by one, those accepted recorded
together.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.programs.errors import ProgramNotFound
from laurel_kit.refusals import TimeInFuture

from laurel_scoring.domain.errors import FactRefused
from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.intake import (
    Accepted,
    Outcome,
    Reported,
    check_report,
    decide_activities,
)
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.storage.activities import (
    insert_activities,
    raise_versions,
    read_books,
    read_versions,
)

Refusal = FactRefused | TimeInFuture | ProgramNotFound
Result = Accepted | Refusal
"""What became of one fact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordActivities:
    """Facts to record; those that could not even be read are refusals already."""

    program_id: str
    reports: tuple[Reported | FactRefused, ...]
    activity_ids: tuple[str, ...]
    """The names of all of them, for the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """What became of one message of an import, and of all of it so far."""

    command: RecordActivities
    results: tuple[Result, ...]
    done: int
    recorded: int
    refused: int


async def record_activities(command: RecordActivities, *, resources: Resources) -> list[Result]:
    """Accept or refuse each fact, in order; accepted ones are recorded in one transaction."""
    now = resources.clock.now()

    async def work(connection: Connection) -> list[Result]:
        results: dict[int, Result] = {}
        sound: dict[int, Reported] = {}
        # Asked first, so that a program nobody knows fails the call and not each fact of it.
        await resources.programs.at(connection, command.program_id, now)
        for position, report in enumerate(command.reports):
            judged = await judge(connection, command.program_id, report, now, resources)
            if isinstance(judged, Reported):
                sound[position] = judged
            else:
                results[position] = judged
        outcomes = await record(connection, command.program_id, list(sound.values()), now)
        results.update(zip(sound, outcomes, strict=True))
        return [results[position] for position in range(len(command.reports))]

    return await resources.database.transact(work)


async def stream_activities(
    commands: AsyncIterable[RecordActivities], *, resources: Resources
) -> AsyncGenerator[Acknowledged, None]:
    """Record the facts of each command before the next one is read, and say so.

    Only one command is in memory at a time: a caller that sends faster waits for the transport.
    """
    done = recorded = refused = 0
    async for command in commands:
        results = await record_activities(command, resources=resources)
        accepted = sum(isinstance(result, Accepted) for result in results)
        done, recorded = done + 1, recorded + accepted
        refused += len(results) - accepted
        yield Acknowledged(
            command=command, results=tuple(results), done=done, recorded=recorded, refused=refused
        )


async def judge(
    connection: Connection,
    program_id: str,
    report: Reported | FactRefused,
    now: datetime,
    resources: Resources,
) -> Reported | Refusal:
    """A report that may be recorded, or why it may not, by itself."""
    if not isinstance(report, Reported):
        return report
    fact: Fact = report.fact
    if fact.activity_time > now + resources.activity_skew_max:
        return TimeInFuture(field="activity_time", time=fact.activity_time, current_time=now)
    revision = resources.programs.cached(program_id, fact.activity_time)
    if revision is None:
        try:
            revision = await resources.programs.latest(connection, program_id, fact.activity_time)
        except ProgramNotFound as refusal:
            return refusal
    return check_report(report, revision.model.vocabulary) or report


async def record(
    connection: Connection, program_id: str, reports: Sequence[Reported], now: datetime
) -> list[Outcome]:
    """Judge facts by what is known of their members, and record those that stand.

    A member is locked only when something of it is accepted, so that refused facts leave no trace.
    If others recorded facts of the member in between, its facts are judged again under the lock.
    """
    if not reports:
        return []
    seen = await read_versions(connection, program_id, {each.member_id for each in reports})
    outcomes = await decide(connection, program_id, reports, now)
    changing = {each.member_id for each, outcome in pairs(reports, outcomes) if is_new(outcome)}
    if not changing:
        return outcomes
    versions = await raise_versions(connection, program_id, changing, now=now)
    overtaken = moved(seen, versions)
    if overtaken:
        again = [each for each in reports if each.member_id in overtaken]
        decided = iter(await decide(connection, program_id, again, now))
        outcomes = [
            next(decided) if each.member_id in overtaken else outcome
            for each, outcome in pairs(reports, outcomes)
        ]
    new = [each for each, outcome in pairs(reports, outcomes) if is_new(outcome)]
    await insert_activities(connection, program_id, new, versions, now=now)
    return outcomes


async def decide(
    connection: Connection, program_id: str, reports: Sequence[Reported], now: datetime
) -> list[Outcome]:
    """Judge facts by what is known of their members at this instant."""
    books = await read_books(connection, program_id, reports)
    return decide_activities(reports, books, now=now)


def pairs(
    reports: Sequence[Reported], outcomes: Sequence[Outcome]
) -> list[tuple[Reported, Outcome]]:
    """Each report with what became of it."""
    return list(zip(reports, outcomes, strict=True))


def is_new(outcome: Outcome) -> bool:
    """Whether a fact is to be recorded."""
    return isinstance(outcome, Accepted) and not outcome.replayed


def moved(seen: Mapping[str, int], versions: Mapping[str, int]) -> set[str]:
    """The members of whom others recorded facts since they were seen."""
    return {
        member_id
        for member_id, version in versions.items()
        if version != seen.get(member_id, 0) + 1
    }
