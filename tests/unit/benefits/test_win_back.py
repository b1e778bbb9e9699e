"""Whom to win back and how often: M18 and M19 as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.errors import WinBackNotFound
from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId
from laurel_benefits.domain.win_back import (
    Absence,
    WinBackCase,
    decide_contact,
    find_win_back,
    held_out,
    make_contact,
)

from tests.support.benefits_rules import NOON, REVISION, SHANGHAI, jd

DAY = timedelta(days=1)
JD = ProgramId("jd")
RULES = find_win_back(jd().win_back, JD)


def key(name: str) -> MemberKey:
    return MemberKey(program_id=JD, member_id=MemberId(name))


CONTACTED = next(key(f"m-{n}") for n in range(100) if not held_out(key(f"m-{n}"), 1000))
HELD_OUT = next(key(f"m-{n}") for n in range(100) if held_out(key(f"m-{n}"), 1000))


def case(days: int | None, *, contacted_days: int | None = None, silent: int = 0, **options):
    absence = Absence(
        member=options.pop("member", CONTACTED),
        last_order_time=None if days is None else NOON - days * DAY,
        latest_contact_time=None if contacted_days is None else NOON - contacted_days * DAY,
        silent_contacts=silent,
    )
    return WinBackCase(
        rules=RULES, absence=absence, now=NOON, zone=SHANGHAI, program_revision=REVISION
    )


@pytest.mark.parametrize(
    ("days", "segment"),
    [
        (None, None),
        (0, None),
        (29, None),
        (30, "short"),
        (59, "short"),
        (60, "mid"),
        (180, "mid"),
        (181, "long"),
    ],
)
def test_a_segment_goes_by_days_without_an_order_m18(days, segment) -> None:
    found = case(days).segment
    assert (found.segment_id if found else None) == segment
    assert decide_contact(case(days)).allowed is (segment is not None)


@pytest.mark.parametrize(("since", "allowed"), [(0, False), (29, False), (30, True)])
def test_a_member_is_contacted_once_in_thirty_days_m19(since, allowed) -> None:
    decision = decide_contact(case(90, contacted_days=since, silent=1))
    assert decision.allowed is allowed
    if not allowed:
        (reason,) = decision.reasons
        assert reason.code is ReasonCode.COOLDOWN
        assert reason.available_from
        assert reason.available_from > NOON


@pytest.mark.parametrize(("silent", "allowed"), [(0, True), (2, True), (3, False), (4, False)])
def test_three_contacts_without_reaction_are_enough_m19(silent, allowed) -> None:
    decision = decide_contact(case(400, contacted_days=60, silent=silent))
    assert decision.allowed is allowed
    if not allowed:
        assert [each.code for each in decision.reasons] == [ReasonCode.NO_REACTION]


def test_a_tenth_is_held_out_and_it_is_always_the_same_m19() -> None:
    members = [key(f"member-{number}") for number in range(5000)]
    chosen = [member for member in members if held_out(member, 1000)]
    assert 400 < len(chosen) < 600
    assert chosen == [member for member in members if held_out(member, 1000)]
    assert not any(held_out(member, 0) for member in members)
    assert all(held_out(member, 10000) for member in members)
    decision = decide_contact(case(90, member=HELD_OUT))
    assert [each.code for each in decision.reasons] == [ReasonCode.HOLDOUT]


def test_a_contact_carries_the_offers_of_its_segment() -> None:
    contact = make_contact(case(200), position=1, channel="sms")
    assert (contact.segment_id, contact.offers) == ("long", ("coupon", "beans"))


def test_a_program_without_rules_wins_nobody_back() -> None:
    with pytest.raises(WinBackNotFound):
        find_win_back(replace(jd(), win_back=None).win_back, JD)
