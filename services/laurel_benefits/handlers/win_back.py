"""Finds members who may be won back, and records who was written to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from laurel_kit import requests
from laurel_kit.calendar import business_day, day_start
from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.ids import MemberKey, ProgramId, RequestId, RevisionId
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.win_back import (
    Contact,
    WinBackCase,
    decide_contact,
    find_win_back,
    make_contact,
)
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import win_back
from laurel_benefits.storage.members import lock_member
from laurel_benefits.storage.win_back import Known

METHOD = "RecordContact"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordContact:
    """A member who is about to be written to."""

    member: MemberKey
    request_id: RequestId
    channel: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedContact:
    """The decision and, where it is a yes, the contact."""

    decision: Decision
    contact: Contact | None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWinBackCandidates:
    """A page of whom; empty `segment_id` means every segment."""

    program_id: ProgramId
    segment_id: str
    page_size: int
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePage:
    """Members who may be contacted now."""

    cases: tuple[WinBackCase, ...]
    after: str | None
    """The last member that was looked at; None when there are no more."""


async def list_win_back_candidates(
    query: ListWinBackCandidates, *, resources: Resources
) -> CandidatePage:
    """Members who may be contacted now, by their names. Raises WinBackNotFound."""
    revision = await revision_now(query.program_id, resources)
    rules = find_win_back(revision.model.win_back, query.program_id)
    now = resources.clock.now()
    async with resources.database.snapshot() as connection:
        members = await win_back.absent_members(
            connection,
            query.program_id,
            before=bought_before(rules.segments[0].days_from, now, revision),
            after=query.after,
            limit=query.page_size,
        )
        known = [await win_back.read_absence(connection, member) for member in members]
    cases = [case_of(each, revision, now) for each in known]
    return CandidatePage(
        cases=tuple(candidates(cases, query.segment_id)),
        after=members[-1].member_id if len(members) == query.page_size else None,
    )


def candidates(cases: Sequence[WinBackCase], segment_id: str) -> Sequence[WinBackCase]:
    """Those of a segment who may be contacted."""
    return [
        case
        for case in cases
        if decide_contact(case).allowed
        and case.segment
        and segment_id in {"", case.segment.segment_id}
    ]


def bought_before(days: int, now: datetime, revision: Revision[BenefitsProgram]) -> datetime:
    """The instant before which the last order of who is dormant lies."""
    zone = revision.time_zone
    day = business_day(now, zone) - timedelta(days=1) * (days - 1)
    return day_start(day, zone)


async def record_contact(command: RecordContact, *, resources: Resources) -> RecordedContact:
    """Record that a member is written to, where that may be. Raises WinBackNotFound."""
    revision = await revision_now(command.member.program_id, resources)
    find_win_back(revision.model.win_back, command.member.program_id)
    now = resources.clock.now()

    async def work(connection: Connection) -> RecordedContact:
        await lock_member(connection, command.member, now=now)
        if earlier := await earlier_contact(connection, command):
            return earlier
        known = await win_back.read_absence(connection, command.member)
        case = case_of(known, revision, now)
        decision, contact = decide_contact(case), None
        if decision.allowed:
            contact = make_contact(case, position=known.contacts + 1, channel=command.channel)
            await win_back.insert_contact(connection, contact)
        answer = RecordedContact(decision=decision, contact=contact)
        await requests.remember(
            connection,
            program_id=command.member.program_id,
            member_id=command.member.member_id,
            request_id=command.request_id,
            method=METHOD,
            fingerprint=command.fingerprint,
            answer=answer,
        )
        return answer

    return await resources.database.transact(work)


def case_of(known: Known, revision: Revision[BenefitsProgram], now: datetime) -> WinBackCase:
    """What a contact is decided on."""
    return WinBackCase(
        rules=find_win_back(revision.model.win_back, known.absence.member.program_id),
        absence=known.absence,
        now=now,
        zone=revision.time_zone,
        program_revision=RevisionId(revision.revision_id),
    )


async def earlier_contact(connection: Connection, command: RecordContact) -> RecordedContact | None:
    """The answer to an earlier, equal request."""
    earlier = await requests.earlier(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=METHOD,
        fingerprint=command.fingerprint,
        answer=RecordedContact,
    )
    return replace(earlier, replayed=True) if earlier else None
