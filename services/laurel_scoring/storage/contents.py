"""Facts as the column `content` holds them: everything but what other columns say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Any

from laurel_scoring.domain.facts import (
    Approval,
    CreditReport,
    Engagement,
    Fact,
    Payment,
    ProfileChange,
    Purchase,
    PurchaseLine,
    PurchaseReturn,
    ReturnLine,
    ReviewQuality,
    Violation,
)

KINDS: dict[type[Fact], str] = {
    Purchase: "purchase",
    PurchaseReturn: "purchase_return",
    Engagement: "engagement",
    ProfileChange: "profile_change",
    CreditReport: "credit_report",
    Approval: "approval",
    Violation: "violation",
}

PLAIN: dict[str, Callable[..., Fact]] = {
    KINDS[kind]: kind for kind in (ProfileChange, CreditReport, Approval, Violation)
}
"""Facts of no order, each field of which is one value."""

IN_COLUMNS = ("activity_id", "activity_time", "order_id")

QUALITY = "review_quality"

PARTS = {"payments", "lines"}
"""Fields of facts that hold values of several fields themselves."""

NAMES: dict[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind) if field.name not in IN_COLUMNS)
    for kind in (*KINDS, Payment, PurchaseLine, ReturnLine, ReviewQuality)
}
"""Written out once: `dataclasses.asdict` copies every value and costs more than the table does."""


def kind_of(fact: Fact) -> str:
    """The name of a fact's kind in the table."""
    return KINDS[type(fact)]


def order_of(fact: Fact) -> str | None:
    """The order a fact belongs to, None when it belongs to none."""
    return getattr(fact, "order_id", None) or None


def content_of(fact: Fact) -> dict[str, Any]:
    """What the other columns do not say."""
    content: dict[str, Any] = {name: getattr(fact, name) for name in NAMES[type(fact)]}
    for name in PARTS & content.keys():
        content[name] = [fields_of(part) for part in content[name]]
    if isinstance(fact, Engagement):
        # Most engagements are no reviews: their rows say nothing of a quality.
        quality = content.pop(QUALITY)
        if quality is not None:
            content[QUALITY] = fields_of(quality)
    return content


def fields_of(part: Payment | PurchaseLine | ReturnLine | ReviewQuality) -> dict[str, Any]:
    """A line, a payment or a quality by the names of its fields."""
    return {name: getattr(part, name) for name in NAMES[type(part)]}


def fact_of(
    kind: str, activity_id: str, time: datetime, order_id: str | None, content: dict[str, Any]
) -> Fact:
    """The fact in a row."""
    match kind:
        case "purchase":
            return Purchase(
                activity_id=activity_id,
                activity_time=time,
                order_id=order_id or "",
                payments=tuple(Payment(**payment) for payment in content["payments"]),
                lines=tuple(PurchaseLine(**line) for line in content["lines"]),
            )
        case "purchase_return":
            return PurchaseReturn(
                activity_id=activity_id,
                activity_time=time,
                order_id=order_id or "",
                lines=tuple(ReturnLine(**line) for line in content["lines"]),
            )
        case "engagement":
            if QUALITY in content:
                content = {**content, QUALITY: ReviewQuality(**content[QUALITY])}
            return Engagement(
                activity_id=activity_id, activity_time=time, order_id=order_id or "", **content
            )
    return PLAIN[kind](activity_id=activity_id, activity_time=time, **content)
