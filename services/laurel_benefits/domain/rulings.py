"""Benefits given or taken by hand: the latest ruling on a benefit holds until its end (B11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from laurel_benefits.domain.errors import BenefitNotGranted, EndPassed
from laurel_benefits.domain.ids import BenefitId, MemberKey


class RulingKind(StrEnum):
    """What was decided by hand."""

    GRANTED = "GRANTED"
    WITHHELD = "WITHHELD"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What was decided by hand about a member's benefit, by whom and why."""

    member: MemberKey
    benefit_id: BenefitId
    position: int
    """Its place among the rulings on this benefit of this member, from 1."""
    kind: RulingKind
    reason: str
    maker: str
    create_time: datetime
    expire_time: datetime | None
    """From when on it no longer holds; None where it only ended a grant."""

    def grants_at(self, instant: datetime) -> bool:
        """Whether the member has the benefit by it."""
        return self.kind is RulingKind.GRANTED and self._holds_at(instant)

    def withholds_at(self, instant: datetime) -> bool:
        """Whether the member may not have the benefit because of it."""
        return self.kind is RulingKind.WITHHELD and self._holds_at(instant)

    def _holds_at(self, instant: datetime) -> bool:
        return self.expire_time is not None and instant < self.expire_time


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingDraft:
    """What somebody wants to decide about a benefit."""

    member: MemberKey
    benefit_id: BenefitId
    reason: str
    maker: str
    expire_time: datetime | None


def decide_grant(draft: RulingDraft, latest: Ruling | None, now: datetime) -> Ruling:
    """The benefit is the member's until the end. Raises EndPassed."""
    refuse_a_passed_end(draft, now)
    return ruling_of(draft, latest, RulingKind.GRANTED, now)


def decide_revocation(draft: RulingDraft, latest: Ruling | None, now: datetime) -> Ruling:
    """The benefit is withheld until the end; without one, a running grant is taken back.

    Raises EndPassed, BenefitNotGranted.
    """
    refuse_a_passed_end(draft, now)
    if draft.expire_time is not None:
        return ruling_of(draft, latest, RulingKind.WITHHELD, now)
    if latest is None or not latest.grants_at(now):
        raise BenefitNotGranted(benefit_id=draft.benefit_id)
    return ruling_of(draft, latest, RulingKind.WITHDRAWN, now)


def refuse_a_passed_end(draft: RulingDraft, now: datetime) -> None:
    """A ruling must hold for a while at least."""
    if draft.expire_time is not None and draft.expire_time <= now:
        raise EndPassed(expire_time=draft.expire_time, current_time=now)


def ruling_of(draft: RulingDraft, latest: Ruling | None, kind: RulingKind, now: datetime) -> Ruling:
    """The ruling after the latest one."""
    return Ruling(
        member=draft.member,
        benefit_id=draft.benefit_id,
        position=latest.position + 1 if latest else 1,
        kind=kind,
        reason=draft.reason,
        maker=draft.maker,
        create_time=now,
        expire_time=draft.expire_time,
    )
