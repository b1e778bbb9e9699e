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

FUNNELS = (
    # P65, P66: points a buyer may cost, conversions in %, and what each step gives in the first
    # reading; in the second one every step costs the same on the way to a buyer.
    (10000, (60, 10), (1429, 8571), (833, 5000)),
    (9000, (60, 30, 10), (1000, 2000, 6000), (500, 1000, 3000)),
)

VIP_PRICES = (
    # I15, Q12: published score, price in yuan.
    (0, 888),
    (999, 888),
    (1000, 88),
    (2600, 88),
)

RIGHTS = (
    # P48: score, whether the birthday right is given on the birthday.
    (499, False),
    (500, True),
)


@dataclass(frozen=True, kw_only=True)
class SpendingCase:
    """Lines (yuan, goods class) of one order, a balance, and how many points may pay of it."""

    name: str
    lines: tuple[tuple[str, str], ...]
    balance: int
    usable: int
    requested: int = 0
    refused: str = ""
    """The reason why the points asked for may not be used."""
    others: dict[str, str] = field(default_factory=dict)
    """What other means pay, in yuan."""


def physical(yuan: str, balance: int, usable: int, **options: Any) -> SpendingCase:
    """A case of one physical line."""
    return of_class("physical", yuan, balance, usable, **options)


def of_class(word: str, yuan: str, balance: int, usable: int, **options: Any) -> SpendingCase:
    """A case of one line of a goods class."""
    content = {"name": f"{word}-{yuan}-{balance}"} | options
    return SpendingCase(lines=((yuan, word),), balance=balance, usable=usable, **content)


SPENDING = (
    physical("100.00", 8000, 5000, name="P01"),
    physical("100.00", 8000, 5000, requested=5000, name="P01-used"),
    physical("100.00", 3500, 3000, name="P02"),
    physical("100.00", 999, 0, requested=1000, refused="BALANCE_TOO_LOW", name="P03"),
    physical("39.99", 8000, 1000, name="P04-39.99"),
    physical("40.00", 8000, 2000, name="P04-40.00"),
    physical("19.99", 8000, 0, name="P04-19.99"),
    physical("20.00", 8000, 1000, name="P04-20.00"),
    physical("100.00", 8000, 5000, requested=1500, refused="NOT_A_MULTIPLE", name="P05-multiple"),
    physical("100.00", 8000, 5000, requested=6000, refused="SHARE_EXCEEDED", name="P05-share"),
    of_class("movie_ticket", "10.00", 5000, 500, requested=500, name="P07-10.00"),
    of_class("movie_ticket", "9.99", 5000, 0, name="P07-9.99"),
    of_class("movie_ticket", "25.50", 5000, 1275, requested=1275, name="P07-25.50"),
    of_class("game_card", "50.00", 5000, 1000, requested=1000, name="E6-50.00"),
    of_class(
        "game_card", "50.00", 5000, 1000, requested=1001, refused="SHARE_EXCEEDED", name="E6-share"
    ),
    of_class(
        "game_card", "49.99", 5000, 0, requested=1, refused="ORDER_TOO_SMALL", name="E6-49.99"
    ),
    of_class(
        "investment_gold", "1000.00", 90000, 0, requested=1000, refused="ITEM_EXCLUDED", name="P08"
    ),
    of_class("collectible", "1000.00", 90000, 0, requested=1, refused="ITEM_EXCLUDED", name="E8"),
    physical(
        "100.00",
        8000,
        0,
        requested=1000,
        refused="PAYMENT_EXCLUDED",
        others={"mobile_red_packet": "1.00"},
        name="P08-red-packet",
    ),
    physical("100.00", 8000, 5000, requested=5000, others={"gift_card": "20.00"}, name="E9-card"),
    physical("200.00", 90000, 10000, requested=10000, name="P09"),
    physical("100.00", -5, 0, requested=1000, refused="IN_DEBT", name="E18"),
    SpendingCase(
        name="E2-E6-mixed",
        lines=(("100.00", "physical"), ("20.00", "movie_ticket"), ("500.00", "investment_gold")),
        balance=5700,
        usable=5700,
        requested=5700,
    ),
)

TMALL = (
    # P56, J8: yuan, category, goods class, and the points that come of it.
    ("109.00", "apparel", "physical", 54),
    ("2999.00", "phones", "physical", 299),
    ("2999.00", "apparel", "top_up", 299),
    ("199.99", "apparel", "physical", 99),
)

COINS = (
    # J3, J6: yuan and goods class of a line, the share its seller says in basis points, and the
    # coins that may pay of it with a balance of 10,000.
    ("100.00", "physical", None, 200),
    ("100.00", "physical", 500, 500),
    ("100.00", "physical", 499, 499),
    ("99.99", "physical", None, 199),
    ("100.00", "physical", 50, 100),
    ("40.00", "physical", 5000, 400),
    ("1000.00", "physical", 1000, 500),
    ("1000.00", "custom", 1000, 0),
    ("1000.00", "top_up", 1000, 0),
)

EVERYBODY = {"shopping-bag", "fast-refund"}
TAOBAO_RIGHTS = (
    # I12, I13, Q12: published score, and the benefits that are had on the birthday.
    (0, EVERYBODY),
    (299, EVERYBODY),
    (300, EVERYBODY | {"birthday-right"}),
    (599, EVERYBODY | {"birthday-right"}),
    (600, EVERYBODY | {"birthday-right", "partner-coupons"}),
    (800, EVERYBODY | {"birthday-right", "partner-coupons", "hotel-vip"}),
    (999, EVERYBODY | {"birthday-right", "partner-coupons", "hotel-vip"}),
    (1000, EVERYBODY | {"birthday-right", "partner-coupons", "hotel-vip", "priority-service"}),
    (
        2600,
        EVERYBODY
        | {"birthday-right", "partner-coupons", "hotel-vip", "priority-service", "rename"},
    ),
)

APASS: tuple[tuple[int, str, list[str]], ...] = (
    # P55, I17: published score, tier, and what speaks against APASS.
    (2600, "super", ["INVITATION_REQUIRED"]),
    (2499, "super", ["SCORE_TOO_LOW", "INVITATION_REQUIRED"]),
    (2600, "apass", []),
    # Invited at 2,500; the seat is held for its term whatever the score does (I18).
    (2400, "apass", []),
)
