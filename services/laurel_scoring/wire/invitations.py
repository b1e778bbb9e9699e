"""InviteMember, AcceptInvitation and ListCandidates: messages to values and back."""

from __future__ import annotations

from laurel.scoring.v1 import tiers_pb2 as pb
from laurel_kit.fingerprint import fingerprint
from laurel_kit.pages import Cursor, PageTokenInvalid, PageTokens, page_size

from laurel_scoring.domain.invitations import Candidate, Invitation, InvitationState, LevelKey
from laurel_scoring.domain.models import Level
from laurel_scoring.handlers.invitations import CandidatePage, InvitationCommand, InvitedMember
from laurel_scoring.wire.scores import write_level
from laurel_scoring.wire.times import write_month, write_optional_time, write_time

STATES = {
    InvitationState.WAITING: pb.INVITATION_STATE_WAITING,
    InvitationState.OFFERED: pb.INVITATION_STATE_OFFERED,
    InvitationState.ACCEPTED: pb.INVITATION_STATE_ACCEPTED,
    InvitationState.LAPSED: pb.INVITATION_STATE_LAPSED,
    InvitationState.ENDED: pb.INVITATION_STATE_ENDED,
}


PLACE_MAX = 2**31 - 1
"""The largest number of the column of places."""


def read_invite_member(request: pb.InviteMemberRequest) -> InvitationCommand:
    """Whom to invite to what."""
    return InvitationCommand(
        request_id=request.request_id,
        fingerprint=fingerprint(request).encoded,
        program_id=request.program_id,
        member_id=request.member_id,
        model_id=request.model_id,
        level_id=request.level_id,
        waits=request.join_waitlist,
    )


def write_invite_member(answer: InvitedMember) -> pb.InviteMemberResponse:
    """The invitation as it was made."""
    return pb.InviteMemberResponse(
        invitation=write_invitation(answer.invitation, answer.level),
        seats=answer.seats.allowed,
        seats_taken=answer.seats.taken,
        replayed=answer.replayed,
    )


def read_accept_invitation(request: pb.AcceptInvitationRequest) -> InvitationCommand:
    """Who accepts what."""
    return InvitationCommand(
        request_id=request.request_id,
        fingerprint=fingerprint(request).encoded,
        program_id=request.program_id,
        member_id=request.member_id,
        model_id=request.model_id,
        level_id=request.level_id,
    )


def write_accept_invitation(answer: InvitedMember) -> pb.AcceptInvitationResponse:
    """The invitation as it was accepted."""
    return pb.AcceptInvitationResponse(
        invitation=write_invitation(answer.invitation, answer.level), replayed=answer.replayed
    )


def read_list_candidates(request: pb.ListCandidatesRequest) -> LevelKey:
    """Which level is asked about."""
    return LevelKey(
        program_id=request.program_id, model_id=request.model_id, level_id=request.level_id
    )


def read_candidates_page(request: pb.ListCandidatesRequest) -> tuple[int, int]:
    """The place to go on after, and how many candidates at most. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, int)
    place = int(cursor[0] or 0) if cursor else 0
    # Places are small numbers; a forged one could be too large for the table.
    if not 0 <= place <= PLACE_MAX:
        raise PageTokenInvalid
    return place, page_size(request.page_size)


def write_list_candidates(
    request: pb.ListCandidatesRequest, page: CandidatePage, size: int
) -> pb.ListCandidatesResponse:
    """A page of candidates; one more than its size says that another page follows."""
    candidates = page.candidates[:size]
    cursor: Cursor | None = None
    if len(page.candidates) > size:
        cursor = [candidates[-1].place]
    return pb.ListCandidatesResponse(
        candidates=[write_candidate(candidate) for candidate in candidates],
        seats=page.seats.allowed,
        seats_taken=page.seats.taken,
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_candidate(candidate: Candidate) -> pb.Candidate:
    """One candidate."""
    state = candidate.state
    return pb.Candidate(
        place=candidate.place,
        member_id=candidate.member_id,
        value=candidate.value,
        reach_month=write_month(candidate.reach_month),
        state=STATES[state] if state else pb.INVITATION_STATE_UNSPECIFIED,
    )


def write_invitation(invitation: Invitation, level: Level) -> pb.TierInvitation:
    """How far an invitation is."""
    return pb.TierInvitation(
        level=write_level(level),
        state=STATES[invitation.state],
        create_time=write_time(invitation.create_time),
        answer_until_time=write_optional_time(invitation.answer_until_time),
        accept_time=write_optional_time(invitation.accept_time),
        until_time=write_optional_time(invitation.until_time),
    )
