"""Uses of benefits: counted once, and given back once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from laurel_benefits.domain.decisions import Decision, Value
from laurel_benefits.domain.errors import BenefitUseReversed
from laurel_benefits.domain.ids import (
    BenefitId,
    BenefitUseId,
    MemberKey,
    MembershipId,
    OrderId,
    RevisionId,
)
from laurel_benefits.domain.quotas import Period


class UseState(StrEnum):
    """Whether a use counts."""

    USED = "USED"
    REVERSED = "REVERSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitUse:
    """A benefit that was used once."""

    use_id: BenefitUseId
    member: MemberKey
    benefit_id: BenefitId
    reference: str
    period_key: str
    """The period it was counted in; empty where uses are not counted."""
    use_time: datetime
    value: Value | None
    program_revision: RevisionId
    membership_id: MembershipId | None = None
    """The membership that gave it; None where none did."""
    reverse_time: datetime | None = None
    reverse_reason: str = ""
    order_id: OrderId | None = None
    """The order it was used in, with which it comes back; None where it was used in none."""
    stock_key: str = ""
    """The period whose stock it was taken from; empty where there is no stock."""
    expire_time: datetime | None = None
    """Until when what it gave can be redeemed; None without end (F22)."""

    @property
    def state(self) -> UseState:
        """Whether it counts."""
        return UseState.USED if self.reverse_time is None else UseState.REVERSED


def make_use(
    decision: Decision,
    period: Period | None,
    *,
    use_id: BenefitUseId,
    member: MemberKey,
    benefit_id: BenefitId,
    reference: str,
    order_id: OrderId | None,
    stock_period: Period | None,
    now: datetime,
    lifetime: timedelta | None = None,
) -> BenefitUse | None:
    """The use that a decision allows; none when that is a no."""
    if not decision.allowed:
        return None
    return BenefitUse(
        use_id=use_id,
        member=member,
        benefit_id=benefit_id,
        reference=reference,
        period_key=period.key if period else "",
        use_time=now,
        value=decision.value,
        program_revision=decision.program_revision,
        membership_id=decision.evidence.membership_id,
        order_id=order_id,
        stock_key=stock_period.key if stock_period else "",
        expire_time=now + lifetime if lifetime else None,
    )


def with_use_counted(decision: Decision) -> Decision:
    """The decision as its answer is given: the quota counts the use that was allowed."""
    if decision.quota is None or not decision.allowed:
        return decision
    return replace(decision, quota=replace(decision.quota, used=decision.quota.used + 1))


def decide_reversal(use: BenefitUse, *, reason: str, now: datetime) -> BenefitUse:
    """The use given back. Raises BenefitUseReversed when it was before."""
    if use.reverse_time is not None:
        raise BenefitUseReversed(use_id=use.use_id, reverse_time=use.reverse_time)
    return replace(use, reverse_time=now, reverse_reason=reason)
