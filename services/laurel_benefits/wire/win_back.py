"""Winning members back: from the wire and back."""

from __future__ import annotations

from collections.abc import Iterator

from laurel.benefits.v1 import campaigns_pb2 as pb
from laurel.program.v1.program_pb2 import Program
from laurel_kit.fingerprint import fingerprint
from laurel_kit.pages import Cursor, PageTokens, page_size

from laurel_benefits.domain.dormancy import DormancySegment, WinBackRules
from laurel_benefits.domain.ids import MemberId, ProgramId, RequestId
from laurel_benefits.domain.program_checks import Fault, not_one_of, repeated
from laurel_benefits.domain.win_back import Contact, WinBackCase
from laurel_benefits.handlers.win_back import (
    CandidatePage,
    ListWinBackCandidates,
    PagePlace,
    RecordContact,
    RecordedContact,
)
from laurel_benefits.wire.decisions import write_decision
from laurel_benefits.wire.dormancies import write_date
from laurel_benefits.wire.times import read_member, write_instant

PAGE_SIZE_MAX = 200
"""Most members a page looks at: each is decided on."""


def read_win_back(program: Program) -> WinBackRules:
    """What who stays away is offered, and how often a member may be contacted."""
    message, days = program.benefits.win_back, days_of(program)
    return WinBackRules(
        segments=tuple(
            DormancySegment(
                segment_id=each.segment_id,
                days_from=days[each.segment_id],
                offers=tuple(each.offers),
            )
            for each in message.segments
        ),
        contact_interval_days=message.contact_interval_days,
        holdout_bps=message.holdout_bps,
        silent_contacts_max=message.silent_contacts_max,
    )


def days_of(program: Program) -> dict[str, int]:
    """From how many days without an order on a member is in each dormancy segment."""
    return {each.segment_id: each.from_days for each in program.scoring.insight.dormancy}


def win_back_faults(program: Program, path: str) -> Iterator[Fault]:
    """Segments must be those of scoring, each once, and rise."""
    segments, days = program.benefits.win_back.segments, days_of(program)
    yield from repeated(f"{path}.segments", "segment_id", [each.segment_id for each in segments])
    for position, segment in enumerate(segments):
        place = f"{path}.segments[{position}].segment_id"
        yield from not_one_of(place, segment.segment_id, days, what="dormancy segment of scoring")
        earlier = days.get(segments[position - 1].segment_id, 0) if position else 0
        if segment.segment_id in days and days[segment.segment_id] <= earlier:
            yield place, "must stay away longer than the segment before"


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
    cursor = PageTokens.of(request).decode(request.page_token, str, str)
    return ListWinBackCandidates(
        program_id=ProgramId(request.program_id),
        segment_id=request.segment_id,
        page_size=page_size(request.page_size, maximum=PAGE_SIZE_MAX),
        after=read_page_place(cursor) if cursor else None,
    )


def read_page_place(cursor: Cursor) -> PagePlace:
    """Where a page ended."""
    segment_id, member_id = map(str, cursor)
    return PagePlace(segment_id=segment_id, member_id=MemberId(member_id))


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
    cursor = [page.after.segment_id, page.after.member_id] if page.after else None
    return pb.ListWinBackCandidatesResponse(
        candidates=[write_candidate(case) for case in page.cases],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_candidate(case: WinBackCase) -> pb.WinBackCandidate:
    """A member who may be contacted."""
    assert case.segment is not None, "only who is dormant is a candidate"
    last = case.absence.dormancy.last_order_date
    assert last is not None, "only who has bought is dormant"
    return pb.WinBackCandidate(
        member_id=case.absence.member.member_id,
        segment_id=case.segment.segment_id,
        offers=case.segment.offers,
        last_order_date=write_date(last),
        absent_days=case.absent_days,
        silent_contacts=case.absence.silent_contacts,
    )
