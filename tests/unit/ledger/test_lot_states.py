"""Points that wait or are frozen, as tables: what can be spent, held, taken back, or is owed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.balances import balance_at
from laurel_ledger.domain.errors import (
    AssetNotFound,
    ExpiryNotAfterActive,
    InsufficientPoints,
    LotNotFound,
    LotsNotFound,
    RequestIdReused,
)
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import Posted, decide_batch
from laurel_ledger.domain.reversal_terms import Shortfall
from laurel_ledger.domain.transactions import Transaction, TransactionType

from tests.support.ledger import (
    MEMBER,
    NOON,
    PROGRAM,
    SKEW,
    activate,
    capture,
    earn,
    freeze,
    group,
    hold,
    prolong,
    release,
    reverse,
    spend,
    thaw,
    void,
)

BEANS = AccountKey(PROGRAM, MEMBER, "bean")
HOUR = timedelta(hours=1)
EMPTY = Books(accounts={}, records={})


def decide(*drafts, books: Books = EMPTY, now: datetime = NOON):
    return decide_batch(books, [group(*drafts)], now=now, skew_max=SKEW)


def after(*drafts, books: Books = EMPTY, now: datetime = NOON) -> Books:
    """The books after some drafts that are all posted."""
    decision = decide(*drafts, books=books, now=now)
    assert all(isinstance(each, Posted) for each in decision.outcomes[0]), decision.outcomes
    records = {record.request_key: record for record in decision.records}
    holds = {**books.holds, **{hold_name(each): each for each in decision.holds}}
    return Books(
        accounts={**books.accounts, **decision.accounts},
        records={**books.records, **records},
        holds=holds,
    )


def hold_name(held):
    return type(hold(1).request_key)(held.key.program_id, held.key.member_id, held.hold_id)


def outcome_of(draft, *, books: Books, now: datetime = NOON):
    """The transaction or the error that a draft comes to."""
    outcome = decide(draft, books=books, now=now).outcomes[0][-1]
    return outcome.transaction if isinstance(outcome, Posted) else outcome.error


def have(books: Books, now: datetime = NOON) -> tuple[int, ...]:
    """Posted, available, pending, frozen and owed."""
    found = balance_at(books.accounts[BEANS], now)
    return (found.posted, found.available, found.pending, found.frozen, found.debt)


KEYED = earn(30, activation_key="trial")
TIMED = earn(20, active_time=NOON + HOUR)
PLAIN = earn(50)
ALL = after(PLAIN, KEYED, TIMED)
FROZEN = after(freeze(lot_nos=(1,)), books=ALL)


BALANCES = [
    (ALL, timedelta(), (100, 50, 50, 0, 0)),
    (ALL, HOUR - timedelta(microseconds=1), (100, 50, 50, 0, 0)),
    (ALL, HOUR, (100, 70, 30, 0, 0)),
    (after(activate(activation_key="trial"), books=ALL), timedelta(), (100, 80, 20, 0, 0)),
    (after(activate(lot_nos=(3,)), books=ALL), timedelta(), (100, 70, 30, 0, 0)),
    (FROZEN, timedelta(), (100, 0, 50, 50, 0)),
    (after(freeze(activation_key="trial"), books=ALL), timedelta(), (100, 50, 20, 30, 0)),
    (after(freeze(), books=ALL), HOUR, (100, 0, 0, 100, 0)),
    (after(thaw(freeze_key="case"), books=FROZEN), timedelta(), (100, 50, 50, 0, 0)),
    (after(void(activation_key="trial"), books=ALL), timedelta(), (70, 50, 20, 0, 0)),
    (after(void(freeze_key="case"), books=FROZEN), timedelta(), (50, 0, 50, 0, 0)),
]


@pytest.mark.parametrize(("books", "later", "expected"), BALANCES)
def test_a_balance_says_what_waits_and_what_is_frozen(books, later, expected) -> None:
    assert have(books, NOON + later) == expected


OUTCOMES = [
    (ALL, spend(50), timedelta(), Transaction),
    (ALL, spend(51), timedelta(), InsufficientPoints),
    (ALL, spend(70), HOUR, Transaction),
    (ALL, spend(71), HOUR, InsufficientPoints),
    (ALL, hold(51), timedelta(), InsufficientPoints),
    (FROZEN, spend(1), timedelta(), InsufficientPoints),
    (ALL, reverse(KEYED), timedelta(), Transaction),
    (ALL, activate(activation_key="other"), timedelta(), LotsNotFound),
    (ALL, activate(lot_nos=(1,)), timedelta(), LotsNotFound),
    (ALL, activate(lot_nos=(3,)), HOUR, LotsNotFound),
    (ALL, activate(lot_nos=(2, 4)), timedelta(), LotNotFound),
    (ALL, activate(asset_id="none", lot_nos=(2,)), timedelta(), AssetNotFound),
    (ALL, thaw(freeze_key="case"), timedelta(), LotsNotFound),
    (FROZEN, thaw(freeze_key="other"), timedelta(), LotsNotFound),
    (FROZEN, freeze(lot_nos=(1,)), timedelta(), LotsNotFound),
    (EMPTY, freeze(), timedelta(), LotsNotFound),
    (ALL, activate(activation_key="trial", request_id=PLAIN.request_id), HOUR, RequestIdReused),
    (
        EMPTY,
        earn(1, active_time=NOON + HOUR, expire_time=NOON + HOUR),
        timedelta(),
        ExpiryNotAfterActive,
    ),
]


@pytest.mark.parametrize(("books", "draft", "later", "expected"), OUTCOMES)
def test_a_draft_comes_to_its_outcome(books, draft, later, expected: type) -> None:
    assert type(outcome_of(draft, books=books, now=NOON + later)) is expected


def test_a_refusal_of_a_change_of_lots_is_not_kept() -> None:
    assert decide(activate(activation_key="other"), books=ALL).records == ()


def test_a_change_repeated_answers_the_first_outcome() -> None:
    asked = activate(activation_key="trial")
    (again,) = decide(asked, books=after(asked, books=ALL)).outcomes[0]
    assert (again.replayed, again.transaction.amount) == (True, 30)
    error = outcome_of(replace(asked, lot_nos=(2,)), books=after(asked, books=ALL))
    assert (type(error), error.mismatched_fields) == (RequestIdReused, "lot_ids")


def test_a_change_moves_no_points_and_says_which_lots_it_changed() -> None:
    changed = outcome_of(freeze(), books=ALL)
    assert (changed.type, changed.amount, changed.posted_after) == (
        TransactionType.FREEZE,
        100,
        100,
    )
    assert (changed.movements, changed.signed_amount, changed.debt_change) == ((), 0, 0)
    assert sorted(changed.lots.lots) == [(1, 50), (2, 30), (3, 20)]


def test_voided_points_go_whatever_their_state() -> None:
    gone = outcome_of(void(lot_nos=(1, 2)), books=FROZEN)
    assert (gone.type, gone.amount, gone.posted_after) == (TransactionType.VOIDING, 80, 20)
    assert gone.counter_account_id == "breakage"
    assert sorted((each.lot_no, each.amount) for each in gone.movements) == [(1, -50), (2, -30)]


def test_points_that_wait_become_void_with_their_expiry() -> None:
    """F14: a trial's rebate that no purchase releases is cleared."""
    books = after(earn(30, activation_key="trial", expire_time=NOON + HOUR))
    assert have(books, NOON + HOUR) == (0, 0, 0, 0, 0)
    decision = decide(earn(1), books=books, now=NOON + HOUR)
    assert decision.records[0].type is TransactionType.EXPIRY


def test_frozen_points_do_not_expire_until_they_are_thawed() -> None:
    books = after(freeze(), books=after(earn(30, expire_time=NOON + HOUR)))
    late = NOON + 2 * HOUR
    assert have(books, late) == (30, 0, 0, 30, 0)
    decision = decide(thaw(freeze_key="case"), books=books, now=late)
    assert [each.type.name for each in decision.records] == ["THAW", "EXPIRY"]
    assert decision.accounts[BEANS].posted == 0


def test_earnings_never_fill_a_frozen_lot_nor_one_whose_wait_is_over() -> None:
    books = after(earn(1), earn(2, activation_key="trial"), books=FROZEN)
    assert [lot.earned for lot in books.accounts[BEANS].lots] == [50, 32, 20, 1]
    books = after(activate(activation_key="trial"), earn(3, activation_key="trial"), books=books)
    assert [lot.earned for lot in books.accounts[BEANS].lots] == [50, 32, 20, 1, 3]
    assert have(books)[2] == 23


def test_spent_points_come_back_to_their_own_lot_frozen_or_not() -> None:
    bought = spend(40)
    books = after(freeze(), books=after(bought, books=after(PLAIN)))
    back = outcome_of(reverse(bought), books=books)
    assert [(each.lot_no, each.amount) for each in back.movements] == [(1, 40)]
    assert have(after(reverse(bought), books=books)) == (50, 0, 0, 50, 0)


def test_a_pending_earning_is_taken_back_from_its_own_lot_only() -> None:
    back = outcome_of(reverse(KEYED), books=ALL)
    assert [(each.lot_no, each.amount) for each in back.movements] == [(2, -30)]
    back = outcome_of(reverse(PLAIN), books=after(spend(50), books=ALL))
    assert isinstance(back, InsufficientPoints)


OWING = after(
    PLAIN, spend(50), reverse(PLAIN, shortfall=Shortfall.DEBT), earn(30, activation_key="trial")
)
"""50 are owed, and 30 wait."""


def test_points_that_wait_repay_nothing_before_they_are_active() -> None:
    """E18."""
    assert have(OWING) == (-20, 0, 30, 0, 50)
    changed = outcome_of(activate(activation_key="trial"), books=OWING)
    assert (changed.debt_change, changed.posted_after) == (-30, -20)
    assert have(after(activate(activation_key="trial"), books=OWING)) == (-20, 0, 0, 0, 20)


def test_points_that_become_active_by_themselves_repay_what_is_owed() -> None:
    books = after(
        PLAIN,
        spend(50),
        reverse(PLAIN, shortfall=Shortfall.DEBT),
        earn(60, active_time=NOON + HOUR),
    )
    assert have(books, NOON + HOUR) == (10, 10, 0, 0, 0)
    assert books.accounts[BEANS].next_due_time == NOON + HOUR
    decision = decide(spend(10), books=books, now=NOON + HOUR)
    repaid, bought = decision.records
    assert (repaid.type, repaid.amount, repaid.debt_change) == (TransactionType.REPAYMENT, 50, -50)
    assert (bought.posted_after, bought.debt_change) == (0, 0)


def test_thawed_points_repay_what_is_owed() -> None:
    books = after(freeze(), books=after(earn(40), earn(10, counter_account_id="merchant")))
    gone = earn(20, request_id="gone")
    books = after(gone, spend(20), books=books)
    books = after(reverse(gone, shortfall=Shortfall.DEBT), books=books)
    assert have(books) == (30, 0, 0, 50, 20)
    thawed = outcome_of(thaw(freeze_key="case"), books=books)
    assert (thawed.debt_change, thawed.posted_after) == (-20, 30)


def test_held_points_stay_held_in_a_frozen_lot() -> None:
    held = hold(20)
    books = after(freeze(), books=after(PLAIN, held))
    assert have(books) == (50, 0, 0, 30, 0)
    taken = after(capture(held, 15), books=books)
    assert have(taken) == (35, 0, 0, 30, 0)
    assert have(after(release(held), books=taken)) == (35, 0, 0, 35, 0)


LATER = NOON + timedelta(days=9)
SOON = NOON + HOUR


def lots_of(books: Books) -> list[tuple[int, int, int | None]]:
    """What is left in each lot that has points, and which lot it continues."""
    lots = books.accounts[BEANS].lots
    return [(lot.lot_no, lot.remaining, lot.parent_lot_no) for lot in lots if lot.remaining]


def test_extended_points_last_longer_and_keep_what_else_they_are() -> None:
    books = after(
        earn(30, expire_time=SOON, activation_key="trial"),
        earn(20, expire_time=SOON, counter_account_id="merchant"),
        freeze(lot_nos=(2,)),
    )
    asked = prolong(LATER)
    extended = outcome_of(asked, books=books)
    assert (extended.type.name, extended.amount, extended.posted_after) == ("LOT_EXTENSION", 50, 50)
    assert (extended.signed_amount, extended.debt_change) == (0, 0)
    assert extended.lots.lots == ((3, 30), (4, 20))
    assert [(each.lot_no, each.amount) for each in extended.movements] == [
        *((1, -30), (3, 30)),
        *((2, -20), (4, 20)),
    ]
    books = after(asked, books=books)
    assert have(books, LATER - HOUR) == (50, 0, 30, 20, 0)
    assert lots_of(books) == [(3, 30, 1), (4, 20, 2)]
    assert [lot.funding_account_id for lot in books.accounts[BEANS].lots[2:]] == [
        "platform",
        "merchant",
    ]
    books = after(activate(activation_key="trial"), thaw(), books=books)
    assert have(books, LATER - HOUR) == (50, 50, 0, 0, 0)
    assert have(books, LATER) == (0, 0, 0, 0, 0)
    assert extended.draft == asked


SHORT = after(earn(10, expire_time=SOON), earn(20, expire_time=LATER), earn(5, asset_id="token"))

EXTENSIONS = [
    (prolong(LATER), [(2, 20, None), (3, 10, 1)]),
    (prolong(LATER + HOUR), [(3, 10, 1), (4, 20, 2)]),
    (prolong(LATER + HOUR, lot_nos=(2,)), [(1, 10, None), (3, 20, 2)]),
    (prolong(SOON), LotsNotFound),
    (prolong(LATER, lot_nos=(2,)), LotsNotFound),
    (prolong(LATER, lot_nos=(9,)), LotNotFound),
    (prolong(LATER, asset_id="token"), LotsNotFound),
    (prolong(LATER, asset_id="none"), AssetNotFound),
    (prolong(LATER, activation_key="none"), LotsNotFound),
    (prolong(NOON), ExpiryNotAfterActive),
]


@pytest.mark.parametrize(("draft", "expected"), EXTENSIONS)
def test_only_lots_that_end_earlier_are_extended(draft, expected) -> None:
    if isinstance(expected, type):
        assert type(outcome_of(draft, books=SHORT)) is expected
    else:
        assert lots_of(after(draft, books=SHORT)) == expected


def test_held_points_keep_the_expiry_of_their_lot() -> None:
    held = hold(4)
    books = after(prolong(LATER), books=after(earn(10, expire_time=SOON), held))
    assert lots_of(books) == [(1, 4, None), (2, 6, 1)]
    decision = decide(release(held), books=books, now=SOON + timedelta(minutes=1))
    assert decision.accounts[BEANS].posted == 6


def test_frozen_points_that_are_void_can_be_extended_before_they_are_thawed() -> None:
    books = after(freeze(), books=after(earn(10, expire_time=SOON)))
    late = SOON + HOUR
    books = after(prolong(LATER), books=books, now=late)
    assert have(books, late) == (10, 0, 0, 10, 0)
    assert have(after(thaw(), books=books, now=late), late) == (10, 10, 0, 0, 0)


def test_an_extended_earning_is_taken_back_from_where_its_points_are() -> None:
    """E16: although they wait, and others could be spent."""
    order = earn(30, expire_time=SOON, activation_key="trial")
    books = after(prolong(LATER + HOUR), books=after(prolong(LATER), books=after(order, earn(7))))
    back = outcome_of(reverse(order), books=books)
    assert [(each.lot_no, each.amount) for each in back.movements] == [(4, -30)]


def test_spent_points_come_back_to_their_own_lot_extended_or_not() -> None:
    """E15: what was spent was not extended."""
    bought = spend(4)
    books = after(prolong(LATER), books=after(bought, books=after(earn(10, expire_time=SOON))))
    assert lots_of(after(reverse(bought), books=books)) == [(1, 4, None), (2, 6, 1)]
