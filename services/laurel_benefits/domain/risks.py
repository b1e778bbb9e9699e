"""Members who are watched or blocked because of abuse: the latest judgement holds (B10, B11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from laurel_benefits.domain.errors import EndPassed
from laurel_benefits.domain.ids import MemberKey


class RiskState(StrEnum):
    """How a member is judged."""

    NORMAL = "NORMAL"
    WATCH = "WATCH"
    BLOCKED = "BLOCKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRisk:
    """A judgement of a member, by whom and why."""

    member: MemberKey
    position: int
    """Its place among the judgements of this member, from 1."""
    state: RiskState
    reason: str
    maker: str
    create_time: datetime
    expire_time: datetime | None
    """From when on the member is normal again; None when that is for somebody to say."""

    def state_at(self, instant: datetime) -> RiskState:
        """What holds at an instant, as far as this judgement goes."""
        over = self.expire_time is not None and instant >= self.expire_time
        return RiskState.NORMAL if over else self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskDraft:
    """How somebody wants to judge a member."""

    member: MemberKey
    state: RiskState
    reason: str
    maker: str
    expire_time: datetime | None


def decide_risk(draft: RiskDraft, latest: MemberRisk | None, now: datetime) -> MemberRisk:
    """The judgement after the latest one. Raises EndPassed."""
    if draft.expire_time is not None and draft.expire_time <= now:
        raise EndPassed(expire_time=draft.expire_time, current_time=now)
    return MemberRisk(
        member=draft.member,
        position=latest.position + 1 if latest else 1,
        state=draft.state,
        reason=draft.reason,
        maker=draft.maker,
        create_time=now,
        expire_time=draft.expire_time,
    )


def risk_at(latest: MemberRisk | None, instant: datetime) -> RiskState:
    """How a member stands; who was never judged is normal."""
    return latest.state_at(instant) if latest else RiskState.NORMAL
