"""What spendings and their reversals say of lines, and of points that are too few, as stored."""

from __future__ import annotations

import json
from typing import Any

from laurel_ledger.domain.spendings import (
    AskedLine,
    Line,
    LineReversal,
    LineReversals,
    Spending,
    SpendShortfall,
)


def spending_content(spending: Spending) -> dict[str, Any]:
    """What a spending says beyond its amount."""
    return {
        "requested": spending.requested,
        "shortfall": spending.shortfall,
        "lines": spending.lines,
    }


def spending_of(content: str | dict[str, Any] | None) -> Spending | None:
    """The same from what is stored; None where nothing is."""
    if not content:
        return None
    found = json.loads(content) if isinstance(content, str) else content
    return Spending(
        requested=found["requested"],
        shortfall=SpendShortfall(found["shortfall"]),
        lines=tuple(Line(*line) for line in found["lines"]),
    )


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
