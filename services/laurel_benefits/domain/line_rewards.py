"""What lines of orders were given beyond what they earned, each a posting that can be taken."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_benefits.domain.ids import ActivityId, LineId, OrderKey, RequestId
from laurel_benefits.domain.orders import GrantState


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReward:
    """One posting for a review of a line, for an approval of it, or a merchant's gift for it."""

    order: OrderKey
    line_id: LineId
    review_id: ActivityId
    """The review; an approval is paid for its review. A gift has its posting's name here."""
    activity_id: ActivityId
    """The review itself, or the approval, or the gift."""
    ledger_request_id: RequestId
    points: int
    state: GrantState = GrantState.PENDING
