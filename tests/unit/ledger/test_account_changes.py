"""Accounts that are suspended, limited or closed: what may be done to them and in them (B10)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from laurel_ledger.domain.account_changes import ChangeDraft, decide_change, etag_of
from laurel_ledger.domain.accounts import Account, AccountKey
from laurel_ledger.domain.assets import AMOUNT_MAX
from laurel_ledger.domain.errors import (
    AccountClosed,
    AccountLimitExceeded,
    AccountNotEmpty,
    AccountSuspended,
    BalanceLimitExceeded,
    EtagMismatch,
    InsufficientPoints,
)
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import Posted, decide_batch
from laurel_ledger.domain.spendings import Spending, SpendShortfall
from laurel_ledger.domain.standings import AccountLimits, AccountState, ChangeKind, Standing
from laurel_ledger.domain.transactions import TransactionType

from tests.support.ledger import (
    NOON,
    PROGRAM,
    SKEW,
    capture,
    draft,
    earn,
    extend,
    freeze,
    group,
    hold,
    release,
    reverse,
    spend,
    transfer,
    void,
)

KEY = AccountKey(PROGRAM, "m-1", "bean")
OPEN, SUSPENDED, CLOSED = AccountState
LIMITS = AccountLimits(balance_max=200, earn_max=60, spend_max=40)


def books_of(*drafts, standing: Standing | None = None) -> Books:
    """The books after some drafts, with the account standing so."""
    decision = decide_batch(
        Books(accounts={}, records={}), [group(*drafts)], now=NOON, skew_max=SKEW
    )
    account = decision.accounts.get(KEY) or Account(key=KEY)
    if standing is not None:
        account = replace(account, standing=standing)
    return Books(
        accounts={KEY: account},
        records={each.request_key: each for each in decision.records},
        holds={(PROGRAM, "m-1", each.hold_id): each for each in decision.holds},
    )


def outcome_of(books: Books, asked) -> type:
    ((outcome,),) = decide_batch(books, [group(asked)], now=NOON, skew_max=SKEW).outcomes
    return Posted if isinstance(outcome, Posted) else type(outcome.error)


EARNED, SPENT, HELD = earn(100), spend(10), hold(20)
ADJUSTED = TransactionType.ADJUSTMENT_CREDIT, TransactionType.ADJUSTMENT_DEBIT


@pytest.mark.parametrize(
    ("state", "asked", "outcome"),
    [
        (SUSPENDED, earn(1), AccountSuspended),
        (SUSPENDED, spend(1), AccountSuspended),
        (SUSPENDED, hold(1), AccountSuspended),
        (SUSPENDED, spend(AMOUNT_MAX), AccountSuspended),
        (SUSPENDED, capture(HELD, 5), Posted),
        (SUSPENDED, release(HELD), Posted),
        (SUSPENDED, extend(HELD, minutes=90), Posted),
        (SUSPENDED, reverse(SPENT), Posted),
        (SUSPENDED, reverse(EARNED), Posted),
        (SUSPENDED, draft(ADJUSTED[0], 5, "platform"), Posted),
        (SUSPENDED, draft(ADJUSTED[1], 5, "platform"), Posted),
        (SUSPENDED, EARNED, Posted),
        (CLOSED, earn(1), AccountClosed),
        (CLOSED, spend(1), AccountClosed),
        (CLOSED, hold(1), AccountClosed),
        (CLOSED, release(HELD), AccountClosed),
        (CLOSED, reverse(SPENT), AccountClosed),
        (CLOSED, draft(ADJUSTED[0], 5, "platform"), AccountClosed),
        (CLOSED, EARNED, Posted),
        (OPEN, spend(70), Posted),
        (OPEN, spend(71), InsufficientPoints),
    ],
)
def test_postings_heed_the_state_of_their_account(state, asked, outcome) -> None:
    books = books_of(EARNED, SPENT, HELD, standing=Standing(state=state, change_no=1))
    assert outcome_of(books, asked) is outcome


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        (earn(60), Posted),
        (earn(61), AccountLimitExceeded),
        (spend(40), Posted),
        (spend(41), AccountLimitExceeded),
        (hold(40), Posted),
        (hold(41), AccountLimitExceeded),
        (draft(ADJUSTED[0], 100, "platform"), Posted),
        (draft(ADJUSTED[0], 101, "platform"), BalanceLimitExceeded),
        (draft(ADJUSTED[1], 41, "platform"), Posted),
    ],
)
def test_postings_heed_the_limits_of_their_account(asked, outcome) -> None:
    books = books_of(EARNED, standing=Standing(limits=LIMITS, change_no=1))
    assert outcome_of(books, asked) is outcome


GIVER, TAKER = AccountKey(PROGRAM, "m-1", "token"), AccountKey(PROGRAM, "m-2", "token")
FULL = Standing(limits=AccountLimits(balance_max=39), change_no=1)
FRUGAL = Standing(limits=AccountLimits(spend_max=39), change_no=1)


@pytest.mark.parametrize(
    ("giver", "taker", "outcome"),
    [
        (Standing(), Standing(), Posted),
        (Standing(state=SUSPENDED), Standing(), AccountSuspended),
        (Standing(), Standing(state=SUSPENDED), AccountSuspended),
        (Standing(state=CLOSED), Standing(), AccountClosed),
        (Standing(), Standing(state=CLOSED), AccountClosed),
        (Standing(state=SUSPENDED), Standing(state=CLOSED), AccountSuspended),
        (FRUGAL, Standing(), AccountLimitExceeded),
        (FRUGAL, Standing(state=SUSPENDED), AccountLimitExceeded),
        (Standing(), FULL, BalanceLimitExceeded),
        (FULL, FRUGAL, Posted),
    ],
)
def test_transfers_heed_how_both_accounts_stand(giver, taker, outcome) -> None:
    earned = earn(60, asset_id="token")
    decision = decide_batch(
        Books(accounts={}, records={}), [group(earned)], now=NOON, skew_max=SKEW
    )
    accounts = {
        GIVER: replace(decision.accounts[GIVER], standing=giver),
        TAKER: Account(key=TAKER, standing=taker),
    }
    assert outcome_of(Books(accounts=accounts, records={}), transfer(40)) is outcome


def test_limits_go_on_holding_within_a_batch() -> None:
    books = books_of(EARNED, standing=Standing(limits=LIMITS, change_no=1))
    asked = group(earn(60), earn(40), earn(1), spend(1), earn(1))
    (outcomes,) = decide_batch(books, [asked], now=NOON, skew_max=SKEW).outcomes
    assert [isinstance(each, Posted) for each in outcomes] == [True, True, False, True, True]
    assert isinstance(outcomes[2].error, BalanceLimitExceeded)
    assert outcomes[2].error.balance_max == 200


def change(kind: ChangeKind, **fields) -> ChangeDraft:
    usual = {"kind": kind, "key": KEY, "etag": "", "maker_id": "bob", "reason": "asked for"}
    return ChangeDraft(**(usual | fields))


@pytest.mark.parametrize(
    ("state", "kind", "outcome"),
    [
        (OPEN, ChangeKind.SUSPENSION, SUSPENDED),
        (SUSPENDED, ChangeKind.SUSPENSION, SUSPENDED),
        (SUSPENDED, ChangeKind.RESUMPTION, OPEN),
        (OPEN, ChangeKind.RESUMPTION, OPEN),
        (OPEN, ChangeKind.CLOSURE, CLOSED),
        (SUSPENDED, ChangeKind.CLOSURE, CLOSED),
        (SUSPENDED, ChangeKind.LIMITING, SUSPENDED),
        (CLOSED, ChangeKind.RESUMPTION, AccountClosed),
        (CLOSED, ChangeKind.SUSPENSION, AccountClosed),
        (CLOSED, ChangeKind.CLOSURE, AccountClosed),
        (CLOSED, ChangeKind.LIMITING, AccountClosed),
    ],
)
def test_a_change_leads_from_state_to_state(state, kind, outcome) -> None:
    account = Account(key=KEY, standing=Standing(state=state, limits=LIMITS, change_no=3))
    if outcome is AccountClosed:
        with pytest.raises(AccountClosed):
            decide_change(account, change(kind), NOON)
        return
    limits = AccountLimits(spend_max=1) if kind is ChangeKind.LIMITING else None
    changed = decide_change(account, change(kind, limits=limits), NOON)
    assert changed.standing == Standing(state=outcome, limits=limits or LIMITS, change_no=4)
    assert (changed.kind, changed.maker_id, changed.change_time) == (kind, "bob", NOON)


LENT = spend(30, spending=Spending(requested=30, shortfall=SpendShortfall.DEBT))


@pytest.mark.parametrize(
    ("drafts", "outcome"),
    [
        ([], CLOSED),
        ([EARNED, spend(100)], CLOSED),
        ([EARNED, spend(99)], AccountNotEmpty),
        ([EARNED, spend(80), HELD], AccountNotEmpty),
        ([EARNED, spend(80), HELD, capture(HELD)], CLOSED),
        ([EARNED, spend(80), HELD, release(HELD)], AccountNotEmpty),
        ([earn(100, activation_key="k")], AccountNotEmpty),
        ([earn(100, activation_key="k"), void(activation_key="k")], CLOSED),
        ([EARNED, freeze()], AccountNotEmpty),
        ([EARNED, freeze(), void(freeze_key="case")], CLOSED),
        ([LENT], AccountNotEmpty),
        ([LENT, earn(29)], AccountNotEmpty),
        ([LENT, earn(30)], CLOSED),
    ],
)
def test_only_an_account_without_points_and_debt_is_closed(drafts, outcome) -> None:
    account = books_of(*drafts).accounts[KEY]
    closing = change(ChangeKind.CLOSURE)
    if outcome is CLOSED:
        assert decide_change(account, closing, NOON).standing.state is CLOSED
        return
    with pytest.raises(AccountNotEmpty) as refused:
        decide_change(account, closing, NOON)
    there = sum(lot.remaining for lot in account.lots)
    assert (refused.value.points, refused.value.debt) == (there, account.owed)
    assert decide_change(account, change(ChangeKind.SUSPENSION), NOON)


@pytest.mark.parametrize(
    ("etag", "state", "outcome"),
    [
        ("", OPEN, SUSPENDED),
        ("c1", OPEN, SUSPENDED),
        ("c0", OPEN, EtagMismatch),
        ("c2", OPEN, EtagMismatch),
        ("1", OPEN, EtagMismatch),
        ("c0", CLOSED, EtagMismatch),
        ("c1", CLOSED, AccountClosed),
    ],
)
def test_an_etag_of_another_moment_is_refused(etag, state, outcome) -> None:
    account = Account(key=KEY, standing=Standing(state=state, change_no=1))
    asked = change(ChangeKind.SUSPENSION, etag=etag)
    if outcome is SUSPENDED:
        assert etag_of(decide_change(account, asked, NOON).standing.change_no) == "c2"
        return
    with pytest.raises(outcome):
        decide_change(account, asked, NOON)
