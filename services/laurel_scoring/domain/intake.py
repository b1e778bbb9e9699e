"""Which reported facts are accepted: each judged by itself, the others stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from laurel_scoring.domain.errors import (
    ActivityIdReused,
    AmountNegative,
    ApprovalByAuthor,
    CreditOutOfRange,
    FactRefused,
    NotInVocabulary,
    PurchaseLineReused,
    ReturnExceedsPurchase,
    ReturnNotBought,
)
from laurel_scoring.domain.facts import (
    Approval,
    CreditReport,
    Engagement,
    Fact,
    ProfileChange,
    Purchase,
    PurchaseReturn,
    Violation,
)
from laurel_scoring.domain.models import Measure, Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A fact as a caller reported it; `digest` tells whether two reports say the same."""

    member_id: str
    fact: Fact
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recorded fact as far as a repeat needs it."""

    digest: bytes
    record_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A fact that stands: recorded now, or before (`replayed`)."""

    record_time: datetime
    replayed: bool


Outcome = Accepted | FactRefused


@dataclass(slots=True, kw_only=True)
class Books:
    """What is known of one member: ids in use, lines bought, pieces returned. Grows with each
    acceptance.
    """

    recorded: dict[str, Recorded] = field(default_factory=dict)
    purchases: dict[tuple[str, str], tuple[datetime, int]] = field(default_factory=dict)
    """By order and line: when it was completed, how many pieces."""
    returned: dict[tuple[str, str], int] = field(default_factory=dict)

    def learn(self, fact: Fact) -> None:
        """Take a recorded purchase or return into account."""
        match fact:
            case Purchase():
                for line in fact.lines:
                    key = fact.order_id, line.line_id
                    self.purchases[key] = fact.activity_time, line.quantity
            case PurchaseReturn():
                for back in fact.lines:
                    key = fact.order_id, back.line_id
                    self.returned[key] = self.returned.get(key, 0) + back.quantity
            case Engagement() | ProfileChange() | CreditReport() | Approval() | Violation():
                pass


def decide_activities(
    reports: Iterable[Reported], books: Mapping[str, Books], *, now: datetime
) -> list[Outcome]:
    """Accept or refuse each fact, in the order of `reports`; `books` has every member of them.

    Purchases are judged before returns, so that a request may hold both in any order.
    """
    outcomes: dict[int, Outcome] = {}
    numbered = list(enumerate(reports))
    for position, report in sorted(numbered, key=lambda each: returns_last(each[1])):
        outcomes[position] = decide_activity(report, books[report.member_id], now=now)
    return [outcomes[position] for position, _ in numbered]


def returns_last(report: Reported) -> bool:
    """Sorts what returns refer to before them."""
    return isinstance(report.fact, PurchaseReturn)


def decide_activity(report: Reported, books: Books, *, now: datetime) -> Outcome:
    """Accept or refuse one fact, and keep what is accepted in the books."""
    fact = report.fact
    if earlier := books.recorded.get(fact.activity_id):
        if earlier.digest == report.digest:
            return Accepted(record_time=earlier.record_time, replayed=True)
        return ActivityIdReused(activity_id=fact.activity_id, member_id=report.member_id)
    if refusal := next(conflicts(fact, books), None):
        return refusal
    books.learn(fact)
    books.recorded[fact.activity_id] = Recorded(digest=report.digest, record_time=now)
    return Accepted(record_time=now, replayed=False)


def conflicts(fact: Fact, books: Books) -> Iterator[FactRefused]:
    """What stands against a fact in the books of its member."""
    match fact:
        case Purchase():
            yield from bought_before(fact, books)
        case PurchaseReturn():
            yield from not_returnable(fact, books)
        case Engagement() | ProfileChange() | CreditReport() | Approval() | Violation():
            pass


def bought_before(purchase: Purchase, books: Books) -> Iterator[FactRefused]:
    """Lines that are recorded already, or named twice: they would count twice."""
    seen: set[str] = set()
    for line in purchase.lines:
        if line.line_id in seen or (purchase.order_id, line.line_id) in books.purchases:
            yield PurchaseLineReused(order_id=purchase.order_id, line_id=line.line_id)
        seen.add(line.line_id)


def not_returnable(back: PurchaseReturn, books: Books) -> Iterator[FactRefused]:
    """Lines never bought by then, or pieces that are not left."""
    asked: dict[str, int] = {}
    for line in back.lines:
        asked[line.line_id] = asked.get(line.line_id, 0) + line.quantity
    for line_id, quantity in asked.items():
        key = back.order_id, line_id
        bought_time, bought = books.purchases.get(key, (None, 0))
        if bought_time is None or bought_time > back.activity_time:
            yield ReturnNotBought(order_id=back.order_id, line_id=line_id)
            continue
        remaining = bought - books.returned.get(key, 0)
        if quantity > remaining:
            yield ReturnExceedsPurchase(
                order_id=back.order_id, line_id=line_id, quantity=quantity, remaining=remaining
            )


def check_report(report: Reported, vocabulary: Vocabulary) -> FactRefused | None:
    """What is wrong with a fact of a member under the program of its time; None when nothing is."""
    match report.fact:
        case Approval(review_id=review_id, approver_member_id=report.member_id):
            return ApprovalByAuthor(review_id=review_id, member_id=report.member_id)
    return check_fact(report.fact, vocabulary)


def check_fact(fact: Fact, vocabulary: Vocabulary) -> FactRefused | None:
    """What is wrong with a fact by itself under the program of its time; None when nothing is."""
    return next(faults_of(fact, vocabulary), None)


def faults_of(fact: Fact, vocabulary: Vocabulary) -> Iterator[FactRefused]:
    """Everything wrong with a fact by itself."""
    match fact:
        case Purchase():
            yield from faults_of_purchase(fact, vocabulary)
        case Engagement():
            known = vocabulary.engagement_kinds
            yield from unknown(fact.kind, known, "engagement.kind", "engagement_kinds")
        case ProfileChange():
            known = vocabulary.profile_attributes
            where = "profile_change.attribute"
            yield from unknown(fact.attribute, known, where, "profile_attributes")
        case Violation():
            known = vocabulary.violation_kinds
            yield from unknown(fact.kind, known, "violation.kind", "violation_kinds")
        case CreditReport():
            yield from out_of_range(fact, vocabulary)
        case PurchaseReturn() | Approval():
            pass


def faults_of_purchase(purchase: Purchase, vocabulary: Vocabulary) -> Iterator[FactRefused]:
    """Unknown words and amounts below zero."""
    for number, payment in enumerate(purchase.payments):
        where = f"purchase.payments[{number}]"
        method, methods = payment.payment_method, vocabulary.payment_methods
        yield from unknown(method, methods, f"{where}.payment_method", "payment_methods")
        yield from negative(payment.amount, f"{where}.amount")
    for number, line in enumerate(purchase.lines):
        where = f"purchase.lines[{number}]"
        if line.goods_class:
            classes = vocabulary.goods_classes
            yield from unknown(line.goods_class, classes, f"{where}.goods_class", "goods_classes")
        yield from negative(line.paid, f"{where}.paid")


def unknown(
    value: str, words: frozenset[str], where: str, vocabulary: str
) -> Iterator[FactRefused]:
    """A word that the program does not declare."""
    if value not in words:
        yield NotInVocabulary(field=where, value=value, vocabulary=vocabulary)


def negative(amount: int, where: str) -> Iterator[FactRefused]:
    """An amount below zero."""
    if amount < 0:
        yield AmountNegative(field=where, amount=amount)


def out_of_range(report: CreditReport, vocabulary: Vocabulary) -> Iterator[FactRefused]:
    """Credit values the program does not know."""
    for measure, value in (
        (Measure.SCORE, report.credit_score),
        (Measure.STARS, report.credit_stars),
    ):
        allowed = vocabulary.credit.get(measure)
        if value is None or (allowed and allowed.minimum <= value <= allowed.maximum):
            continue
        yield CreditOutOfRange(
            field=f"credit_report.{measure.value}",
            value=value,
            minimum=allowed.minimum if allowed else None,
            maximum=allowed.maximum if allowed else None,
        )
