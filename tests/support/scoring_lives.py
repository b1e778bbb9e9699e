"""Whole lives of a member, made up at random: orders, returns, reviews and the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as some
from laurel_scoring.domain.facts import (
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
)

from tests.support.scoring_worlds import live, settled

MOMENTS = [
    live("2025-06-15T12:00"),
    live("2026-02-03T00:00"),
    settled("2026-03-02"),
    live("2026-06-15T12:00"),
]

START = datetime(2024, 6, 1, tzinfo=UTC)
DAYS = 750

times = some.integers(0, DAYS * 24 * 4).map(lambda n: START + n * timedelta(minutes=15))
words = some.sampled_from(["a", "b", "c"])


@some.composite
def lives(draw: some.DrawFn) -> list[Fact]:
    """A member's life: orders, some of them returned, reviews of them, and the rest."""
    facts: list[Fact] = []
    for number in range(draw(some.integers(0, 6))):
        facts += draw(trades(number))
    for number in range(draw(some.integers(0, 25))):
        facts.append(draw(happenings(f"x{number:03d}")))
    return facts


@some.composite
def rich_lives(draw: some.DrawFn) -> list[Fact]:
    """A life that every shipped model has something to say about: payments, qualities, wealth."""
    return [draw(enriched(fact)) for fact in draw(lives())]


@some.composite
def enriched(draw: some.DrawFn, fact: Fact) -> Fact:
    """A fact with what only some models look at."""
    if isinstance(fact, Purchase):
        times, goods = draw(some.sampled_from([1, 1, 7, 60])), draw(GOODS)
        lines = tuple(
            replace(each, paid=each.paid * times, goods_class=goods) for each in fact.lines
        )
        total = sum(each.paid for each in lines)
        first = total * draw(some.integers(0, 4)) // 4
        payments = (
            Payment(payment_method=draw(some.sampled_from(["online", "bank_card"])), amount=first),
            Payment(
                payment_method=draw(some.sampled_from(["huabei", "online"])), amount=total - first
            ),
        )
        return replace(fact, lines=lines, payments=payments)
    if isinstance(fact, Engagement):
        kind = draw(some.sampled_from([fact.kind, "review", "login", "visit"]))
        quality = draw(some.none() | QUALITIES) if "review" in kind else None
        return replace(fact, kind=kind, subject_id=draw(words), review_quality=quality)
    return fact


GOODS = some.sampled_from(["physical", "physical", "virtual", "travel", "merchant", "finance"])
METHODS = some.sampled_from(["huabei", "online"])
QUALITIES = some.builds(
    ReviewQuality,
    copied_bps=some.sampled_from([0, 8000, 8001]),
    report_count=some.sampled_from([0, 5]),
    poster_place=some.integers(0, 12),
)


@some.composite
def trades(draw: some.DrawFn, number: int) -> list[Fact]:
    """An order, and returns of no more than was bought."""
    lines = tuple(
        PurchaseLine(
            line_id=str(place),
            sku_id=draw(words),
            category_id=draw(words),
            shop_id=draw(words),
            goods_class="physical",
            quantity=draw(some.integers(1, 3)),
            paid=draw(some.integers(0, 500_00)),
        )
        for place in range(draw(some.integers(1, 3)))
    )
    time, order_id = draw(times), f"o{number}"
    bought = Purchase(
        activity_id=f"p{number}", activity_time=time, order_id=order_id, payments=(), lines=lines
    )
    facts: list[Fact] = [bought]
    left = {each.line_id: each.quantity for each in lines}
    for place in range(draw(some.integers(0, 2))):
        back_lines = [
            ReturnLine(line_id=line_id, quantity=draw(some.integers(1, pieces)))
            for line_id, pieces in left.items()
            if pieces and draw(some.booleans())
        ]
        for each in back_lines:
            left[each.line_id] -= each.quantity
        if back_lines:
            facts.append(
                PurchaseReturn(
                    activity_id=f"r{number}.{place}",
                    activity_time=time + draw(some.integers(0, 200)) * timedelta(days=1),
                    order_id=order_id,
                    lines=tuple(back_lines),
                )
            )
    return facts


@some.composite
def happenings(draw: some.DrawFn, name: str) -> Fact:
    """Anything that is not trade; close together, so that caps bind."""
    time = draw(times)
    which = draw(some.integers(0, 5))
    if which == 0:
        attribute = draw(some.sampled_from(["real_name", "qq"]))
        return ProfileChange(
            activity_id=name, activity_time=time, attribute=attribute, is_set=draw(some.booleans())
        )
    if which == 1:
        return CreditReport(
            activity_id=name,
            activity_time=time,
            credit_score=draw(some.none() | some.integers(0, 110)),
            credit_stars=draw(some.none() | some.integers(1, 5)),
        )
    kind = draw(some.sampled_from(["review", "photo_review", "share", "login", "donation"]))
    order_id = draw(some.sampled_from(["o0", "o1", "o2", ""]))
    day = time.replace(year=2026, month=1 + time.month % 3, day=1 + time.day % 3)
    return Engagement(
        activity_id=name, activity_time=day, kind=kind, subject_id="", order_id=order_id
    )
