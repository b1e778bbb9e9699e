"""Reversals as tables: what comes back where, what is taken, what is owed, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from laurel_ledger.domain import chain
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.assets import AMOUNT_MAX
from laurel_ledger.domain.balances import balance_at
from laurel_ledger.domain.errors import (
    AssetNotFound,
    BalanceLimitExceeded,
    BatchMemberFailed,
    InsufficientPoints,
    RequestIdReused,
    ReversalExceedsRemaining,
    TimeInFuture,
    TransactionNotFound,
    TransactionNotReversible,
)
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import Posted, Refused, decide_batch
from laurel_ledger.domain.reversal_terms import LateRestore, Shortfall
from laurel_ledger.domain.transactions import Transaction, TransactionType

from tests.support.ledger import (
    MEMBER,
    NOON,
    PROGRAM,
    SKEW,
    TERMS,
    earn,
    group,
    reverse,
    spend,
)

HOUR = timedelta(hours=1)
EMPTY = Books(accounts={}, records={})
BEANS = AccountKey(PROGRAM, MEMBER, "bean")


def decide(*groups, books: Books = EMPTY, now: datetime = NOON):
    return decide_batch(books, groups, now=now, skew_max=SKEW)


def after(*drafts, books: Books = EMPTY, now: datetime = NOON) -> Books:
    """The books after some drafts, all of which were posted."""
    decision = decide(group(*drafts), books=books, now=now)
    assert all(isinstance(outcome, Posted) for outcome in decision.outcomes[0])
    records = {record.request_key: record for record in decision.records}
    amounts = dict(books.reversed_amounts)
    for record in decision.records:
        if record.reversal:
            key = record.draft.reversed_key
            amounts[key] = amounts.get(key, 0) + record.amount
    return Books(
        accounts={**books.accounts, **decision.accounts},
        records={**books.records, **records},
        reversed_amounts=amounts,
    )


def outcome_of(*drafts, books: Books = EMPTY, now: datetime = NOON):
    """What becomes of the last of some drafts: a transaction, or the refusal."""
    outcome = decide(group(*drafts), books=books, now=now).outcomes[0][-1]
    return outcome.error if isinstance(outcome, Refused) else outcome.transaction


def moved(transaction: Transaction) -> list[tuple[int, int]]:
    return [(each.lot_no, each.amount) for each in transaction.movements]


LONG = earn(50, request_id="long")
SHORT = earn(30, request_id="short", expire_time=NOON + HOUR)
BOUGHT = spend(60, request_id="bought")
SPENT = after(LONG, SHORT, BOUGHT)  # 30 of the short one, 30 of the long one; 20 are left.


def test_a_spending_comes_back_last_consumed_first_to_its_own_lots() -> None:
    """E15: the last points taken are the first given back, each to its lot with its expiry."""
    first = outcome_of(reverse(BOUGHT, 40), books=SPENT)
    assert (first.type, first.amount, first.posted_after) == (
        TransactionType.SPEND_REVERSAL,
        40,
        60,
    )
    assert moved(first) == [(1, 30), (2, 10)]
    assert first.movements[1].expire_time == NOON + HOUR
    assert first.counter_account_id == "checkout"
    rest = outcome_of(reverse(BOUGHT), books=after(reverse(BOUGHT, 40), books=SPENT))
    assert (rest.amount, rest.posted_after, moved(rest)) == (20, 80, [(2, 20)])


def test_points_that_came_back_have_numbers_of_their_own() -> None:
    transaction = outcome_of(reverse(BOUGHT, 40), books=SPENT)
    assert [each.position for each in transaction.movements] == [50, 30]


def test_a_spending_is_reversed_until_nothing_is_left() -> None:
    """I10, and the second refund of the bug museum."""
    books = SPENT
    for part in (1, 2, 3, 54):
        books = after(reverse(BOUGHT, part), books=books)
    error = outcome_of(reverse(BOUGHT), books=books)
    assert isinstance(error, ReversalExceedsRemaining)
    assert (error.requested, error.reversible) == (0, 0)
    assert books.accounts[BEANS].posted == 80


REFUSALS = [
    (SPENT, reverse(BOUGHT, 60), Transaction),
    (SPENT, reverse(BOUGHT, 61), ReversalExceedsRemaining),
    (after(reverse(BOUGHT, 20), books=SPENT), reverse(BOUGHT, 40), Transaction),
    (after(reverse(BOUGHT, 20), books=SPENT), reverse(BOUGHT, 41), ReversalExceedsRemaining),
    (SPENT, reverse(replace(BOUGHT, request_id="none")), TransactionNotFound),
    (SPENT, reverse(replace(BOUGHT, member_id="m-2")), TransactionNotFound),
    (SPENT, reverse(BOUGHT, effective_time=NOON + SKEW + HOUR), TimeInFuture),
    (SPENT, reverse(LONG, 21, shortfall=Shortfall.REJECT), InsufficientPoints),
    (SPENT, reverse(LONG, 20, shortfall=Shortfall.REJECT), Transaction),
    (SPENT, reverse(LONG, 51, shortfall=Shortfall.DEBT), ReversalExceedsRemaining),
    (after(spend(20), books=SPENT), reverse(LONG), InsufficientPoints),
    # Precedence: an earlier outcome, existence, kind, times, what is left, balance.
    (SPENT, reverse(BOUGHT, 61, request_id="bought"), RequestIdReused),
    (SPENT, reverse(BOUGHT, 61, effective_time=NOON + HOUR), TimeInFuture),
    (SPENT, reverse(LONG, 51, shortfall=Shortfall.REJECT), ReversalExceedsRemaining),
]


@pytest.mark.parametrize(("books", "asked", "expected"), REFUSALS)
def test_a_reversal_comes_to_its_outcome(books: Books, asked, expected: type) -> None:
    assert type(outcome_of(asked, books=books)) is expected


def test_a_reversal_and_an_expiry_cannot_be_reversed() -> None:
    back = reverse(BOUGHT, 10, request_id="back")
    error = outcome_of(reverse(replace(BOUGHT, request_id="back")), books=after(back, books=SPENT))
    assert isinstance(error, TransactionNotReversible)
    assert error.type == "SPEND_REVERSAL"
    decision = decide(group(earn(1)), books=after(SHORT), now=NOON + HOUR)
    expiry = decision.records[0]
    records = {record.request_key: record for record in decision.records}
    books = Books(accounts=decision.accounts, records=records)
    named = replace(BOUGHT, request_id=expiry.request_id)
    error = outcome_of(reverse(named), books=books, now=NOON + 2 * HOUR)
    assert (type(error), error.type) == (TransactionNotReversible, "EXPIRY")


def test_a_refused_spending_cannot_be_reversed() -> None:
    refused = spend(81, request_id="refused")
    decision = decide(group(refused, reverse(refused)), books=SPENT)
    assert isinstance(decision.outcomes[0][1].error, TransactionNotFound)


def test_a_reversal_repeated_answers_the_first_outcome() -> None:
    back = reverse(BOUGHT, 10)
    books = after(back, books=SPENT)
    again = decide(group(back), books=books).outcomes[0][0]
    assert (again.replayed, again.transaction.amount) == (True, 10)
    exceeding = reverse(BOUGHT, 51)
    decision = decide(group(exceeding), books=books)
    (kept,) = decision.records
    books = replace(books, records={**books.records, kept.request_key: kept})
    repeated = decide(group(exceeding), books=books).outcomes[0][0]
    assert (repeated.replayed, repeated.error.reversible) == (True, 50)


@pytest.mark.parametrize(
    ("change", "mismatched"),
    [
        ({"amount": 11}, "amount"),
        ({"amount": None}, "amount"),
        ({"reversed_request_id": "long"}, "reversed_request_id"),
        ({"late_restore": LateRestore.GRACE, "grace_days": 2}, "late_restore,grace_days"),
        ({"shortfall": Shortfall.DEBT, "reason": "x"}, "shortfall,reason"),
    ],
)
def test_what_differs_under_a_reused_request_id_is_named(change: dict, mismatched: str) -> None:
    back = reverse(BOUGHT, 10)
    error = outcome_of(replace(back, **change), books=after(back, books=SPENT))
    assert isinstance(error, RequestIdReused)
    assert error.mismatched_fields == mismatched


def test_a_request_id_of_a_spending_is_no_reversal() -> None:
    error = outcome_of(
        replace(LONG, request_id="back"),
        books=after(reverse(BOUGHT, request_id="back"), books=SPENT),
    )
    assert (type(error), error.mismatched_fields) == (RequestIdReused, "effect")


def test_two_reversals_in_one_batch_never_give_back_more_than_was_spent() -> None:
    decision = decide(group(reverse(BOUGHT, 40), reverse(BOUGHT, 40), reverse(BOUGHT)), books=SPENT)
    first, second, third = decision.outcomes[0]
    assert isinstance(second.error, ReversalExceedsRemaining)
    assert (first.transaction.amount, third.transaction.amount) == (40, 20)


def test_an_atomic_group_that_fails_reverses_nothing() -> None:
    decision = decide(
        group(reverse(BOUGHT, 40), reverse(BOUGHT, 40), atomic=True),
        group(reverse(BOUGHT)),
        books=SPENT,
    )
    assert isinstance(decision.outcomes[0][0].error, BatchMemberFailed)
    assert decision.outcomes[1][0].transaction.amount == 60


def test_what_was_posted_in_the_same_batch_can_be_reversed() -> None:
    bought = spend(60)
    transaction = outcome_of(LONG, SHORT, bought, reverse(bought))
    assert (transaction.posted_after, moved(transaction)) == (80, [(1, 30), (2, 30)])


def test_a_part_whose_lot_is_void_expires_at_once_unless_asked_otherwise() -> None:
    """E15, and the bug museum's expiry dodged by redeem and cancel."""
    decision = decide(group(reverse(BOUGHT)), books=SPENT, now=NOON + HOUR)
    back, expiry = decision.records
    assert (back.amount, back.posted_after, back.reversal.late) == (60, 80, 30)
    assert (expiry.type, expiry.amount, expiry.posted_after) == (TransactionType.EXPIRY, 30, 50)
    assert expiry.effective_time == NOON + HOUR
    assert decision.accounts[BEANS].posted == 50


def test_nothing_is_late_a_microsecond_before_the_expiry() -> None:
    now = NOON + HOUR - timedelta(microseconds=1)
    assert outcome_of(reverse(BOUGHT), books=SPENT, now=now).reversal.late == 0


@pytest.mark.parametrize(
    ("terms", "expiry"),
    [
        ({"late_restore": LateRestore.GRACE, "grace_days": 3}, NOON + 2 * HOUR + timedelta(days=3)),
        ({"late_restore": LateRestore.REISSUE}, datetime(2027, 12, 31, 16, tzinfo=UTC)),
    ],
)
def test_a_part_whose_lot_is_void_comes_back_with_grace_or_anew(terms: dict, expiry) -> None:
    decision = decide(group(reverse(BOUGHT, **terms)), books=SPENT, now=NOON + 2 * HOUR)
    (back,) = decision.records
    assert [(each.amount, each.expire_time) for each in back.movements] == [
        (30, datetime(2027, 12, 31, 16, tzinfo=UTC)),
        (30, expiry),
    ]
    assert (back.posted_after, back.reversal.late) == (80, 30)
    assert all(each.funding_account_id == "platform" for each in back.movements)


def test_points_are_reissued_by_the_rule_of_the_day() -> None:
    late = datetime(2028, 1, 5, tzinfo=UTC)
    back = outcome_of(reverse(BOUGHT, 5, late_restore=LateRestore.REISSUE), books=SPENT, now=late)
    assert back.movements[0].expire_time == datetime(2029, 12, 31, 16, tzinfo=UTC)


def test_points_of_an_asset_that_is_no_more_cannot_be_reissued() -> None:
    terms = replace(TERMS, assets={})
    asked = group(reverse(BOUGHT, late_restore=LateRestore.REISSUE), terms=terms)
    (outcome,) = decide(asked, books=SPENT, now=NOON + HOUR).outcomes[0]
    assert isinstance(outcome.error, AssetNotFound)
    (outcome,) = decide(group(reverse(BOUGHT), terms=terms), books=SPENT).outcomes[0]
    assert isinstance(outcome, Posted)


def test_a_restored_balance_may_pass_the_limit_of_the_asset_but_not_of_the_ledger() -> None:
    stamps = earn(100, asset_id="stamp")
    bought = spend(100, asset_id="stamp")
    books = after(stamps, bought, earn(100, asset_id="stamp"))
    assert outcome_of(reverse(bought), books=books).posted_after == 200
    full = earn(AMOUNT_MAX, asset_id="token")
    bought = spend(1, asset_id="token")
    books = after(full, bought, earn(1, asset_id="token"))
    assert isinstance(outcome_of(reverse(bought), books=books), BalanceLimitExceeded)


def test_an_earning_is_taken_from_its_own_lot_first() -> None:
    books = after(LONG, SHORT)
    back = outcome_of(reverse(LONG, 20), books=books)
    assert (back.type, back.amount, moved(back)) == (TransactionType.EARN_REVERSAL, 20, [(1, -20)])
    assert (back.counter_account_id, back.posted_after) == ("platform", 60)


def test_what_is_not_in_its_own_lot_is_taken_soonest_expiry_first() -> None:
    gift = earn(40, counter_account_id="merchant")
    books = after(LONG, SHORT, gift, spend(50))  # 30 short and 20 long are gone.
    assert moved(outcome_of(reverse(LONG, 50), books=books)) == [(1, -30), (3, -20)]
    assert moved(outcome_of(reverse(SHORT), books=books)) == [(1, -30)]
    returned = outcome_of(reverse(gift, 40), books=books)
    assert (moved(returned), returned.counter_account_id) == ([(3, -40)], "merchant")


@pytest.mark.parametrize(
    ("shortfall", "amount", "posted_after", "missing"),
    [(Shortfall.CLAMP, 20, 0, 30), (Shortfall.DEBT, 50, -30, 0)],
)
def test_what_is_no_longer_there_is_left_or_owed(shortfall, amount, posted_after, missing) -> None:
    back = outcome_of(reverse(LONG, shortfall=shortfall), books=SPENT)
    assert (back.amount, back.posted_after) == (amount, posted_after)
    assert back.reversal.requested - back.amount == missing
    assert back.debt_change == max(0, -posted_after)


def test_what_was_left_can_be_taken_later() -> None:
    books = after(reverse(LONG), books=SPENT)
    books = after(earn(100), books=books)
    assert outcome_of(reverse(LONG), books=books).amount == 30


INDEBTED = after(reverse(LONG, shortfall=Shortfall.DEBT), books=SPENT)  # 30 are owed.


def test_a_debtor_cannot_spend_and_has_nothing() -> None:
    """E18, I5."""
    error = outcome_of(spend(1), books=INDEBTED)
    assert (type(error), error.available) == (InsufficientPoints, 0)
    balance = balance_at(INDEBTED.accounts[BEANS], NOON)
    assert (balance.posted, balance.available, balance.debt) == (-30, 0, 30)


@pytest.mark.parametrize(("amount", "left", "owed"), [(29, 0, 1), (30, 0, 0), (31, 1, 0)])
def test_a_debt_is_repaid_first(amount: int, left: int, owed: int) -> None:
    """E18, and the museum's debt and positive balance together (I5)."""
    books = after(earn(amount, counter_account_id="merchant"), books=INDEBTED)
    balance = balance_at(books.accounts[BEANS], NOON)
    assert (balance.available, balance.debt) == (left, owed)


def test_an_earning_that_repays_says_what_came_and_what_went() -> None:
    earned = outcome_of(earn(40, counter_account_id="merchant"), books=INDEBTED)
    assert (earned.amount, earned.posted_after, earned.debt_change) == (40, 10, -30)
    assert moved(earned) == [(3, 40), (3, -30)]


def test_points_that_come_back_repay_a_debt_too() -> None:
    back = outcome_of(reverse(BOUGHT), books=INDEBTED)
    assert (back.posted_after, back.debt_change) == (30, -30)
    assert moved(back) == [(1, 30), (1, -30), (2, 30)]
    void = decide(group(reverse(BOUGHT)), books=INDEBTED, now=NOON + HOUR)
    assert [record.posted_after for record in void.records] == [30, 0]


def test_void_points_that_come_back_repay_nothing() -> None:
    books = after(LONG, SHORT, earn(10, request_id="third"))
    bought = spend(90)
    owed = [reverse(each, shortfall=Shortfall.DEBT) for each in (LONG, SHORT)]
    books = after(bought, *owed, books=books)
    decision = decide(group(reverse(bought)), books=books, now=NOON + HOUR)
    back, expiry = decision.records
    assert (back.amount, back.posted_after, back.debt_change) == (90, 10, -60)
    assert (expiry.amount, expiry.posted_after) == (30, -20)
    assert balance_at(decision.accounts[BEANS], NOON + HOUR).debt == 20


def test_all_of_an_earning_may_be_owed() -> None:
    back = outcome_of(spend(20), reverse(LONG, shortfall=Shortfall.DEBT), books=SPENT)
    assert (back.posted_after, back.movements, back.debt_change) == (-50, (), 50)


def test_a_debt_has_a_limit() -> None:
    drafts = []
    for _ in range(2):
        full = earn(AMOUNT_MAX)
        drafts += [full, spend(AMOUNT_MAX)]
    books = after(*drafts)
    owed = reverse(drafts[0], shortfall=Shortfall.DEBT)
    books = after(owed, books=books)
    error = outcome_of(reverse(drafts[2], 1, shortfall=Shortfall.DEBT), books=books)
    assert isinstance(error, InsufficientPoints)


def leaf(record) -> bytes:
    return chain.leaf_of(record, shard_id=1, position=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reversed_request_id", "other"),
        ("original_amount", 61),
        ("reversed_before", 1),
        ("requested", 41),
        ("late_restore", LateRestore.REISSUE),
        ("grace_days", 1),
        ("shortfall", Shortfall.REJECT),
        ("late", 1),
    ],
)
def test_the_chain_covers_all_of_a_reversal(name: str, value: object) -> None:
    posted = outcome_of(reverse(BOUGHT, 40), books=SPENT)
    changed = replace(posted, reversal=replace(posted.reversal, **{name: value}))
    assert leaf(posted) != leaf(changed)
    assert leaf(posted) != leaf(replace(posted, reversal=None))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reversed_request_id", "other"),
        ("amount", None),
        ("late_restore", LateRestore.REISSUE),
        ("grace_days", 1),
        ("shortfall", Shortfall.REJECT),
        ("effective_time", NOON),
        ("reason", "x"),
        ("labels", {"a": "b"}),
        ("program_revision", "x"),
        ("type", TransactionType.EARN_REVERSAL),
    ],
)
def test_the_chain_covers_all_of_a_refused_reversal(name: str, value: object) -> None:
    (kept,) = decide(group(reverse(BOUGHT, 61)), books=SPENT).records
    assert leaf(kept) != leaf(replace(kept, draft=replace(kept.draft, **{name: value})))
