"""The posting decision as tables: what is allowed, what is just not, which refusal is first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from laurel_ledger.domain.accounts import Account, AccountKey
from laurel_ledger.domain.errors import (
    LASTING,
    AccountNotFound,
    AmountTooLarge,
    AssetNotFound,
    BalanceLimitExceeded,
    BatchMemberFailed,
    ExpiryNotAfterActive,
    InsufficientPoints,
    LedgerError,
    RequestIdReused,
    TimeInFuture,
)
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import (
    Decision,
    DueAccount,
    Group,
    Posted,
    Refused,
    decide_batch,
)
from laurel_ledger.domain.transactions import Rejection, Transaction, TransactionType

from tests.support.ledger import MEMBER, NOON, PROGRAM, SKEW, draft, earn, group, spend

MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
EMPTY = Books(accounts={}, records={})


def decide(*groups: Group, books: Books = EMPTY, now: datetime = NOON) -> Decision:
    return decide_batch(books, groups, now=now, skew_max=SKEW)


def after(*drafts, books: Books = EMPTY, now: datetime = NOON) -> Books:
    """The books after some drafts."""
    decision = decide(group(*drafts), books=books, now=now)
    records = {record.request_key: record for record in decision.records}
    return Books(
        accounts={**books.accounts, **decision.accounts}, records={**books.records, **records}
    )


def outcome_of(*drafts, books: Books = EMPTY, now: datetime = NOON):
    """What becomes of the last of some drafts: a transaction, or the refusal."""
    outcome = decide(group(*drafts), books=books, now=now).outcomes[0][-1]
    return outcome.error if isinstance(outcome, Refused) else outcome.transaction


HUNDRED = after(earn(100, request_id="first"))
OUTCOMES = [
    # What is allowed beside what is just not allowed.
    (EMPTY, earn(1), Transaction),
    (EMPTY, earn(10**15), Transaction),
    (EMPTY, earn(10**15 + 1), AmountTooLarge),
    (EMPTY, earn(100, asset_id="stamp"), Transaction),
    (EMPTY, earn(101, asset_id="stamp"), AmountTooLarge),
    (after(earn(100, asset_id="stamp")), earn(50, asset_id="stamp"), Transaction),
    (after(earn(100, asset_id="stamp")), earn(51, asset_id="stamp"), BalanceLimitExceeded),
    (after(earn(10**15 - 1)), earn(1), Transaction),
    (after(earn(10**15)), earn(1), BalanceLimitExceeded),
    (HUNDRED, spend(99), Transaction),
    (HUNDRED, spend(100), Transaction),
    (HUNDRED, spend(101), InsufficientPoints),
    (HUNDRED, spend(1, member_id="m-2"), InsufficientPoints),
    (HUNDRED, spend(1, asset_id="coin"), InsufficientPoints),
    (EMPTY, spend(1), InsufficientPoints),
    (EMPTY, earn(1, asset_id="gold"), AssetNotFound),
    (EMPTY, earn(1, counter_account_id="merchant"), Transaction),
    (EMPTY, earn(1, counter_account_id="checkout"), AccountNotFound),
    (EMPTY, earn(1, counter_account_id="nobody"), AccountNotFound),
    (HUNDRED, spend(1, counter_account_id="platform"), AccountNotFound),
    (HUNDRED, spend(1, counter_account_id="breakage"), AccountNotFound),
    (EMPTY, earn(1, effective_time=NOON + SKEW), Transaction),
    (EMPTY, earn(1, effective_time=NOON + SKEW + MICROSECOND), TimeInFuture),
    (EMPTY, earn(1, expire_time=NOON + MICROSECOND), Transaction),
    (EMPTY, earn(1, expire_time=NOON), ExpiryNotAfterActive),
    (EMPTY, earn(1, asset_id="coin", effective_time=NOON - 23 * HOUR), Transaction),
    (EMPTY, earn(1, asset_id="coin", effective_time=NOON - 24 * HOUR), ExpiryNotAfterActive),
    # Precedence: an earlier outcome, asset, account, times, amount, balance.
    (HUNDRED, earn(5, request_id="first", asset_id="gold"), RequestIdReused),
    (EMPTY, earn(101, asset_id="gold", counter_account_id="nobody"), AssetNotFound),
    (
        EMPTY,
        earn(101, asset_id="stamp", counter_account_id="nobody", effective_time=NOON + HOUR),
        AccountNotFound,
    ),
    (EMPTY, earn(101, asset_id="stamp", effective_time=NOON + HOUR), TimeInFuture),
    (EMPTY, earn(101, asset_id="stamp", expire_time=NOON), AmountTooLarge),
    (
        after(earn(100, asset_id="stamp")),
        earn(51, asset_id="stamp", expire_time=NOON),
        ExpiryNotAfterActive,
    ),
    (EMPTY, spend(101, asset_id="stamp"), AmountTooLarge),
]


@pytest.mark.parametrize(("books", "asked", "expected"), OUTCOMES)
def test_a_draft_comes_to_its_outcome(books: Books, asked, expected: type) -> None:
    assert type(outcome_of(asked, books=books)) is expected


@pytest.mark.parametrize(("books", "asked", "expected"), OUTCOMES)
def test_only_lasting_refusals_are_kept(books: Books, asked, expected: type) -> None:
    records = decide(group(asked), books=books).records
    if expected is Transaction:
        assert [type(record) for record in records] == [Transaction]
    elif expected.lasting:
        assert [type(record) for record in records] == [Rejection]
    else:
        assert not records


@pytest.mark.parametrize("asked", [earn(5), spend(5), spend(500)])
def test_a_repeat_has_the_first_outcome_whatever_happened_since(asked) -> None:
    books = after(earn(100), asked)
    first = books.records[asked.request_key]
    later = after(earn(1000), books=books, now=NOON + 20_000 * HOUR)
    (again,) = decide(group(asked), books=later, now=NOON + 20_000 * HOUR).outcomes[0]
    assert again.replayed
    assert (first.error if isinstance(again, Refused) else first) == (
        again.error if isinstance(again, Refused) else again.transaction
    )


@pytest.mark.parametrize(
    ("change", "mismatched"),
    [
        ({"amount": 6}, "amount"),
        ({"asset_id": "coin"}, "asset_id"),
        ({"counter_account_id": "merchant"}, "funding_account_id"),
        ({"expire_time": NOON + HOUR}, "expire_time"),
        ({"effective_time": NOON}, "effective_time"),
        ({"reason": "other"}, "reason"),
        ({"labels": {"order": "2"}}, "labels"),
        ({"program_revision": "sha256:first"}, "program_revision"),
        ({"amount": 6, "reason": "other"}, "amount,reason"),
        ({"type": TransactionType.SPEND, "counter_account_id": "checkout"}, "effect"),
    ],
)
def test_what_differs_under_a_reused_request_id_is_named(change: dict, mismatched: str) -> None:
    first = earn(5, labels={"order": "1"})
    error = outcome_of(replace(first, **change), books=after(first))
    assert isinstance(error, RequestIdReused)
    assert error.mismatched_fields == mismatched


def test_a_request_id_is_free_for_another_member() -> None:
    first = earn(5)
    assert isinstance(outcome_of(replace(first, member_id="m-2"), books=after(first)), Transaction)


def test_the_same_request_id_twice_in_a_batch_posts_once() -> None:
    asked = earn(5)
    decision = decide(group(asked, asked, replace(asked, amount=6)))
    first, again, other = decision.outcomes[0]
    assert (first.replayed, again.replayed) == (False, True)
    assert isinstance(other.error, RequestIdReused)
    assert len(decision.records) == 1


def test_drafts_see_the_effects_of_the_ones_before_them() -> None:
    outcomes = decide(group(spend(5), earn(5), spend(5), spend(1))).outcomes[0]
    assert [type(outcome) for outcome in outcomes] == [Refused, Posted, Posted, Refused]


def test_an_atomic_group_that_fails_leaves_nothing() -> None:
    kept = earn(10)
    decision = decide(
        group(kept),
        group(spend(4), earn(7, member_id="m-2"), spend(7), atomic=True),
        group(spend(10)),
    )
    (failure,) = decision.outcomes[1]
    assert isinstance(failure.error, BatchMemberFailed)
    assert (failure.error.index, failure.error.cause) == (2, "INSUFFICIENT_POINTS")
    assert isinstance(failure.error.__cause__, InsufficientPoints)
    assert isinstance(decision.outcomes[2][0], Posted)
    assert decision.records[0].request_id == kept.request_id
    assert len(decision.records) == 2


def test_an_atomic_group_that_succeeds_is_whole() -> None:
    decision = decide(group(earn(10), spend(4), atomic=True))
    assert [type(outcome) for outcome in decision.outcomes[0]] == [Posted, Posted]


def test_an_atomic_group_may_repeat_what_was_posted_before() -> None:
    first = earn(10)
    outcomes = decide(group(first, spend(4), atomic=True), books=after(first)).outcomes[0]
    assert [outcome.replayed for outcome in outcomes] == [True, False]


EXPIRING = after(
    earn(30, expire_time=NOON + HOUR),
    earn(20, expire_time=NOON + 2 * HOUR, counter_account_id="merchant"),
    earn(10, expire_time=NOON + 2 * HOUR),
    earn(5, asset_id="stamp"),
    earn(40),
)


@pytest.mark.parametrize(
    ("now", "available"),
    [
        (NOON + HOUR - MICROSECOND, 100),
        (NOON + HOUR, 70),
        # The expiry of the first hour takes the microsecond before.
        (NOON + 2 * HOUR - 2 * MICROSECOND, 70),
        (NOON + 2 * HOUR, 40),
        (datetime(2027, 12, 31, 16, tzinfo=UTC), 0),
    ],
)
def test_a_spending_is_exact_at_the_instant_of_expiry(now: datetime, available: int) -> None:
    """A due expiry counts whether or not it has been posted (E19, E20)."""
    error = outcome_of(spend(available + 1), books=EXPIRING, now=now)
    assert isinstance(error, InsufficientPoints)
    assert error.available == available
    if available:
        assert isinstance(outcome_of(spend(available), books=EXPIRING, now=now), Transaction)


def test_expiries_are_transactions_of_their_own_before_what_touched_them() -> None:
    decision = decide(group(spend(1)), books=EXPIRING, now=NOON + 3 * HOUR)
    first, second, spending = decision.records
    assert [first.type, second.type] == [TransactionType.EXPIRY] * 2
    assert (first.effective_time, first.amount) == (NOON + HOUR, 30)
    assert (second.effective_time, second.amount) == (NOON + 2 * HOUR, 30)
    assert [each.funding_account_id for each in second.movements] == ["merchant", "platform"]
    assert [record.commit_time for record in decision.records] == [
        NOON + 3 * HOUR + n * MICROSECOND for n in range(3)
    ]
    assert (spending.version, spending.posted_after) == (7, 39)


def test_a_sweep_expires_what_is_due_and_nothing_else() -> None:
    key = AccountKey(PROGRAM, MEMBER, "bean")
    sweep = Group(due=(DueAccount(key=key, program_revision="sha256:first"),))
    decision = decide(sweep, books=EXPIRING, now=NOON + HOUR)
    assert [record.amount for record in decision.records] == [30]
    assert decision.accounts[key].posted == 70
    again = Books(accounts=decision.accounts, records={})
    assert not decide(sweep, books=again, now=NOON + HOUR).records


def test_a_lot_that_was_spent_before_it_was_void_closes_without_a_transaction() -> None:
    books = after(spend(30), books=EXPIRING)
    decision = decide(group(earn(1)), books=books, now=NOON + HOUR)
    assert [record.type for record in decision.records] == [TransactionType.EARN]
    account = decision.accounts[AccountKey(PROGRAM, MEMBER, "bean")]
    assert [lot.expired for lot in account.lots][:2] == [True, False]


def test_points_are_spent_soonest_expiry_first_e20_o20() -> None:
    """The example of P11."""
    books = after(
        earn(2500, expire_time=datetime(2027, 12, 31, 16, tzinfo=UTC)),
        earn(1200, expire_time=datetime(2026, 12, 31, 16, tzinfo=UTC)),
        earn(800, expire_time=datetime(2026, 6, 30, 16, tzinfo=UTC)),
        earn(9, asset_id="stamp"),
    )
    transaction = outcome_of(spend(3000), books=books)
    assert [(each.lot_no, each.amount) for each in transaction.movements] == [
        (3, -800),
        (2, -1200),
        (1, -1000),
    ]


def test_earnings_of_one_funder_and_expiry_share_a_lot() -> None:
    books = after(earn(10), earn(5), earn(7, counter_account_id="merchant"), spend(12))
    account = books.accounts[AccountKey(PROGRAM, MEMBER, "bean")]
    assert [(lot.earned, lot.consumed) for lot in account.lots] == [(15, 12), (7, 0)]
    transaction = outcome_of(spend(5), books=books)
    assert [(each.lot_no, each.position) for each in transaction.movements] == [(1, 12), (2, 0)]


def test_a_transaction_carries_the_revision_that_made_it() -> None:
    assert outcome_of(earn(1)).program_revision == "sha256:first"
    assert outcome_of(earn(1, program_revision="callers")).program_revision == "callers"


def test_an_account_opens_by_itself_for_a_lasting_refusal() -> None:
    decision = decide(group(spend(1)))
    key = AccountKey(PROGRAM, MEMBER, "bean")
    assert decision.accounts == {key: Account(key=key)}


def test_a_name_of_an_expiry_is_a_uuid_of_version_7() -> None:
    decision = decide(group(earn(1)), books=EXPIRING, now=NOON + HOUR)
    name = decision.records[0].request_id
    assert (name[14], name[19] in "89ab", len(name)) == ("7", True, 36)
    assert draft(TransactionType.EARN, 1, "platform", request_id=name).request_id == name


def test_every_lasting_refusal_can_be_read_back() -> None:
    kept = {each.__name__: each for each in LedgerError.__subclasses__() if each.lasting}
    assert kept == LASTING
