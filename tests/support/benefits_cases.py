"""Golden cases that benefits decides, as data: tried against the rules and over gRPC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class EarningCase:
    """Paid lines (yuan, category) of one order, and the points that come of them."""

    name: str
    lines: tuple[tuple[str, str], ...]
    base: int = 0
    rebate: int = 0
    member_of_plus: bool = True
    granted_before: int = 0
    options: dict[str, Any] = field(default_factory=dict)


MIXED = (("100.00", "books"), ("2000.00", "phones"))

EARNING = (
    EarningCase(name="P17", lines=(("500.00", "food"),), base=500, member_of_plus=False),
    EarningCase(name="P24-books", lines=(("128.50", "books"),), rebate=642),
    EarningCase(name="P24-phone", lines=(("4999.00", "phones"),), rebate=9998),
    EarningCase(name="P25", lines=MIXED, rebate=4500),
    EarningCase(name="P25-vat-special", lines=MIXED, options={"invoice_type": "vat_special"}),
    EarningCase(
        name="P25-company-transfer", lines=MIXED, options={"payment_method": "company_transfer"}
    ),
    EarningCase(name="P31", lines=(("9600.00", "books"),), rebate=47000, granted_before=3000),
    EarningCase(name="P31-fits", lines=(("9400.00", "books"),), rebate=47000, granted_before=3000),
)

CAPS = (
    # P27: "before" is strict, by business days of the program.
    (datetime(2017, 9, 11, 4, tzinfo=UTC), 200000),
    (datetime(2017, 9, 11, 15, 59, tzinfo=UTC), 200000),
    (datetime(2017, 9, 11, 16, tzinfo=UTC), 50000),
    (datetime(2017, 9, 12, 4, tzinfo=UTC), 50000),
)

PRICES = (
    # P34: score, credit, price in yuan; None is refused.
    (4500, 30, 299),
    (4501, 30, 198),
    (20000, 30, 198),
    (20001, 30, 148),
    (4500, 29, None),
    (20001, 29, None),
    (0, 30, 299),
)

TRIAL_START, TRIAL_POINTS = date(2026, 3, 1), 860
RELEASES = (
    # P28, P30: the day of the purchase, the trial being 2026-03-01 to 2026-03-30, and what it
    # releases.
    (date(2026, 3, 20), 860),
    (date(2026, 3, 30), 860),
    (date(2026, 3, 31), 860),
    (date(2026, 4, 29), 860),
    (date(2026, 4, 30), 0),
)

RIGHTS = (
    # P48: score, whether the birthday right is given on the birthday.
    (499, False),
    (500, True),
)
