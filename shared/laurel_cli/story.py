"""A year of one member of the `jd` program: what happens on which day.

Facts only; the storyteller plays them. Twelve whole months before the present one, so that the
latest settlement counts all of them. Every write has a fixed name made of the member's, so that
playing the story again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MEMBER_ID = "m-1001"
PROGRAM_ID = "jd"
ASSET_ID = "bean"
MODEL_ID = "jingxiang"
PLAN_ID = "plus-year"
ZONE = ZoneInfo("Asia/Shanghai")
MONTHS = 12
DELIVERY = timedelta(days=2)
"""From placing an order to its completion."""
LOGIN_EVERY_DAYS = 3
REVIEW_AFTER_DAYS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Goods of one category in an order."""

    category: str
    fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """An order is delivered."""

    order_id: str
    order_time: datetime
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engaged:
    """The member does something beside buying."""

    kind: str
    name: str
    order_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSet:
    """The member's account is given something."""

    attribute: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditReported:
    """Another system reports the member's credit."""

    credit_score: int
    credit_stars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipBought:
    """The member asks for a price and buys at it."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """A line of an order goes back."""

    order_id: str
    line_id: str


Event = Completed | Engaged | ProfileSet | CreditReported | MembershipBought | Returned


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happens at a time."""

    time: datetime
    event: Event


ORDERS: tuple[tuple[int, int, tuple[Line, ...]], ...] = (
    # Month of the story, day on which it is placed, what is bought.
    (0, 5, (Line(category="books", fen=12850),)),
    (0, 11, (Line(category="fresh", fen=8600), Line(category="household", fen=14590))),
    (0, 18, (Line(category="apparel", fen=32900),)),
    (1, 3, (Line(category="phones", fen=329900),)),
    (1, 12, (Line(category="digital", fen=19900),)),
    (1, 20, (Line(category="food", fen=15680),)),
    (2, 7, (Line(category="books", fen=6400), Line(category="food", fen=4250))),
    (2, 14, (Line(category="household", fen=8800),)),
    (3, 11, (Line(category="appliances", fen=259900),)),
    (4, 6, (Line(category="apparel", fen=45800),)),
    (4, 16, (Line(category="fresh", fen=9240),)),
    (4, 24, (Line(category="beauty", fen=23900),)),
    (5, 9, (Line(category="sports", fen=51900),)),
    (6, 3, (Line(category="books", fen=21200), Line(category="digital", fen=34900))),
    (6, 11, (Line(category="household", fen=12990),)),
    (6, 18, (Line(category="appliances", fen=189900), Line(category="food", fen=20360))),
    (7, 8, (Line(category="apparel", fen=69900), Line(category="luggage", fen=45900))),
    (8, 8, (Line(category="health", fen=18800),)),
    (9, 9, (Line(category="books", fen=9650),)),
    (9, 17, (Line(category="fresh", fen=11800),)),
    (9, 24, (Line(category="household", fen=7630),)),
    (10, 6, (Line(category="computers", fen=529900),)),
    (11, 9, (Line(category="beauty", fen=42800), Line(category="food", fen=15990))),
    (11, 11, (Line(category="apparel", fen=36600),)),
)
PHOTOGRAPHED = ("phones", "appliances", "computers", "apparel")
"""Categories whose orders are reviewed with a photo; the others get words only."""
RETURN = (7, 16, 16, 1)
"""The month and day of the return, the order by its place above, and the line that goes back."""
PURCHASE = (6, 1)
"""The month and day on which the PLUS membership is bought."""
SHARES = 6
"""Campaigns shared on the day of the last order: one more than the program pays for."""


def first_month(present: datetime) -> datetime:
    """The beginning of the story when told at `present`: twelve months before that month."""
    local = present.astimezone(ZONE)
    return datetime(local.year - 1, local.month, 1, tzinfo=ZONE)


def write_story(member_id: str, first: datetime) -> list[Moment]:
    """Everything that happens to the member in the year from `first` on, in order of time."""
    moments = [
        *arrival(first),
        *logins(first),
        *purchases(member_id, first),
        *opinions(member_id, first),
        *late_year(member_id, first),
    ]
    return sorted(moments, key=lambda moment: moment.time)


def arrival(first: datetime) -> Iterator[Moment]:
    """The account is opened, bound and rated."""
    opened = at(first, 0, 1, 9)
    yield Moment(time=opened, event=ProfileSet(attribute="real_name"))
    yield Moment(time=opened + timedelta(minutes=5), event=ProfileSet(attribute="wechat"))
    rated = opened + timedelta(minutes=10)
    yield Moment(time=rated, event=CreditReported(credit_score=62, credit_stars=4))


def logins(first: datetime) -> Iterator[Moment]:
    """A look into the shop every few days."""
    time = at(first, 0, 1, 8)
    while time < at(first, MONTHS, 1):
        yield Moment(time=time, event=Engaged(kind="login", name=f"login-{time:%Y%m%d}"))
        time += timedelta(days=LOGIN_EVERY_DAYS)


def purchases(member_id: str, first: datetime) -> Iterator[Moment]:
    """The orders, and the membership before the dear ones."""
    for place, (month, day, lines) in enumerate(ORDERS):
        placed = at(first, month, day, 20)
        order = Completed(order_id=order_id(member_id, place), order_time=placed, lines=lines)
        yield Moment(time=placed + DELIVERY, event=order)
    month, day = PURCHASE
    yield Moment(time=at(first, month, day, 10), event=MembershipBought(name="plus"))


def opinions(member_id: str, first: datetime) -> Iterator[Moment]:
    """A review of every second order, with a photo where there is something to see."""
    for place, (month, day, lines) in enumerate(ORDERS):
        if place % 2 and lines[0].category not in PHOTOGRAPHED:
            continue
        kind = "photo_review" if lines[0].category in PHOTOGRAPHED else "review"
        review = Engaged(kind=kind, name=f"{kind}-{place + 1}", order_id=order_id(member_id, place))
        written = at(first, month, day, 21) + DELIVERY + timedelta(days=REVIEW_AFTER_DAYS)
        yield Moment(time=written, event=review)


def late_year(member_id: str, first: datetime) -> Iterator[Moment]:
    """The return, and more sharing in a day than counts."""
    month, day, place, line = RETURN
    returned = Returned(order_id=order_id(member_id, place), line_id=line_id(line))
    yield Moment(time=at(first, month, day, 15), event=returned)
    month, day, _ = ORDERS[-1]
    for share in range(SHARES):
        event = Engaged(kind="share", name=f"share-{share + 1}")
        yield Moment(time=at(first, month, day, 20) + timedelta(minutes=share), event=event)


def at(first: datetime, month: int, day: int, hour: int = 0) -> datetime:
    """An hour of a day of a month of the story, in the program's zone."""
    months = first.year * 12 + first.month - 1 + month
    return datetime(months // 12, months % 12 + 1, day, hour, tzinfo=ZONE)


def order_id(member_id: str, place: int) -> str:
    """The name of an order by its place among the orders, from 0."""
    return f"{member_id}-order-{place + 1:02}"


def line_id(place: int) -> str:
    """The name of a line by its place in the order, from 0."""
    return f"line-{place + 1}"
