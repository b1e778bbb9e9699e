"""InviteMember, AcceptInvitation and ListCandidates through a server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from laurel.sandbox.v1 import clock_pb2, clock_pb2_grpc
from laurel.scoring.v1 import tiers_pb2 as pb
from laurel.scoring.v1 import tiers_pb2_grpc
from laurel_kit.clock import SettableClock
from sqlalchemy import text

from tests.support.databases import DatabaseOf
from tests.support.programs import program_text
from tests.support.scoring import (
    MODEL,
    PATIENCE,
    PROGRAM,
    Scoring,
    instant,
    line,
    number,
    purchase,
    refusal,
    returned,
    scoring,
    settled_month,
    stamp,
)

# One seat for every two members, strictly fewer: two of five.
LEVEL = "        - {level_id: L5, display_name: 5级, from_score: 20001}\n"
GUILD = (
    "        - {level_id: guild, display_name: Guild, from_score: 10002,"
    " invitation: {one_in: 2}, term_months: 2}\n"
)
KEY = {"program_id": PROGRAM, "model_id": MODEL, "level_id": "guild"}
YUAN = {"m-a": 16000, "m-b": 16000, "m-c": 19000, "m-d": 17000, "m-e": 100}


@pytest.fixture
async def whole(database_of: DatabaseOf, clock: SettableClock) -> Any:
    program = program_text().replace(LEVEL, GUILD)
    assert GUILD in program
    async with scoring(database_of, clock, program=program) as served:
        await bought(served, YUAN)
        await settled_month(served, "2026-03")
        yield served


async def bought(whole: Scoring, yuan: dict[str, int], day: str = "2026-02-01") -> None:
    await whole.recorded(
        *(
            purchase(f"{day}T10:00", line(each * 100), member_id=member_id)
            for member_id, each in yuan.items()
        )
    )


def stub(whole: Scoring) -> Any:
    return tiers_pb2_grpc.TierServiceStub(whole.served.channel)


async def invite(whole: Scoring, member_id: str, **fields: Any) -> pb.InviteMemberResponse:
    known = {**KEY, "request_id": number("r"), "member_id": member_id}
    request = pb.InviteMemberRequest(**{**known, **fields})
    return await stub(whole).InviteMember(request, timeout=PATIENCE)


async def accept(whole: Scoring, member_id: str, **fields: Any) -> pb.AcceptInvitationResponse:
    known = {**KEY, "request_id": number("r"), "member_id": member_id}
    request = pb.AcceptInvitationRequest(**{**known, **fields})
    return await stub(whole).AcceptInvitation(request, timeout=PATIENCE)


async def candidates(whole: Scoring, **fields: Any) -> pb.ListCandidatesResponse:
    request = pb.ListCandidatesRequest(**{**KEY, **fields})
    return await stub(whole).ListCandidates(request, timeout=PATIENCE)


async def tier(whole: Scoring, member_id: str) -> pb.Tier:
    request = pb.GetTierRequest(program_id=PROGRAM, model_id=MODEL, member_id=member_id)
    return (await stub(whole).GetTier(request, timeout=PATIENCE)).tier


async def causes(whole: Scoring, member_id: str) -> list[int]:
    request = pb.ListTierChangesRequest(program_id=PROGRAM, model_id=MODEL, member_id=member_id)
    found = await stub(whole).ListTierChanges(request, timeout=PATIENCE)
    return [change.cause for change in found.changes]


async def advance(whole: Scoring, until: str) -> None:
    moving = clock_pb2_grpc.ClockServiceStub(whole.served.channel)
    request = clock_pb2.AdvanceClockRequest(until_time=stamp(instant(until)))
    await moving.AdvanceClock(request, timeout=PATIENCE)


async def states(whole: Scoring) -> dict[str, int]:
    return {each.member_id: each.state for each in (await candidates(whole)).candidates}


async def test_list_candidates_are_in_the_order_of_scores_then_of_ids(whole: Scoring) -> None:
    first = await candidates(whole, page_size=3)
    rest = await candidates(whole, page_size=3, page_token=first.next_page_token)
    found = [*first.candidates, *rest.candidates]
    assert [(each.place, each.member_id, each.value) for each in found] == [
        (1, "m-c", 19020),
        (2, "m-d", 17020),
        (3, "m-a", 16020),
        (4, "m-b", 16020),
    ]
    assert (first.seats, first.seats_taken, rest.next_page_token) == (2, 0, "")
    assert (await tier(whole, "m-c")).level.level_id == "L4"


async def test_invite_member_keeps_a_seat_that_the_member_accepts_i17_i18(whole: Scoring) -> None:
    made = await invite(whole, "m-a")
    assert made.invitation.state == pb.INVITATION_STATE_OFFERED
    assert made.invitation.answer_until_time == stamp(instant("2026-03-24T12:00"))
    assert (made.seats, made.seats_taken) == (2, 1)
    found = await tier(whole, "m-a")
    assert (found.level.level_id, found.invitation) == ("L4", made.invitation)
    held = (await accept(whole, "m-a")).invitation
    assert held.until_time == stamp(instant("2026-05-10T12:00"))
    found = await tier(whole, "m-a")
    assert (found.level.level_id, found.held_level.level_id) == ("guild", "L4")
    assert (found.since_time, found.until_time) == (held.accept_time, held.until_time)
    assert not found.outlook.HasField("next_level")
    assert await causes(whole, "m-a") == [
        pb.TIER_CAUSE_INVITATION_ACCEPTED,
        pb.TIER_CAUSE_REACHED,
    ]


async def test_invite_member_refuses_who_cannot_have_a_seat_o41(whole: Scoring) -> None:
    assert await refusal(invite(whole, "m-e")) == ("FAILED_PRECONDITION", "SCORE_BELOW_LEVEL")
    assert await refusal(invite(whole, "nobody")) == ("FAILED_PRECONDITION", "SCORE_BELOW_LEVEL")
    by_score = ("FAILED_PRECONDITION", "LEVEL_NOT_BY_INVITATION")
    assert await refusal(invite(whole, "m-a", level_id="L4")) == by_score
    assert await refusal(candidates(whole, level_id="L4")) == by_score
    assert await refusal(invite(whole, "m-a", level_id="x")) == ("NOT_FOUND", "LEVEL_NOT_FOUND")
    await invite(whole, "m-a")
    assert await refusal(invite(whole, "m-a")) == ("FAILED_PRECONDITION", "ALREADY_INVITED")
    await invite(whole, "m-b")
    assert await refusal(invite(whole, "m-c")) == ("RESOURCE_EXHAUSTED", "TIER_FULL")


async def test_accept_invitation_needs_an_offer(whole: Scoring) -> None:
    missing = ("FAILED_PRECONDITION", "INVITATION_NOT_FOUND")
    assert await refusal(accept(whole, "m-a")) == missing
    await invite(whole, "m-a")
    await accept(whole, "m-a")
    assert await refusal(accept(whole, "m-a")) == missing
    assert await refusal(accept(whole, "m-a", model_id="x")) == ("NOT_FOUND", "MODEL_NOT_FOUND")


async def test_invite_member_and_accept_invitation_repeated_happen_once(
    whole: Scoring, clock: SettableClock
) -> None:
    made = await invite(whole, "m-a", request_id="r")
    held = await accept(whole, "m-a", request_id="s")
    clock.set(instant("2026-03-12T12:00"))
    again = await invite(whole, "m-a", request_id="r")
    still = await accept(whole, "m-a", request_id="s")
    assert (made.replayed, again.replayed, held.replayed, still.replayed) == (
        False, True, False, True,
    )  # fmt: skip
    assert (again.invitation, still.invitation) == (made.invitation, held.invitation)
    other = accept(whole, "m-a", request_id="r")
    assert await refusal(other) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    assert (await candidates(whole)).seats_taken == 1


async def test_no_more_members_are_invited_at_once_than_there_are_seats(whole: Scoring) -> None:
    calls = (invite(whole, member) for member in ("m-a", "m-b", "m-c", "m-d"))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    offered = [each for each in answers if isinstance(each, pb.InviteMemberResponse)]
    assert len(offered) == (await candidates(whole)).seats_taken == 2


async def test_who_waits_is_offered_the_seat_of_an_offer_that_lapsed(whole: Scoring) -> None:
    for member in ("m-b", "m-a"):
        await invite(whole, member)
    for member in ("m-d", "m-c"):
        made = await invite(whole, member, join_waitlist=True)
        assert made.invitation.state == pb.INVITATION_STATE_WAITING
    await accept(whole, "m-a")
    await advance(whole, "2026-03-25T00:00")
    # m-b did not answer; of the two that wait m-c has the higher score.
    assert await states(whole) == {
        "m-c": pb.INVITATION_STATE_OFFERED,
        "m-d": pb.INVITATION_STATE_WAITING,
        "m-a": pb.INVITATION_STATE_ACCEPTED,
        "m-b": pb.INVITATION_STATE_UNSPECIFIED,
    }
    told = text("select key, payload ->> 'state' from outbox where topic = 'invitation'")
    async with whole.database.read() as connection:
        rows = {tuple(row) for row in await connection.execute(told)}
    assert {("m-b", "lapsed"), ("m-c", "offered")} <= rows


async def test_a_publication_counts_the_seats_anew_and_offers_them(whole: Scoring) -> None:
    for member in ("m-a", "m-b"):
        await invite(whole, member)
        await accept(whole, member)
    await invite(whole, "m-d", join_waitlist=True)
    await bought(whole, {"m-f": 1, "m-g": 1}, "2026-03-01")
    await advance(whole, "2026-04-02T00:00")
    found = await candidates(whole)
    assert (found.seats, found.seats_taken) == (3, 3)
    assert (await states(whole))["m-d"] == pb.INVITATION_STATE_OFFERED


async def test_a_term_goes_on_while_the_score_reaches_the_level_i18(whole: Scoring) -> None:
    for member in ("m-a", "m-b"):
        await invite(whole, member)
        await accept(whole, member)
    # m-b gives everything back in time for the settlement of May.
    async with whole.database.read() as connection:
        order = text("select order_id from activity where member_id = 'm-b'")
        order_id = (await connection.execute(order)).scalar_one()
    await whole.recorded(returned("2026-03-09T10:00", order_id, member_id="m-b"))
    await advance(whole, "2026-05-10T12:00")
    kept, lost = await tier(whole, "m-a"), await tier(whole, "m-b")
    assert (kept.level.level_id, lost.level.level_id) == ("guild", "L1")
    assert kept.until_time == stamp(instant("2026-07-10T12:00"))
    assert (await causes(whole, "m-a"))[0] == pb.TIER_CAUSE_INVITATION_RENEWED
    assert (await causes(whole, "m-b"))[0] == pb.TIER_CAUSE_INVITATION_ENDED
    assert not lost.HasField("invitation")


async def counted(whole: Scoring, members: int) -> None:
    """What a publication of so many members leaves behind."""
    query = text("update invited_level set members = :members where level_id = 'guild'")
    async with whole.database.begin() as connection:
        changed = await connection.execute(query, {"members": members})
    assert changed.rowcount == 1


async def test_seats_are_strictly_fewer_than_one_in_ten_thousand_members_p55_o41(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    program = program_text().replace(LEVEL, GUILD.replace("one_in: 2", "one_in: 10000"))
    async with scoring(database_of, clock, program=program) as served:
        await bought(served, YUAN)
        await settled_month(served, "2026-03")
        for members, seats in ((5_000_000, 499), (10_000, 0), (10_001, 1)):
            await counted(served, members)
            assert (await candidates(served)).seats == seats
        # The score is enough, and yet nobody has the level without an invitation.
        assert (await tier(served, "m-c")).level.level_id == "L4"
        assert (await invite(served, "m-c")).seats_taken == 1
        assert await refusal(invite(served, "m-a")) == ("RESOURCE_EXHAUSTED", "TIER_FULL")
