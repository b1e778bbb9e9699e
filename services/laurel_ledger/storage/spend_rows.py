"""What spendings and their reversals say of lines, of points that are too few and of which to take
first, and what earnings cost, as stored.
"""

from __future__ import annotations

import json
from typing import Any

from laurel_ledger.domain.spendings import (
    AskedLine,
    Line,
    LineReversal,
    LineReversals,
    LotPolicy,
    Spending,
    SpendShortfall,
)


def spending_content(spending: Spending) -> dict[str, Any]:
    """What a spending says beyond its amount."""
    content: dict[str, Any] = {
        "requested": spending.requested,
        "shortfall": spending.shortfall,
        "lines": spending.lines,
    }
    if spending.lot_policy is not LotPolicy.SOONEST_EXPIRY:
        content["lot_policy"] = spending.lot_policy
    return content


def said_content(spending: Spending | None, cost: int | None) -> dict[str, Any]:
    """What a spending says beyond its amount, or what an earning cost."""
    return {"cost": cost} if spending is None else spending_content(spending)


def spending_of(content: str | dict[str, Any] | None) -> Spending | None:
    """The same from what is stored; None where nothing is."""
    if not content:
        return None
    found = json.loads(content) if isinstance(content, str) else content
    return Spending(
        requested=found["requested"],
        shortfall=SpendShortfall(found["shortfall"]),
        lines=tuple(Line(*line) for line in found["lines"]),
        lot_policy=LotPolicy(found.get("lot_policy", LotPolicy.SOONEST_EXPIRY)),
    )


def cost_of(content: str | None) -> int | None:
    """What an earning cost; None where nothing is stored of it."""
    return json.loads(content)["cost"] if content else None


def line_reversals_content(done: LineReversals) -> dict[str, Any]:
    """What a reversal did to the lines of a spending."""
    return {"asked": done.asked, "reversed": done.lines}


def line_reversals_of(content: str | None) -> LineReversals | None:
    """The same from what is stored; None where nothing is."""
    if not content:
        return None
    found = json.loads(content)
    return LineReversals(
        asked=tuple(AskedLine(*line) for line in found["asked"]),
        lines=tuple(LineReversal(*line) for line in found["reversed"]),
    )
