"""Finds members who may be won back, and records who was written to."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit import requests
from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.dormancy import Dormancy, WinBackRules
from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId, RequestId, RevisionId
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.win_back import (
    Contact,
    WinBackCase,
    decide_contact,
    find_win_back,
    make_contact,
    reaction_end,
    segments_from,
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
class PagePlace:
    """The last member that a page looked at, and in which segment."""

    segment_id: str
    member_id: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWinBackCandidates:
    """A page of whom; empty `segment_id` means every segment."""

    program_id: ProgramId
    segment_id: str
    page_size: int
    after: PagePlace | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePage:
    """Members who may be contacted now."""

    cases: tuple[WinBackCase, ...]
    after: PagePlace | None
    """How far the page has come; None when there are no more."""


async def list_win_back_candidates(
    query: ListWinBackCandidates, *, resources: Resources
) -> CandidatePage:
    """Members who may be contacted now, by segment and name.

    Raises WinBackNotFound, DependencyDown while scoring does not answer.
    """
    revision = await revision_now(query.program_id, resources)
    rules = find_win_back(revision.model.win_back, query.program_id)
    looked_at, after = await look_at(query, rules, resources)
    now = resources.clock.now()
    async with resources.database.snapshot() as connection:
        known = [
            await gather(connection, key_of(query.program_id, dormancy), dormancy, revision)
            for dormancy in looked_at
        ]
    cases = [case_of(each, revision, now) for each in known]
    return CandidatePage(cases=tuple(candidates(cases, query.segment_id)), after=after)


async def look_at(
    query: ListWinBackCandidates, rules: WinBackRules, resources: Resources
) -> tuple[Sequence[Dormancy], PagePlace | None]:
    """The next members of the segments, as many as a page looks at, and where they end."""
    found: list[Dormancy] = []
    first_id = query.after.segment_id if query.after else ""
    for segment in segments_from(rules, query.segment_id, first_id):
        behind = query.after and query.after.segment_id == segment.segment_id
        after = query.after.member_id if query.after and behind else MemberId("")
        members = resources.scoring.segment_members(query.program_id, segment.segment_id, after)
        async with aclosing(members):
            async for dormancy in members:
                found.append(dormancy)
                if len(found) == query.page_size:
                    place = PagePlace(segment_id=segment.segment_id, member_id=dormancy.member_id)
                    return found, place
    return found, None


def key_of(program_id: ProgramId, dormancy: Dormancy) -> MemberKey:
    """The member that scoring tells of."""
    return MemberKey(program_id=program_id, member_id=dormancy.member_id)


async def gather(
    connection: Connection,
    member: MemberKey,
    dormancy: Dormancy,
    revision: Revision[BenefitsProgram],
) -> Known:
    """How often a member was written to."""
    silent_from = reaction_end(dormancy, revision.time_zone)
    return await win_back.read_absence(connection, member, dormancy, silent_from=silent_from)


def candidates(cases: Sequence[WinBackCase], segment_id: str) -> Sequence[WinBackCase]:
    """Those of a segment who may be contacted."""
    return [
        case
        for case in cases
        if decide_contact(case).allowed
        and case.segment
        and segment_id in {"", case.segment.segment_id}
    ]


async def record_contact(command: RecordContact, *, resources: Resources) -> RecordedContact:
    """Record that a member is written to, where that may be.

    Raises WinBackNotFound, DependencyDown while scoring does not answer.
    """
    async with resources.database.read() as connection:
        if earlier := await earlier_contact(connection, command):
            return earlier
    revision = await revision_now(command.member.program_id, resources)
    find_win_back(revision.model.win_back, command.member.program_id)
    dormancy = await resources.scoring.get_dormancy(command.member)
    now = resources.clock.now()

    async def work(connection: Connection) -> RecordedContact:
        await lock_member(connection, command.member, now=now)
        if earlier := await earlier_contact(connection, command):
            return earlier
        known = await gather(connection, command.member, dormancy, revision)
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
