"""Holds as tables: what is set aside, what of it is spent, freed, void or owed in the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from laurel_ledger.domain import chain
from laurel_ledger.domain.accounts import AccountKey, HoldState, Pin
from laurel_ledger.domain.balances import balance_at
from laurel_ledger.domain.errors import (
    AccountNotFound,
    AmountTooLarge,
    AssetNotFound,
    BatchMemberFailed,
    CaptureExceedsHold,
    HoldAlreadyCaptured,
    HoldAlreadyReleased,
    HoldExpired,
    HoldNotFound,
    InsufficientPoints,
    RequestIdReused,
)
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import (
    DueAccount,
    Group,
    Posted,
    Refused,
    decide_batch,
)
from laurel_ledger.domain.reversal_terms import Shortfall
from laurel_ledger.domain.transactions import RequestKey, Transaction, TransactionType

from tests.support.ledger import (
    MEMBER,
    NOON,
    PROGRAM,
    SKEW,
    capture,
    earn,
    extend,
    group,
    hold,
    release,
    reverse,
    spend,
)

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
HOUR = 60 * MINUTE
EMPTY = Books(accounts={}, records={})
BEANS = AccountKey(PROGRAM, MEMBER, "bean")


def decide(*groups, books: Books = EMPTY, now: datetime = NOON):
    return decide_batch(books, groups, now=now, skew_max=SKEW)


def kept(decision, books: Books) -> Books:
    """The books after a decision."""
    records = {record.request_key: record for record in decision.records}
    holds = {RequestKey(PROGRAM, each.key.member_id, each.hold_id): each for each in decision.holds}
    return Books(
        accounts={**books.accounts, **decision.accounts},
        records={**books.records, **records},
        holds={**books.holds, **holds},
    )


def after(*drafts, books: Books = EMPTY, now: datetime = NOON) -> Books:
    """The books after some drafts, all of which were posted."""
    decision = decide(group(*drafts), books=books, now=now)
    assert all(isinstance(outcome, Posted) for outcome in decision.outcomes[0])
    return kept(decision, books)


def outcome_of(*drafts, books: Books = EMPTY, now: datetime = NOON):
    """What becomes of the last of some drafts: a transaction, or the refusal."""
    outcome = decide(group(*drafts), books=books, now=now).outcomes[0][-1]
    return outcome.error if isinstance(outcome, Refused) else outcome.transaction


def moved(transaction: Transaction) -> list[tuple[int, int]]:
    return [(each.lot_no, each.amount) for each in transaction.movements]


def balance(books: Books, now: datetime = NOON) -> tuple[int, int, int, int]:
    """Posted, available, held and owed."""
    found = balance_at(books.accounts[BEANS], now)
    return found.posted, found.available, found.held, found.debt


LONG = earn(50, request_id="long")
SHORT = earn(30, request_id="short", expire_time=NOON + HOUR)
HELD = hold(40, request_id="held", minutes=90)
BOOKS = after(LONG, SHORT, HELD)  # 30 of the short one and 10 of the long one are pinned.
CAPTURED = after(capture(HELD), books=BOOKS)
RELEASED = after(release(HELD), books=BOOKS)
LATER = NOON + 90 * MINUTE


def test_a_hold_pins_points_in_the_order_of_spending() -> None:
    placed = outcome_of(LONG, SHORT, HELD)
    assert placed.hold.hold.pins == (Pin(2, 30), Pin(1, 10))
    assert (placed.signed_amount, placed.posted_after, placed.version) == (0, 80, 3)
    assert balance(BOOKS) == (80, 40, 40, 0)


OUTCOMES = [
    # What is allowed beside what is just not allowed; the museum's holds not counted in available.
    (BOOKS, hold(40), Transaction),
    (BOOKS, hold(41), InsufficientPoints),
    (BOOKS, spend(40), Transaction),
    (BOOKS, spend(41), InsufficientPoints),
    (BOOKS, capture(HELD, 40), Transaction),
    (BOOKS, capture(HELD, 41), CaptureExceedsHold),
    (after(capture(HELD, 30), books=BOOKS), capture(HELD, 11), CaptureExceedsHold),
    (after(capture(HELD, 30), books=BOOKS), capture(HELD, 10), Transaction),
    # A hold ends once (I9); the museum's rejected hold that can be captured.
    (CAPTURED, capture(HELD, 1), HoldAlreadyCaptured),
    (CAPTURED, release(HELD), HoldAlreadyCaptured),
    (CAPTURED, extend(HELD, minutes=1), HoldAlreadyCaptured),
    (after(capture(HELD, 1, final=True), books=BOOKS), capture(HELD, 1), HoldAlreadyCaptured),
    (RELEASED, capture(HELD, 1), HoldAlreadyReleased),
    (RELEASED, release(HELD), HoldAlreadyReleased),
    (BOOKS, capture(replace(HELD, hold_id="none")), HoldNotFound),
    (BOOKS, capture(replace(HELD, member_id="m-2")), HoldNotFound),
    (EMPTY, hold(1, asset_id="gold"), AssetNotFound),
    (EMPTY, hold(101, asset_id="stamp"), AmountTooLarge),
    (BOOKS, capture(HELD, counter_account_id="platform"), AccountNotFound),
    (BOOKS, capture(HELD, counter_account_id="nobody"), AccountNotFound),
    # Precedence: an earlier outcome, existence, account, how it ended, amounts, balance.
    (BOOKS, capture(replace(HELD, hold_id="none"), request_id="held"), RequestIdReused),
    (CAPTURED, capture(HELD, counter_account_id="nobody"), AccountNotFound),
    (RELEASED, capture(HELD, 41), HoldAlreadyReleased),
]


@pytest.mark.parametrize(("books", "asked", "expected"), OUTCOMES)
def test_a_change_of_a_hold_comes_to_its_outcome(books: Books, asked, expected: type) -> None:
    assert type(outcome_of(asked, books=books)) is expected


def test_a_refused_hold_cannot_be_captured() -> None:
    refused = hold(41)
    decision = decide(group(refused, capture(refused)), books=BOOKS)
    assert isinstance(decision.outcomes[0][1].error, HoldNotFound)


def test_a_hold_of_the_same_batch_can_be_captured() -> None:
    """The museum's batch hold that cannot be captured."""
    taken = outcome_of(LONG, SHORT, HELD, capture(HELD, 35))
    assert (taken.amount, taken.posted_after) == (35, 45)
    assert moved(taken) == [(2, -30), (1, -5)]


def test_captures_take_what_was_pinned_in_order_until_nothing_is_held() -> None:
    first = outcome_of(capture(HELD, 35), books=BOOKS)
    assert (first.counter_account_id, first.hold.hold.state) == ("checkout", HoldState.OPEN)
    books = after(capture(HELD, 35), books=BOOKS)
    rest = outcome_of(capture(HELD), books=books)
    assert (rest.amount, moved(rest)) == (5, [(1, -5)])
    assert rest.hold.hold.state is HoldState.CAPTURED
    assert balance(after(capture(HELD), books=books)) == (40, 40, 0, 0)


def test_two_captures_of_all_spend_once() -> None:
    decision = decide(group(capture(HELD, 40), capture(HELD, 40)), books=BOOKS)
    assert isinstance(decision.outcomes[0][1].error, HoldAlreadyCaptured)


def test_a_final_capture_frees_the_rest() -> None:
    books = after(capture(HELD, 15, final=True), books=BOOKS)
    found = books.holds[RequestKey(PROGRAM, MEMBER, "held")]
    assert (found.captured, found.released, found.state) == (15, 25, HoldState.CAPTURED)
    assert balance(books) == (65, 65, 0, 0)


def test_an_atomic_group_that_fails_leaves_the_hold_as_it_was() -> None:
    failing = group(capture(HELD, 30), spend(41), atomic=True)
    decision = decide(failing, group(capture(HELD, 40)), books=BOOKS)
    assert isinstance(decision.outcomes[0][0].error, BatchMemberFailed)
    assert isinstance(decision.outcomes[1][0], Posted)


def test_changes_repeated_answer_the_first_outcome() -> None:
    taking, late = capture(HELD, 10), capture(HELD, 31)
    decision = decide(group(taking, late), books=BOOKS)
    books = kept(decision, BOOKS)
    again = decide(group(HELD, taking, late), books=books).outcomes[0]
    assert [outcome.replayed for outcome in again] == [True] * 3
    assert again[1].transaction == decision.outcomes[0][0].transaction
    assert again[2].error.remaining == 30


@pytest.mark.parametrize(
    ("asked", "mismatched"),
    [
        (replace(HELD, amount=41), "amount"),
        (replace(HELD, asset_id="coin"), "asset_id"),
        (replace(HELD, lifetime=HOUR), "lifetime"),
        (release(HELD, request_id="held"), "effect"),
        (replace(SHORT, request_id="held"), "effect"),
        (capture(HELD, 11, request_id="taken"), "amount"),
        (capture(HELD, request_id="taken"), "amount"),
        (capture(HELD, 10, final=True, request_id="taken"), "final"),
        (
            capture(HELD, 10, counter_account_id="x", request_id="taken"),
            "redemption_account_id",
        ),
    ],
)
def test_what_differs_under_a_reused_request_id_is_named(asked, mismatched: str) -> None:
    books = after(capture(HELD, 10, request_id="taken"), books=BOOKS)
    error = outcome_of(asked, books=books)
    assert (type(error), error.mismatched_fields) == (RequestIdReused, mismatched)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOON + HOUR - MICROSECOND, (80, 40, 40, 0)),
        # The short lot is void by now, and all of it pinned.
        (NOON + HOUR, (80, 40, 40, 0)),
        (LATER - MICROSECOND, (80, 40, 40, 0)),
        (LATER + 10 * MICROSECOND, (50, 50, 0, 0)),
    ],
)
def test_a_balance_is_exact_whether_or_not_a_lapse_was_posted(now: datetime, expected) -> None:
    assert balance(BOOKS, now) == expected
    swept = decide(sweep(), books=BOOKS, now=now)
    assert balance(kept(swept, BOOKS), now) == expected


def sweep() -> Group:
    return Group(due=(DueAccount(key=BEANS, program_revision="sha256:first"),))


def test_a_hold_lapses_exactly_at_its_instant() -> None:
    """The museum's reward consumed by a timed-out order."""
    placed = BOOKS.holds[RequestKey(PROGRAM, MEMBER, "held")]
    before = placed.expire_time - MICROSECOND
    assert isinstance(outcome_of(capture(HELD), books=BOOKS, now=before), Transaction)
    error = outcome_of(capture(HELD), books=BOOKS, now=placed.expire_time)
    assert (type(error), error.expire_time) == (HoldExpired, placed.expire_time)
    assert BOOKS.accounts[BEANS].next_due_time == placed.expire_time


def test_a_lapse_and_what_it_voids_are_transactions_of_their_own() -> None:
    decision = decide(sweep(), books=BOOKS, now=LATER + MINUTE)
    lapsed, expiry = decision.records
    assert (lapsed.type, lapsed.amount, lapsed.signed_amount) == (TransactionType.LAPSE, 40, 0)
    assert (lapsed.hold.expiring, lapsed.hold.held_after) == (30, 0)
    assert (expiry.type, expiry.amount, expiry.posted_after) == (TransactionType.EXPIRY, 30, 50)
    assert not decide(sweep(), books=kept(decision, BOOKS), now=LATER + MINUTE).records


def test_pinned_points_are_captured_after_their_expiry() -> None:
    """I16: they were pinned before it."""
    taken = outcome_of(capture(HELD, 35), books=BOOKS, now=NOON + HOUR + MINUTE)
    assert moved(taken) == [(2, -30), (1, -5)]


def test_only_what_no_hold_has_pinned_expires() -> None:
    books = after(LONG, SHORT, hold(10, request_id="held", minutes=90))
    decision = decide(sweep(), books=books, now=NOON + HOUR)
    assert [record.amount for record in decision.records] == [20]
    swept = kept(decision, books)
    assert balance(swept, NOON + HOUR) == (60, 50, 10, 0)
    released = decide(group(release(HELD)), books=swept, now=NOON + HOUR + MINUTE)
    assert [record.amount for record in released.records] == [10, 10]
    assert released.records[0].hold.expiring == 10
    assert balance(kept(released, swept), NOON + HOUR + MINUTE) == (50, 50, 0, 0)


def test_a_hold_is_extended_and_never_shortened() -> None:
    longer = after(extend(HELD, minutes=120), books=BOOKS)
    assert balance(longer, LATER + MINUTE) == (80, 40, 40, 0)
    shorter = outcome_of(extend(HELD, minutes=1), books=BOOKS)
    assert (
        shorter.hold.hold.expire_time
        == BOOKS.holds[RequestKey(PROGRAM, MEMBER, "held")].expire_time
    )


def test_a_capture_is_reversed_as_a_spending_is() -> None:
    taking = capture(HELD, 35)
    back = outcome_of(reverse(taking), books=after(taking, books=BOOKS))
    assert (back.type, moved(back)) == (TransactionType.SPEND_REVERSAL, [(1, 5), (2, 30)])


def test_points_that_are_held_are_not_taken_back() -> None:
    back = outcome_of(reverse(LONG), books=BOOKS)
    assert (back.amount, moved(back)) == (40, [(1, -40)])


OWING = after(reverse(LONG, shortfall=Shortfall.DEBT), books=BOOKS)


def test_who_owes_keeps_what_is_held_and_repays_when_it_is_freed() -> None:
    assert balance(OWING) == (30, 0, 40, 10)
    assert isinstance(outcome_of(spend(1), books=OWING), InsufficientPoints)
    freed = outcome_of(release(HELD), books=OWING)
    assert (freed.debt_change, moved(freed), freed.posted_after) == (-10, [(2, -10)], 30)
    assert balance(after(release(HELD), books=OWING)) == (30, 30, 0, 0)


def test_void_points_that_are_freed_repay_nothing() -> None:
    now = NOON + HOUR + MINUTE
    decision = decide(group(release(HELD)), books=OWING, now=now)
    assert [record.posted_after for record in decision.records] == [30, 0]
    assert balance(kept(decision, OWING), now) == (0, 0, 0, 0)


def test_void_points_of_one_lapsed_hold_do_not_hide_a_debt_from_the_next() -> None:
    """Both lapse before anybody comes by: what the first frees is void, the second repays."""
    ten = earn(10, request_id="ten")
    first = hold(30, request_id="first", minutes=90)
    second = hold(10, request_id="second", minutes=100)
    books = after(ten, SHORT, first, second)
    owing = after(reverse(ten, shortfall=Shortfall.DEBT), books=books)
    assert balance(owing) == (30, 0, 40, 10)
    now = NOON + 3 * HOUR
    decision = decide(sweep(), books=owing, now=now)
    assert [(each.type.name, each.posted_after) for each in decision.records] == [
        ("LAPSE", 30),
        ("EXPIRY", 0),
        ("LAPSE", 0),
    ]
    assert balance(owing, now) == balance(kept(decision, owing), now) == (0, 0, 0, 0)


def test_a_final_capture_of_who_owes_repays_from_the_rest() -> None:
    taking = capture(HELD, 25, final=True)
    taken = outcome_of(taking, books=OWING)
    assert (taken.amount, taken.debt_change, moved(taken)) == (
        25,
        -10,
        [(2, -25), (2, -5), (1, -5)],
    )
    books = after(taking, books=OWING)
    assert balance(books) == (5, 5, 0, 0)
    assert moved(outcome_of(reverse(taking), books=books)) == [(2, 25)]


def test_an_earning_repays_what_is_owed_beside_a_hold() -> None:
    books = after(earn(15), books=OWING)
    assert balance(books) == (45, 5, 40, 0)


def leaf(record) -> bytes:
    return chain.leaf_of(record, shard_id=1, position=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("held_after", 1),
        ("expiring", 1),
        ("lifetime", MINUTE),
        ("final", True),
    ],
)
def test_the_chain_covers_what_was_done_to_a_hold(name: str, value: object) -> None:
    placed = outcome_of(LONG, SHORT, HELD)
    assert leaf(placed) != leaf(replace(placed, hold=replace(placed.hold, **{name: value})))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hold_id", "other"),
        ("amount", 41),
        ("captured", 1),
        ("released", 1),
        ("create_time", LATER),
        ("expire_time", NOON),
        ("state", HoldState.LAPSED),
        ("pins", (Pin(2, 30), Pin(1, 9))),
        ("pins", ()),
    ],
)
def test_the_chain_covers_a_hold(name: str, value: object) -> None:
    placed = outcome_of(LONG, SHORT, HELD)
    changed = replace(placed.hold, hold=replace(placed.hold.hold, **{name: value}))
    assert leaf(placed) != leaf(replace(placed, hold=changed))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hold_id", "other"),
        ("amount", 42),
        ("lifetime", MINUTE),
        ("final", True),
        ("counter_account_id", "x"),
        ("reason", "x"),
        ("labels", {"a": "b"}),
        ("program_revision", "x"),
        ("type", TransactionType.RELEASE),
    ],
)
def test_the_chain_covers_all_of_a_refusal(name: str, value: object) -> None:
    (refused,) = decide(group(capture(HELD, 41)), books=BOOKS).records
    assert leaf(refused) != leaf(replace(refused, draft=replace(refused.draft, **{name: value})))
