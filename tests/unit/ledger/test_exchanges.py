"""Points that become points of another asset: as tables, and that each keeps what it was worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.assets import ExchangeRate, check_exchanges
from laurel_ledger.domain.balances import balance_at
from laurel_ledger.domain.cohorts import CohortFold
from laurel_ledger.domain.errors import (
    AmountTooLarge,
    AssetNotFound,
    BalanceLimitExceeded,
    ExchangeNotAllowed,
    ExchangeNotWhole,
    InsufficientPoints,
    RequestIdReused,
    TransactionNotReversible,
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
    exchange,
    group,
    hold,
    reverse,
    spend,
)

EMPTY = Books(accounts={}, records={})
HOUR = timedelta(hours=1)
TOKEN = {"asset_id": "token"}


def decide(*drafts, books: Books = EMPTY, now=NOON, atomic: bool = False):
    steps = group(*drafts, atomic=atomic)
    return decide_batch(books, [steps], now=now, skew_max=SKEW)


def after(*drafts, books: Books = EMPTY, now=NOON) -> Books:
    """The books after some drafts that are all posted."""
    decision = decide(*drafts, books=books, now=now)
    assert all(isinstance(each, Posted) for each in decision.outcomes[0]), decision.outcomes
    return Books(
        accounts={**books.accounts, **decision.accounts},
        records={**books.records, **{each.request_key: each for each in decision.records}},
    )


def outcome_of(draft, *, books: Books):
    outcome = decide(draft, books=books).outcomes[0][-1]
    return outcome.transaction if isinstance(outcome, Posted) else outcome.error


def have(books: Books, asset_id: str, now=NOON) -> tuple[int, ...]:
    """Posted, available and owed points."""
    found = balance_at(books.accounts[AccountKey(PROGRAM, MEMBER, asset_id)], now)
    return (found.posted, found.available, found.debt)


def cells(transaction) -> list[tuple]:
    moved = transaction.movements
    return [(each.funding_account_id, each.expire_time, each.amount) for each in moved]


SOON = earn(15, **TOKEN, expire_time=NOON + HOUR, counter_account_id="merchant")
RICH = after(earn(45, **TOKEN), SOON)


def test_an_exchange_keeps_funder_and_expiry_lot_by_lot() -> None:
    """40 tokens are 12 beans: 15 of 40 are 4.5, 25 of 40 are 7.5; the odd one to the lower lot."""
    given, received = decide(exchange(40), books=RICH).records
    assert (given.type, received.type) == (
        TransactionType.EXCHANGE_OUT,
        TransactionType.EXCHANGE_IN,
    )
    assert (given.signed_amount, received.signed_amount) == (-40, 12)
    assert {given.counter_account_id, received.counter_account_id} == {"conversion"}
    assert cells(given) == [("merchant", NOON + HOUR, -15), ("platform", None, -25)]
    assert cells(received) == [("merchant", NOON + HOUR, 4), ("platform", None, 8)]
    assert (given.conversion.asset_id, given.conversion.amount) == ("bean", 12)
    assert given.conversion.request_id == received.request_id
    assert (received.conversion.asset_id, received.conversion.amount) == ("token", 40)
    assert received.conversion.request_id == given.request_id
    books = after(exchange(40), books=RICH)
    assert (have(books, "token"), have(books, "bean")) == ((20, 20, 0), (12, 12, 0))
    assert have(books, "bean", NOON + HOUR) == (8, 8, 0)


def test_a_lot_whose_share_is_nothing_gets_nothing() -> None:
    """One token of a merchant among nine is worth a third of a bean."""
    crumb = earn(1, **TOKEN, expire_time=NOON + HOUR, counter_account_id="merchant")
    books = after(earn(9, **TOKEN), crumb)
    _, received = decide(exchange(10), books=books).records
    assert cells(received) == [("platform", None, 3)]


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
    (outcome,) = decide(exchange(20), books=books, now=now).outcomes[0]
    found = outcome.transaction if isinstance(outcome, Posted) else outcome.error
    assert type(found) is expected


REFUSALS = [
    (exchange(70), InsufficientPoints),
    (exchange(10, member_id="m-3"), InsufficientPoints),
    (exchange(15), ExchangeNotWhole),
    (exchange(10, to_asset_id="coin"), ExchangeNotAllowed),
    (exchange(10, asset_id="bean", to_asset_id="token"), ExchangeNotAllowed),
    (exchange(10, to_asset_id="none"), AssetNotFound),
    (exchange(10, asset_id="none"), AssetNotFound),
    (exchange(10**15 + 10), AmountTooLarge),
    (exchange(4, to_asset_id="stamp"), AmountTooLarge),
]


@pytest.mark.parametrize(("asked", "expected"), REFUSALS)
def test_an_exchange_refused_moves_nothing(asked, expected: type) -> None:
    assert type(outcome_of(asked, books=RICH)) is expected
    books = decide(asked, books=RICH)
    assert all(each.posted in (0, 60) for each in books.accounts.values())


def test_an_exchange_brings_no_more_than_the_asset_allows() -> None:
    books = after(earn(100, asset_id="stamp"), books=RICH)
    error = outcome_of(exchange(2, to_asset_id="stamp"), books=books)
    assert (type(error), error.asset_id, error.amount) == (BalanceLimitExceeded, "stamp", 60)


def test_points_that_are_held_are_not_exchanged() -> None:
    books = after(hold(55, **TOKEN), books=RICH)
    assert type(outcome_of(exchange(10), books=books)) is InsufficientPoints


def test_what_is_owed_of_the_other_asset_is_repaid_first() -> None:
    """E18."""
    gone = earn(10)
    books = after(gone, spend(10), books=RICH)
    books = after(reverse(gone, shortfall=Shortfall.DEBT), books=books)
    assert have(books, "bean") == (-10, 0, 10)
    _, received = decide(exchange(50), books=books).records
    assert (received.debt_change, received.amount) == (-10, 15)
    assert have(after(exchange(50), books=books), "bean") == (5, 5, 0)


def test_an_exchange_repeated_answers_the_first_outcome() -> None:
    asked = exchange(20)
    books = after(asked, books=RICH)
    (again,) = decide(asked, books=books).outcomes[0]
    assert (again.replayed, again.transaction.draft) == (True, asked)
    error = outcome_of(replace(asked, to_asset_id="coin"), books=books)
    assert (type(error), error.mismatched_fields) == (RequestIdReused, "to_asset_id")


def test_an_exchange_is_not_reversed() -> None:
    asked = exchange(20)
    books = after(asked, books=RICH)
    assert type(outcome_of(reverse(asked), books=books)) is TransactionNotReversible


def test_a_group_that_fails_exchanges_nothing() -> None:
    decision = decide(exchange(20), exchange(50), books=RICH, atomic=True)
    assert (decision.records, decision.accounts) == ((), {})


def test_exchanged_points_leave_one_cohort_and_come_into_another() -> None:
    fold = CohortFold(months={}, zones={PROGRAM: TERMS.time_zone})
    for record in decide(earn(40, **TOKEN), exchange(20)).records:
        fold.add(record, shard_id=1)
    changes = {key.asset_id: change for key, change in fold.changes.items()}
    assert (changes["token"].issued, changes["token"].carried_out) == (40, 20)
    assert changes["bean"].carried_in == 6


def test_check_exchanges_names_every_fault() -> None:
    rates = (
        ExchangeRate(asset_id="a", to_asset_id="b", amount=1, to_amount=1),
        ExchangeRate(asset_id="a", to_asset_id="a", amount=1, to_amount=1),
        ExchangeRate(asset_id="a", to_asset_id="b", amount=2, to_amount=1),
        ExchangeRate(asset_id="a", to_asset_id="c", amount=1, to_amount=1),
    )
    assert [fault.path for fault in check_exchanges(["a", "b"], rates)] == [
        "exchanges[1].to_asset_id",
        "exchanges[2]",
        "exchanges[3].to_asset_id",
    ]
