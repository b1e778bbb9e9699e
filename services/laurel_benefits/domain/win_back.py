"""Winning back members who stay away: whom, with what, and how often (M18, M19)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day, day_start
from laurel_kit.values import BASIS_POINTS_WHOLE

from laurel_benefits.domain.decisions import (
    Decision,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
)
from laurel_benefits.domain.dormancy import Dormancy, DormancySegment, WinBackRules
from laurel_benefits.domain.errors import WinBackNotFound
from laurel_benefits.domain.gates import judge_risk
from laurel_benefits.domain.ids import MemberKey, ProgramId, RevisionId
from laurel_benefits.domain.risks import MemberRisk, risk_at
from laurel_benefits.domain.standings import NOT_ASKED

CONTACT = "contact"
"""The subject of reasons about contacts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """When a member bought last, and how often was written to since."""

    member: MemberKey
    dormancy: Dormancy
    latest_contact_time: datetime | None
    silent_contacts: int
    """Contacts since the last order: none of them has brought one."""
    risk: MemberRisk | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A member who was written to."""

    member: MemberKey
    position: int
    """Its place among the member's contacts, from 1."""
    contact_time: datetime
    segment_id: str
    offers: tuple[str, ...]
    channel: str
    program_revision: RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class WinBackCase:
    """What a contact is decided on."""

    rules: WinBackRules
    absence: Absence
    now: datetime
    zone: ZoneInfo
    program_revision: RevisionId

    @property
    def absent_days(self) -> int:
        """Business days since the last order; zero for who never bought."""
        last = self.absence.dormancy.last_order_date
        return (business_day(self.now, self.zone) - last).days if last else 0

    @property
    def segment(self) -> DormancySegment | None:
        """The segment the member is in; None for who is not dormant."""
        return self.rules.segment_of(self.absence.dormancy.segment_id)


def find_win_back(rules: WinBackRules | None, program_id: ProgramId) -> WinBackRules:
    """The rules of the program. Raises WinBackNotFound where it wins nobody back."""
    if rules is None:
        raise WinBackNotFound(program_id=program_id)
    return rules


def reaction_end(dormancy: Dormancy, zone: ZoneInfo) -> datetime | None:
    """From when on contacts have brought no order; None for who never bought.

    An order of the day of a contact is a reaction to it.
    """
    last = dormancy.last_order_date
    return day_start(last + timedelta(days=1), zone) if last else None


def segments_from(
    rules: WinBackRules, segment_id: str, first_id: str
) -> tuple[DormancySegment, ...]:
    """The segments to look at in their order: one or all, from where a page has come to."""
    chosen = [each for each in rules.segments if segment_id in {"", each.segment_id}]
    ids = [each.segment_id for each in chosen]
    return tuple(chosen[ids.index(first_id) :]) if first_id in ids else tuple(chosen)


def decide_contact(case: WinBackCase) -> Decision:
    """Whether a member may be contacted now."""
    absence, now = case.absence, case.now
    reasons = (*judge_risk(absence.risk, now), *judge_contact(case))
    return Decision(
        allowed=not reasons,
        reasons=reasons,
        value=None,
        evidence=evidence_of(NOT_ASKED, None, now, risk_state=risk_at(absence.risk, now)),
        near_miss=near_miss_of(reasons, None),
        degraded=False,
        program_revision=case.program_revision,
    )


def judge_contact(case: WinBackCase) -> Iterator[Reason]:
    """What speaks against a contact: not dormant, held out, too soon, or no reaction before."""
    rules, absence = case.rules, case.absence
    if case.segment is None:
        yield Reason(
            code=ReasonCode.NOT_DORMANT,
            subject=CONTACT,
            required=rules.segments[0].days_from,
            actual=case.absent_days,
        )
    if held_out(absence.member, rules.holdout_bps):
        yield Reason(code=ReasonCode.HOLDOUT, subject=CONTACT)
    free = next_contact_time(case)
    if free is not None and case.now < free:
        yield Reason(code=ReasonCode.COOLDOWN, subject=CONTACT, available_from=free)
    if absence.silent_contacts >= rules.silent_contacts_max:
        yield Reason(code=ReasonCode.NO_REACTION, subject=CONTACT, actual=absence.silent_contacts)


def next_contact_time(case: WinBackCase) -> datetime | None:
    """From when on a member may be contacted again; None for who never was."""
    latest = case.absence.latest_contact_time
    if latest is None:
        return None
    days = timedelta(days=1) * case.rules.contact_interval_days
    return day_start(business_day(latest, case.zone) + days, case.zone)


def held_out(member: MemberKey, holdout_bps: int) -> bool:
    """Whether a member is one of those who are never contacted: always the same ones.

    The share is taken from a digest of the name, so that nothing has to be kept, and nobody can
    choose.
    """
    name = f"{member.program_id}/{member.member_id}"
    return int.from_bytes(sha256(name.encode()).digest()) % BASIS_POINTS_WHOLE < holdout_bps


def make_contact(case: WinBackCase, *, position: int, channel: str) -> Contact:
    """The contact that a decision allows."""
    assert case.segment is not None, "only who is dormant is contacted"
    return Contact(
        member=case.absence.member,
        position=position,
        contact_time=case.now,
        segment_id=case.segment.segment_id,
        offers=case.segment.offers,
        channel=channel,
        program_revision=case.program_revision,
    )
