"""Spendings with lines, and with fewer points than asked for: as tables, and what comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.balances import balance_at
from laurel_ledger.domain.changes import Given
from laurel_ledger.domain.errors import (
    DebtRepaid,
    InsufficientPoints,
    LineExceedsRemaining,
    LineNotFound,
    LinesNotSumming,
    RequestIdReused,
    ReversalExceedsRemaining,
)
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import Posted, decide_batch
from laurel_ledger.domain.spendings import AskedLine, Line, LotPolicy, Spending, SpendShortfall
from laurel_ledger.domain.transactions import (
    Draft,
    RequestKey,
)

from tests.support.ledger import MEMBER, NOON, PROGRAM, SKEW, earn, group, hold, reverse, spend

BEANS = AccountKey(PROGRAM, MEMBER, "bean")
EMPTY = Books(accounts={}, records={})
PARTIAL, DEBT = SpendShortfall.PARTIAL, SpendShortfall.DEBT


def after(*drafts, books: Books = EMPTY) -> Books:
    """The books after some drafts that are all posted."""
    decision = decide_batch(books, [group(*drafts)], now=NOON, skew_max=SKEW)
    assert all(isinstance(each, Posted) for each in decision.outcomes[0]), decision.outcomes
    amounts, lines = dict(books.reversed_amounts), dict(books.reversed_lines)
    for record in decision.records:
        if back := record.reversal:
            name = RequestKey(PROGRAM, MEMBER, back.reversed_request_id)
            amounts[name] = back.reversed_before + record.amount
            if back.of_lines:
                lines[name] = {each[0]: each[1] + each[2] for each in back.of_lines.lines}
    return Books(
        accounts={**books.accounts, **decision.accounts},
        records={**books.records, **{each.request_key: each for each in decision.records}},
        reversed_amounts=amounts,
        reversed_lines=lines,
    )


def outcome_of(draft, *, books: Books):
    """The transaction or the error that a draft comes to."""
    outcome = decide_batch(books, [group(draft)], now=NOON, skew_max=SKEW).outcomes[0][-1]
    return outcome.transaction if isinstance(outcome, Posted) else outcome.error


def pay(amount: int, shortfall: SpendShortfall = SpendShortfall.REJECT, **lines: int) -> Draft:
    """A spending of some lines."""
    said = tuple(Line(*each) for each in lines.items())
    return spend(amount, spending=Spending(requested=amount, shortfall=shortfall, lines=said))


def have(books: Books) -> tuple[int, ...]:
    """Posted, available and owed."""
    found = balance_at(books.accounts[BEANS], NOON)
    return (found.posted, found.available, found.debt)


FIFTY = after(earn(50))
OWING = after(pay(60, DEBT), books=FIFTY)

SPENDINGS = [
    (FIFTY, pay(50), (0, 0, 0)),
    (FIFTY, pay(51), InsufficientPoints),
    (FIFTY, pay(50, a=20, b=30), (0, 0, 0)),
    (FIFTY, pay(50, a=20, b=29), LinesNotSumming),
    (FIFTY, pay(50, a=51), LinesNotSumming),
    (FIFTY, pay(49, PARTIAL), (1, 1, 0)),
    (FIFTY, pay(80, PARTIAL), (0, 0, 0)),
    (FIFTY, pay(80, PARTIAL, a=40, b=40), (0, 0, 0)),
    (after(pay(50), books=FIFTY), pay(1, PARTIAL), InsufficientPoints),
    (after(hold(50), books=FIFTY), pay(1, PARTIAL), InsufficientPoints),
    (FIFTY, pay(50, DEBT), (0, 0, 0)),
    (FIFTY, pay(80, DEBT), (-30, 0, 30)),
    (after(hold(20), books=FIFTY), pay(40, DEBT), (10, 0, 10)),
    (OWING, pay(5, DEBT), (-15, 0, 15)),
    (OWING, pay(5, PARTIAL), InsufficientPoints),
    (OWING, pay(5), InsufficientPoints),
]


@pytest.mark.parametrize(("books", "draft", "expected"), SPENDINGS)
def test_a_spending_takes_what_it_may(books: Books, draft: Draft, expected) -> None:
    if isinstance(expected, type):
        assert type(outcome_of(draft, books=books)) is expected
    else:
        assert have(after(draft, books=books)) == expected


def test_a_partial_spending_pays_for_its_first_lines() -> None:
    done = outcome_of(pay(80, PARTIAL, a=40, b=20, c=20), books=FIFTY)
    assert (done.amount, done.signed_amount, done.debt_change) == (50, -50, 0)
    assert done.lines == (("a", 40), ("b", 10), ("c", 0))


def test_a_spending_on_debt_says_how_much_is_owed() -> None:
    """E24: what is too few is taken from future points."""
    done = outcome_of(pay(80, DEBT), books=FIFTY)
    assert (done.amount, done.posted_after, done.debt_change) == (80, -30, 30)
    assert have(after(earn(100), books=after(pay(80, DEBT), books=FIFTY))) == (70, 70, 0)


def test_a_spending_repeated_must_say_the_same_of_its_lines() -> None:
    asked = pay(50, PARTIAL, a=20, b=30)
    books = after(asked, books=FIFTY)
    (again,) = decide_batch(books, [group(asked)], now=NOON, skew_max=SKEW).outcomes[0]
    assert again.replayed
    assert again.transaction.given & Given.SPENDING
    other = replace(asked, spending=pay(50, DEBT, a=30, b=20).spending)
    error = outcome_of(other, books=books)
    assert (type(error), error.mismatched_fields) == (RequestIdReused, "lines,shortfall")
    plain = outcome_of(replace(asked, spending=None), books=books)
    assert plain.mismatched_fields == "lines,shortfall"


SOON, LATER = NOON + timedelta(days=1), NOON + timedelta(days=2)
TEN_EACH = after(
    earn(10, expire_time=LATER),
    earn(10, expire_time=SOON),
    earn(10, expire_time=LATER, counter_account_id="merchant"),
)
POLICIES = [
    (LotPolicy.SOONEST_EXPIRY, 10, [2]),
    (LotPolicy.SOONEST_EXPIRY, 25, [2, 1, 3]),
    (LotPolicy.OLDEST, 10, [1]),
    (LotPolicy.OLDEST, 25, [1, 2, 3]),
    (LotPolicy.NEWEST, 10, [3]),
    (LotPolicy.NEWEST, 25, [3, 2, 1]),
]


def choosing(amount: int, policy: LotPolicy, **said: object) -> Draft:
    """A spending that says which points to take first."""
    spending = Spending(requested=amount, lot_policy=policy, **said)
    return spend(amount, spending=spending, request_id="chosen")


@pytest.mark.parametrize(("policy", "amount", "lots"), POLICIES)
def test_a_spending_takes_the_points_first_that_it_names(
    policy: LotPolicy, amount: int, lots: list[int]
) -> None:
    """E20, unless the caller says otherwise; what comes back was taken last."""
    draft = choosing(amount, policy)
    done = outcome_of(draft, books=TEN_EACH)
    assert [each.lot_no for each in done.movements] == lots
    assert type(outcome_of(choosing(31, policy), books=TEN_EACH)) is InsufficientPoints
    back = outcome_of(reverse(draft, amount=5), books=after(draft, books=TEN_EACH))
    assert [(each.lot_no, each.amount) for each in back.movements] == [(lots[-1], 5)]


def test_a_spending_repeated_must_say_the_same_of_what_is_taken_first() -> None:
    books = after(choosing(10, LotPolicy.OLDEST), books=TEN_EACH)
    error = outcome_of(choosing(10, LotPolicy.NEWEST), books=books)
    assert (type(error), error.mismatched_fields) == (RequestIdReused, "lot_policy")


def test_an_earning_repeated_must_say_the_same_of_its_cost() -> None:
    """Nothing and 0 are not the same."""
    books = after(earn(10, cost=0, request_id="paid"))
    assert outcome_of(earn(10, cost=0, request_id="paid"), books=books).cost == 0
    for cost in (None, 1):
        error = outcome_of(earn(10, cost=cost, request_id="paid"), books=books)
        assert (type(error), error.mismatched_fields) == (RequestIdReused, "cost")


LINED = pay(50, a=20, b=30)
SPENT = after(LINED, books=FIFTY)
PARTLY = after(reverse(LINED, lines=(AskedLine("a", 5),)), books=SPENT)

REVERSALS = [
    (SPENT, {"lines": (AskedLine("a"),)}, (20, 0)),
    (SPENT, {"lines": (AskedLine("b", 1),)}, (0, 1)),
    (SPENT, {"lines": (AskedLine("b", 30), AskedLine("a", 20))}, (20, 30)),
    (SPENT, {"lines": (AskedLine("b", 31),)}, LineExceedsRemaining),
    (SPENT, {"lines": (AskedLine("c", 1),)}, LineNotFound),
    (SPENT, {}, (20, 30)),
    (SPENT, {"amount": 30}, (0, 30)),
    (SPENT, {"amount": 35}, (5, 30)),
    (PARTLY, {"lines": (AskedLine("a"),)}, (15, 0)),
    (PARTLY, {"lines": (AskedLine("a", 15),)}, (15, 0)),
    (PARTLY, {"lines": (AskedLine("a", 16),)}, LineExceedsRemaining),
    (PARTLY, {"lines": (AskedLine("a", 15), AskedLine("c"))}, LineNotFound),
    (PARTLY, {}, (15, 30)),
    (PARTLY, {"amount": 46}, ReversalExceedsRemaining),
    (FIFTY, {"lines": (AskedLine("a"),)}, LineNotFound),
]


@pytest.mark.parametrize(("books", "said", "expected"), REVERSALS)
def test_lines_are_given_back_one_by_one(books: Books, said: dict, expected) -> None:
    """E12."""
    named = LINED
    if books is FIFTY:
        named = earn(9)
        books = after(named, books=books)
    done = outcome_of(reverse(named, **said), books=books)
    if isinstance(expected, type):
        assert type(done) is expected
    else:
        assert tuple(each.amount for each in done.reversal.of_lines.lines) == expected
        assert done.amount == sum(expected)


def test_a_line_that_was_not_paid_for_gives_nothing_back() -> None:
    partly = pay(80, PARTIAL, a=50, b=30)
    books = after(partly, books=FIFTY)
    assert type(outcome_of(reverse(partly, lines=(AskedLine("b"),)), books=books)) is (
        LineExceedsRemaining
    )
    assert have(after(reverse(partly, lines=(AskedLine("a"),)), books=books)) == (50, 50, 0)


def test_a_reversal_of_lines_repeated_answers_the_first_outcome() -> None:
    asked = reverse(LINED, lines=(AskedLine("a"),))
    books = after(asked, books=SPENT)
    (again,) = decide_batch(books, [group(asked)], now=NOON, skew_max=SKEW).outcomes[0]
    assert (again.replayed, again.transaction.amount) == (True, 20)
    error = outcome_of(replace(asked, lines=(AskedLine("a", 20),)), books=books)
    assert (type(error), error.mismatched_fields) == (RequestIdReused, "lines")


LENT = pay(80, DEBT)
INDEBTED = after(LENT, books=FIFTY)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(None, (50, 50, 0)), (80, (50, 50, 0)), (30, (0, 0, 0)), (40, (10, 10, 0)), (7, (-23, 0, 23))],
)
def test_what_was_owed_comes_back_first(amount, expected) -> None:
    assert have(after(reverse(LENT, amount), books=INDEBTED)) == expected


def test_a_debt_that_was_repaid_cannot_be_taken_off() -> None:
    books = after(earn(20), books=INDEBTED)
    error = outcome_of(reverse(LENT), books=books)
    assert (type(error), error.lent, error.owed) == (DebtRepaid, 30, 10)
    back = after(reverse(LENT, 10), books=books)
    assert have(back) == (0, 0, 0)
    assert type(outcome_of(reverse(LENT, 1), books=back)) is DebtRepaid


@given(
    spent=st.integers(1, 120),
    parts=st.lists(st.integers(1, 40), max_size=6),
)
def test_what_is_given_back_in_parts_is_what_was_taken(spent: int, parts: list[int]) -> None:
    """I10: whatever the parts, the member has in the end what there was before."""
    bought = pay(spent, DEBT, a=spent)
    books = after(bought, books=FIFTY)
    left = spent
    for part in parts:
        if part <= left:
            books = after(reverse(bought, lines=(AskedLine("a", part),)), books=books)
            left -= part
    if left:
        books = after(reverse(bought), books=books)
    assert have(books) == (50, 50, 0)
