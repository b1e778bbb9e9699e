"""Which facts are accepted, and that their order of arrival does not matter."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from laurel_scoring.domain.awards import line_values
from laurel_scoring.domain.errors import (
    ActivityIdReused,
    AmountNegative,
    CreditOutOfRange,
    FactRefused,
    NotInVocabulary,
    PurchaseLineReused,
    ReturnExceedsPurchase,
    ReturnNotBought,
)
from laurel_scoring.domain.facts import (
    CreditReport,
    Fact,
    ProfileChange,
    Purchase,
    PurchaseReturn,
    ReturnLine,
    Violation,
)
from laurel_scoring.domain.intake import (
    Accepted,
    Books,
    Outcome,
    check_fact,
)
from laurel_scoring.domain.models import Measure, Range, Vocabulary
from laurel_scoring.domain.scores import worth
from laurel_scoring.wire.conditions import PURCHASE_VARIABLES

from tests.support.scoring_lives import MOMENTS, lives
from tests.support.scoring_shops import Shop, decide, mistaken
from tests.support.scoring_worlds import (
    at,
    back,
    credit,
    did,
    has,
    jingxiang,
    line,
    live,
    purchase,
    value,
)


def broke(kind: str) -> Violation:
    return Violation(activity_id="v", activity_time=at("2026-06-01"), kind=kind)


VOCABULARY = Vocabulary(
    violation_kinds=frozenset({"misuse"}),
    engagement_kinds=frozenset({"answer"}),
    goods_classes=frozenset({"physical"}),
    payment_methods=frozenset({"online"}),
    profile_attributes=frozenset({"wechat"}),
    credit={Measure.SCORE: Range(minimum=0, maximum=110)},
)


def kinds(outcomes: Sequence[Outcome]) -> list[object]:
    """True for accepted, False for a repeat, the class of a refusal."""
    return [not o.replayed if isinstance(o, Accepted) else type(o) for o in outcomes]


def test_a_repeat_is_known_and_other_content_refused() -> None:
    books, fact = Books(), did("2026-06-01T10:00", "answer")
    other = replace(fact, subject_id="x")
    assert kinds(decide(books, fact, fact, other)) == [True, False, ActivityIdReused]
    assert kinds(decide(books, fact, other)) == [False, ActivityIdReused]


def test_a_line_is_bought_once() -> None:
    books = Books()
    first = purchase("2026-06-01T10:00", 100, order_id="o")
    again = purchase("2026-06-02T10:00", 100, order_id="o")
    rest = purchase("2026-06-02T10:00", line(100, "2"), order_id="o")
    twice = purchase("2026-06-02T10:00", line(100, "9"), line(100, "9"))
    outcomes = decide(books, first, again, rest, twice)
    assert kinds(outcomes) == [True, PurchaseLineReused, True, PurchaseLineReused]


def test_returns_are_of_what_was_bought_by_then() -> None:
    books = Books()
    bought = purchase("2026-06-02T10:00", line(100, quantity=3), order_id="o")
    early = back("2026-06-02T09:59", "o", _1=1)
    same = back("2026-06-02T10:00", "o", _1=2)
    outcomes = decide(
        books,
        same,
        early,
        back("2026-06-03T10:00", "o", _2=1),
        back("2026-06-03T10:00", "x", _1=1),
        back("2026-06-03T10:00", "o", _1=2),
        back("2026-06-03T10:00", "o", _1=1),
        back("2026-06-03T10:00", "o", _1=1),
        bought,
    )
    assert kinds(outcomes) == [
        True,
        ReturnNotBought,
        ReturnNotBought,
        ReturnNotBought,
        ReturnExceedsPurchase,
        True,
        ReturnExceedsPurchase,
        True,
    ]
    refused = outcomes[4]
    assert isinstance(refused, ReturnExceedsPurchase)
    assert (refused.quantity, refused.remaining) == (2, 1)


def test_lines_of_one_return_add_up() -> None:
    bought = purchase("2026-06-02T10:00", line(100, quantity=3), order_id="o")
    twice = (ReturnLine(line_id="1", quantity=2), ReturnLine(line_id="1", quantity=2))
    sent = replace(back("2026-06-03T10:00", "o"), lines=twice)
    assert kinds(decide(Books(), bought, sent)) == [True, ReturnExceedsPurchase]


@pytest.mark.parametrize(
    ("fact", "refusal", "field"),
    [
        (did("2026-06-01", "answer"), None, ""),
        (did("2026-06-01", "sing"), NotInVocabulary, "engagement.kind"),
        (has("2026-06-01", "wechat"), None, ""),
        (has("2026-06-01", "qq"), NotInVocabulary, "profile_change.attribute"),
        (credit("2026-06-01", score=0), None, ""),
        (credit("2026-06-01", score=110), None, ""),
        (credit("2026-06-01", score=111), CreditOutOfRange, "credit_report.credit_score"),
        (credit("2026-06-01", stars=1), CreditOutOfRange, "credit_report.credit_stars"),
        (purchase("2026-06-01", line(0, goods_class="physical")), None, ""),
        (purchase("2026-06-01", line(0)), None, ""),
        (
            purchase("2026-06-01", 0, line(0, "2", goods_class="gold")),
            NotInVocabulary,
            "purchase.lines[1].goods_class",
        ),
        (purchase("2026-06-01", -1), AmountNegative, "purchase.lines[0].paid"),
        (purchase("2026-06-01", 1, payments={"online": 1}), None, ""),
        (
            purchase("2026-06-01", 1, payments={"gold": 1}),
            NotInVocabulary,
            "purchase.payments[0].payment_method",
        ),
        (
            purchase("2026-06-01", 1, payments={"online": -1}),
            AmountNegative,
            "purchase.payments[0].amount",
        ),
        (back("2026-06-01", "o", _1=1), None, ""),
        (broke("misuse"), None, ""),
        (broke("dancing"), NotInVocabulary, "violation.kind"),
    ],
)
def test_words_and_amounts_of_a_fact(
    fact: Fact, refusal: type[FactRefused] | None, field: str
) -> None:
    found = check_fact(fact, VOCABULARY)
    assert type(found) is (refusal or type(None))
    assert getattr(found, "field", "") == field


def test_conditions_know_what_lines_have() -> None:
    bought = purchase("2026-06-01", 1)
    assert line_values(bought, bought.lines[0], []).keys() == PURCHASE_VARIABLES.keys()


def arrive(facts: Sequence[Fact], chance: random.Random) -> list[Fact]:
    """Facts in any order and number, in requests of any size; refused returns are sent again."""
    books, stored = Books(), list[Fact]()
    waiting = [fact for fact in facts for _ in range(chance.choice((1, 1, 2, 3)))]
    while waiting:
        chance.shuffle(waiting)
        size = chance.randint(1, len(waiting))
        sent, waiting = waiting[:size], waiting[size:]
        for fact, outcome in zip(sent, decide(books, *sent), strict=True):
            if isinstance(outcome, ReturnNotBought):
                waiting.append(fact)
            elif isinstance(outcome, Accepted) and not outcome.replayed:
                stored.append(fact)
            else:
                assert isinstance(outcome, Accepted), outcome
    return stored


@settings(max_examples=60, deadline=None)
@given(lives(), some.randoms(use_true_random=False))
def test_any_order_and_repetition_of_arrival_ends_in_the_same_score(
    facts: list[Fact], chance: random.Random
) -> None:
    stored = arrive(facts, chance)
    assert sorted(fact.activity_id for fact in stored) == sorted(f.activity_id for f in facts)
    for moment in MOMENTS:
        assert value(stored, moment) == value(facts, moment)


@settings(max_examples=40, deadline=None)
@given(lives(), lives(), some.randoms(use_true_random=False))
def test_what_was_taken_back_is_as_if_it_had_never_come(
    facts: list[Fact], false: list[Fact], chance: random.Random
) -> None:
    """False facts are taken back, mistaken ones corrected, all in any order and number."""
    shop = Shop()
    sent: list[partial[bool]] = []
    for fact in facts:
        if chance.random() < 0.3:
            wrong = mistaken(fact, chance)
            sent.append(partial(shop.record, wrong))
            sent.append(partial(shop.retract, wrong.activity_id, fact))
        else:
            sent.append(partial(shop.record, fact))
    for fact in false:
        renamed = replace(fact, activity_id=f"false-{fact.activity_id}")
        if isinstance(renamed, Purchase | PurchaseReturn):
            renamed = replace(renamed, order_id=f"false-{renamed.order_id}")
        sent.append(partial(shop.record, renamed))
        sent.append(partial(shop.retract, renamed.activity_id, None))
    waiting = [each for each in sent for _ in range(chance.choice((1, 1, 2)))]
    refused: list[partial[bool]] = []
    while len(waiting) != len(refused):
        refused = waiting
        chance.shuffle(waiting)
        waiting = [each for each in waiting if not each()]
    # Only a false return may be refused for good: its false purchase was taken back before.
    assert all("false-r" in str(each.args[0]) for each in waiting)
    for moment in MOMENTS:
        assert value(shop.standing, moment) == value(facts, moment)


@settings(max_examples=60, deadline=None)
@given(lives())
def test_an_explanation_sums_to_its_score(facts: list[Fact]) -> None:
    for moment in MOMENTS:
        valuation = value(facts, moment)
        parts = valuation.contributions
        adjusted = sum(each.points for each in valuation.adjustments)
        assert valuation.value == sum(each.counted for each in parts) + adjusted
        assert valuation.value == sum(each.points for each in valuation.dimensions) + adjusted
        assert valuation.level == jingxiang().level_of(valuation.value)
        found = worth(facts, jingxiang(), moment)
        assert (found.value, found.level) == (valuation.value, valuation.level)
        for each in parts:
            assert each.uncapped - sum(cut.points for cut in each.cuts) == each.counted
            assert each.roll_off_date is None or each.roll_off_date > moment.today


@settings(max_examples=40, deadline=None)
@given(lives(), some.integers(1, 400))
def test_what_rolls_off_is_said_beforehand(facts: list[Fact], days: int) -> None:
    """With nothing new, the score of a later day is what an explanation says will be left of it."""
    facts = [fact for fact in facts if not isinstance(fact, ProfileChange | CreditReport)]
    ended = [fact for fact in facts if fact.activity_time < at("2026-06-15")]
    now, later = live("2026-06-15T12:00"), live("2026-06-15T12:00")
    later = replace(later, instant=later.instant + days * timedelta(days=1))
    known = [each for each in ended if not isinstance(each, PurchaseReturn)]
    left = sum(
        each.counted
        for each in value(known, now).contributions
        if each.roll_off_date is None or each.roll_off_date > later.today
    )
    assert value(known, later).value == left
