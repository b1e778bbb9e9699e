"""Winning members back: from the wire and back."""

from __future__ import annotations

from collections.abc import Iterator

from laurel.benefits.v1 import campaigns_pb2 as pb
from laurel.program.v1 import win_back_pb2 as program_pb
from laurel_kit.fingerprint import fingerprint
from laurel_kit.pages import PageTokens, page_size

from laurel_benefits.domain.dormancy import DormancySegment, WinBackRules
from laurel_benefits.domain.ids import ProgramId, RequestId
from laurel_benefits.domain.program_checks import Fault, repeated
from laurel_benefits.domain.win_back import Contact, WinBackCase
from laurel_benefits.handlers.win_back import (
    CandidatePage,
    ListWinBackCandidates,
    RecordContact,
    RecordedContact,
)
from laurel_benefits.wire.decisions import write_decision
from laurel_benefits.wire.times import read_member, write_instant

PAGE_SIZE_MAX = 200
"""Most members a page looks at: each is decided on."""


def read_win_back(message: program_pb.WinBackRules) -> WinBackRules:
    """Who counts as dormant, and how often a member may be contacted."""
    return WinBackRules(
        segments=tuple(
            DormancySegment(
                segment_id=each.segment_id, days_from=each.days_from, offers=tuple(each.offers)
            )
            for each in message.segments
        ),
        contact_interval_days=message.contact_interval_days,
        holdout_bps=message.holdout_bps,
        silent_contacts_max=message.silent_contacts_max,
    )


def win_back_faults(message: program_pb.WinBackRules, path: str) -> Iterator[Fault]:
    """Segments must have names of their own, and rise."""
    yield from repeated(f"{path}.segments", "segment_id", [s.segment_id for s in message.segments])
    days = [segment.days_from for segment in message.segments]
    for position in range(1, len(days)):
        if days[position] <= days[position - 1]:
            yield f"{path}.segments[{position}].days_from", "must be above the segment before"


def read_record_contact(request: pb.RecordContactRequest) -> RecordContact:
    """The command in a request."""
    return RecordContact(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        channel=request.channel,
        fingerprint=fingerprint(request).encoded,
    )


def read_list_win_back_candidates(
    request: pb.ListWinBackCandidatesRequest,
) -> ListWinBackCandidates:
    """The page asked for. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, str)
    return ListWinBackCandidates(
        program_id=ProgramId(request.program_id),
        segment_id=request.segment_id,
        page_size=page_size(request.page_size, maximum=PAGE_SIZE_MAX),
        after=str(cursor[0]) if cursor else "",
    )


def write_record_contact(recorded: RecordedContact) -> pb.RecordContactResponse:
    """The answer to a contact."""
    return pb.RecordContactResponse(
        decision=write_decision(recorded.decision),
        contact=write_contact(recorded.contact) if recorded.contact else None,
        replayed=recorded.replayed,
    )


def write_contact(contact: Contact) -> pb.Contact:
    """A member who was written to."""
    return pb.Contact(
        member_id=contact.member.member_id,
        position=contact.position,
        contact_time=write_instant(contact.contact_time),
        segment_id=contact.segment_id,
        offers=contact.offers,
        channel=contact.channel,
    )


def write_list_win_back_candidates(
    page: CandidatePage, request: pb.ListWinBackCandidatesRequest
) -> pb.ListWinBackCandidatesResponse:
    """A page of members who may be contacted."""
    cursor = [page.after] if page.after is not None else None
    return pb.ListWinBackCandidatesResponse(
        candidates=[write_candidate(case) for case in page.cases],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_candidate(case: WinBackCase) -> pb.WinBackCandidate:
    """A member who may be contacted."""
    assert case.segment is not None, "only who is dormant is a candidate"
    assert case.absence.last_order_time is not None, "only who has bought is dormant"
    return pb.WinBackCandidate(
        member_id=case.absence.member.member_id,
        segment_id=case.segment.segment_id,
        offers=case.segment.offers,
        last_order_time=write_instant(case.absence.last_order_time),
        absent_days=case.absent_days,
        silent_contacts=case.absence.silent_contacts,
    )
