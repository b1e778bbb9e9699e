"""What members did and are: the facts that scores are made of.

Money is in minor units (X1), instants are aware and UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseLine:
    """A line of a completed order; `paid` is what the member paid for all its pieces."""

    line_id: str
    sku_id: str
    category_id: str
    shop_id: str
    goods_class: str
    quantity: int
    paid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A part of what an order cost, paid by one means."""

    payment_method: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A completed order, or a part of one; it happened when it was completed."""

    activity_id: str
    activity_time: datetime
    order_id: str
    payments: tuple[Payment, ...]
    lines: tuple[PurchaseLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnLine:
    """Pieces of a line that went back."""

    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseReturn:
    """Goods of one order that went back; several returns of an order add up (C11)."""

    activity_id: str
    activity_time: datetime
    order_id: str
    lines: tuple[ReturnLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewQuality:
    """What a review is like (A9, A12); what is not said is as good as can be."""

    copied_bps: int = 0
    overlap_bps: int = 0
    punctuation_stuffed: bool = False
    report_count: int = 0
    poster_place: int = 0
    """Its place among the reviews of the article; 0 when not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """Something a member did beside buying; subject and order are empty when there is none."""

    activity_id: str
    activity_time: datetime
    kind: str
    subject_id: str
    order_id: str
    review_quality: ReviewQuality | None = None
    """Only reviews have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """An attribute of the account was set or unset; the latest change holds (C12)."""

    activity_id: str
    activity_time: datetime
    attribute: str
    is_set: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditReport:
    """The member's credit as another system knows it; the latest report of a measure holds (B2)."""

    activity_id: str
    activity_time: datetime
    credit_score: int | None
    credit_stars: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Another member approved of a review of this one (D9)."""

    activity_id: str
    activity_time: datetime
    review_id: str
    approver_member_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """The member broke a rule (C11)."""

    activity_id: str
    activity_time: datetime
    kind: str


Fact = Purchase | PurchaseReturn | Engagement | ProfileChange | CreditReport | Approval | Violation


def happened(fact: Fact) -> tuple[datetime, str]:
    """The order in which facts count, whatever order they arrived in."""
    return fact.activity_time, fact.activity_id
