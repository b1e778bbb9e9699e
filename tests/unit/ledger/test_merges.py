"""Accounts that go on in another member's: lots as they are, and what stands against it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from laurel_ledger.domain.account_changes import ChangeDraft
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.balances import balance_at
from laurel_ledger.domain.chain import leaf_of
from laurel_ledger.domain.errors import (
    AccountClosed,
    AccountNotMergeable,
    AccountSuspended,
    BalanceLimitExceeded,
    EtagMismatch,
    RequestIdReused,
)
from laurel_ledger.domain.merges import MergeDraft, decide_merge
from laurel_ledger.domain.pages import MICROSECOND, Books
from laurel_ledger.domain.posting import Posted, decide_batch
from laurel_ledger.domain.reversal_terms import Shortfall
from laurel_ledger.domain.spendings import Spending, SpendShortfall
from laurel_ledger.domain.standings import AccountState, ChangeKind, Standing
from laurel_ledger.domain.transactions import TransactionType

from tests.support.ledger import (
    MEMBER,
    NOON,
    PROGRAM,
    SKEW,
    TERMS,
    activate,
    capture,
    earn,
    freeze,
    group,
    hold,
    release,
    reverse,
    spend,
    thaw,
    void,
)

HOUR = timedelta(hours=1)
FROM, INTO = (AccountKey(PROGRAM, member, "bean") for member in (MEMBER, "m-2"))
OTHER = {"member_id": "m-2"}


def after(*drafts, books: Books | None = None, now=NOON) -> Books:
    """The books after some drafts that are all posted."""
    books = books or Books(accounts={}, records={})
    decision = decide_batch(books, [group(*drafts)], now=now, skew_max=SKEW)
    assert all(isinstance(each, Posted) for each in decision.outcomes[0]), decision.outcomes
    return Books(
        accounts={**books.accounts, **decision.accounts},
        records={**books.records, **{each.request_key: each for each in decision.records}},
        holds={**books.holds, **{_name(each): each for each in decision.holds}},
    )


def _name(held):
    return (held.key.program_id, held.key.member_id, held.hold_id)


def merge(books: Books, *, now=NOON, release_holds: bool = False, **closing):
    content = {"etag": "", "maker_id": "ann", "reason": "one person"} | closing
    draft = MergeDraft(
        closing=ChangeDraft(kind=ChangeKind.CLOSURE, key=FROM, **content),
        request_id="merge",
        to_member_id="m-2",
        release_holds=release_holds,
    )
    return decide_merge(books, draft, TERMS, now)


def standing(books: Books, key: AccountKey, state: AccountState) -> Books:
    account = replace(books.accounts[key], standing=Standing(state=state, change_no=1))
    return replace(books, accounts={**books.accounts, key: account})


def cells(transaction) -> list[tuple]:
    moved = transaction.movements
    return [(each.funding_account_id, each.expire_time, each.amount) for each in moved]


SOON = earn(20, expire_time=NOON + HOUR, counter_account_id="merchant")
RICH = after(earn(30), SOON, earn(5, activation_key="key"), earn(1, **OTHER))


def test_a_merge_carries_every_lot_as_it_is_and_closes_the_account() -> None:
    merged = merge(RICH)
    given, received = merged.decision.records
    assert (given.type, given.signed_amount) == (TransactionType.MERGE_OUT, -55)
    assert (received.type, received.signed_amount) == (TransactionType.MERGE_IN, 55)
    assert cells(given) == [(who, end, -points) for who, end, points in cells(received)]
    assert cells(received)[0] == ("merchant", NOON + HOUR, 20)
    assert (given.transfer.member_id, given.transfer.request_id) == ("m-2", received.request_id)
    assert [each.activation_key for each in received.transfer.lots] == ["key"]
    after_it = merged.decision.accounts[INTO]
    found = balance_at(after_it, NOON)
    assert (found.posted, found.available, found.pending) == (56, 51, 5)
    assert merged.change.standing.state is AccountState.CLOSED
    assert (merged.account.posted, merged.account.owed) == (0, 0)
    books = Books(accounts={**RICH.accounts, **merged.decision.accounts}, records={})
    books = after(activate(activation_key="key", **OTHER), books=books)
    assert balance_at(books.accounts[INTO], NOON).available == 56
    carried = received.transfer.lots[0]
    for field, value in (("lot_no", 9), ("activated", True), ("activation_key", "other")):
        lots = (carried._replace(**{field: value}),)
        other = replace(received, transfer=replace(received.transfer, lots=lots))
        assert digest(other) != digest(received)


def digest(record) -> bytes:
    return leaf_of(record, shard_id=1, position=1)


def test_an_empty_account_only_closes() -> None:
    books = after(earn(3), spend(3))
    merged = merge(books)
    assert (merged.given, merged.decision.records) == (None, ())
    assert merged.change.kind is ChangeKind.CLOSURE


def test_what_is_void_of_either_expires_before() -> None:
    merged = merge(after(earn(7, **OTHER, expire_time=NOON + HOUR), books=RICH), now=NOON + HOUR)
    assert [each.type.name for each in merged.decision.records] == [
        *("EXPIRY", "EXPIRY", "MERGE_OUT", "MERGE_IN"),
    ]


def test_what_the_other_member_owes_is_repaid_first() -> None:
    """E18."""
    gone = earn(10, **OTHER)
    books = after(gone, spend(11, **OTHER), books=RICH)
    books = after(reverse(gone, shortfall=Shortfall.DEBT), books=books)
    merged = merge(books)
    assert merged.received.debt_change == -10
    found = balance_at(merged.decision.accounts[INTO], NOON)
    assert (found.posted, found.available, found.debt) == (45, 40, 0)


HELD = hold(12)
LENT = spend(90, spending=Spending(requested=90, shortfall=SpendShortfall.DEBT))
MUCH = 10**15 - 55
"""With so many of its own, the other account can take just what this one has."""


@pytest.mark.parametrize(
    ("before", "options", "expected"),
    [
        ([HELD], {}, AccountNotMergeable),
        ([HELD], {"release_holds": True}, None),
        ([HELD, release(HELD)], {}, None),
        ([HELD, capture(HELD, 11)], {}, AccountNotMergeable),
        ([HELD, capture(HELD, 11), capture(HELD, 1)], {}, None),
        ([freeze()], {}, AccountNotMergeable),
        ([freeze()], {"release_holds": True}, AccountNotMergeable),
        ([freeze(), thaw(freeze_key="case")], {}, None),
        ([freeze(), void(freeze_key="case")], {}, None),
        ([LENT], {}, AccountNotMergeable),
        ([LENT, earn(39)], {}, AccountNotMergeable),
        ([LENT, earn(40)], {}, None),
        ([earn(MUCH - 1, **OTHER)], {}, None),
        ([earn(MUCH, **OTHER)], {}, BalanceLimitExceeded),
        ([earn(MUCH, **OTHER), HELD], {}, AccountNotMergeable),
        ([], {"etag": "c0"}, None),
        ([], {"etag": "c1"}, EtagMismatch),
        ([HELD], {"etag": "c1"}, EtagMismatch),
        ([earn(1, request_id="merge")], {}, RequestIdReused),
        ([earn(1, request_id="merge"), HELD], {}, RequestIdReused),
        ([earn(1, request_id="merge", **OTHER)], {}, None),
    ],
)
def test_what_is_open_stands_against_a_merge(before, options, expected) -> None:
    books = after(*before, books=RICH)
    if expected is None:
        found = merge(books, **options)
        assert found.change.standing.state is AccountState.CLOSED
        assert (found.account.posted, found.account.held, found.account.owed) == (0, 0, 0)
        return
    with pytest.raises(expected):
        merge(books, **options)


def test_holds_that_are_released_end_before_the_points_go_on() -> None:
    books = after(hold(12), hold(30), books=RICH)
    with pytest.raises(AccountNotMergeable) as refused:
        merge(books)
    assert (refused.value.held, refused.value.frozen, refused.value.debt) == (42, 0, 0)
    merged = merge(books, release_holds=True)
    assert [each.type.name for each in merged.decision.records] == [
        *("RELEASE", "RELEASE", "MERGE_OUT", "MERGE_IN"),
    ]
    assert [each.remaining for each in merged.decision.holds] == [0, 0]


@pytest.mark.parametrize(
    ("early", "expected"),
    [
        (2, ["MERGE_OUT", "MERGE_IN"]),
        (1, ["EXPIRY", "MERGE_OUT", "MERGE_IN"]),
        (0, ["EXPIRY", "MERGE_OUT", "MERGE_IN"]),
    ],
)
def test_what_is_void_before_it_arrives_is_void_before_it_goes(early: int, expected: list) -> None:
    """The points come a microsecond after they went."""
    merged = merge(RICH, now=NOON + HOUR - early * MICROSECOND)
    assert [each.type.name for each in merged.decision.records] == expected


@pytest.mark.parametrize(
    ("key", "state", "expected"),
    [
        (FROM, AccountState.CLOSED, AccountClosed),
        (INTO, AccountState.CLOSED, AccountClosed),
        (INTO, AccountState.SUSPENDED, AccountSuspended),
        (FROM, AccountState.SUSPENDED, None),
    ],
)
def test_accounts_must_stand_so_that_they_can_be_merged(key, state, expected) -> None:
    books = standing(RICH, key, state)
    if expected is None:
        assert merge(books).change.standing.state is AccountState.CLOSED
        return
    with pytest.raises(expected):
        merge(books)


def test_a_name_that_is_taken_is_said_to_be_of_something_else() -> None:
    with pytest.raises(RequestIdReused) as reused:
        merge(after(earn(1, request_id="merge"), books=RICH))
    assert reused.value.mismatched_fields == "effect"
