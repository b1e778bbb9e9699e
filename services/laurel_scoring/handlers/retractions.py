"""RetractActivity, GetActivity and ListActivities: single facts, kept and taken back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit import requests
from laurel_kit.database import Connection

from laurel_scoring.domain.errors import ActivityNotFound, FactRefused
from laurel_scoring.domain.intake import Accepted, Reported
from laurel_scoring.domain.retractions import (
    ActivityRecord,
    RecordFilter,
    Retraction,
    decide_retraction,
)
from laurel_scoring.handlers.activities import judge, record
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.storage.activities import lock_member, raise_versions, read_trade
from laurel_scoring.storage.retractions import find_record, insert_retraction, list_records

METHOD = "RetractActivity"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetractActivity:
    """Take a fact back, and record another one instead if there is one."""

    request_id: str
    fingerprint: bytes
    program_id: str
    member_id: str
    activity_id: str
    reason: str
    replacement: Reported | FactRefused | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetractedActivity:
    """The answer to a request, kept for its repeats."""

    retraction: Retraction
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityKey:
    """Which fact."""

    program_id: str
    member_id: str
    activity_id: str


async def retract_activity(command: RetractActivity, *, resources: Resources) -> RetractedActivity:
    """Take a fact back; a repeat gets the first answer.

    Raises ProgramNotFound, ActivityNotFound, ActivityRetracted, ActivityInUse, RequestIdReused,
    and every refusal of the replacement; then nothing is taken back.
    """

    async def work(connection: Connection) -> RetractedActivity:
        # First of all, so that a repeat that comes at the same time finds the answer.
        await lock_member(connection, command.program_id, command.member_id)
        earlier = await requests.earlier(
            connection,
            program_id=command.program_id,
            member_id=command.member_id,
            request_id=command.request_id,
            method=METHOD,
            fingerprint=command.fingerprint,
            answer=RetractedActivity,
        )
        if earlier:
            return replace(earlier, replayed=True)
        answer = RetractedActivity(
            retraction=await retract(connection, command, resources), replayed=False
        )
        await requests.remember(
            connection,
            program_id=command.program_id,
            member_id=command.member_id,
            request_id=command.request_id,
            method=METHOD,
            fingerprint=command.fingerprint,
            answer=answer,
        )
        return answer

    return await resources.database.transact(work)


async def retract(
    connection: Connection, command: RetractActivity, resources: Resources
) -> Retraction:
    """Judge and record the retraction of a fact, and what is true instead."""
    now = resources.clock.now()
    program_id, member_id = command.program_id, command.member_id
    await resources.programs.at(connection, program_id, now)
    known = await find_record(connection, program_id, member_id, command.activity_id)
    if known is None:
        raise ActivityNotFound(activity_id=command.activity_id, member_id=member_id)
    traded = await read_trade(connection, program_id, [(member_id, known.fact)])
    report = command.replacement
    retraction = decide_retraction(
        known,
        [fact for _, fact in traded],
        replacement=report.fact if isinstance(report, Reported) else None,
        reason=command.reason,
        now=now,
    )
    versions = await raise_versions(connection, program_id, [member_id], now=now)
    await insert_retraction(
        connection, program_id, member_id, retraction, version=versions[member_id]
    )
    if report is not None:
        await record_replacement(connection, program_id, report, now, resources)
    return retraction


async def record_replacement(
    connection: Connection,
    program_id: str,
    report: Reported | FactRefused,
    now: datetime,
    resources: Resources,
) -> None:
    """Record what is true instead, in the transaction that took the other fact back."""
    judged = await judge(connection, program_id, report, now, resources)
    if not isinstance(judged, Reported):
        raise judged
    (outcome,) = await record(connection, program_id, [judged], now)
    if not isinstance(outcome, Accepted):
        raise outcome


async def get_activity(key: ActivityKey, *, resources: Resources) -> ActivityRecord:
    """A fact, also one that was taken back. Raises ActivityNotFound."""
    async with resources.database.read() as connection:
        found = await find_record(connection, key.program_id, key.member_id, key.activity_id)
    if found is None:
        raise ActivityNotFound(activity_id=key.activity_id, member_id=key.member_id)
    return found


async def list_activities(
    wanted: RecordFilter,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
    resources: Resources,
) -> list[ActivityRecord]:
    """Facts of a member, the latest first."""
    async with resources.database.read() as connection:
        return await list_records(connection, wanted, before=before, limit=limit)
