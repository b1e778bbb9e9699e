"""Whom to win back and how often: M18 and M19 as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.dormancy import Dormancy
from laurel_benefits.domain.errors import WinBackNotFound
from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId
from laurel_benefits.domain.win_back import (
    Absence,
    WinBackCase,
    decide_contact,
    find_win_back,
    held_out,
    make_contact,
    reaction_end,
    segments_from,
)
from laurel_kit.calendar import business_day

from tests.support.benefits_rules import NOON, REVISION, SHANGHAI, jd

DAY = timedelta(days=1)
TODAY = business_day(NOON, SHANGHAI)
JD = ProgramId("jd")
RULES = find_win_back(jd().win_back, JD)


def key(name: str) -> MemberKey:
    return MemberKey(program_id=JD, member_id=MemberId(name))


CONTACTED = next(key(f"m-{n}") for n in range(100) if not held_out(key(f"m-{n}"), 1000))
HELD_OUT = next(key(f"m-{n}") for n in range(100) if held_out(key(f"m-{n}"), 1000))


def dormancy(days: int | None) -> Dormancy:
    """What scoring says of who has not ordered for so many days."""
    reached = [each.segment_id for each in RULES.segments if days and each.days_from <= days]
    return Dormancy(
        member_id=CONTACTED.member_id,
        segment_id=reached[-1] if reached else "",
        last_order_date=None if days is None else TODAY - days * DAY,
    )


def case(days: int | None, *, contacted_days: int | None = None, silent: int = 0, **options):
    absence = Absence(
        member=options.pop("member", CONTACTED),
        dormancy=dormancy(days),
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
        (30, "dormant-short"),
        (60, "dormant-short"),
        (61, "dormant-mid"),
        (180, "dormant-mid"),
        (181, "dormant-long"),
    ],
)
def test_a_segment_is_that_of_scoring_by_days_without_an_order_m18(days, segment) -> None:
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
    assert (contact.segment_id, contact.offers) == ("dormant-long", ("coupon", "beans"))


def test_a_program_without_rules_wins_nobody_back() -> None:
    with pytest.raises(WinBackNotFound):
        find_win_back(replace(jd(), win_back=None).win_back, JD)


def test_an_order_of_the_day_of_a_contact_is_a_reaction_to_it_m19() -> None:
    end = reaction_end(dormancy(30), SHANGHAI)
    assert end
    assert business_day(end, SHANGHAI) == TODAY - 29 * DAY
    assert reaction_end(dormancy(None), SHANGHAI) is None


def test_pages_go_on_with_the_segment_they_have_come_to() -> None:
    ids = [[each.segment_id for each in segments_from(RULES, *where)] for where in (
        ("", ""), ("", "dormant-mid"), ("dormant-mid", "dormant-mid"), ("dormant-long", ""),
    )]  # fmt: skip
    assert ids == [
        ["dormant-short", "dormant-mid", "dormant-long"],
        ["dormant-mid", "dormant-long"],
        ["dormant-mid"],
        ["dormant-long"],
    ]
