"""Points that members give to one another: as tables, and that nothing comes about or gets lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.balances import balance_at
from laurel_ledger.domain.cohorts import CohortFold
from laurel_ledger.domain.errors import (
    AmountTooLarge,
    AssetNotFound,
    BalanceLimitExceeded,
    InsufficientPoints,
    RequestIdReused,
    TimeInFuture,
    TransactionNotReversible,
    TransferNotAllowed,
)
from laurel_ledger.domain.pages import MICROSECOND, Books
from laurel_ledger.domain.posting import Posted, decide_batch
from laurel_ledger.domain.reversal_terms import Shortfall
from laurel_ledger.domain.transactions import Transaction, TransactionType

from tests.support.ledger import (
    MEMBER,
    NOON,
    PROGRAM,
    SKEW,
    TERMS,
    earn,
    group,
    hold,
    reverse,
    spend,
    terms,
    transfer,
)

EMPTY = Books(accounts={}, records={})
HOUR = timedelta(hours=1)
TOKEN = {"asset_id": "token"}


def decide(*drafts, books: Books = EMPTY, now=NOON, rules=TERMS, atomic: bool = False):
    steps = group(*drafts, terms=rules, atomic=atomic)
    return decide_batch(books, [steps], now=now, skew_max=SKEW)


def after(*drafts, books: Books = EMPTY, now=NOON) -> Books:
    """The books after some drafts that are all posted."""
    decision = decide(*drafts, books=books, now=now)
    assert all(isinstance(each, Posted) for each in decision.outcomes[0]), decision.outcomes
    return Books(
        accounts={**books.accounts, **decision.accounts},
        records={**books.records, **{each.request_key: each for each in decision.records}},
    )


def outcome_of(draft, *, books: Books, rules=TERMS):
    outcome = decide(draft, books=books, rules=rules).outcomes[0][-1]
    return outcome.transaction if isinstance(outcome, Posted) else outcome.error


def have(books: Books, member_id: str = MEMBER, now=NOON) -> tuple[int, ...]:
    """Posted, available and owed tokens."""
    found = balance_at(books.accounts[AccountKey(PROGRAM, member_id, "token")], now)
    return (found.posted, found.available, found.debt)


def cells(transaction) -> list[tuple]:
    """Who paid for the points that moved, when they end, and how many they are."""
    moved = transaction.movements
    return [(each.funding_account_id, each.expire_time, each.amount) for each in moved]


SOON = earn(20, **TOKEN, expire_time=NOON + HOUR, counter_account_id="merchant")
RICH = after(earn(30, **TOKEN), SOON)


def test_a_transfer_carries_lots_with_their_funder_and_expiry() -> None:
    decision = decide(transfer(25), books=RICH)
    given, received = decision.records
    assert (given.type, received.type) == (
        TransactionType.TRANSFER_OUT,
        TransactionType.TRANSFER_IN,
    )
    assert (given.signed_amount, received.signed_amount) == (-25, 25)
    assert {given.counter_account_id, received.counter_account_id} == {"clearing"}
    assert [
        (each.funding_account_id, each.expire_time, each.amount) for each in given.movements
    ] == [
        ("merchant", NOON + HOUR, -20),
        ("platform", None, -5),
    ]
    assert [
        (each.funding_account_id, each.expire_time, each.amount) for each in received.movements
    ] == [
        ("merchant", NOON + HOUR, 20),
        ("platform", None, 5),
    ]
    assert (given.transfer.member_id, given.transfer.request_id) == ("m-2", received.request_id)
    assert (received.transfer.member_id, received.transfer.request_id) == (MEMBER, given.request_id)
    books = after(transfer(25), books=RICH)
    assert (have(books), have(books, "m-2")) == ((25, 25, 0), (25, 25, 0))
    assert have(books, "m-2", NOON + HOUR) == (5, 5, 0)


@pytest.mark.parametrize(
    ("early", "expected"),
    [
        (2, Transaction),
        (1, InsufficientPoints),
        (0, InsufficientPoints),
    ],
)
def test_what_is_void_before_it_arrives_is_void_before_it_goes(early: int, expected: type) -> None:
    """The points come a microsecond after they went."""
    books = after(earn(20, **TOKEN, expire_time=NOON + HOUR))
    now = NOON + HOUR - early * MICROSECOND
    (outcome,) = decide(transfer(20), books=books, now=now).outcomes[0]
    found = outcome.transaction if isinstance(outcome, Posted) else outcome.error
    assert type(found) is expected


REFUSALS = [
    (transfer(51), InsufficientPoints),
    (transfer(1, member_id="m-3"), InsufficientPoints),
    (transfer(1, asset_id="bean"), TransferNotAllowed),
    (transfer(1, asset_id="none"), AssetNotFound),
    (transfer(10**15 + 1), AmountTooLarge),
    (transfer(1, effective_time=NOON + HOUR), TimeInFuture),
]


@pytest.mark.parametrize(("draft", "expected"), REFUSALS)
def test_a_transfer_refused_moves_nothing(draft, expected: type) -> None:
    assert type(outcome_of(draft, books=RICH)) is expected
    books = decide(draft, books=RICH)
    assert all(each.posted in (0, 50) for each in books.accounts.values())


def test_points_that_are_held_or_wait_are_not_given_away() -> None:
    books = after(earn(5, **TOKEN), hold(3, **TOKEN), earn(9, **TOKEN, activation_key="later"))
    assert type(outcome_of(transfer(3), books=books)) is InsufficientPoints
    assert have(after(transfer(2), books=books), "m-2") == (2, 2, 0)


def test_nobody_gets_more_than_the_asset_allows() -> None:
    few = replace(TERMS.assets["token"], balance_max=30)
    books = after(earn(20, **TOKEN, member_id="m-2"), books=RICH)
    error = outcome_of(transfer(11), books=books, rules=terms(token=few))
    assert (type(error), error.posted, error.balance_max) == (BalanceLimitExceeded, 20, 30)


def test_what_the_other_member_owes_is_repaid_first() -> None:
    """E18."""
    gone = earn(10, **TOKEN, member_id="m-2")
    books = after(gone, spend(10, **TOKEN, member_id="m-2"), books=RICH)
    books = after(reverse(gone, shortfall=Shortfall.DEBT), books=books)
    assert have(books, "m-2") == (-10, 0, 10)
    _, received = decide(transfer(25), books=books).records
    assert received.debt_change == -10
    assert have(after(transfer(25), books=books), "m-2") == (15, 15, 0)


def test_what_is_void_of_either_expires_before() -> None:
    books = after(earn(7, **TOKEN, member_id="m-2", expire_time=NOON + HOUR), books=RICH)
    decision = decide(transfer(30), books=books, now=NOON + HOUR)
    assert [each.type.name for each in decision.records] == [
        *("EXPIRY", "EXPIRY", "TRANSFER_OUT", "TRANSFER_IN"),
    ]


def test_a_transfer_repeated_answers_the_first_outcome() -> None:
    asked = transfer(5)
    books = after(asked, books=RICH)
    (again,) = decide(asked, books=books).outcomes[0]
    assert (again.replayed, again.transaction.draft) == (True, asked)
    error = outcome_of(replace(asked, to_member_id="m-3"), books=books)
    assert (type(error), error.mismatched_fields) == (RequestIdReused, "to_member_id")


def test_a_transfer_is_not_reversed() -> None:
    asked = transfer(5)
    books = after(asked, books=RICH)
    assert type(outcome_of(reverse(asked), books=books)) is TransactionNotReversible


def test_a_group_that_fails_gives_nothing_away() -> None:
    decision = decide(transfer(5), transfer(50), books=RICH, atomic=True)
    assert (decision.records, decision.accounts) == ((), {})


def test_transferred_points_leave_one_cohort_and_come_into_another() -> None:
    fold = CohortFold(months={}, zones={PROGRAM: TERMS.time_zone})
    decision = decide(earn(30, **TOKEN), transfer(12))
    for record in decision.records:
        fold.add(record, shard_id=len(record.key.member_id + record.key.member_id[-1]))
    (change,) = fold.changes.values()
    assert (change.issued, change.carried_out, change.carried_in) == (30, 12, 12)
