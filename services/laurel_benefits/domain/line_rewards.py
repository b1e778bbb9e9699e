"""What reviews of a line of an order have paid, posting by posting, so that it can be taken."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_benefits.domain.ids import ActivityId, LineId, OrderKey, RequestId
from laurel_benefits.domain.orders import GrantState


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReward:
    """One posting for a review of a line, or for an approval of it."""

    order: OrderKey
    line_id: LineId
    review_id: ActivityId
    """The review; an approval is paid for its review."""
    activity_id: ActivityId
    """The review itself, or the approval."""
    ledger_request_id: RequestId
    points: int
    state: GrantState = GrantState.PENDING
