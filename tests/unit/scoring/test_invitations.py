"""Levels by invitation: seats, offers, terms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from laurel_scoring.domain.errors import (
    AlreadyInvited,
    InvitationNotFound,
    LevelNotByInvitation,
    LevelNotFound,
    ScoreBelowLevel,
    TierFull,
)
from laurel_scoring.domain.invitations import (
    Invitation,
    InvitationState,
    Seats,
    decide_acceptance,
    decide_invitation,
    invited_level,
    reassess,
    seats_allowed,
)
from laurel_scoring.domain.models import Level

from tests.support.scoring_worlds import shipped

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
LATER = NOW + timedelta(days=14)
APASS = Level(
    level_id="apass",
    display_name="APASS",
    from_score=2500,
    position=3,
    term_months=12,
    one_in=10_000,
)


@pytest.mark.parametrize(
    ("members", "seats"),
    [(5_000_000, 499), (10_000, 0), (10_001, 1), (20_000, 1), (20_001, 2), (1, 0), (0, 0)],
)
def test_seats_are_strictly_fewer_than_one_in_so_many_p55_o41(members: int, seats: int) -> None:
    assert seats_allowed(members, 10_000) == seats


def invited(*, value: int = 2600, taken: int = 0, waits: bool = False, **fields: Any) -> Invitation:
    return decide_invitation(
        "i",
        level=APASS,
        value=value,
        standing=fields.get("standing"),
        seats=Seats(allowed=1, taken=taken),
        waits=waits,
        now=NOW,
        answer_until=LATER,
    )


def test_a_free_seat_is_offered_and_without_one_the_member_waits_or_is_refused_i17() -> None:
    offered = invited()
    assert (offered.state, offered.answer_until_time) == (InvitationState.OFFERED, LATER)
    waiting = invited(taken=1, waits=True)
    assert (waiting.state, waiting.answer_until_time) == (InvitationState.WAITING, None)
    with pytest.raises(TierFull):
        invited(taken=1)
    with pytest.raises(TierFull):
        invited(taken=2)


def test_an_invitation_asks_for_the_score_and_is_made_once() -> None:
    assert invited(value=2500).state is InvitationState.OFFERED
    with pytest.raises(ScoreBelowLevel):
        invited(value=2499)
    with pytest.raises(AlreadyInvited):
        invited(standing=invited())


def test_an_offer_is_accepted_before_it_lapses_for_a_term_i18() -> None:
    held = decide_acceptance(invited(), level=APASS, now=NOW, zone=ZONE)
    assert held.until_time == datetime(2027, 3, 10, 4, tzinfo=UTC)
    assert (held.holds(NOW), held.holds(held.until_time)) == (True, False)
    for standing, now in [
        (None, NOW),
        (invited(taken=1, waits=True), NOW),
        (invited(), LATER),
        (held, NOW),
    ]:
        with pytest.raises(InvitationNotFound):
            decide_acceptance(standing, level=APASS, now=now, zone=ZONE)


@pytest.mark.parametrize(
    ("value", "taken", "state"),
    [
        (2500, 1, InvitationState.ACCEPTED),
        (2499, 1, InvitationState.ENDED),
        (9999, 2, InvitationState.ENDED),
    ],
)
def test_at_the_end_of_a_term_the_score_and_the_seats_decide_i18(
    value: int, taken: int, state: InvitationState
) -> None:
    held = decide_acceptance(invited(), level=APASS, now=NOW, zone=ZONE)
    assert held.until_time is not None
    seats = Seats(allowed=1, taken=taken)
    after = reassess(held, value=value, level=APASS, seats=seats, now=held.until_time, zone=ZONE)
    assert after.state is state


def test_only_levels_by_invitation_have_seats() -> None:
    model = shipped("taoqi", "taobao")
    assert invited_level(model, "apass").one_in
    with pytest.raises(LevelNotByInvitation):
        invited_level(model, "super")
    with pytest.raises(LevelNotFound):
        invited_level(model, "diamond")
